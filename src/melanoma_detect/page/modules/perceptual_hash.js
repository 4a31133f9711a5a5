/** Perceptual hashes, in all eight orientations; see `images/perceptual_hash.py` and `page/similar.py` of the library. */

const SIDE = 32; // pixels of the thumbnail
const KEPT = 16; // frequencies each way

/**
 * Return the hashes of an image in its eight orientations.
 * @param {Uint8ClampedArray} pixels RGB
 * @param {[number, number]} size height and width
 * @returns {Uint8Array[]} eight times 32 bytes
 */
export function orientations(pixels, [height, width]) {
  const frequencies = cosines(areaMeans(pixels, height, width));
  const codes = [];
  for (const swapped of [false, true]) {
    for (const down of [1, -1]) {
      for (const along of [1, -1]) codes.push(codeOf(frequencies, down, along, swapped));
    }
  }
  return codes;
}

/**
 * @param {Uint8Array} first
 * @param {Uint8Array} second
 * @returns {number} the number of bits that differ
 */
export function hammingDistance(first, second) {
  let bits = 0;
  for (let place = 0; place < first.length; place += 1) {
    for (let rest = first[place] ^ second[place]; rest; rest &= rest - 1) bits += 1;
  }
  return bits;
}

/** Return the mean grey level of each of 32 by 32 areas. */
export function areaMeans(pixels, height, width) {
  const means = new Float64Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row += 1) {
    const [top, bottom] = area(row, height);
    for (let column = 0; column < SIDE; column += 1) {
      const [left, right] = area(column, width);
      let total = 0;
      for (let y = top; y < bottom; y += 1) {
        for (let x = left; x < right; x += 1) {
          const place = 3 * (y * width + x);
          total += 0.299 * pixels[place] + 0.587 * pixels[place + 1] + 0.114 * pixels[place + 2];
        }
      }
      means[row * SIDE + column] = total / ((bottom - top) * (right - left));
    }
  }
  return means;
}

function area(place, side) {
  const start = Math.floor((place * side) / SIDE);
  return [start, Math.max(Math.floor(((place + 1) * side) / SIDE), start + 1)];
}

/** Return the lowest 16 by 16 frequencies of the discrete cosine transform (type II). */
function cosines(means) {
  const basis = Array.from({ length: KEPT }, (_, frequency) =>
    Float64Array.from({ length: SIDE }, (__, place) => {
      const value = Math.cos((Math.PI * frequency * (2 * place + 1)) / (2 * SIDE)) * Math.sqrt(2 / SIDE);
      return frequency ? value : value / Math.sqrt(2);
    }),
  );
  const rows = basis.map((wave) =>
    Float64Array.from({ length: SIDE }, (_, column) =>
      wave.reduce((total, value, row) => total + value * means[row * SIDE + column], 0),
    ),
  );
  return rows.map((row) => basis.map((wave) => wave.reduce((total, value, column) => total + value * row[column], 0)));
}

/** Return the hash of one orientation: a bit for each frequency, set where it is over the median. */
function codeOf(frequencies, down, along, swapped) {
  const flat = [];
  for (let first = 0; first < KEPT; first += 1) {
    for (let second = 0; second < KEPT; second += 1) {
      const [row, column] = swapped ? [second, first] : [first, second];
      flat.push(frequencies[row][column] * (row % 2 ? down : 1) * (column % 2 ? along : 1));
    }
  }
  const median = flat.slice(1).sort((one, other) => one - other)[flat.length / 2 - 1];
  const code = new Uint8Array(flat.length / 8);
  flat.forEach((value, place) => {
    if (place && value > median) code[place >> 3] |= 0x80 >> (place & 7);
  });
  return code;
}
