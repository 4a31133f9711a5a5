/** Decision rules: from the outputs of the model to a prediction with the fields of `Prediction.to_dict`. */

import {
  calibratedPoint,
  calibratedProbabilities,
  calibrationProblem,
  conformalThreshold,
  malignantBefore,
} from "calibration";
import { SettingsError } from "errors";
import { kindsOfClasses } from "local_calibration";
import { argmax, sumAt } from "numbers";
import { describeRow, finiteOrNull, isProbability, isSound } from "probabilities";
import { predictionText } from "sentences";
import { formatDistinct, formatPercent, formatShort } from "text";

export const IMAGE_TYPES = ["dermoscopy", "clinical"];
export const TYPE_NAMES = { dermoscopy: "dermoscopy image", clinical: "clinical photograph" };
export const TYPE_PLURALS = { dermoscopy: "dermoscopy images", clinical: "clinical photographs" };
const UNFAMILIAR = "unlike the skin lesions that the detector was trained on";
const NO_NUMBERS = "the model gave no numbers for this image";
const NO_DISTANCE = "the model's features of this image are no numbers, so that nothing says whether it is a familiar one";
const UNKNOWN_TYPE = "the model's features of this image are no numbers, so that its type is not recognised";
export const NO_OPERATING_POINT = "this detector has no threshold for melanoma";

/**
 * @typedef {object} Settings
 * @property {number} sensitivity over 0 and under 1
 * @property {"melanoma"|"malignant"} target
 * @property {"auto"|"dermoscopy"|"clinical"} image_type
 * @property {number} coverage
 */

/** The decision rules of a detector. */
export class DecisionRules {
  /** @param {object} parameters from `readParameters` */
  constructor(parameters) {
    this.parameters = parameters;
    this.kinds = kindsOfClasses(parameters);
    /** @type {Map<string, import("operating_points").OperatingPoint|SettingsError>} */
    this.points = new Map();
  }

  /**
   * Return whole settings, from some of them.
   * @param {Partial<Settings>} [settings] what is missing is as the page was exported
   * @returns {Settings}
   */
  complete(settings = {}) {
    const given = Object.entries(settings).filter(([, value]) => value !== undefined && value !== null);
    return { ...this.parameters.settings, ...Object.fromEntries(given) };
  }

  /**
   * Throw a SettingsError where `Detector.at` of the library would.
   * @param {Settings} settings whole ones
   */
  check(settings) {
    checkImageType(settings.image_type, this.parameters.has_clinical);
    const types = this.judgedTypes(settings);
    for (const type of types) conformalThreshold(this.calibrationOf(type), settings.coverage);
    const own = this.parameters.settings;
    if (settings.sensitivity === own.sensitivity && settings.target === own.target) return; // as it was exported
    const judged = types.filter((type) => !this.parameters.referred_types.includes(type));
    const found = judged.map((type) => this.findPoint(settings, type));
    if (found.length && found.every((each) => each instanceof SettingsError)) {
      throw new SettingsError(judged[0] ? `${TYPE_PLURALS[judged[0]]}: ${found[0].message}` : found[0].message);
    }
  }

  /**
   * Return the threshold for alerts of a type of image; null where there is none.
   * @param {Settings} settings
   * @param {""|"dermoscopy"|"clinical"} type
   * @returns {import("operating_points").OperatingPoint|null}
   */
  operatingPoint(settings, type) {
    if (this.parameters.referred_types.includes(type)) return null;
    const found = this.findPoint(settings, type);
    return found instanceof SettingsError ? null : found;
  }

  /**
   * Return the prediction for an image: cleared only where everything that speaks for it was measured and found, as
   * `inference/decisions.py` of the library says.
   * @param {{source: string, logits: Float32Array, distance: number|null, rejection: string, imageType: string,
   *   imageTypeProbability: number|null|undefined}} analysis
   * @param {Settings} settings
   * @returns {object} the fields of `Prediction.to_dict`, and `text`, the library's sentence
   */
  decide(analysis, settings) {
    const { classes, may_be_malignant: suspicious } = this.parameters;
    const type = this.typeOf(analysis, settings);
    const calibration = this.calibrationOf(type);
    const probabilities = calibratedProbabilities(calibration, analysis.logits, this.kinds);
    const sound = isSound(probabilities, classes.length);
    const found = {
      probabilities,
      sound,
      best: argmax(probabilities),
      melanoma: sumAt(probabilities, this.parameters.melanoma),
      malignant: sumAt(probabilities, this.parameters.malignant),
      point: this.operatingPoint(settings, type),
      type,
      earlier: malignantBefore(calibration, analysis.logits, this.kinds, suspicious),
    };
    found.abstention = this.abstention(analysis, settings, found);
    const decision = this.decisionOf(found);
    const least = conformalThreshold(calibration, settings.coverage);
    // Nothing is ruled out by what is no number.
    const all = !sound || !isProbability(least);
    const held = (position) => all || probabilities[position] >= least || position === found.best;
    const prediction = {
      diagnosis: sound ? classes[found.best] : "",
      probabilities: Object.fromEntries(
        classes.map((label, position) => [label, finiteOrNull(probabilities[position])]),
      ),
      melanoma: finiteOrNull(found.melanoma),
      malignant: finiteOrNull(found.malignant),
      decision,
      operating_point: found.point,
      source: analysis.source,
      prediction_set: classes.filter((_, position) => held(position)),
      abstained: found.abstention !== "",
      reason: this.reason(found, decision),
      image_type: type,
    };
    return { ...prediction, text: predictionText(prediction, TYPE_NAMES) };
  }

