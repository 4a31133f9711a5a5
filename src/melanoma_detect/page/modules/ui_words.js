// Words that several parts of the page share.

import { element } from "ui_dom";

const LONGEST_NAME = 60; // letters, in a narrow column
const KEPT = 26; // of the begin and of the end of a longer one

/** @typedef {"alert" | "clear" | "refer"} Decision */

/** The decisions, the most urgent first, each with its shape beside the colour and with what a person does. */
export const DECISIONS = /** @type {const} */ ({
  alert: { shape: "▲", label: "ALERT", advice: "show it to a dermatologist" },
  refer: { shape: "◆", label: "REFER", advice: "a person must look" },
  clear: { shape: "●", label: "CLEAR", advice: "no alert" },
});

/** The types of image, as sentences name one. */
export const TYPE_NAMES = /** @type {Record<string, string>} */ ({
  dermoscopy: "dermoscopy",
  clinical: "clinical photograph",
});

/** The types of image, as sentences name several. */
export const TYPE_PLURALS = /** @type {Record<string, string>} */ ({
  "": "images",
  dermoscopy: "dermoscopy images",
  clinical: "clinical photographs",
});

/** What the detector alerts to, one and several. */
export const TARGETS = /** @type {Record<string, [string, string]>} */ ({
  melanoma: ["melanoma", "melanomas"],
  malignant: ["a malignant diagnosis", "malignant lesions"],
});

/**
 * Writes a number with its noun.
 *
 * @param {number} number How many.
 * @param {string} noun For one.
 * @returns {string} `1 image`, `2 images`.
 */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * Returns a sentence without the name that it begins with, where that stands beside it.
 *
 * @param {string} sentence The sentence.
 * @param {string} name The image's name.
 * @returns {string} The rest.
 */
export function withoutName(sentence, name) {
  return sentence.startsWith(`${name}: `) ? sentence.slice(name.length + 2) : sentence;
}

/**
 * Writes a sentence's first letter large.
 *
 * @param {string} sentence The sentence.
 * @returns {string} The same, from a capital on.
 */
export function capitalise(sentence) {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

/**
 * Writes a share that is a choice: as many digits as it has.
 *
 * @param {number} share 0 to 1.
 * @returns {string} `95%`, `0.5%`.
 */
export function roundShare(share) {
  return `${Number((100 * share).toPrecision(6))}%`;
}

/**
 * Writes a file's name so that it reads as it is: without the characters that turn the direction of text, by which a name can
 * pretend another ending, and without line breaks.
 *
 * @param {string} name The file's name.
 * @returns {string} What to show.
 */
export function readableName(name) {
  return name.replace(/[\u0000-\u001f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/**
 * Writes a file's name into a narrow column.
 *
 * @param {string} name The file's name.
 * @returns {HTMLElement} The name, which may break at its dots, hyphens and underscores; of a very long one begin and end.
 */
export function narrowName(name) {
  const letters = Array.from(readableName(name));
  const shown = letters.length > LONGEST_NAME ? [...letters.slice(0, KEPT), "…", ...letters.slice(-KEPT)] : letters;
  const parts = shown.join("").split(/(?<=[_-])|(?=\.)/);
  return element("bdi", {}, ...parts.flatMap((part, index) => (index ? [element("wbr"), part] : [part])));
}
