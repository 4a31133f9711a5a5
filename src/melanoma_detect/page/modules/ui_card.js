// The model card, from its Markdown: headings, lists, tables and paragraphs, as text only.

import { element } from "ui_dom";

/**
 * Draws a model card.
 *
 * @param {string} markdown The card.
 * @param {string} skipped A paragraph that the page shows elsewhere.
 * @returns {HTMLElement[]} Its elements. Headings are two levels lower than in the card, since it is a section of the page.
 */
export function drawCard(markdown, skipped = "") {
  const blocks = markdown.split(/\n{2,}/).map((block) => block.replace(/^\n+|\n+$/g, ""));
  return blocks.filter((block) => block && block !== skipped).flatMap(drawBlock);
}

/** @param {string} block @returns {HTMLElement[]} */
function drawBlock(block) {
  /** @type {HTMLElement[]} */
  const made = [];
  const lines = block.split("\n");
  while (lines.length) {
    const kind = kindOf(lines[0]);
    let length = lines.findIndex((line) => kindOf(line) !== kind);
    if (kind === "heading") length = 1;
    made.push(DRAWN[kind](lines.splice(0, length < 0 ? lines.length : length)));
  }
  return made;
}

/** @param {string} line @returns {"heading" | "item" | "row" | "text"} */
function kindOf(line) {
  if (/^#{1,6} /.test(line)) return "heading";
  if (/^\s*[-*] /.test(line)) return "item";
  return line.startsWith("|") ? "row" : "text";
}

const DRAWN = {
  /** @param {string[]} lines */
  heading: ([line]) => {
    const [marks] = line.split(" ", 1);
    return element(`h${Math.min(6, marks.length + 1)}`, {}, plain(line.slice(marks.length + 1)));
  },
  /** @param {string[]} lines */
  item: (lines) => drawList(lines),
  /** @param {string[]} lines */
  row: (lines) => drawTable(lines),
  /** @param {string[]} lines */
  text: (lines) => element("p", {}, plain(lines.join(" "))),
};

/** @param {string[]} lines @returns {HTMLElement} */
function drawList(lines) {
  const list = element("ul");
  const depth = lines[0].search(/\S/);
  while (lines.length) {
    const item = element("li", {}, plain((lines.shift() ?? "").trim().slice(2)));
    const deeper = lines.findIndex((line) => line.search(/\S/) <= depth);
    const inner = lines.splice(0, deeper < 0 ? lines.length : deeper);
    if (inner.length) item.append(drawList(inner));
    list.append(item);
  }
  return list;
}

/** @param {string[]} lines @returns {HTMLElement} */
function drawTable(lines) {
  const [head, ...body] = lines.filter((line) => !/^\|[\s:|-]+\|?$/.test(line)).map(cells);
  const rows = body.map(([first, ...others]) => {
    const numbers = others.map((text) => element("td", {}, text));
    return element("tr", {}, element("th", { scope: "row" }, first), ...numbers);
  });
  const headings = head.map((text) => element("th", { scope: "col" }, text));
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...headings)),
    element("tbody", {}, ...rows),
  );
  return element(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": `Table: ${head.join(", ")}` },
    table,
  );
}

/** @param {string} line @returns {string[]} */
function cells(line) {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => plain(cell.trim()));
}

const ENTITIES = /** @type {Record<string, string>} */ ({ "&lt;": "<", "&gt;": ">", "&amp;": "&" });
const KEPT = 0xe000; // escaped signs stand in a range without letters, until all marks are gone

/** @param {string} text @returns {string} Without the marks of bold, code, links, escapes and HTML's signs. */
function plain(text) {
  return text
    .replace(/\\([!-/:-@[-`{-~])/g, (_, sign) => String.fromCharCode(KEPT + sign.charCodeAt(0)))
    .replace(/\[([^\]]+)\]\((?:[^)]+)\)/g, "$1")
    .replace(/\*\*([^*]+)\*\*/g, "$1")
    .replace(/`([^`]+)`/g, "$1")
    .replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity])
    .replace(/[\ue000-\ue07f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - KEPT));
}
