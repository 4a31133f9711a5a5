/** Operating points: thresholds for alerts, read from the scores of the validation images as the library reads them. */

import { SettingsError } from "errors";
import { wilsonInterval } from "intervals";
import { countUnder, shareFrom } from "numbers";
import { withinRounding } from "probabilities";
import { formatProbability, formatShort, isExtreme, shareWithInterval } from "text";

export const MALIGNANT_THRESHOLD = 0.5; // on the probability of a malignant diagnosis, where validation supports no other
export const PLURALS = { melanoma: "melanomas", malignant: "malignant lesions" };
const PRIOR_LESIONS = 40; // the strength of the prior that shrinks the sensitivity of a source

/**
 * @typedef {object} ValidationScores
 * @property {number[]} positive ascending
 * @property {number[]} negative ascending
 * @property {number} positives
 * @property {number} negatives
 * @property {number} positive_lesions
 * @property {number} negative_lesions
 * @property {"melanoma"|"malignant"} target
 * @property {Record<string, number[]>} by_source
 * @property {Record<string, number>} lesions_by_source
 *
 * @typedef {object} OperatingPoint as `OperatingPoint.to_dict` of the library
 * @property {number} goal
 * @property {number} threshold
 * @property {number} sensitivity
 * @property {number} specificity
 * @property {number} positives
 * @property {number} negatives
 * @property {"melanoma"|"malignant"} target
 * @property {[number, number]} sensitivity_interval
 * @property {[number, number]} specificity_interval
 * @property {number} malignant_threshold
 * @property {object[]} sources
 * @property {boolean} local
 */

/**
 * Return the operating point with the highest threshold that reaches a sensitivity on all images and, shrunk, on each source.
 * @param {ValidationScores} scores
 * @param {number} sensitivity over 0 and under 1
 * @returns {OperatingPoint}
 */
export function operatingPoint(scores, sensitivity) {
  checkSupport(scores, sensitivity);
  const lowest = lowestAlert(scores, sensitivity);
  const below = highestUnder(scores, lowest);
  const threshold = withinRounding(below === null ? lowest : (lowest + below) / 2);
  const reached = shareAtLeast(scores.positive, threshold);
  const specificity = countUnder(scores.negative, threshold) / scores.negative.length;
  return {
    goal: sensitivity,
    threshold,
    sensitivity: reached,
    specificity,
    positives: scores.positives,
    negatives: scores.negatives,
    target: scores.target,
    sensitivity_interval: wilsonInterval(reached, scores.positive_lesions),
    specificity_interval: wilsonInterval(specificity, scores.negative_lesions),
    malignant_threshold: MALIGNANT_THRESHOLD,
    sources: sortedNames(scores.by_source).map((source) => sensitivityOn(scores, source, threshold, sensitivity)),
    local: false,
  };
}

/**
 * Return the highest score under a limit, of images of either kind.
 * @param {ValidationScores} scores
 * @param {number} limit
 * @returns {number|null} null where none is under it
 */
export function highestUnder(scores, limit) {
  const found = [scores.positive, scores.negative]
    .map((own) => [own, countUnder(own, limit)])
    .filter(([, count]) => count > 0)
    .map(([own, count]) => own[count - 1]);
  return found.length ? Math.max(...found) : null;
}

/**
 * Return the fewest lesions on which a threshold for a sensitivity can be set.
 * @param {number} sensitivity
 * @returns {number}
 */
export function lesionsNeeded(sensitivity) {
  return Math.max(1, Math.ceil(sensitivity / (1 - sensitivity) - 1e-6));
}

/**
 * Throw a SettingsError unless 0 < sensitivity < 1.
 * @param {number} sensitivity
 */
export function checkSensitivity(sensitivity) {
  if (!(sensitivity > 0 && sensitivity < 1)) {
    throw new SettingsError(
      `sensitivity=${sensitivity}; expected over 0 and under 1, such as 0.95: no number of images supports 100 %`,
    );
  }
}

/**
 * Return an operating point as a sentence.
 * @param {OperatingPoint} point
 * @returns {string}
 */
