// The thresholds in use: what they reached on validation, and what their alerts are worth at a prevalence.

import { formatThreshold, isUnknown, shareWithInterval } from "text";
import { element } from "ui_dom";
import { typesInUse } from "ui_image_types";
import { capitalise, roundShare, TARGETS, TYPE_NAMES } from "ui_words";

/**
 * Draws the thresholds in use.
 *
 * @param {any} engine From `startEngine`.
 * @param {any} settings The settings in use.
 * @param {number} prevalence The share of images that show the target, over 0 and under 1.
 * @returns {HTMLElement} A part for each type of image that is judged.
 */
export function drawPoints(engine, settings, prevalence) {
  const types = typesInUse(engine.parameters, settings);
  return element("div", {}, ...types.map((type) => drawPoint(engine, settings, type, prevalence)));
}

/** @param {any} engine @param {any} settings @param {string} type @param {number} prevalence @returns {HTMLElement} */
function drawPoint(engine, settings, type, prevalence) {
  const point = engine.operatingPoint(settings, type);
  const title = type ? element("h3", {}, capitalise(TYPE_NAMES[type])) : null;
  if (!point)
    return element(
      "div",
      { class: "point" },
      title,
      element("p", { class: "soft" }, "No threshold: these images are referred."),
    );
  const [, plural] = TARGETS[point.target];
  const values = engine.predictiveValues(point, prevalence);
  return element(
    "div",
    { class: "point", "data-type": type },
    title,
    element(
      "p",
      {},
      element("strong", {}, ofAlerts(values, plural)),
      ` At a prevalence of ${roundShare(prevalence)}, ${oneIn(values)}${without(values, plural)}`,
    ),
    element(
      "dl",
      {},
      ...line("alert from", formatThreshold(point.threshold)),
      ...line(`${plural} found`, shareWithInterval(point.sensitivity, point.sensitivity_interval)),
      ...line("others without alert", shareWithInterval(point.specificity, point.specificity_interval)),
    ),
    element("p", { class: "soft" }, basis(point, plural)),
  );
}

/** @param {any} values @param {string} plural @returns {string} */
function ofAlerts(values, plural) {
  if (!Number.isFinite(values.ppv)) return "There are no alerts.";
  const [low, high] = values.ppv_interval;
  const interval = ends([100 * low, 100 * high], !isUnknown(values.ppv_interval));
  return `Of 100 alerts, ${plain(100 * values.ppv)}${interval} are ${plural}.`;
}

/** @param {any} values @returns {string} */
function oneIn(values) {
  if (!Number.isFinite(values.ppv)) return "";
  const known = !isUnknown(values.ppv_interval);
  const interval = ends(values.number_needed_to_biopsy_interval, known);
  return `one alert in ${plain(values.number_needed_to_biopsy)}${interval} is right; `;
}

/** @param {any} values @param {string} plural @returns {string} */
function without(values, plural) {
  if (!Number.isFinite(values.npv)) return "no image is without an alert.";
  return `of images without an alert, ${shareWithInterval(values.npv, values.npv_interval, 2)} are no ${plural}.`;
}

/** @param {any} point @param {string} plural @returns {string} */
function basis(point, plural) {
  if (point.local) return `By the ranks of ${point.positives} local ${plural}.`;
  return `On validation: ${point.positives} images of ${plural}, ${point.negatives} others; in brackets, 95% intervals.`;
}

/** @param {string} term @param {string} text @returns {HTMLElement[]} */
function line(term, text) {
  return [element("dt", {}, term), element("dd", {}, text)];
}

/**
 * @param {[number, number]} interval
 * @param {boolean} known
 * @returns {string} The ends in brackets; nothing where they are not known.
 */
function ends(interval, known) {
  return known ? ` [${plain(interval[0])}, ${plain(interval[1])}]` : "";
}

/** @param {number} value @returns {string} */
function plain(value) {
  return Number.isFinite(value) ? value.toFixed(1) : "∞";
}
