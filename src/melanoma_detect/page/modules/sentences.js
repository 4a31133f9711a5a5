/** The sentence of a prediction, word by word the library's. */

import { isProbability } from "probabilities";
import { formatDistinct, formatPercent, formatShort } from "text";

/**
 * Return a prediction as a sentence.
 * @param {object} prediction
 * @param {Record<string, string>} typeNames
 * @returns {string}
 */
export function predictionText(prediction, typeNames) {
  const { source, diagnosis, operating_point: point, reason } = prediction;
  if (prediction.abstained) {
    return `${source}: REFER: the detector abstains from this image: ${reason}; a person must look.`;
  }
  // Dermoscopy is the rule, and goes without saying.
  const kind = prediction.image_type === "clinical" ? `${typeNames.clinical}, ` : "";
  const share = formatPercent(prediction.probabilities[diagnosis]);
  const likely = `${source}: ${kind}most likely ${diagnosis} (${share}${others(prediction)}).`;
  if (!point || !isProbability(point.threshold)) return `${likely} REFER: ${reason}; a person must look.`;
  const [score, threshold] = formatDistinct(prediction[point.target], point.threshold);
  const limit = `${threshold}, the threshold for ${formatShort(100 * point.goal)}% sensitivity`;
  if (prediction.decision === "alert") {
    return `${likely} ALERT: ${point.target} ${score} reaches ${limit}; show it to a dermatologist.`;
  }
  const below = `${point.target} ${score} is under ${limit}`;
  if (prediction.decision === "refer") {
    return `${likely} REFER: ${reason}; no ${point.target} alert (${below}); a person must look.`;
  }
  return `${likely} CLEAR: no ${point.target} alert: ${below}.`;
}

/** Return the other diagnoses that cannot be ruled out; nothing if they are too many to help. */
function others({ prediction_set: held, diagnosis }) {
  const rest = held.filter((label) => label !== diagnosis);
  return rest.length > 0 && rest.length <= 3 ? `; not ruled out: ${rest.join(", ")}` : "";
}
