/** What is a probability and what is none: the rules of `utils/probability_arrays.py` and `utils/probabilities.py`. */

import { formatShort } from "text";

const SUM_TOLERANCE = 1e-3; // by so much the probabilities of an image may miss 1: in half precision they do by rounding
const ROUNDING = 1e-6; // by so much a single probability may exceed 1

/**
 * @param {unknown} value
 * @returns {boolean} whether it is a number from 0 to 1; false of NaN, infinity, null and undefined
 */
export function isProbability(value) {
  return Number.isFinite(value) && value >= 0 && value <= 1;
}

/**
 * @param {number} score
 * @returns {number} 1 for a score that exceeds it by rounding; any other as it is
 */
export function withinRounding(score) {
  return score > 1 && score <= 1 + ROUNDING ? 1 : score;
}

/**
 * Return whether the numbers of an image are probabilities: from 0 to 1, one for each class, adding up to 1.
 * @param {number[]} row
 * @param {number} classes how many there are
 * @returns {boolean}
 */
export function isSound(row, classes) {
  const inside = row.every((share) => Number.isFinite(share) && share >= 0 && share <= 1 + ROUNDING);
  return inside && row.length === classes && Math.abs(total(row) - 1) <= SUM_TOLERANCE;
}

/**
 * Return what the numbers of an image are that are no probabilities.
 * @param {number[]} row finite numbers
 * @returns {string} the part of a sentence
 */
export function describeRow(row) {
  const [least, most, sum] = [Math.min(...row), Math.max(...row), total(row)].map((value) => formatShort(value));
  return `they go from ${least} to ${most} and add up to ${sum}`;
}

/**
 * @param {number} value
 * @returns {number|null} the number, or null for what is none, as the JSON of the library
 */
export function finiteOrNull(value) {
  return Number.isFinite(value) ? value : null;
}

function total(row) {
  return row.reduce((sum, share) => sum + share, 0);
}
