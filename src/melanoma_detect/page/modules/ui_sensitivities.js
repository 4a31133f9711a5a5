// The sensitivities that can be chosen: those that validation supports.

import { typesInUse } from "ui_image_types";
import { roundShare, TARGETS, TYPE_PLURALS } from "ui_words";

const STEP = 0.01;

/**
 * Returns the sensitivities that can be chosen.
 *
 * @param {any} engine From `startEngine`.
 * @param {any} settings The settings in use.
 * @returns {number[]} Ascending: every per cent that validation supports for one type of image at least, the highest one, and
 *   the detector's own; empty where it supports none.
 */
export function sensitivityOptions(engine, settings) {
  const ranges = supported(engine, settings).flatMap(({ range }) => (range ? [range] : []));
  if (!ranges.length) return [];
  const lowest = Math.min(...ranges.map(([low]) => low));
  const highest = floor(Math.max(...ranges.map(([, high]) => high)));
  const options = new Set([highest]);
  for (let step = Math.round(lowest / STEP); step * STEP <= highest + 1e-9; step += 1) options.add(round(step * STEP));
  const own = engine.parameters.settings.sensitivity;
  if (own <= highest || settings.sensitivity === own) options.add(own);
  return [...options].sort((one, other) => one - other);
}

/**
 * Says why no higher sensitivity can be chosen, and for which images the chosen one cannot.
 *
 * @param {any} engine From `startEngine`.
 * @param {any} settings The settings in use.
 * @returns {string} Sentences.
 */
export function describeSupport(engine, settings) {
  const plural = TARGETS[settings.target][1];
  const all = supported(engine, settings);
  const known = all.filter(({ range }) => range);
  if (!known.length) return `No sensitivity can be set: validation shows too few ${plural}. Every image is referred.`;
  const tops = known.map(
    ({ type, range }) => `${roundShare(floor(range[1]))}${all.length > 1 ? ` on ${TYPE_PLURALS[type]}` : ""}`,
  );
  const refused = all.filter(({ type }) => engine.operatingPoint(settings, type) === null);
  const referred = refused.map(
    ({ type }) =>
      ` At ${roundShare(settings.sensitivity)}, ${type ? `${TYPE_PLURALS[type]} are all` : "every image is"} referred.`,
  );
  return `The ${plural} of validation support at most ${tops.join(" and ")}: more would need more of them.${referred.join("")}`;
}

/** @param {any} engine @param {any} settings @returns {{type: string, range: any}[]} */
function supported(engine, settings) {
  return typesInUse(engine.parameters, settings).map((type) => ({
    type,
    range: engine.sensitivityRange(settings.target, type),
  }));
}

/** @param {number} share @returns {number} Down to a tenth of a per cent, as messages of the library write it. */
function floor(share) {
  return Math.floor(1000 * share + 1e-9) / 1000;
}

/** @param {number} share @returns {number} Without the small error of adding steps: 0.95, not 0.9500000000000001. */
function round(share) {
  return Number(share.toFixed(4));
}