export function describePoint(point) {
  const found = shareWithInterval(point.sensitivity, point.sensitivity_interval);
  const plural = PLURALS[point.target];
  const finds = point.local
    ? `by the ranks of ${point.positives} local ${plural} it is expected to find ${found} of new ones`
    : `on validation it finds ${found} of ${point.positives} images of ${plural}`;
  const quiet = shareWithInterval(point.specificity, point.specificity_interval);
  return (
    `alert from ${formatProbability(point.threshold)}: set for ${formatShort(100 * point.goal)}% sensitivity for ` +
    `${point.target}; ${finds} and raises no alert for ${quiet} of ${point.negatives} other images${worstText(point)}` +
    extremeNote(point)
  );
}

function worstText(point) {
  const deciding = point.sources.filter((source) => source.decides);
  if (deciding.length < 2) return "";
  const worst = deciding.reduce((lowest, source) => (source.sensitivity < lowest.sensitivity ? source : lowest));
  const found = shareWithInterval(worst.sensitivity, worst.interval);
  return `; on the worst of ${deciding.length} sources, ${worst.source}, it finds ${found}`;
}

function extremeNote(point) {
  if (!isExtreme(point.threshold)) return "";
  return (
    `; the threshold lies next to ${point.threshold > 0.5 ? 1 : 0} because this model is overconfident: nearly all its ` +
    "probabilities are close to 0 or 1, so read its alerts, not its probabilities"
  );
}

function lowestAlert(scores, goal) {
  const sources = Object.keys(scores.by_source);
  const candidates = new Set(scores.positive);
  for (const source of sources) for (const score of scores.by_source[source]) candidates.add(score);
  const ascending = Float64Array.from(candidates).sort();
  // Every share falls as the threshold rises, so that the highest score at which all are reached is found by halving.
  let low = 0; // at the lowest score every sensitivity is 1
  let high = ascending.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (isReached(scores, sources, ascending[middle], goal)) low = middle;
    else high = middle;
  }
  return ascending[low];
}

/** Return whether a threshold reaches a sensitivity on all images and, shrunk towards that (beta-binomial), on each source. */
function isReached(scores, sources, threshold, goal) {
  const least = goal - 1e-9; // 0.95 × 20 is 19.000…01 in floating point, and 19 of 20 are enough
  const pooled = shareFrom(scores.positive, threshold);
  return (
    pooled >= least &&
    sources.every((source) => {
      const lesions = scores.lesions_by_source[source];
      const hits = shareFrom(scores.by_source[source], threshold) * lesions + PRIOR_LESIONS * pooled;
      return hits / (lesions + PRIOR_LESIONS) >= least;
    })
  );
}

function sensitivityOn(scores, source, threshold, goal) {
  const lesions = scores.lesions_by_source[source];
  const sensitivity = shareAtLeast(scores.by_source[source], threshold);
  const interval = wilsonInterval(sensitivity, lesions);
  return { source, sensitivity, lesions, interval, decides: lesions >= lesionsNeeded(goal) };
}

/** The share as a mean of ones, which rounds otherwise than 1 minus a share. */
function shareAtLeast(ascending, threshold) {
  return (ascending.length - countUnder(ascending, threshold)) / ascending.length;
}

function checkSupport(scores, sensitivity) {
  checkSensitivity(sensitivity);
  const needed = lesionsNeeded(sensitivity);
  if (scores.positive_lesions >= needed && scores.negative_lesions) return;
  const lesions = scores.positive_lesions;
  const reachable = Math.floor((1000 * lesions) / (lesions + 1)) / 1000;
  const lower = reachable ? `choose a sensitivity of at most ${formatShort(reachable)}, or fit` : "fit";
  throw new SettingsError(
    `${formatShort(sensitivity, 12)} sensitivity for ${scores.target} cannot be set: validation has ` +
      `${lesions.toLocaleString("en-US")} ${lesions === 1 ? "lesion" : "lesions"} of the target and ${scores.negative_lesions} others; expected at ` +
      `least ${needed} and one other: ${lower} a detector with more lesions in validation`,
  );
}

/** Names in the order of Python's `sorted`: by code points. */
function sortedNames(mapping) {
  return Object.keys(mapping).sort((first, second) => {
    const [left, right] = [[...first], [...second]].map((letters) => letters.map((letter) => letter.codePointAt(0)));
    const place = left.findIndex((code, index) => code !== right[index]);
    if (place < 0) return left.length - right.length;
    return left[place] - (right[place] ?? -1);
  });
}
