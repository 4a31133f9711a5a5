// The settings: what is alerted to, at which sensitivity, on which type of image, and at which prevalence.

import { announce, byId, element } from "ui_dom";
import { drawPoints } from "ui_points";
import { describeSupport, sensitivityOptions } from "ui_sensitivities";
import { roundShare, TARGETS, TYPE_NAMES, TYPE_PLURALS } from "ui_words";

const PREVALENCES = [
  0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5,
];
const PREVALENCE = 0.02; // of melanoma in a practice that looks at many lesions

/** The controls of the settings. */
export class Settings {
  /** @param {import("ui_session").Session} session The images, which are judged again where a setting changes. */
  constructor(session) {
    this.session = session;
    this.engine = session.engine;
    this.sensitivity = byId("sensitivity");
    this.prevalence = byId("prevalence");
    this.type = byId("image-type");
    /** @type {number[]} */
    this.options = [];
    this.#prepareTargets();
    this.#prepareTypes();
    this.prevalence.max = PREVALENCES.length - 1;
    this.prevalence.value = PREVALENCES.indexOf(PREVALENCE);
    this.prevalence.addEventListener("input", () => this.#showPoints());
    this.sensitivity.addEventListener("input", () =>
      this.#change({ sensitivity: this.options[this.sensitivity.value] }),
    );
    byId("settings-reset").addEventListener("click", () => this.#reset());
    this.#show();
  }

  /** @param {Record<string, any>} changes */
  #change(changes) {
    const settings = { ...this.session.settings, ...changes };
    if (!("sensitivity" in changes)) {
      const options = sensitivityOptions(this.engine, settings);
      if (options.length && !options.includes(settings.sensitivity))
        settings.sensitivity = nearest(options, settings.sensitivity);
    }
    let problem = "";
    try {
      this.session.change(settings);
    } catch (error) {
      problem = /** @type {Error} */ (error).message;
    }
    this.#show(problem);
  }

  #reset() {
    const { sensitivity, target, image_type: type } = this.engine.parameters.settings;
    this.prevalence.value = PREVALENCES.indexOf(PREVALENCE);
    this.#change({ sensitivity, target, image_type: type });
    announce("The detector's own settings are back.");
  }

  #prepareTargets() {
    const { parameters } = this.engine;
    const offered = (/** @type {string} */ target) =>
      sensitivityOptions(this.engine, { ...parameters.settings, target }).length > 0;
    const missing = Object.keys(TARGETS).filter((target) => !offered(target));
    for (const radio of targetRadios()) {
      radio.disabled = missing.includes(radio.value) && radio.value !== parameters.settings.target;
      radio.addEventListener("change", () => this.#change({ target: radio.value }));
    }
    const notes = missing.map(
      (target) => `No threshold for ${TARGETS[target][0]}: validation shows too few, or nothing else.`,
    );
    byId("target-note").textContent = notes.join(" ");
  }

  #prepareTypes() {
    const { types, has_clinical: clinical } = this.engine.parameters;
    byId("image-type-field").hidden = !types.length && !clinical;
    const all = Object.keys(TYPE_NAMES).map((type) =>
      element("option", { value: type }, `all are ${TYPE_PLURALS[type]}`),
    );
    this.type.replaceChildren(
      element("option", { value: "auto" }, types.length ? "recognised by the detector" : "not stated"),
      ...all,
    );
    this.type.addEventListener("change", () => this.#change({ image_type: this.type.value }));
  }

  /** @param {string} [problem] Why the last choice could not be set. */
  #show(problem = "") {
    const { settings } = this.session;
    for (const radio of targetRadios()) radio.checked = radio.value === settings.target;
    this.type.value = settings.image_type;
    this.options = sensitivityOptions(this.engine, settings);
    this.sensitivity.disabled = this.options.length < 2;
    this.sensitivity.max = Math.max(0, this.options.length - 1);
    this.sensitivity.value = this.options.indexOf(settings.sensitivity);
    const words = roundShare(settings.sensitivity);
    byId("sensitivity-value").textContent = words;
    this.sensitivity.setAttribute("aria-valuetext", words);
    byId("sensitivity-note").textContent = problem || describeSupport(this.engine, settings);
    this.#showPoints();
  }

  #showPoints() {
    const prevalence = PREVALENCES[this.prevalence.value];
    const words = roundShare(prevalence);
    byId("prevalence-value").textContent = words;
    this.prevalence.setAttribute("aria-valuetext", words);
    byId("prevalence-target").textContent = TARGETS[this.session.settings.target][1];
    byId("points").replaceChildren(drawPoints(this.engine, this.session.settings, prevalence));
  }
}

/** @returns {HTMLInputElement[]} */
function targetRadios() {
  return /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=target]")]);
}

/** @param {number[]} options @param {number} wanted @returns {number} */
function nearest(options, wanted) {
  return options.reduce((best, option) => (Math.abs(option - wanted) < Math.abs(best - wanted) ? option : best));
}
