/** Image quality: why an image cannot be judged, by the limits of the detector's training images. */

const NO_COLOUR = "without colour";

/**
 * Return why an image cannot be judged; empty where it can.
 * @param {Uint8ClampedArray} pixels RGB at the model's size
 * @param {[number, number]} size height and width
 * @param {number} side the shorter side before resizing, in pixels
 * @param {{sharpness: number, dark: number, bright: number, side: number, colour: number}} limits
 * @returns {string}
 */
export function rejectionReason(pixels, size, side, limits) {
  if (!limits.sharpness && !limits.dark && limits.bright === 255 && !limits.side && !limits.colour) return "";
  const { sharpness, brightness } = sharpnessAndBrightness(pixels, size);
  // Sharpness comes last: what is small, black or white is never sharp, and the first reason explains more.
  if (side < limits.side) return "too small";
  if (brightness < limits.dark) return "too dark";
  if (brightness > limits.bright) return "too bright";
  if (sharpness < limits.sharpness) return "too blurred";
  return limits.colour && colourfulness(pixels, size) < limits.colour ? NO_COLOUR : "";
}

/** Of every other pixel of the green channel: the mean difference to the neighbours to the right and below, and the mean. */
function sharpnessAndBrightness(pixels, [height, width]) {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const green = (row, column) => pixels[3 * (2 * row * width + 2 * column) + 1];
  let [across, down, total] = [0, 0, 0];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const own = green(row, column);
      total += own;
      if (column + 1 < columns) across += Math.abs(green(row, column + 1) - own);
      if (row + 1 < rows) down += Math.abs(green(row + 1, column) - own);
    }
  }
  const means = [across / (rows * (columns - 1)), down / ((rows - 1) * columns)];
  return { sharpness: (means[0] + means[1]) / 2, brightness: total / (rows * columns) };
}

/** The mean difference between the strongest and the weakest channel, of every other pixel. */
function colourfulness(pixels, [height, width]) {
  let [total, count] = [0, 0];
  for (let row = 0; row < height; row += 2) {
    for (let column = 0; column < width; column += 2) {
      const place = 3 * (row * width + column);
      const [red, green, blue] = [pixels[place], pixels[place + 1], pixels[place + 2]];
      total += Math.max(red, green, blue) - Math.min(red, green, blue);
      count += 1;
    }
  }
  return total / count;
}
