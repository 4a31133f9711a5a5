/** Image files: their format, size and orientation, read from the first bytes before anything is decoded. */

import { ImageError } from "errors";
import { prepareJpeg } from "jpeg_file";
import { preparePng } from "png_file";
import { prepareWebp } from "webp_file";

export const MAX_PIXELS = 200_000_000; // as the library: above every camera
const HEIC_BRANDS = ["heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"];
const AVIF_BRANDS = ["avif", "avis"];

/**
 * @typedef {object} ImageFile an image file that a browser decodes as the library does
 * @property {string} format
 * @property {number} width as stored, in pixels; 0 where the header does not say
 * @property {number} height
 * @property {number} orientation 1 to 8, by EXIF; 1 where the browser turns the image
 * @property {Uint8Array} bytes to decode: without what the library ignores, and without the orientation
 * @property {string} type such as "image/jpeg"
 * @property {Embedded|null} profile null where there is none, or the browser converts it
 */

/**
 * @typedef {object} Embedded a colour profile within a file
 * @property {Uint8Array} content
 * @property {boolean} compressed
 * @property {"RGB "|"GRAY"|""} space of the image's values; empty where the library ignores the profile
 * @property {() => Uint8Array} strip the bytes to decode without the profile, so that the browser converts nothing
 */

/**
 * Look into a file and prepare it for decoding.
 * @param {Uint8Array} bytes
 * @param {string} name for messages
 * @returns {ImageFile}
 */
export function openImageFile(bytes, name) {
  if (!bytes.length) throw new ImageError("empty", `${name}: the file is empty; copy it again or remove it`);
  refuse(bytes, name);
  const format = formatOf(bytes);
  if (!format) {
    throw new ImageError(
      "not-an-image",
      `${name}: not an image of a known format (expected JPEG, PNG, WebP, GIF, BMP or AVIF); convert it or remove it`,
    );
  }
  let file;
  try {
    file = { orientation: 1, profile: null, bytes, ...READERS[format](bytes) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw corrupt(name, error.message.startsWith("Offset") ? "it ends too early" : error.message);
  }
  if (file.width * file.height > MAX_PIXELS) {
    throw new ImageError(
      "too-many-pixels",
      `${name}: ${file.width}×${file.height} pixels; expected at most 200 million: make it smaller, or remove it`,
    );
  }
  return { ...file, format, type: `image/${format.toLowerCase()}` };
}

/**
 * Return the error for a file that cannot be decoded.
 * @param {string} name
 * @param {string} reason
 * @returns {ImageError}
 */
export function corrupt(name, reason) {
  return new ImageError("corrupt", `${name}: cannot be decoded (${reason}); copy it again or remove it`);
}

const READERS = {
  JPEG: prepareJpeg,
  PNG: preparePng,
  WEBP: prepareWebp,
  GIF: (bytes) => ({ width: viewOf(bytes).getUint16(6, true), height: viewOf(bytes).getUint16(8, true) }),
  BMP: readBmp,
  AVIF: readAvif,
};

/** Throw a helpful error for formats that the library reads and browsers do not. */
function refuse(bytes, name) {
  const brand = letters(bytes, 4, 4) === "ftyp" ? letters(bytes, 8, 4) : "";
  if (HEIC_BRANDS.includes(brand)) {
    throw new ImageError(
      "heic",
      `${name}: a HEIC image, which browsers do not decode; save it as JPEG (on an iPhone: Settings, Camera, Formats, Most ` +
        "Compatible; or share the photo by mail), or use the Python library with its extra heic",
    );
  }
  if (letters(bytes, 128, 4) === "DICM") {
    throw new ImageError(
      "dicom",
      `${name}: a DICOM image, which browsers do not decode; export it as PNG or JPEG from your viewer, or use the Python ` +
        "library with its extra dicom",
    );
  }
  if (["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(letters(bytes, 0, 4))) {
    throw new ImageError("tiff", `${name}: a TIFF image, which browsers do not decode; save it as PNG or JPEG`);
  }
}

function formatOf(bytes) {
  if (letters(bytes, 0, 3) === "\xff\xd8\xff") return "JPEG";
  if (letters(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return "PNG";
  if (letters(bytes, 0, 4) === "RIFF" && letters(bytes, 8, 4) === "WEBP") return "WEBP";
  if (["GIF87a", "GIF89a"].includes(letters(bytes, 0, 6))) return "GIF";
  if (letters(bytes, 0, 2) === "BM") return "BMP";
  return letters(bytes, 4, 4) === "ftyp" && AVIF_BRANDS.includes(letters(bytes, 8, 4)) ? "AVIF" : "";
}

function readBmp(bytes) {
  const view = viewOf(bytes);
  if (view.getUint32(14, true) === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** The largest of the sizes that the file's items have: an image of tiles says its own, and that of a tile. */
function readAvif(bytes) {
  const view = viewOf(bytes);
  let [width, height] = [0, 0];
  for (let place = 12; place + 16 <= Math.min(bytes.length, 1 << 16); place += 1) {
    if (bytes[place] !== 0x69 || letters(bytes, place, 4) !== "ispe") continue;
    const found = [view.getUint32(place + 8), view.getUint32(place + 12)];
    if (found[0] * found[1] > width * height) [width, height] = found;
  }
  return { width, height };
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Return bytes as letters, each byte one; fewer at the end of the file. */
function letters(bytes, start, count) {
  return String.fromCharCode(...bytes.subarray(start, start + count));
}
