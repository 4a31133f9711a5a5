/** The engine: from image files to predictions. It starts the model and answers nothing before the golden images agree. */

import { calibratedProbabilities, conformalThreshold } from "calibration";
import { classMap, drawHeat } from "class_maps";
import { converted } from "colour_profile";
import { DecisionRules } from "decisions";
import { decodeImage } from "decode";
import { readFile, readParameters } from "embedded";
import { FeatureSpace, ImageTypeClassifier } from "features";
import { replayGoldenImages } from "golden";
import { Model, startRuntime } from "model";
import { describePoint } from "operating_points";
import { breathe } from "pause";
import { predictiveValues } from "predictive_values";
import { isSound } from "probabilities";
import { rejectionReason } from "quality";
import { jpegReduction, reduced } from "reduction";
import { centreBox, resizeForModel } from "resample";
import { SimilarCases } from "similar";

const PREVIEW = 1024; // pixels of the longer side of what is shown
const LEAST_SENSITIVITY = 0.5; // that the page offers: a lower one is of no use

/**
 * @typedef {object} Analysis what does not depend on the settings; plain data
 * @property {string} source the image's name
 * @property {number} width upright, in pixels
 * @property {number} height
 * @property {string} format
 * @property {Uint8ClampedArray} pixels RGB at the model's size
 * @property {number} side the shorter side before resizing, as the library counts it
 * @property {string} rejection why the image cannot be judged, or empty
 * @property {Float32Array} logits
 * @property {Float32Array} features
 * @property {number|null} distance the out-of-distribution score
 * @property {""|"dermoscopy"|"clinical"} imageType
 * @property {number|null} imageTypeProbability of a clinical photograph
 * @property {{rows: number, columns: number, values: Float32Array}|null} maps
 * @property {object|null} similar what `SimilarCases.find` returned; null for a page without cases
 * @property {ImageBitmap|null} preview what the model saw, in its own shape
 * @property {{decode: number, resize: number, model: number, total: number}} milliseconds
 */

/**
 * Start the engine from what the page carries in itself, and replay the golden images.
 * @param {{onStage?: (stage: "parameters"|"runtime"|"model"|"golden"|"ready") => void, document?: Document}} [options]
 * @returns {Promise<Engine>}
 */
export async function startEngine({ onStage = () => {}, document = globalThis.document } = {}) {
  onStage("parameters");
  const parameters = readParameters(document);
  onStage("runtime");
  const names = ["runtime-script", "runtime-wasm", "model"];
  const [script, wasm, bytes] = await Promise.all(names.map((name) => readFile(document, name)));
  const runtime = await startRuntime({ script, wasm });
  onStage("model");
  const engine = new Engine(parameters, await Model.load(runtime, bytes, parameters));
  onStage("golden");
  await replayGoldenImages(engine);
  onStage("ready");
  return engine;
}

/** A detector that is ready. */
export class Engine {
  /**
   * @param {object} parameters from `readParameters`
   * @param {{run: (pixels: Uint8ClampedArray) => Promise<import("model").ModelOutputs>}} model
   */
  constructor(parameters, model) {
    this.parameters = parameters;
    this.model = model;
    this.rules = new DecisionRules(parameters);
    this.space = parameters.feature_space && new FeatureSpace(parameters.feature_space);
    this.similar = parameters.similar && new SimilarCases(parameters.similar);
    this.classifier = parameters.classifier && new ImageTypeClassifier(parameters.classifier);
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve();
  }

  /**
   * Decode an image and run the model on it. Several calls wait for each other.
   * @param {Blob|Uint8Array|ArrayBuffer} image
   * @param {{name?: string, preview?: boolean}} [options]
   * @returns {Promise<Analysis>}
   */
  analyse(image, options = {}) {
    return this.queue(() => this.analyseNow(image, options));
  }

  /**
   * Decode an image alone, for its picture; it waits as `analyse` does.
   * @param {Blob|Uint8Array|ArrayBuffer} image
   * @param {{name?: string}} [options]
   * @returns {Promise<ImageBitmap>} what the model sees, as an analysis holds it
   */
  preview(image, { name } = {}) {
    return this.queue(async () => {
      const decoded = await open(image, name);
      try {
        return await previewOf(decoded, this.parameters.image_size, this.parameters.resize);
      } finally {
        decoded.close();
      }
    });
  }

  queue(work) {
    const own = this.last.then(work);
    this.last = own.catch(() => {});
    return own;
  }

  async analyseNow(image, { name = image.name ?? "image", preview = true }) {
    const started = performance.now();
    const decoded = await open(image, name);
    try {
      const afterDecoding = performance.now();
      const { image_size: size, resize, input_limits: limits } = this.parameters;
      const factor = decoded.format === "JPEG" ? jpegReduction(decoded, size, resize) : 1;
      const source = converted(reduced(decoded, factor, decoded.begins), decoded.conversion);
      const pixels = await resizeForModel(source, this.parameters);
      const shown = preview ? await previewOf(decoded, size, resize) : null;
      const afterResizing = performance.now();
      await breathe();
      const outputs = await this.model.run(pixels);
      const finished = performance.now();
      const side = Math.min(source.width, source.height);
      return {
        source: name,
        width: decoded.width,
        height: decoded.height,
        format: decoded.format,
        pixels,
        side,
        rejection: rejectionReason(pixels, size, side, limits),
        ...this.read(outputs),
        similar: this.similar && this.similar.find(outputs.features, pixels, size),
        preview: shown,
        milliseconds: {
          decode: afterDecoding - started,
          resize: afterResizing - afterDecoding,
          model: finished - afterResizing,
          total: finished - started,
        },
      };
    } finally {
      decoded.close();
    }
  }

