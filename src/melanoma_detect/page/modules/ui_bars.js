// Probabilities as bars, with the line from which there is an alert.

import { isProbability } from "probabilities";
import { formatPercent, formatThreshold } from "text";
import { element } from "ui_dom";

/** What the colours of classes mean. */
const KINDS = /** @type {Record<string, string>} */ ({
  b: "malignant, or may be",
  c: "neither malignant nor surely benign",
  a: "benign",
});

/**
 * Returns the probability by which a prediction is decided.
 *
 * @param {any} prediction The prediction.
 * @returns {{target: string, score: number | null, threshold: number | null}} What it alerts to, its probability, and the line;
 *   null where there is none, or no number.
 */
export function alertScore(prediction) {
  const target = prediction.operating_point?.target ?? "melanoma";
  const threshold = prediction.operating_point?.threshold;
  return { target, score: prediction[target], threshold: isProbability(threshold) ? threshold : null };
}

/**
 * Draws one bar.
 *
 * @param {number | null} share Its length, 0 to 1; null for what is no number, which has none.
 * @param {string} kind Its colour: `a`, `b`, `c`, or `d` for an alert.
 * @param {number | null} [line] Where the line for alerts stands, 0 to 1.
 * @returns {HTMLElement} The bar; the number beside it says the same to those who do not see it.
 */
export function drawBar(share, kind, line = null) {
  const fill = element("i", { class: `fill ${kind}` });
  fill.style.width = `${(100 * (share ?? 0)).toFixed(2)}%`;
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, fill);
  if (line !== null) {
    const mark = element("i", { class: "line" });
    mark.style.left = `${(100 * Math.min(1, line)).toFixed(2)}%`;
    bar.append(mark);
  }
  return bar;
}

/**
 * Draws the probabilities of a prediction.
 *
 * @param {any} prediction The prediction.
 * @param {any} parameters The detector's.
 * @returns {HTMLElement} A table: what is alerted to with its line, then every class, the most probable first.
 */
export function drawBars(prediction, parameters) {
  const { target, score, threshold } = alertScore(prediction);
  const held = new Set(prediction.prediction_set);
  const classes = Object.entries(prediction.probabilities).sort(([, one], [, other]) => other - one);
  const kinds = new Map(classes.map(([label]) => [label, kindOf(label, parameters)]));
  const line = threshold === null ? "no line: no threshold" : `line: alert from ${formatThreshold(threshold)}`;
  const table = element(
    "table",
    { class: "bars" },
    element("caption", { class: "visually-hidden" }, "Probabilities"),
    headings("alert to", line, "probability"),
    element(
      "tbody",
      {},
      row(target, score, prediction.decision === "alert" ? "d" : "b", { line: threshold, strong: true }),
    ),
    headings("diagnosis", "", ""),
    element(
      "tbody",
      {},
      ...classes.map(([label, share]) => row(label, share, kinds.get(label) ?? "c", { held: held.has(label) })),
    ),
  );
  const used = Object.keys(KINDS).filter((kind) => [...kinds.values()].includes(kind));
  const keys = used.map((kind) =>
    element("li", {}, element("i", { class: `key ${kind}`, "aria-hidden": "true" }), KINDS[kind]),
  );
  return element("div", {}, element("div", { class: "tight" }, table), element("ul", { class: "keys soft" }, ...keys));
}

/**
 * Returns the colour of a class.
 *
 * @param {string} label The class.
 * @param {any} parameters The detector's.
 * @returns {string} `a`, `b` or `c`.
 */
function kindOf(label, parameters) {
  const position = parameters.classes.indexOf(label);
  if (parameters.may_be_malignant.includes(position)) return "b";
  return parameters.diagnoses[position]?.malignancy === "benign" ? "a" : "c";
}

/**
 * @param {string} first @param {string} middle @param {string} last
 * @returns {HTMLElement}
 */
function headings(first, middle, last) {
  const cell = (/** @type {string} */ text, /** @type {string} */ name) =>
    text ? element("th", { scope: "col", class: name }, text) : element("td", { class: name });
  return element("thead", {}, element("tr", {}, cell(first, ""), cell(middle, "barcell"), cell(last, "number")));
}

/**
 * @param {string} label @param {number | null} share @param {string} kind
 * @param {{line?: number | null, strong?: boolean, held?: boolean}} options
 * @returns {HTMLElement}
 */
function row(label, share, kind, { line = null, strong = false, held = false }) {
  const name = element("th", { scope: "row", class: strong || held ? "held" : "" }, label);
  if (held)
    name.append(
      element("span", { class: "tick", "aria-hidden": "true" }, "\u00a0✓"),
      element("span", { class: "visually-hidden" }, ", not ruled out"),
    );
  return element(
    "tr",
    {},
    name,
    element("td", { class: "barcell" }, drawBar(share, kind, line)),
    element("td", { class: strong ? "number held" : "number" }, formatPercent(share)),
  );
}
