/** Resampling as Pillow does it, number for number: antialiased, in two passes, with weights of fixed precision. */

import { roundHalfEven } from "numbers";

const PRECISION = 22; // bits of a weight's fraction: Pillow's 32 - 8 - 2
const HALF = 1 << (PRECISION - 1);
const STRIP = 1 << 20; // pixels that are read at once, about

/**
 * @typedef {"horizontal"|"cheaper"} Order of the passes: "cheaper", as Pillow from version 13 on, or horizontal first as before.
 *     It matters, since the image between the passes is rounded.
 */

/**
 * @typedef {object} PixelSource an image that is read in strips, since a whole one may take a gigabyte
 * @property {number} width
 * @property {number} height
 * @property {(first: number, count: number) => Promise<Uint8ClampedArray>} read rows of RGBA; it may pause
 *
 * @typedef {object} Weights of the source pixels that make each target pixel
 * @property {Int32Array} firsts the first source pixel of each target pixel
 * @property {Int32Array} counts how many there are
 * @property {Float64Array} values `size` numbers for each target pixel, which sum to 1
 * @property {number} size
 */

/** @param {number} x @returns {number} */
const bilinear = (x) => Math.max(0, 1 - Math.abs(x));

/** Pillow's bicubic filter, with a = -0.5. @param {number} x @returns {number} */
function bicubic(x) {
  const a = -0.5;
  const distance = Math.abs(x);
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0;
}

/**
 * Return a source resized to the model's input as the library does.
 * @param {PixelSource} source
 * @param {{image_size: [number, number], resize: "squash"|"crop"|"pad", resample_order: Order}} parameters
 * @returns {Promise<Uint8ClampedArray>} RGB, row by row
 */
export async function resizeForModel(source, { image_size: [height, width], resize, resample_order: order }) {
  const whole = [0, 0, source.width, source.height];
  const same = source.width === width && source.height === height;
  if (resize === "pad" && !same) return pad(source, width, height, order);
  const box = resize === "crop" && !same ? centreBox(source, width, height) : whole;
  return resizePixels(source, width, height, box.map(Math.fround), order); // Pillow holds a box in float32
}

/**
 * Return the largest centre part that has the shape of a size: left, top, right and bottom.
 * @param {{width: number, height: number}} source
 * @param {number} width
 * @param {number} height
 * @returns {[number, number, number, number]}
 */
export function centreBox(source, width, height) {
  const scale = Math.min(source.width / width, source.height / height);
  const [innerWidth, innerHeight] = [width * scale, height * scale];
  const left = Math.max(0, (source.width - innerWidth) / 2);
  const top = Math.max(0, (source.height - innerHeight) / 2);
  return [left, top, Math.min(source.width, left + innerWidth), Math.min(source.height, top + innerHeight)];
}

/**
 * Return a part of a source in another size, by the bilinear filter.
 * @param {PixelSource} source
 * @param {number} width
 * @param {number} height
 * @param {[number, number, number, number]} box left, top, right and bottom
 * @param {Order} order
 * @returns {Promise<Uint8ClampedArray>} RGB, row by row
 */
export async function resizePixels(source, width, height, box, order) {
  const needsHorizontal = width !== source.width || box[0] !== 0 || box[2] !== width;
  const needsVertical = height !== source.height || box[1] !== 0 || box[3] !== height;
  const across = needsHorizontal ? fixedPoint(weightsOf(source.width, box[0], box[2], width, bilinear, 1)) : null;
  const down = needsVertical ? fixedPoint(weightsOf(source.height, box[1], box[3], height, bilinear, 1)) : null;
  const removed = source.height - height;
  if (across && down && order === "cheaper" && removed > 0 && removed > 2 * (source.width - width)) {
    return shrinkVerticallyFirst(source, width, height, across, down);
  }
  const first = down ? down.firsts[0] : 0;
  const last = down ? down.firsts[height - 1] + down.counts[height - 1] : source.height;
  const narrow = new Uint8ClampedArray((last - first) * width * 3);
  const step = Math.max(1, Math.floor(STRIP / source.width));
  for (let row = first; row < last; row += step) {
    const count = Math.min(step, last - row);
    const target = narrow.subarray((row - first) * width * 3, (row - first + count) * width * 3);
    const strip = await source.read(row, count);
    if (across) shrinkRows(strip, source.width, 4, target, width, across);
    else dropAlpha(strip, target);
  }
  return down ? shrinkColumns(narrow, width, 3, down, [0, height], first) : narrow;
}

async function shrinkVerticallyFirst(source, width, height, across, down) {
  const resized = new Uint8ClampedArray(width * height * 3);
  const step = Math.max(1, Math.floor((STRIP * height) / (source.width * source.height)));
  for (let row = 0; row < height; row += step) {
    const end = Math.min(height, row + step);
    const first = down.firsts[row];
    const strip = await source.read(first, down.firsts[end - 1] + down.counts[end - 1] - first);
    const low = shrinkColumns(strip, source.width, 4, down, [row, end], first);
    shrinkRows(low, source.width, 3, resized.subarray(row * width * 3, end * width * 3), width, across);
  }
  return resized;
}

/**
 * Return a map of numbers in another size, by the bicubic filter, as Pillow resizes images of floats.
 * @param {Float32Array} values row by row
 * @param {[number, number]} from height and width
 * @param {[number, number]} to height and width
 * @returns {Float32Array}
 */
