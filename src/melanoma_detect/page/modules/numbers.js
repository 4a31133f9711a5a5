/** Small functions on numbers and arrays, with the rounding of Python and NumPy. */

/**
 * Return a number rounded to the nearest integer, halves to the even one, as Python's `round`.
 * @param {number} value
 * @returns {number}
 */
export function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {number}
 */
export function clip(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * @param {ArrayLike<number>} values
 * @param {Iterable<number>} positions
 * @returns {number} the sum of the values at these positions
 */
export function sumAt(values, positions) {
  let total = 0;
  for (const position of positions) total += values[position];
  return total;
}

/**
 * @param {ArrayLike<number>} values
 * @returns {number} the position of the largest value, the first of equal ones; of a NaN, as NumPy's `argmax`
 */
export function argmax(values) {
  let best = 0;
  for (let index = 0; index < values.length; index += 1) {
    if (Number.isNaN(values[index])) return index;
    if (values[index] > values[best]) best = index;
  }
  return best;
}

/**
 * @param {ArrayLike<number>} logits
 * @returns {number[]} the softmax; sums to 1
 */
export function softmax(logits) {
  const highest = Math.max(...logits);
  const raised = Array.from(logits, (logit) => Math.exp(logit - highest));
  const total = raised.reduce((sum, value) => sum + value, 0);
  return raised.map((value) => value / total);
}

/**
 * @param {number[]} ascending
 * @param {number} value
 * @returns {number} how many of the ascending values are under a value
 */
export function countUnder(ascending, value) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {number[]} ascending
 * @param {number} value
 * @returns {number} the share of the values that reach a value; NaN of none
 */
export function shareFrom(ascending, value) {
  return 1 - countUnder(ascending, value) / ascending.length;
}
