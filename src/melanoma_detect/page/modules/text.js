/** Shares, probabilities and intervals as text, as the library writes them. */

const MAX_DECIMALS = 16; // the closest number to 1 differs from it by 1e-16
const EXTREME = 0.0005; // nearer to 0 or 1, three decimals do not tell a threshold from them

/**
 * Return a share in per cent: 100% and 0% only for exactly 1 and 0, so that nothing looks certain because it was rounded.
 * @param {number|null} share 0 to 1; null, NaN or infinity where there is none
 * @param {number} [digits] after the point
 * @returns {string} "no number" for what is none
 */
export function formatPercent(share, digits = 1) {
  if (!Number.isFinite(share)) return "no number";
  if (share === 0 || share === 1) return `${100 * share}%`;
  const smallest = 10 ** -(digits + 2);
  const text = percent(share, digits);
  if (text === percent(1, digits) && share < 1) return `>${percent(1 - smallest, digits)}`;
  return text === percent(0, digits) && share > 0 ? `<${percent(smallest, digits)}` : text;
}

/**
 * Return a threshold in per cent, with as many digits as tell it from 0 and 1.
 * @param {number} share 0 to 1
 * @param {number} [digits] after the point, at least
 * @returns {string}
 */
export function formatThreshold(share, digits = 1) {
  return percent(share, Math.max(digits, decimals(share) - 2));
}

/**
 * Return a probability as a number, with as many digits as tell it from 0 and 1.
 * @param {number} share 0 to 1
 * @param {number} [digits] after the point, at least
 * @returns {string}
 */
export function formatProbability(share, digits = 3) {
  return fixed(share, Math.max(digits, decimals(share)));
}

/**
 * Return a share and a threshold in per cent, with the fewest digits that show which is larger.
 * @param {number} first
 * @param {number} second
 * @returns {[string, string]}
 */
export function formatDistinct(first, second) {
  let digits = 1;
  let shown = "";
  for (; digits < 13; digits += 1) {
    shown = formatPercent(first, digits);
    if (shown !== formatPercent(second, digits)) break;
  }
  return [shown, formatThreshold(second, Math.min(digits, 12))];
}

/**
 * @param {number} share
 * @returns {boolean} whether a threshold lies so close to 0 or 1 that three digits do not tell it from them
 */
export function isExtreme(share) {
  const gap = Math.min(share, 1 - share);
  return gap > 0 && gap < EXTREME;
}

/**
 * @param {number} share
 * @param {[number, number]} interval `[0, 1]` where it is not known
 * @param {number} [digits]
 * @returns {string}
 */
export function shareWithInterval(share, interval, digits = 1) {
  const shown = percent(share, digits);
  if (isUnknown(interval)) return shown;
  return `${shown} [${percent(interval[0], digits)}, ${percent(interval[1], digits)}]`;
}

/**
 * @param {[number, number]} interval
 * @returns {boolean} whether it is that of a proportion of no cases
 */
export function isUnknown(interval) {
  return interval[0] === 0 && interval[1] === 1;
}

/**
 * Return a number as Python's `:g` format writes it: six significant digits at most.
 * @param {number|null} value null, which JSON has for it, is no number
 * @param {number} [significant]
 * @returns {string}
 */
export function formatShort(value, significant = 6) {
  if (!Number.isFinite(value)) return Math.abs(value) === Infinity ? (value > 0 ? "inf" : "-inf") : "nan";
  const [digits, power] = value.toExponential(significant - 1).split("e");
  const size = Math.abs(Number(power));
  if (Number(power) >= -4 && Number(power) < significant) return String(Number(value.toPrecision(significant)));
  return `${Number(digits)}e${power[0]}${String(size).padStart(2, "0")}`;
}

/**
 * Return a share in per cent with a fixed number of digits, as Python's `:.1%`.
 * @param {number} share
 * @param {number} digits
 * @returns {string}
 */
export function percent(share, digits) {
  return Number.isFinite(share) ? `${fixed(100 * share, digits)}%` : `${String(share).toLowerCase()}%`;
}

/** `toFixed` rounds by the exact binary value, as Python does; of an exact half Python takes the even digit, it the larger. */
function fixed(value, digits) {
  const text = value.toFixed(digits);
  const isHalf = (value * 2 ** (digits + 1)) % 2 === 1; // no other binary number lies halfway between two decimal ones
  return isHalf && Number(text.at(-1)) % 2 === 1 ? (value - 10 ** -digits / 4).toFixed(digits) : text;
}

/** Return the fewest digits after the point at which a share is not rounded to 0 or 1. */
function decimals(share) {
  const gap = Math.min(share, 1 - share);
  return gap > 0 ? Math.min(MAX_DECIMALS, Math.ceil(-Math.log10(gap))) : 0;
}
