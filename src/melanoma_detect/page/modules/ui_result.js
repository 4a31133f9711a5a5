// The answer for one image.

import { formatPercent } from "text";
import { drawBars } from "ui_bars";
import { announce, byId, element } from "ui_dom";
import { Picture } from "ui_picture";
import { describe } from "ui_session";
import { drawSimilar } from "ui_similar";
import { verdict } from "ui_verdict";
import { capitalise, readableName, roundShare, TYPE_NAMES, withoutName } from "ui_words";

/** Shows one image of the session beside its answer. */
export class Result {
  /**
   * @param {import("ui_session").Session} session The images.
   * @param {(item: import("ui_session").Item) => void} back Leads to an image's row in the table.
   */
  constructor(session, back) {
    this.session = session;
    /** @type {import("ui_session").Item | null} */
    this.item = null;
    this.section = byId("result");
    this.title = byId("result-title");
    this.picture = new Picture(session.engine, () => session.settings);
    byId("back").addEventListener("click", () => this.item && back(this.item));
  }

  /**
   * Opens an image.
   *
   * @param {import("ui_session").Item} item The image, analysed or refused.
   * @param {{focus?: boolean}} [options] Whether the focus goes there: where somebody asked for this image.
   * @returns {Promise<void>} Fulfilled when it is drawn.
   */
  async open(item, { focus = false } = {}) {
    this.item = item;
    this.section.hidden = false;
    this.write();
    if (focus) {
      this.title.focus({ preventScroll: true });
      this.section.scrollIntoView({ block: "start" });
    }
    await this.#drawPicture(item);
  }

  /** Shows no image. */
  close() {
    this.item = null;
    this.picture.clear();
    this.section.hidden = true;
  }

  /** Writes the answer by the present settings. */
  write() {
    const { item } = this;
    if (!item) return;
    this.title.textContent = readableName(item.name);
    byId("verdict").replaceChildren(...(item.prediction ? decision(item) : refusal(item)));
    byId("answer").replaceChildren(...(item.prediction ? this.#answer(item) : []));
    byId("back-line").hidden = this.session.items.length < 2;
    byId("side").hidden = !item.prediction;
    const words = item.prediction ? item.prediction.text : item.error;
    announce(words);
    if (this.picture.analysis) this.picture.drawEvidence();
  }

  /** @param {import("ui_session").Item} item */
  async #drawPicture(item) {
    this.picture.clear();
    byId("picture-wait").hidden = item.state !== "done";
    if (item.state !== "done") return;
    try {
      const analysis = await this.session.reopen(item);
      if (this.item !== item)
        analysis.preview?.close(); // another one was opened meanwhile
      else this.picture.show(analysis, item.name, item.prediction);
    } catch (error) {
      if (this.item !== item) return;
      byId("answer").append(
        element("p", { class: "advice warn" }, `The picture cannot be shown. ${describe(error, item.name)}.`),
      );
    } finally {
      if (this.item === item) byId("picture-wait").hidden = true;
    }
  }

  /** @param {import("ui_session").Item} item @returns {HTMLElement[]} */
  #answer({ prediction, analysis }) {
    const { engine, settings } = this.session;
    const type = prediction.image_type ? `, ${TYPE_NAMES[prediction.image_type]}` : "";
    const middle =
      engine.parameters.resize === "crop" && analysis.width !== analysis.height
        ? " Shown is its middle, which the model sees."
        : "";
    return [
      drawBars(prediction, engine.parameters),
      element("p", { class: "soft" }, describeSet(prediction, settings.coverage)),
      element(
        "p",
        { class: "soft" },
        `${analysis.width} × ${analysis.height} pixels, ${analysis.format}${type}.${middle}`,
      ),
      ...(analysis.similar ? [drawSimilar(analysis.similar, engine.parameters.similar)] : []),
    ];
  }
}

/**
 * Says which diagnoses cannot be ruled out.
 *
 * @param {any} prediction The prediction.
 * @param {number} coverage Of the sets that hold the true diagnosis, the share.
 * @returns {string} A sentence.
 */
export function describeSet(prediction, coverage) {
  if (prediction.abstained) return "These probabilities mean little for this image.";
  const set = prediction.prediction_set;
  const all = set.length === Object.keys(prediction.probabilities).length;
  const held = `Not ruled out (✓): ${all ? "any of the diagnoses" : set.join(", ")}.`;
  return `${held} Such a set holds the true diagnosis in ${roundShare(coverage)} of images like those of validation.`;
}

/** @param {import("ui_session").Item} item @returns {HTMLElement[]} */
function decision({ name, prediction }) {
  const share = formatPercent(prediction.probabilities[prediction.diagnosis]);
  const likely = prediction.abstained ? "no diagnosis" : `${prediction.diagnosis}, ${share}`;
  return [
    element("p", { class: "top" }, verdict(prediction.decision, true), element("strong", {}, likely)),
    // The sentence of an image that is referred says why.
    element(
      "p",
      { id: "sentence", class: prediction.reason ? "advice warn" : "" },
      capitalise(withoutName(prediction.text, name)),
    ),
  ];
}

/** @param {import("ui_session").Item} item @returns {HTMLElement[]} */
function refusal(item) {
  return [
    element("p", { class: "top" }, verdict("refer", true), element("strong", {}, "not judged")),
    element("p", { class: "advice warn", id: "refusal" }, capitalise(`${withoutName(item.error, item.name)}.`)),
  ];
}
