/** Intervals of proportions: Wilson's, the exact one, and what a ranked score promises. */

const Z = 1.959964; // the 97.5 % quantile of the normal distribution: two-sided 95 % intervals
const STEPS = 50; // of the bisection: each halves the error
const TAIL = 0.025; // on each side of a 95 % interval

/** @type {Map<string, number>} */
const solved = new Map();

/**
 * Return the 95 % Wilson score interval of a proportion (Wilson 1927).
 * @param {number} share
 * @param {number} count independent cases
 * @returns {[number, number]} `[0, 1]` for no cases
 */
export function wilsonInterval(share, count) {
  if (!count) return [0, 1];
  const middle = (share + Z ** 2 / (2 * count)) / (1 + Z ** 2 / count);
  const half = (Z / (1 + Z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/**
 * Return the exact 95 % interval of a proportion (Clopper and Pearson 1934).
 * @param {number} successes may be a fraction: the interval then covers both whole numbers beside it
 * @param {number} count
 * @returns {[number, number]}
 */
export function clopperPearsonInterval(successes, count) {
  const few = Math.floor(successes + 1e-9);
  const many = Math.ceil(successes - 1e-9);
  return [few ? solve(count, few, TAIL) : 0, many < count ? solve(count, many + 1, 1 - TAIL) : 1];
}

/**
 * Return the exact 95 % interval of the share of new cases that reach a score, by the score's rank (Wilks 1941).
 * @param {number} rank 1 for the lowest score
 * @param {number} count
 * @returns {[number, number]}
 */
export function rankInterval(rank, count) {
  const needed = count + 1 - rank;
  return [solve(count, needed, TAIL), solve(count, needed, 1 - TAIL)];
}

/** Return the chance at which at least `needed` of `count` cases succeed with a probability: a quantile of Beta. */
function solve(count, needed, probability) {
  const key = `${count} ${needed} ${probability}`;
  if (solved.has(key)) return solved.get(key);
  const logs = [0]; // of the factorials
  for (let number = 1; number <= count; number += 1) logs.push(logs[number - 1] + Math.log(number));
  let low = 0;
  let high = 1;
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    let reached = 0;
    for (let successes = needed; successes <= count; successes += 1) {
      const combinations = logs[count] - logs[successes] - logs[count - successes];
      reached += Math.exp(combinations + successes * Math.log(middle) + (count - successes) * Math.log1p(-middle));
    }
    if (reached < probability) low = middle;
    else high = middle;
  }
  solved.set(key, (low + high) / 2);
  return solved.get(key);
}
