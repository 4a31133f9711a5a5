// Several images as a table.

import { formatPercent } from "text";
import { byId, button, element } from "ui_dom";
import { COLUMNS, sortItems } from "ui_sorting";
import { verdict } from "ui_verdict";
import { narrowName, readableName, withoutName } from "ui_words";

/** The rows of all images, sorted by a column that somebody chooses. */
export class Table {
  /**
   * @param {import("ui_session").Session} session The images.
   * @param {(item: import("ui_session").Item) => void} open Opens one of them.
   */
  constructor(session, open) {
    this.session = session;
    this.open = open;
    this.key = "";
    this.falling = false;
    this.body = byId("rows");
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    byId("headings").replaceChildren(
      element("th", { role: "columnheader", scope: "col" }, element("span", { class: "visually-hidden" }, "image")),
      ...COLUMNS.map((column) => this.#heading(column)),
    );
  }

  /**
   * Adds rows.
   *
   * @param {import("ui_session").Item[]} items New images.
   */
  add(items) {
    for (const item of items) {
      const row = element("tr", { role: "row" });
      this.rows.set(item.id, row);
      this.write(item);
      this.body.append(row);
    }
  }

  /**
   * Writes the row of an image.
   *
   * @param {import("ui_session").Item} item The image.
   */
  write(item) {
    const { prediction } = item;
    const share = (/** @type {number | null | undefined} */ value) => (value === undefined ? "" : formatPercent(value));
    const diagnosis = !prediction
      ? ""
      : prediction.abstained
        ? "no diagnosis"
        : `${prediction.diagnosis}, ${share(prediction.probabilities[prediction.diagnosis])}`;
    const decision = item.state === "waiting" ? "waiting" : verdict(prediction?.decision ?? "refer");
    this.rows
      .get(item.id)
      ?.replaceChildren(
        cell("thumb", "", thumbnail(item)),
        element(
          "th",
          { role: "rowheader", scope: "row", class: "file" },
          item.state === "waiting" ? narrowName(item.name) : this.#link(item),
        ),
        cell("decision", "", decision),
        cell("number", "melanoma", share(prediction?.melanoma)),
        cell("number", "malignant", share(prediction?.malignant)),
        cell("diagnosis", "", diagnosis),
        cell("reason", "", prediction?.reason || withoutName(item.error, item.name)),
      );
  }

  /** Writes all rows, and puts them in their order. */
  writeAll() {
    for (const item of this.session.items) this.write(item);
    this.sort();
  }

  /** Puts the rows in their order; the focus stays where it is. */
  sort() {
    const focused = document.activeElement;
    const ordered = sortItems(this.session.items, this.key, this.falling).map((item) => this.rows.get(item.id));
    this.body.append(...ordered.filter((row) => row !== undefined));
    if (focused instanceof HTMLElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
  }

  /**
   * Moves the focus to an image's row.
   *
   * @param {import("ui_session").Item} item The image.
   */
  focus(item) {
    this.rows.get(item.id)?.querySelector("button")?.focus();
  }

  /** Removes all rows. */
  clear() {
    this.rows.clear();
    this.body.replaceChildren();
  }

  /** @param {import("ui_session").Item} item @returns {HTMLElement} */
  #link(item) {
    const link = button("", () => this.open(item), { class: "link", title: readableName(item.name) });
    link.append(narrowName(item.name));
    return link;
  }

  /** @param {import("ui_sorting").Column} column @returns {HTMLElement} */
  #heading(column) {
    const heading = element("th", { role: "columnheader", scope: "col", class: column.key, "aria-sort": "none" });
    const choose = () => {
      this.falling = this.key === column.key ? !this.falling : column.falling;
      this.key = column.key;
      for (const other of byId("headings").children)
        if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", this.falling ? "descending" : "ascending");
      this.sort();
    };
    heading.append(button(column.title, choose, { class: "sort" }));
    return heading;
  }
}

/** @param {string} name @param {string} label @param {Node | string} content @returns {HTMLElement} */
function cell(name, label, content) {
  const words = label && content ? element("span", { class: "narrow", "aria-hidden": "true" }, `${label} `) : null;
  return element("td", { role: "cell", class: name }, words, content);
}

/** @param {import("ui_session").Item} item @returns {Node} */
function thumbnail(item) {
  if (item.thumbnail) return element("img", { src: item.thumbnail, alt: `Thumbnail of ${item.name}` });
  return element("span", { class: "none", "aria-hidden": "true" }, item.state === "failed" ? "?" : "…");
}
