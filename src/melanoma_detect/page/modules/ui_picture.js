// The picture of the one image, and the evidence for a diagnosis over it.

import { byId, element } from "ui_dom";
import { capitalise } from "ui_words";

/** The picture with its overlay, and what controls it. */
export class Picture {
  /**
   * @param {any} engine From `startEngine`.
   * @param {() => any} settings Returns the settings in use.
   */
  constructor(engine, settings) {
    this.engine = engine;
    this.settings = settings;
    /** @type {any} */
    this.analysis = null;
    this.name = "";
    this.base = byId("picture");
    this.layer = byId("overlay");
    this.shown = byId("show-evidence");
    this.diagnosis = byId("evidence-for");
    this.opacity = byId("evidence-opacity");
    this.#prepareControls();
  }

  /**
   * Draws an image; the one before is freed.
   *
   * @param {any} analysis The analysis with its preview.
   * @param {string} name The file's name.
   * @param {any} prediction The prediction.
   */
  show(analysis, name, prediction) {
    this.clear();
    this.analysis = analysis;
    this.name = name;
    const { preview } = analysis;
    for (const canvas of [this.base, this.layer]) {
      canvas.width = preview.width;
      canvas.height = preview.height;
    }
    this.base.getContext("2d").drawImage(preview, 0, 0);
    this.base.setAttribute("aria-label", `The image ${name}`);
    if (this.engine.parameters.classes.includes(prediction.diagnosis)) this.diagnosis.value = prediction.diagnosis;
    byId("stage").hidden = false;
    byId("evidence").hidden = !this.engine.parameters.has_class_maps;
    this.drawEvidence();
  }

  /** Frees the image. */
  clear() {
    this.analysis?.preview?.close();
    this.analysis = null;
    for (const canvas of [this.base, this.layer]) canvas.width = canvas.height = 1;
    byId("stage").hidden = true;
    byId("evidence").hidden = true;
  }

  /** Draws the evidence for the chosen diagnosis, or takes it away. */
  drawEvidence() {
    const on = this.shown.checked && this.analysis !== null;
    this.layer.hidden = !on;
    byId("evidence-options").hidden = !this.shown.checked;
    if (!on) return;
    const diagnosis = this.diagnosis.value;
    const overlay = this.engine.overlay(this.analysis, this.settings(), diagnosis);
    if (!overlay) {
      this.layer.hidden = true;
      byId("evidence-text").textContent = "";
      return;
    }
    const words = diagnosis === "malignant" ? "a malignant diagnosis" : diagnosis;
    const where = describeHeat(
      this.engine.classMap(this.analysis, this.settings(), diagnosis)?.heat,
      this.engine.parameters.image_size,
    );
    this.layer.width = overlay.width;
    this.layer.height = overlay.height;
    this.layer.getContext("2d").putImageData(overlay, 0, 0);
    this.layer.setAttribute("aria-label", `Evidence for ${words} in ${this.name}: ${where}`);
    byId("evidence-text").textContent = capitalise(`${where}.`);
  }

  #prepareControls() {
    const { parameters } = this.engine;
    const options = parameters.classes.map((/** @type {string} */ label) => element("option", { value: label }, label));
    this.diagnosis.replaceChildren(...options, element("option", { value: "malignant" }, "any malignant diagnosis"));
    this.shown.addEventListener("change", () => this.drawEvidence());
    this.diagnosis.addEventListener("change", () => this.drawEvidence());
    const fade = () => {
      this.layer.style.opacity = String(this.opacity.value / 100);
      this.opacity.setAttribute("aria-valuetext", `${this.opacity.value}%`);
    };
    this.opacity.addEventListener("input", fade);
    fade();
  }
}

/**
 * Says where the evidence lies.
 *
 * @param {Float32Array | undefined} heat From `engine.classMap`, row by row.
 * @param {[number, number]} size Its height and width.
 * @returns {string} The part of a sentence.
 */
export function describeHeat(heat, [height, width]) {
  const highest = heat ? heat.reduce((best, value, place) => (value > heat[best] ? place : best), 0) : 0;
  if (!heat || !(heat[highest] > 0)) return "no part of the image is evidence for it";
  const vertical = ["upper", "", "lower"][Math.floor((3 * Math.floor(highest / width)) / height)];
  const horizontal = ["left", "", "right"][Math.floor((3 * (highest % width)) / width)];
  const part = [vertical, horizontal].filter(Boolean).join(" ");
  return `the strongest evidence lies in its ${part ? `${part} part` : "middle"}`;
}
