/** Class activation maps: where the image speaks for a diagnosis, from the class maps of the model. */

import { sumAt } from "numbers";
import { resizeFloats } from "resample";

// The stops of viridis, from dark blue to yellow: its brightness rises evenly, and skin has none of its colours.
const STOPS = [
  [68, 1, 84],
  [65, 68, 135],
  [42, 120, 142],
  [34, 168, 132],
  [122, 209, 81],
  [253, 231, 37],
];
const MAX_OPACITY = 0.72; // of the colours: the lesion must stay visible under them
const [MIN_HEAT, OPAQUE_HEAT] = [0.08, 0.6]; // opacity rises between these: little heat is noise
const TINY = Number.MIN_VALUE;

/**
 * @typedef {object} ClassMap
 * @property {number} rows
 * @property {number} columns
 * @property {Float32Array} evidence in units of logits; negative for evidence against the diagnosis
 * @property {Float32Array} heat 0 to 1 at the model's size, row by row; zeros if no evidence is positive
 */

/**
 * Return the evidence for some of the classes, as `explain` of the library with class maps.
 * @param {{rows: number, columns: number, values: Float32Array}} maps
 * @param {number[]} probabilities
 * @param {number[]} positions the classes; several count as one
 * @param {[number, number]} size height and width of the model's input
 * @returns {ClassMap}
 */
export function classMap({ rows, columns, values }, probabilities, positions, size) {
  const weights = logOddsWeights(probabilities, positions);
  const evidence = new Float32Array(rows * columns);
  evidence.forEach((_, cell) => {
    let total = 0;
    weights.forEach((weight, position) => {
      total += values[cell * weights.length + position] * weight;
    });
    evidence[cell] = total;
  });
  return { rows, columns, evidence, heat: normalise(evidence, [rows, columns], size) };
}

/**
 * Draw a heat map over an image: the more heat, the more opaque; without heat, the image shows in grey.
 * @param {ImageData} image is drawn over
 * @param {Float32Array} heat
 * @param {[number, number]} size height and width of the heat map
 * @returns {ImageData} the same
 */
export function drawHeat(image, heat, size) {
  const resized = resizeFloats(heat, size, [image.height, image.width]);
  resized.forEach((own, place) => {
    const share = Math.min(Math.max(own, 0), 1); // bicubic interpolation overshoots
    const opacity = MAX_OPACITY * Math.min(Math.max((share - MIN_HEAT) / (OPAQUE_HEAT - MIN_HEAT), 0), 1);
    const pixel = image.data.subarray(4 * place, 4 * place + 3);
    // In grey, no colour of the lesion can be mistaken for one of the map.
    const grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    const colour = colourOf(share);
    for (let channel = 0; channel < 3; channel += 1) pixel[channel] = grey * (1 - opacity) + colour[channel] * opacity;
  });
  return image;
}

/**
 * Return the colour of a share of heat, of viridis.
 * @param {number} share 0 to 1
 * @returns {number[]} red, green and blue, 0 to 255
 */
export function colourOf(share) {
  const position = share * (STOPS.length - 1);
  const below = Math.min(Math.floor(position), STOPS.length - 2);
  return STOPS[below].map((value, channel) => Math.round(value + (STOPS[below + 1][channel] - value) * (position - below)));
}

/** The gradient of the log-odds of the classes with respect to the logits: shares of their probability, minus those of the rest. */
function logOddsWeights(probabilities, positions) {
  const weights = new Array(probabilities.length);
  const rest = probabilities.map((_, position) => position).filter((position) => !positions.includes(position));
  for (const [own, sign] of [
    [positions, 1],
    [rest, -1],
  ]) {
    const shares = probabilities.map((probability) => Math.max(probability, TINY)); // even shares where all underflow
    const total = sumAt(shares, own);
    for (const position of own) weights[position] = (sign * shares[position]) / total;
  }
  return weights;
}

function normalise(evidence, from, to) {
  const highest = evidence.reduce((most, value) => Math.max(most, value), 0);
  if (!(highest > 0 && highest < Infinity)) return new Float32Array(to[0] * to[1]); // true for NaN as well
  const heat = resizeFloats(evidence.map((value) => Math.max(value, 0) / highest), from, to);
  const clipped = heat.map((value) => Math.min(Math.max(value, 0), 1));
  const most = clipped.reduce((high, value) => Math.max(high, value), 0);
  return clipped.map((value) => value / most);
}
