// The section of all images: how far the work is, the number of each decision, the table, and the download.

import { writeCsv } from "ui_csv";
import { announce, byId, element } from "ui_dom";
import { Table } from "ui_table";
import { verdict } from "ui_verdict";
import { count, DECISIONS } from "ui_words";

/** The table of the session, with its progress and its buttons. */
export class List {
  /**
   * @param {import("ui_session").Session} session The images.
   * @param {(item: import("ui_session").Item) => void} open Opens one of them.
   */
  constructor(session, open) {
    this.session = session;
    this.table = new Table(session, open);
    byId("stop").addEventListener("click", () => (session.running ? session.stop() : session.run()));
    byId("remove").addEventListener("click", () => session.clear());
    byId("download").addEventListener("click", () =>
      download("scores.csv", writeCsv(session.items, session.engine.parameters)),
    );
  }

  /** Shows how far the work is. */
  showProgress() {
    const { items, finished, running } = this.session;
    const section = byId("list");
    section.hidden = items.length < 2;
    const waiting = items.length - finished;
    byId("progress-bar").max = Math.max(1, items.length);
    byId("progress-bar").value = finished;
    byId("progress-text").textContent = waiting
      ? `${finished} of ${items.length}${running ? "" : ", stopped"}`
      : count(items.length, "image");
    byId("progress-bar").hidden = !waiting;
    byId("stop").hidden = !waiting;
    byId("stop").textContent = running ? "Stop" : "Go on";
    byId("download").disabled = !finished;
    this.countDecisions();
    if (running) return;
    this.table.sort();
    if (items.length > 1)
      announce(
        waiting
          ? `Stopped: ${finished} of ${items.length} images are judged.`
          : `All ${items.length} images are judged.`,
      );
  }

  /** Writes the number of each decision. */
  countDecisions() {
    const decided = this.session.items.filter((item) => item.state !== "waiting");
    const counts = Object.keys(DECISIONS).map((name) => {
      const decision = /** @type {import("ui_words").Decision} */ (name);
      const number = decided.filter((item) => (item.prediction?.decision ?? "refer") === decision).length;
      return element("li", {}, verdict(decision), ` ${number}`);
    });
    byId("counts").replaceChildren(...counts);
  }
}

/** @param {string} name @param {string} text */
function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the browser reads it after this
}