export function resizeFloats(values, [fromHeight, fromWidth], [toHeight, toWidth]) {
  const across = weightsOf(fromWidth, 0, fromWidth, toWidth, bicubic, 2);
  const down = weightsOf(fromHeight, 0, fromHeight, toHeight, bicubic, 2);
  const narrow = new Float32Array(fromHeight * toWidth);
  for (let row = 0; row < fromHeight; row += 1) {
    for (let column = 0; column < toWidth; column += 1) {
      narrow[row * toWidth + column] = weighted(across, column, (place) => values[row * fromWidth + place]);
    }
  }
  const resized = new Float32Array(toHeight * toWidth);
  for (let row = 0; row < toHeight; row += 1) {
    for (let column = 0; column < toWidth; column += 1) {
      resized[row * toWidth + column] = weighted(down, row, (place) => narrow[place * toWidth + column]);
    }
  }
  return resized;
}

function weighted(weights, target, valueAt) {
  let total = 0;
  for (let each = 0; each < weights.counts[target]; each += 1) {
    total += valueAt(weights.firsts[target] + each) * weights.values[target * weights.size + each];
  }
  return total;
}

/** As Pillow's `ImageOps.pad` with a black margin. */
async function pad(source, width, height, order) {
  const [shape, wanted] = [source.width / source.height, width / height];
  let [innerWidth, innerHeight] = [width, height];
  if (shape > wanted) innerHeight = roundHalfEven((source.height / source.width) * width);
  else if (shape < wanted) innerWidth = roundHalfEven((source.width / source.height) * height);
  const inner = await resizePixels(source, innerWidth, innerHeight, [0, 0, source.width, source.height], order);
  const left = innerWidth === width ? 0 : roundHalfEven((width - innerWidth) * 0.5);
  const top = innerWidth === width ? roundHalfEven((height - innerHeight) * 0.5) : 0;
  const padded = new Uint8ClampedArray(width * height * 3);
  for (let row = 0; row < innerHeight; row += 1) {
    const line = inner.subarray(row * innerWidth * 3, (row + 1) * innerWidth * 3);
    padded.set(line, ((top + row) * width + left) * 3);
  }
  return padded;
}

/**
 * Return the weights of a filter, as Pillow's `precompute_coeffs`.
 * @param {number} size of the source
 * @param {number} start of the part that is taken
 * @param {number} end
 * @param {number} target size
 * @param {(x: number) => number} filter
 * @param {number} reach of the filter, in target pixels
 * @returns {Weights}
 */
function weightsOf(size, start, end, target, filter, reach) {
  const scale = Math.fround(end - start) / target; // Pillow subtracts in float32
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const length = Math.ceil(support) * 2 + 1;
  const weights = {
    firsts: new Int32Array(target),
    counts: new Int32Array(target),
    values: new Float64Array(target * length),
    size: length,
  };
  for (let each = 0; each < target; each += 1) {
    const centre = start + (each + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(size, Math.trunc(centre + support + 0.5)) - first;
    weights.firsts[each] = first;
    weights.counts[each] = count;
    const own = weights.values.subarray(each * length, each * length + count);
    let total = 0;
    for (let place = 0; place < count; place += 1) {
      own[place] = filter((place + first - centre + 0.5) * (1 / stretch));
      total += own[place];
    }
    if (total !== 0) for (let place = 0; place < count; place += 1) own[place] /= total;
  }
  return weights;
}

/** Return weights as whole numbers, 1 being 2 to the power of the precision. */
function fixedPoint(weights) {
  const values = Int32Array.from(weights.values, (value) => Math.trunc(value * (1 << PRECISION) + (value < 0 ? -0.5 : 0.5)));
  return { ...weights, values };
}

/** Resample rows of pixels of 3 or 4 channels, of which three are taken. */
function shrinkRows(strip, sourceWidth, channels, target, width, { firsts, counts, values, size }) {
  const rows = target.length / (3 * width);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < width; column += 1) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let place = channels * (row * sourceWidth + firsts[column]);
      const start = column * size;
      for (let each = start; each < start + counts[column]; each += 1, place += channels) {
        const weight = values[each];
        red += strip[place] * weight;
        green += strip[place + 1] * weight;
        blue += strip[place + 2] * weight;
      }
      const written = 3 * (row * width + column);
      target[written] = red >> PRECISION;
      target[written + 1] = green >> PRECISION;
      target[written + 2] = blue >> PRECISION;
    }
  }
}

/** Resample columns of pixels of 3 or 4 channels into some of the target's rows; the strip begins at a row of the source. */
function shrinkColumns(strip, width, channels, { firsts, counts, values, size }, [from, to], begin) {
  const resized = new Uint8ClampedArray(3 * width * (to - from));
  const line = channels * width;
  for (let row = from; row < to; row += 1) {
    const start = row * size;
    const top = (firsts[row] - begin) * line;
    for (let column = 0; column < 3 * width; column += 1) {
      let total = HALF;
      let place = top + (channels === 3 ? column : column + Math.floor(column / 3));
      for (let each = start; each < start + counts[row]; each += 1, place += line) total += strip[place] * values[each];
      resized[3 * width * (row - from) + column] = total >> PRECISION;
    }
  }
  return resized;
}

function dropAlpha(strip, target) {
  for (let from = 0, to = 0; to < target.length; from += 4, to += 3) {
    target[to] = strip[from];
    target[to + 1] = strip[from + 1];
    target[to + 2] = strip[from + 2];
  }
}
