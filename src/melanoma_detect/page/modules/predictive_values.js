/** Predictive values of an operating point at a prevalence, by Bayes' rule. */

import { SettingsError } from "errors";
import { isUnknown, percent, shareWithInterval } from "text";

/**
 * @typedef {object} PredictiveValues
 * @property {number} prevalence
 * @property {number} ppv NaN where there are no alerts
 * @property {number} npv NaN where nothing is cleared
 * @property {number} number_needed_to_biopsy may be infinite
 * @property {[number, number]} ppv_interval
 * @property {[number, number]} npv_interval
 * @property {[number, number]} number_needed_to_biopsy_interval
 * @property {string} text the library's own sentence
 */

/**
 * Return the predictive values of an operating point at a prevalence.
 * @param {object} point an operating point, as `OperatingPoint.to_dict` gives it
 * @param {number} prevalence over 0 and under 1
 * @returns {PredictiveValues}
 */
export function predictiveValues(point, prevalence) {
  if (!(prevalence > 0 && prevalence < 1)) {
    throw new SettingsError(`prevalence=${prevalence}; expected a share over 0 and under 1, such as 0.02`);
  }
  const { sensitivity_interval: sensitivities, specificity_interval: specificities } = point;
  const [ppv, npv] = bayes(point.sensitivity, point.specificity, prevalence);
  const values = { prevalence, ppv, npv, number_needed_to_biopsy: ppv ? 1 / ppv : Infinity };
  if (isUnknown(sensitivities) || isUnknown(specificities)) {
    Object.assign(values, { ppv_interval: [0, 1], npv_interval: [0, 1], number_needed_to_biopsy_interval: [1, Infinity] });
  } else {
    const [low, high] = [0, 1].map((end) => bayes(sensitivities[end], specificities[end], prevalence));
    Object.assign(values, {
      ppv_interval: [low[0], high[0]],
      npv_interval: [low[1], high[1]],
      number_needed_to_biopsy_interval: [high[0] ? 1 / high[0] : Infinity, low[0] ? 1 / low[0] : Infinity],
    });
  }
  return { ...values, text: describe(values) };
}

function describe(values) {
  let alerts = "there are no alerts";
  if (Number.isFinite(values.ppv)) {
    const [low, high] = values.number_needed_to_biopsy_interval;
    const ends = isUnknown(values.ppv_interval) ? "" : ` [${one(low)}, ${one(high)}]`;
    const biopsies = one(values.number_needed_to_biopsy);
    alerts = `${shareWithInterval(values.ppv, values.ppv_interval)} of alerts are right (one in ${biopsies}${ends})`;
  }
  let cleared = "no image is cleared";
  if (Number.isFinite(values.npv)) cleared = `${shareWithInterval(values.npv, values.npv_interval, 2)} of cleared images are`;
  return `at a prevalence of ${percent(values.prevalence, 2)}: ${alerts}, ${cleared}`;
}

function one(value) {
  return Number.isFinite(value) ? value.toFixed(1) : "∞";
}

/** Return the positive and the negative predictive value; NaN where there are no alerts, or nothing is cleared. */
function bayes(sensitivity, specificity, prevalence) {
  const truePositive = prevalence * sensitivity;
  const falseNegative = prevalence * (1 - sensitivity);
  const trueNegative = (1 - prevalence) * specificity;
  const falsePositive = (1 - prevalence) * (1 - specificity);
  const alerts = truePositive + falsePositive;
  const cleared = trueNegative + falseNegative;
  return [alerts ? truePositive / alerts : NaN, cleared ? trueNegative / cleared : NaN];
}
