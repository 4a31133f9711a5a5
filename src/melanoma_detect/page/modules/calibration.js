/** Calibration: from logits to probabilities, and the thresholds that belong to them. */

import { SettingsError } from "errors";
import { applyLocal, localLesions, moveThreshold, nearestPoint } from "local_calibration";
import { argmax, softmax, sumAt } from "numbers";
import { MALIGNANT_THRESHOLD, PLURALS, lesionsNeeded, operatingPoint } from "operating_points";
import { formatShort } from "text";

const TINY = 1e-300; // keeps a probability that underflows from dividing by zero

/**
 * Return what of a calibration's numbers makes no sense, so that no image may be judged by them.
 * @param {object} calibration as `Calibration` of the library
 * @returns {string} the part of a sentence; empty where all make sense
 */
export function calibrationProblem(calibration) {
  const temperatures = [calibration.temperature];
  const biases = [...calibration.bias];
  for (let { local } = calibration; local; local = local.first) {
    temperatures.push(local.temperature, local.melanoma.slope, local.malignant.slope);
    biases.push(...local.bias, local.melanoma.intercept, local.malignant.intercept);
  }
  const strange = temperatures.find((number) => !(number > 0 && Number.isFinite(number)));
  if (strange !== undefined) {
    return `a temperature or a slope of the detector's calibration is ${formatShort(strange)}, which is no number over 0`;
  }
  const none = biases.find((number) => !Number.isFinite(number));
  return none === undefined ? "" : `a bias of the detector's calibration is ${formatShort(none)}, which is no number`;
}

/**
 * Return the calibrated probabilities of an image.
 * @param {object} calibration as `Calibration` of the library
 * @param {Float32Array} logits
 * @param {import("local_calibration").Kinds} kinds
 * @returns {number[]} sums to 1; all NaN where a logit is no finite number, or the calibration makes no sense
 */
export function calibratedProbabilities(calibration, logits, kinds) {
  // Infinite logits may give finite probabilities.
  if (!logits.every(Number.isFinite) || calibrationProblem(calibration)) return Array.from(logits, () => NaN);
  const original = originalProbabilities(calibration, logits, kinds);
  return calibration.local ? applyLocal(calibration.local, original, kinds) : original;
}

/**
 * Return whether a malignant diagnosis was the most probable one before a local calibration: such an image is never cleared.
 * @param {object} calibration
 * @param {Float32Array} logits
 * @param {import("local_calibration").Kinds} kinds
 * @param {number[]} mayBeMalignant positions of classes
 * @returns {boolean}
 */
export function malignantBefore(calibration, logits, kinds, mayBeMalignant) {
  if (!calibration.local) return false;
  const earlier = before(calibration);
  const mostProbable = argmax(calibratedProbabilities(earlier, logits, kinds));
  return mayBeMalignant.includes(mostProbable) || malignantBefore(earlier, logits, kinds, mayBeMalignant);
}

/**
 * Return the threshold that reaches a sensitivity on validation, or on local images that support it.
 * @param {object} calibration
 * @param {number} sensitivity
 * @param {"melanoma"|"malignant"} target
 * @returns {import("operating_points").OperatingPoint}
 */
export function calibratedPoint(calibration, sensitivity, target) {
  const point = ownPoint(calibration, sensitivity, target);
  return { ...point, malignant_threshold: malignantThreshold(calibration, sensitivity) };
}

/**
 * Return the lowest probability at which a diagnosis is in the prediction set.
 * @param {object} calibration
 * @param {number} coverage
 * @returns {number}
 */
export function conformalThreshold(calibration, coverage) {
  const fitted = calibration.conformal_thresholds;
  if (!fitted.length) return 0;
  const found = fitted.find(([own]) => own === coverage);
  if (found) return found[1];
  const known = fitted.map(([own]) => own).sort((first, second) => first - second);
  throw new SettingsError(`coverage=${coverage}; expected one of ${known.map((own) => formatShort(own)).join(", ")}`);
}

function originalProbabilities({ temperature, bias }, logits, kinds) {
  // NumPy divides float32 by a number in float32.
  const divisor = Math.fround(temperature);
  const tempered = Array.from(logits, (logit) => Math.fround(logit / divisor));
  const unbiased = softmax(tempered);
  if (!bias.length) return unbiased;
  const biased = softmax(tempered.map((logit, position) => logit + bias[position]));
  const probabilities = [...unbiased];
  for (const positions of [kinds.melanoma, [...kinds.others, ...kinds.rest].sort((left, right) => left - right)]) {
    const total = Math.max(sumAt(unbiased, positions), TINY);
    const share = sumAt(biased, positions) / total;
    for (const position of positions) probabilities[position] *= share;
  }
  return probabilities;
}

function ownPoint(calibration, sensitivity, target) {
  const { local } = calibration;
  if (!local) return validationPoint(calibration, sensitivity, target);
  const own = nearestPoint(local, sensitivity, target);
  if (own && own.goal === sensitivity) return own;
  let earlier;
  try {
    earlier = ownPoint(before(calibration), sensitivity, target);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const lesions = localLesions(local, target);
    throw new SettingsError(
      `${error.message}; with ${lesionsNeeded(sensitivity)} local ${PLURALS[target]} it could be set too, and there are ${lesions}`,
    );
  }
  const threshold = moveThreshold(local, earlier.threshold, target);
  // A higher sensitivity must not find fewer.
  if (own && own.threshold < threshold) return { ...own, goal: sensitivity };
  return { ...earlier, threshold };
}

function validationPoint(calibration, sensitivity, target) {
  const scores = calibration.operating_scores[target];
  if (!scores) {
    throw new SettingsError(
      `there is no operating point for ${target}: validation showed no ${target} lesion, or nothing else`,
    );
  }
  return operatingPoint(scores, sensitivity);
}

/** Return the probability of a malignant diagnosis from which an image is never cleared. */
function malignantThreshold(calibration, sensitivity) {
  const { local } = calibration;
  if (!local) {
    try {
      return Math.min(validationPoint(calibration, sensitivity, "malignant").threshold, MALIGNANT_THRESHOLD);
    } catch (error) {
      if (error instanceof SettingsError) return MALIGNANT_THRESHOLD; // no malignant lesion in validation, or too few
      throw error;
    }
  }
  const own = nearestPoint(local, sensitivity, "malignant");
  const thresholds = own ? [MALIGNANT_THRESHOLD, own.threshold] : [MALIGNANT_THRESHOLD];
  if (!own || own.goal < sensitivity) {
    // What reached the threshold before the local calibration still does.
    thresholds.push(moveThreshold(local, malignantThreshold(before(calibration), sensitivity), "malignant"));
  }
  return Math.min(...thresholds);
}

/** Return the calibration before the latest local one. */
function before(calibration) {
  return { ...calibration, local: calibration.local.first };
}