  /**
   * Return the type that an image is judged as: the recognised one, or the one that was set.
   * @param {{imageType: string}} analysis
   * @param {Settings} settings
   * @returns {""|"dermoscopy"|"clinical"}
   */
  typeOf(analysis, settings) {
    if (settings.image_type !== "auto") return settings.image_type;
    return this.parameters.types.length ? analysis.imageType : "";
  }

  /**
   * @param {Settings} settings
   * @returns {string[]} the types that have a rule under these settings; an empty text for one rule of all images
   */
  judgedTypes(settings) {
    if (settings.image_type !== "auto") return [settings.image_type];
    return this.parameters.types.length ? IMAGE_TYPES : [""];
  }

  /**
   * @param {string} type
   * @returns {object} the calibration for a type of image
   */
  calibrationOf(type) {
    return type === "clinical" && this.parameters.clinical ? this.parameters.clinical : this.parameters.calibration;
  }

  findPoint({ sensitivity, target }, type) {
    const key = `${sensitivity} ${target} ${type === "clinical"}`;
    if (!this.points.has(key)) {
      let found;
      try {
        found = calibratedPoint(this.calibrationOf(type), sensitivity, target);
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        found = error;
      }
      this.points.set(key, found);
    }
    return this.points.get(key);
  }

  /** Return why the detector abstains from an image; empty where it does not. */
  abstention({ rejection, distance, imageTypeProbability }, settings, { type, probabilities, sound }) {
    if (rejection) return rejection;
    if (settings.image_type === "auto" && Number.isNaN(imageTypeProbability)) return UNKNOWN_TYPE;
    const { referred_types: referred } = this.parameters;
    if (referred.includes(type)) {
      const judged = IMAGE_TYPES.filter((other) => !referred.includes(other)).map((other) => TYPE_PLURALS[other]);
      return `a ${TYPE_NAMES[type]}: the detector judges ${judged.join(" and ") || "no images"} only`;
    }
    const calibration = this.calibrationOf(type);
    const problem = calibrationProblem(calibration);
    if (problem) return problem;
    if (!sound) {
      if (!probabilities.every(Number.isFinite) || !probabilities.length) return NO_NUMBERS;
      return `the model's numbers for this image are no probabilities: ${describeRow(probabilities)}`;
    }
    const measured = distance ?? 0; // null: the detector measures none
    if (!Number.isFinite(measured)) return NO_DISTANCE;
    // "Not within" rather than "beyond": a limit that is no number must not let an image pass.
    return measured <= (calibration.ood_threshold ?? Infinity) ? "" : UNFAMILIAR;
  }

  /** Return the decision: "clear" only where every condition holds, so that what is no number never clears an image. */
  decisionOf({ abstention, sound, point, melanoma, malignant, best, earlier }) {
    if (abstention !== "" || !sound || !point || !isProbability(point.threshold)) return "refer";
    if ((point.target === "malignant" ? malignant : melanoma) >= point.threshold) return "alert";
    const { may_be_malignant: suspicious, covers_melanoma: covered } = this.parameters;
    const mayClear =
      covered === true &&
      melanoma < point.threshold &&
      isProbability(point.malignant_threshold) &&
      malignant < point.malignant_threshold &&
      !suspicious.includes(best) &&
      !earlier;
    return mayClear ? "clear" : "refer";
  }

  reason(found, decision) {
    if (found.abstention || decision !== "refer") return found.abstention;
    if (!found.point) return NO_OPERATING_POINT + (found.type ? ` on ${TYPE_PLURALS[found.type]}` : "");
    const { threshold, malignant_threshold: malignantThreshold } = found.point;
    if (!isProbability(threshold)) {
      return `the detector's threshold for alerts is ${formatShort(threshold)}, which is no number from 0 to 1`;
    }
    const { classes, malignant, may_be_malignant: suspicious } = this.parameters;
    if (suspicious.includes(found.best)) {
      const certainly = malignant.includes(found.best) ? "is" : "may be";
      return `${classes[found.best]} (${formatPercent(found.probabilities[found.best])}) ${certainly} malignant`;
    }
    if (this.parameters.covers_melanoma !== true) return "none of the detector's classes is melanoma";
    if (!isProbability(malignantThreshold)) {
      const limit = formatShort(malignantThreshold);
      return `the detector's threshold for malignant diagnoses is ${limit}, which is no number from 0 to 1`;
    }
    if (found.malignant < malignantThreshold) {
      return "a malignant diagnosis was the most probable one before the detector was localized";
    }
    const [share, limit] = formatDistinct(found.malignant, malignantThreshold);
    return `the probability of a malignant diagnosis, ${share}, reaches ${limit}`;
  }
}

function checkImageType(type, hasClinical) {
  if (type !== "auto" && !IMAGE_TYPES.includes(type)) {
    throw new SettingsError(
      `image_type='${type}'; expected one of 'dermoscopy', 'clinical' and 'auto', with which the detector recognises it`,
    );
  }
  if (type === "clinical" && !hasClinical) {
    throw new SettingsError(
      "image_type='clinical': this detector was not calibrated on clinical photographs, and its thresholds do not hold " +
        "for them; train one on a dataset whose table has both types in a column image_type",
    );
  }
}
