/** Local calibration: what a clinic's own labelled images changed, as `Detector.localize` fitted it. */

import { clopperPearsonInterval, rankInterval } from "intervals";
import { clip, countUnder, sumAt } from "numbers";
import { MALIGNANT_THRESHOLD, checkSensitivity, highestUnder, lesionsNeeded } from "operating_points";
import { isProbability, withinRounding } from "probabilities";

const EPSILON = 1e-12; // the smallest probability whose log-odds are taken
const FARTHEST = 500; // log-odds whose exponential is finite
const ROUNDING = 1e-12; // by so much a moved threshold gives way, so that rounding keeps no image from reaching it

/**
 * @typedef {object} Kinds positions of classes; each class is in one of them
 * @property {number[]} melanoma
 * @property {number[]} others malignant otherwise
 * @property {number[]} rest
 */

/**
 * Return which classes are melanoma, malignant otherwise, and neither.
 * @param {{classes: string[], melanoma: number[], malignant: number[]}} parameters
 * @returns {Kinds}
 */
export function kindsOfClasses({ classes, melanoma, malignant }) {
  const others = malignant.filter((position) => !melanoma.includes(position));
  const rest = classes.map((_, position) => position);
  return { melanoma, others, rest: rest.filter((each) => !melanoma.includes(each) && !malignant.includes(each)) };
}

/**
 * Return the local probabilities of an image.
 * @param {object} local as `LocalCalibration` of the library
 * @param {number[]} original what the calibration before it gives
 * @param {Kinds} kinds
 * @returns {number[]} sums to 1
 */
export function applyLocal(local, original, kinds) {
  const before = local.first ? applyLocal(local.first, original, kinds) : original;
  const weights = before.map((probability, position) => {
    const raised = Math.max(probability, EPSILON) ** (1 / local.temperature);
    return raised * Math.exp(local.bias.length ? local.bias[position] : 0);
  });
  const [melanoma, malignant] = localShares(local, before, kinds);
  const moved = new Array(before.length);
  for (const [positions, share] of [
    [kinds.melanoma, melanoma],
    [kinds.others, malignant - melanoma],
    [kinds.rest, 1 - malignant],
  ]) {
    const total = sumAt(weights, positions);
    for (const position of positions) moved[position] = (weights[position] / total) * share;
  }
  return moved;
}

/** Return the local probability of melanoma and of any malignant diagnosis. */
function localShares(local, before, { melanoma, others, rest }) {
  let first = melanoma.length ? onLine(local.melanoma, sumAt(before, melanoma)) : 0;
  let malignant = first;
  if (others.length) {
    const both = [...melanoma, ...others].sort((left, right) => left - right);
    malignant = rest.length ? Math.max(onLine(local.malignant, sumAt(before, both)), first) : 1;
  } else if (!rest.length) {
    first = 1;
    malignant = 1;
  }
  return [first, malignant];
}

/**
 * Return a threshold on the scale of a local calibration, so that what reached it before still does.
 * @param {object} local
 * @param {number} threshold
 * @param {"melanoma"|"malignant"} target
 * @returns {number}
 */
export function moveThreshold(local, threshold, target) {
  // The line would move what is out of range to a threshold that looks sound.
  return isProbability(threshold) ? onLine(local[target], threshold) * (1 - ROUNDING) : NaN;
}

/**
 * Return the operating point of the highest sensitivity that the local lesions support, up to a given one.
 * @param {object} local
 * @param {number} sensitivity
 * @param {"melanoma"|"malignant"} target
 * @returns {import("operating_points").OperatingPoint|null}
 */
export function nearestPoint(local, sensitivity, target) {
  checkSensitivity(sensitivity);
  const lesions = localLesions(local, target);
  if (!lesions) return null;
  const supported = lesions >= lesionsNeeded(sensitivity) ? sensitivity : lesions / (lesions + 1);
  return localPoint(local, supported, target);
}

/**
 * @param {object} local
 * @param {"melanoma"|"malignant"} target
 * @returns {number} how many local lesions show a target
 */
export function localLesions(local, target) {
  return local.operating_scores[target]?.positive_lesions ?? 0;
}

function localPoint(local, sensitivity, target) {
  checkSensitivity(sensitivity);
  const scores = local.operating_scores[target];
  if (!scores || scores.positive_lesions < lesionsNeeded(sensitivity) || !scores.negative_lesions) return null;
  const lesions = scores.positive_lesions;
  const rank = Math.min(Math.floor((1 - sensitivity) * (lesions + 1) + 1e-6), lesions);
  const lowest = scores.positive.at(rank - 1); // one score for each lesion, ascending
  const below = highestUnder(scores, lowest);
  const threshold = withinRounding(below === null ? lowest : (lowest + below) / 2);
  const specificity = countUnder(scores.negative, threshold) / scores.negative.length;
  return {
    goal: sensitivity,
    threshold,
    sensitivity: 1 - rank / (lesions + 1),
    specificity,
    positives: lesions,
    negatives: scores.negatives,
    target,
    sensitivity_interval: rankInterval(rank, lesions),
    specificity_interval: clopperPearsonInterval(specificity * scores.negative_lesions, scores.negative_lesions),
    malignant_threshold: MALIGNANT_THRESHOLD,
    sources: [],
    local: true,
  };
}

/** Return a probability moved along a line on the log-odds scale. */
function onLine({ slope, intercept }, probability) {
  const inside = clip(probability, EPSILON, 1 - EPSILON);
  const logOdds = Math.log(inside) - Math.log1p(-inside);
  return 1 / (1 + Math.exp(-clip(slope * logOdds + intercept, -FARTHEST, FARTHEST)));
}