  /** Return what an analysis keeps of the model's outputs. */
  read({ logits, features, maps }) {
    const type = this.classifier ? this.classifier.classify(features) : null;
    return {
      logits,
      features,
      maps,
      distance: this.space ? this.space.distance(features) : null,
      imageType: type ? type.type : "",
      imageTypeProbability: type ? type.probability : null,
    };
  }

  /**
   * Return the prediction for an analysed image.
   * @param {Analysis} analysis
   * @param {Partial<import("decisions").Settings>} [settings]
   * @returns {object} the fields of `Prediction.to_dict` of the library, and `text`
   */
  decide(analysis, settings) {
    const whole = this.rules.complete(settings);
    this.rules.check(whole);
    return this.rules.decide(analysis, whole);
  }

  /**
   * Return the calibrated probabilities of an analysed image.
   * @param {Analysis} analysis
   * @param {Partial<import("decisions").Settings>} [settings]
   * @returns {number[]} in the order of the classes
   */
  probabilities(analysis, settings) {
    const type = this.rules.typeOf(analysis, this.rules.complete(settings));
    return calibratedProbabilities(this.rules.calibrationOf(type), analysis.logits, this.rules.kinds);
  }

  /**
   * Return the threshold for alerts of a type of image.
   * @param {Partial<import("decisions").Settings>} [settings]
   * @param {""|"dermoscopy"|"clinical"} [imageType]
   * @returns {import("operating_points").OperatingPoint|null} null where there is none
   */
  operatingPoint(settings, imageType = "") {
    return this.rules.operatingPoint(this.rules.complete(settings), imageType);
  }

  /**
   * Return the sensitivities that can be set.
   * @param {"melanoma"|"malignant"} target
   * @param {""|"dermoscopy"|"clinical"} [imageType]
   * @returns {[number, number]|null} null where none can
   */
  sensitivityRange(target, imageType = "") {
    const settings = this.rules.complete({ target });
    const supports = (sensitivity) => this.rules.operatingPoint({ ...settings, sensitivity }, imageType) !== null;
    const highest = [...Array(500).keys()].map((step) => (999 - step) / 1000).find(supports);
    return highest === undefined ? null : [Math.min(LEAST_SENSITIVITY, highest), highest];
  }

  /**
   * Return the predictive values of an operating point at a prevalence.
   * @param {import("operating_points").OperatingPoint} point
   * @param {number} prevalence over 0 and under 1
   * @returns {import("predictive_values").PredictiveValues}
   */
  predictiveValues(point, prevalence) {
    return predictiveValues(point, prevalence);
  }

  /**
   * Return where the image speaks for a diagnosis.
   * @param {Analysis} analysis
   * @param {Partial<import("decisions").Settings>} [settings]
   * @param {string} [diagnosis] a class, or "malignant" for all malignant ones; the most probable class by default
   * @returns {import("class_maps").ClassMap|null} null for a detector without class maps, and
   *   for an image without probabilities
   */
  classMap(analysis, settings, diagnosis) {
    if (!analysis.maps) return null;
    const probabilities = this.probabilities(analysis, settings);
    if (!isSound(probabilities, this.parameters.classes.length)) return null; // nothing is evidence where there are no numbers
    const { classes, malignant, image_size: size } = this.parameters;
    const best = classes[probabilities.indexOf(Math.max(...probabilities))];
    const positions = diagnosis === "malignant" ? malignant : [classes.indexOf(diagnosis ?? best)];
    return classMap(analysis.maps, probabilities, positions, size);
  }

  /**
   * Return the class map over what the model saw.
   * @param {Analysis} analysis with its preview
   * @param {Partial<import("decisions").Settings>} [settings]
   * @param {string} [diagnosis]
   * @returns {ImageData|null} of the preview's size
   */
  overlay(analysis, settings, diagnosis) {
    const map = this.classMap(analysis, settings, diagnosis);
    if (!map) return null;
    const { width, height } = analysis.preview;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(analysis.preview, 0, 0);
    return drawHeat(context.getImageData(0, 0, width, height), map.heat, this.parameters.image_size);
  }

  /**
   * @param {import("operating_points").OperatingPoint} point
   * @returns {string} the library's sentence
   */
  describePoint(point) {
    return describePoint(point);
  }

  /**
   * @param {number} coverage
   * @param {""|"dermoscopy"|"clinical"} [imageType]
   * @returns {number} the lowest probability at which a diagnosis is in the prediction set
   */
  conformalThreshold(coverage, imageType = "") {
    return conformalThreshold(this.rules.calibrationOf(imageType), coverage);
  }
}

/** Decode an image, whose bytes are read only now. */
async function open(image, name = image.name ?? "image") {
  return decodeImage(new Uint8Array(image instanceof Blob ? await image.arrayBuffer() : image), name);
}

/** Return what the model saw of an image: all of it, its centre where it is cropped, or with its margins. */
function previewOf(decoded, [height, width], resize) {
  let box = [0, 0, decoded.width, decoded.height];
  if (resize === "crop") box = centreBox(decoded, width, height);
  if (resize === "pad") {
    const scale = Math.max(decoded.width / width, decoded.height / height);
    const [across, down] = [(width * scale - decoded.width) / 2, (height * scale - decoded.height) / 2];
    box = [-across, -down, decoded.width + across, decoded.height + down];
  }
  const [wide, high] = [box[2] - box[0], box[3] - box[1]];
  const scale = Math.min(1, PREVIEW / Math.max(wide, high));
  return decoded.thumbnail(box, Math.max(1, Math.round(wide * scale)), Math.max(1, Math.round(high * scale)));
}
