/** Decoding: the browser decodes a file, and the page reads its pixels upright, over white, in strips. */

import { unpack } from "bytes";
import { BY_BROWSER, readProfile } from "colour_profile";
import { corrupt, openImageFile } from "image_file";
import { breathe } from "pause";

const TILE = 8192; // pixels: a canvas is at most that wide; some browsers allow no wider ones

/**
 * @typedef {object} DecodedImage
 * @property {number} width upright, in pixels
 * @property {number} height
 * @property {string} format
 * @property {{right: boolean, bottom: boolean}} begins at which sides the stored image begins, seen upright
 * @property {(first: number, count: number) => Promise<Uint8ClampedArray>} read rows of RGBA, over white
 * @property {import("colour_profile").Conversion|null} conversion what makes sRGB of the rows
 * @property {(box: number[], width: number, height: number) => Promise<ImageBitmap>} thumbnail a part in another size
 * @property {() => void} close frees its memory
 */

/**
 * Decode an image file.
 * @param {Uint8Array} bytes
 * @param {string} name for messages
 * @returns {Promise<DecodedImage>}
 */
export async function decodeImage(bytes, name) {
  const file = openImageFile(bytes, name);
  const conversion = file.profile ? await conversionOf(file.profile) : null;
  const content = file.profile && conversion !== BY_BROWSER ? file.profile.strip() : file.bytes;
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([content], { type: file.type }));
  } catch {
    throw corrupt(name, file.format === "AVIF" ? "damaged, or this browser reads no AVIF" : "its pixels are damaged");
  }
  if (file.format !== "AVIF" && (bitmap.width !== file.width || bitmap.height !== file.height)) {
    bitmap.close();
    throw corrupt(name, "its size is not that of its header");
  }
  return new Upright(bitmap, file, conversion === BY_BROWSER ? null : conversion);
}

/** Return what a profile does. A damaged one does nothing. */
async function conversionOf({ content, space, compressed }) {
  try {
    return readProfile(compressed ? await unpack(content, "deflate") : content, space);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

/** An image bitmap that is read upright. */
class Upright {
  constructor(bitmap, { format, orientation }, conversion) {
    this.bitmap = bitmap;
    this.conversion = conversion;
    this.format = format;
    const sideways = orientation >= 5;
    this.width = sideways ? bitmap.height : bitmap.width;
    this.height = sideways ? bitmap.width : bitmap.height;
    this.turn = TURNS[orientation](this.width, this.height);
    const [, , , , right, bottom] = this.turn;
    this.begins = { right: right > 0, bottom: bottom > 0 };
  }

  async read(first, count) {
    await breathe();
    const rows = new Uint8ClampedArray(4 * this.width * count);
    for (let left = 0; left < this.width; left += TILE) {
      const width = Math.min(TILE, this.width - left);
      const tile = this.draw(left, first, width, count);
      if (width === this.width) return tile;
      for (let row = 0; row < count; row += 1) {
        rows.set(tile.subarray(4 * row * width, 4 * (row + 1) * width), 4 * (row * this.width + left));
      }
    }
    return rows;
  }

  draw(left, top, width, height) {
    const context = contextOf(width, height, { willReadFrequently: true });
    context.imageSmoothingEnabled = false;
    const [a, b, c, d, e, f] = this.turn;
    context.setTransform(a, b, c, d, e - left, f - top);
    context.drawImage(this.bitmap, 0, 0);
    return context.getImageData(0, 0, width, height).data;
  }

  async thumbnail([left, top, right, bottom], width, height) {
    await breathe();
    const context = contextOf(width, height);
    context.imageSmoothingQuality = "high";
    const [across, down] = [width / (right - left), height / (bottom - top)];
    const [a, b, c, d, e, f] = this.turn;
    context.setTransform(a * across, b * down, c * across, d * down, (e - left) * across, (f - top) * down);
    context.drawImage(this.bitmap, 0, 0);
    if (this.conversion) {
      const drawn = context.getImageData(0, 0, width, height);
      this.conversion.apply(drawn.data);
      context.putImageData(drawn, 0, 0);
    }
    return createImageBitmap(context.canvas);
  }

  close() {
    this.bitmap.close();
  }
}

/** By EXIF orientation: what turns the stored image upright, as a canvas takes it, for an upright image of a size. */
const TURNS = {
  1: () => [1, 0, 0, 1, 0, 0],
  2: (width) => [-1, 0, 0, 1, width, 0],
  3: (width, height) => [-1, 0, 0, -1, width, height],
  4: (width, height) => [1, 0, 0, -1, 0, height],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (width) => [0, 1, -1, 0, width, 0],
  7: (width, height) => [0, -1, -1, 0, width, height],
  8: (width, height) => [0, -1, 1, 0, 0, height],
};

/** Return the context of a white canvas. */
function contextOf(width, height, options) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", options);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  return context;
}
