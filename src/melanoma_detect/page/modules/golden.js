/** Golden images: drawn lesions that must get the same answers here as where the page was made. */

import { decodeBase64 } from "embedded";
import { GoldenMismatchError } from "errors";
import { softmax } from "numbers";

const TOLERANCE = 2e-3; // in probability: rounding differs between processors, and another model differs by far more
const DISTANCE_TOLERANCE = 0.01; // relative
const PIXEL_TOLERANCE = 0.5; // of 255, in the mean of a channel

/**
 * Throw a GoldenMismatchError unless the golden images get the recorded answers.
 * @param {import("engine").Engine} engine
 */
export async function replayGoldenImages(engine) {
  const { golden } = engine.parameters;
  if (!golden?.length) throw new GoldenMismatchError("This page has no golden images to check itself by. Export it again.");
  for (const [index, expected] of golden.entries()) {
    const analysis = await engine.analyse(decodeBase64(expected.png), { name: `golden image ${index + 1}`, preview: false });
    const calibrated = Object.values(engine.probabilities(analysis));
    const worst = Math.max(
      difference(softmax(analysis.logits), expected.probabilities),
      difference(calibrated, expected.calibrated),
    );
    if (!(worst <= TOLERANCE)) throw mismatch(index, `its probabilities differ by ${worst.toPrecision(2)}`);
    const shift = difference(channelMeans(analysis.pixels), expected.pixels);
    if (!(shift <= PIXEL_TOLERANCE)) throw mismatch(index, `its colours differ by ${shift.toPrecision(2)} of 255`);
    const drift = expected.distance === null ? 0 : Math.abs(analysis.distance / expected.distance - 1);
    if (!(drift <= DISTANCE_TOLERANCE)) throw mismatch(index, `its distance differs by ${(100 * drift).toPrecision(2)} %`);
  }
}

function mismatch(index, what) {
  return new GoldenMismatchError(
    `This browser does not reproduce the detector: for golden image ${index + 1} ${what} from where the page was made. ` +
      "The page must not be used here. A privacy setting that changes what pages read from images may be the cause; use " +
      "another browser, or export the page again.",
  );
}

function channelMeans(pixels) {
  const sums = [0, 0, 0];
  pixels.forEach((value, place) => {
    sums[place % 3] += value;
  });
  return sums.map((sum) => (3 * sum) / pixels.length);
}

/** Return the largest difference; NaN where the numbers of values differ. */
function difference(values, expected) {
  if (values.length !== expected.length) return NaN;
  return Math.max(...values.map((value, index) => Math.abs(value - expected[index])));
}
