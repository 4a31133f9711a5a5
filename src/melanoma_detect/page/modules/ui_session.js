// The images of this visit: what was chosen, what became of each, and the settings that all are judged by.

import { ImageError } from "errors";
import { pause } from "pause";
import { makeThumbnail } from "ui_thumbnail";

/**
 * @typedef {object} Item One image.
 * @property {number} id Its number, from 1, in the order of adding.
 * @property {File} file The file; its bytes are read when they are needed.
 * @property {string} name The file's name.
 * @property {"waiting" | "done" | "failed"} state What became of it.
 * @property {any} analysis What the model gave, without the pixels; null before.
 * @property {any} prediction The prediction by the present settings; null before, and for a file that is no image.
 * @property {string} error Why it could not be read; empty where it could.
 * @property {string} thumbnail The address of a small picture; empty where there is none.
 * @property {boolean} alone Whether it came in alone, so that its answer is opened at once.
 */

/**
 * @typedef {object} Listener What is told of changes.
 * @property {(items: Item[]) => void} added Images were added.
 * @property {(item: Item) => void} changed An image has its answer.
 * @property {() => void} rejudged All answers are new, by other settings.
 * @property {() => void} progressed Work began, went on or ended.
 * @property {() => void} cleared All images were removed.
 */

/** Images, analysed one after the other, and judged again at once where the settings change. */
export class Session {
  /** @param {any} engine From `startEngine`. */
  constructor(engine) {
    this.engine = engine;
    /** @type {Item[]} */
    this.items = [];
    /** @type {Listener[]} */
    this.listeners = [];
    this.settings = { ...engine.parameters.settings };
    this.running = false;
    this.stopping = false;
    this.added = 0;
  }

  /** @returns {number} How many images have their answer, or a reason why there is none. */
  get finished() {
    return this.items.filter((item) => item.state !== "waiting").length;
  }

  /**
   * Adds files and analyses them.
   *
   * @param {Iterable<File>} files What somebody chose.
   * @returns {Promise<void>} Fulfilled when all are analysed, or it was stopped.
   */
  async add(files) {
    const fresh = Array.from(files, (file) => this.#item(file));
    if (fresh.length === 1) fresh[0].alone = true;
    if (!fresh.length) return;
    this.items.push(...fresh);
    this.#tell("added", fresh);
    await this.run();
  }

  /** Analyses what waits. @returns {Promise<void>} Fulfilled when nothing waits, or it was stopped. */
  async run() {
    this.stopping = false;
    if (this.running) return; // the images that are new wait their turn
    this.running = true;
    this.#tell("progressed");
    for (let item = this.#next(); item && !this.stopping; item = this.#next()) {
      await this.#analyse(item);
      if (!this.items.includes(item)) continue; // removed meanwhile
      this.#tell("changed", item);
      this.#tell("progressed");
      await pause();
    }
    this.running = false;
    this.#tell("progressed");
  }

  /** Stops after the image in work; the others wait. */
  stop() {
    this.stopping = true;
  }

  /** Removes all images, and frees their pictures. */
  clear() {
    for (const item of this.items) if (item.thumbnail) URL.revokeObjectURL(item.thumbnail);
    this.items = [];
    this.#tell("cleared");
  }

  /**
   * Judges all images again by other settings; the model does not run.
   *
   * @param {Record<string, any>} changes Of `sensitivity`, `target` and `image_type`.
   * @throws {Error} Validation does not support them; all answers stay as they are.
   */
  change(changes) {
    const settings = { ...this.settings, ...changes };
    const judged = this.items.filter((item) => item.analysis);
    const predictions = judged.map((item) => this.engine.decide(item.analysis, settings)); // raises before anything changes
    judged.forEach((item, index) => {
      item.prediction = predictions[index];
    });
    this.settings = settings;
    this.#tell("rejudged");
  }

  /**
   * Decodes one image again for its full picture, which is not kept for all images.
   *
   * @param {Item} item The image.
   * @returns {Promise<any>} The analysis, with its preview; to be closed by whoever asked for it.
   */
  async reopen(item) {
    return { ...item.analysis, preview: await this.engine.preview(item.file, { name: item.name }) };
  }

  /** @param {File} file @returns {Item} */
  #item(file) {
    this.added += 1;
    const name = file.name || `image ${this.added}`;
    const empty = { analysis: null, prediction: null, error: "", thumbnail: "", alone: false };
    return { id: this.added, file, name, state: "waiting", ...empty };
  }

  #next() {
    return this.items.find((item) => item.state === "waiting");
  }

  /** @param {Item} item */
  async #analyse(item) {
    try {
      const analysis = await this.engine.analyse(item.file, { name: item.name });
      item.thumbnail = await makeThumbnail(analysis.preview);
      analysis.preview?.close();
      item.analysis = { ...analysis, preview: null, pixels: null };
      item.prediction = this.engine.decide(item.analysis, this.settings);
      item.state = "done";
    } catch (error) {
      item.error = describe(error, item.name);
      item.state = "failed";
    }
    if (!this.items.includes(item) && item.thumbnail) URL.revokeObjectURL(item.thumbnail);
  }

  /** @param {keyof Listener} what @param {...any} details */
  #tell(what, ...details) {
    for (const listener of this.listeners) /** @type {any} */ (listener[what])(...details);
  }
}

/**
 * Says why an image could not be read.
 *
 * @param {any} error What was thrown.
 * @param {string} name The file's name.
 * @returns {string} A sentence with the file's name.
 */
export function describe(error, name) {
  if (error instanceof ImageError) return error.message;
  return `${name}: cannot be analysed (${error?.message || error}); choose it again, or another copy of it`;
}
