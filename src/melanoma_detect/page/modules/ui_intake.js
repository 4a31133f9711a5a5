// How images come in: chosen, photographed, dropped or pasted.

import { byId } from "ui_dom";

/**
 * Listens for images.
 *
 * @param {(files: File[]) => void} take What is done with them.
 */
export function listenForImages(take) {
  byId("camera").hidden = !navigator.maxTouchPoints; // elsewhere the button would choose files, as the first one does
  for (const id of ["choose", "photograph"]) {
    const input = byId(id);
    input.addEventListener("change", () => {
      take([...input.files]);
      input.value = ""; // the same file can be chosen again
    });
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // newer browsers open the chooser themselves, and a second one would end it
      input.click(); // as a button does, which it looks like
    });
  }
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
  listenForDrops(byId("intake"), take);
}

/** Stops taking images: the page must not be used. */
export function refuseImages() {
  byId("intake").hidden = true;
}

/**
 * Takes what is dropped anywhere on the page; without this, the browser would leave the page to show the file.
 *
 * @param {HTMLElement} zone What shows that it would be taken.
 * @param {(files: File[]) => void} take What is done with the files.
 */
function listenForDrops(zone, take) {
  let depth = 0; // of elements that the pointer has entered and not left
  const mark = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle("over", depth > 0);
  };
  document.addEventListener("dragenter", () => mark(1));
  document.addEventListener("dragleave", () => mark(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-depth);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  });
}
