// The licences of the detector and of what runs it in the browser.

import { readFile } from "embedded";
import { byId } from "ui_dom";

/**
 * Writes the licences; the long notices of third parties when somebody looks.
 *
 * @param {any} parameters The detector's.
 */
export function showLicences({ licence, runtime }) {
  byId("licence-detector").textContent = licence || "The detector's author named no licence.";
  byId("licence-runtime").textContent = `${runtime.name} ${runtime.version} runs the model:`;
  byId("licence-text").textContent = runtime.licence;
  const details = byId("licences");
  details.addEventListener("toggle", showNotices, { once: true });
}

async function showNotices() {
  const bytes = await readFile(document, "runtime-notices");
  byId("licence-notices").textContent = new TextDecoder().decode(bytes);
}
