/** PNG files: size and orientation, without what the library ignores (gamma) and browsers would apply. */

import { join } from "bytes";
import { findOrientation, knownOrientation, xmpOrientation } from "exif";

const SIGNATURE = 8; // bytes
const [GREY, TRUE_COLOUR, GREY_ALPHA, COLOUR_ALPHA] = [0, 2, 4, 6];
// The library takes the first frame and no gamma; the orientation is applied by the page itself.
const LEFT_OUT = ["gAMA", "cHRM", "cICP", "eXIf", "acTL", "fcTL", "fdAT"];

/**
 * Look into a PNG file.
 * @param {Uint8Array} bytes
 * @returns {{width: number, height: number, orientation: number, bytes: Uint8Array, profile: import("image_file").Embedded|null}}
 */
export function preparePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept = [bytes.subarray(0, SIGNATURE)];
  let header = null;
  let exif = null;
  let xmp = null;
  let hasData = false;
  let hasTransparency = false;
  let profile = null;
  let name = "";
  for (let place = SIGNATURE; name !== "IEND"; ) {
    const length = view.getUint32(place);
    const [start, end] = [place + 8, place + 8 + length];
    name = String.fromCharCode(...bytes.subarray(place + 4, start));
    if (end + 4 > bytes.length) {
      if (name === "IEND") break; // its checksum is missing, and nothing of the image
      throw new RangeError("it ends too early");
    }
    if (name === "IHDR") header = readHeader(view, start);
    if (name === "tRNS" && header?.depth === 16 && header.colour === TRUE_COLOUR) {
      throw new RangeError(
        "16-bit colour with one transparent colour; save it with an alpha channel or without transparency",
      );
    }
    if (name === "eXIf") exif = findOrientation(bytes, start, end);
    if (name === "iTXt" && xmp === null) xmp = xmpOrientation(bytes.subarray(start, end));
    hasData ||= name === "IDAT";
    hasTransparency ||= name === "tRNS";
    const chunk = bytes.subarray(place, end + 4);
    if (name === "iCCP") profile ??= { chunk, content: bytes.subarray(bytes.indexOf(0, start) + 2, end) };
    if (!LEFT_OUT.includes(name)) kept.push(chunk);
    place = end + 4;
  }
  if (!header || !hasData) throw new RangeError("it has no image");
  const { width, height } = header;
  const strip = () => join(kept.filter((chunk) => chunk !== profile.chunk));
  const embedded = profile && { ...profile, space: spaceOf(header, hasTransparency), compressed: true, strip };
  return { width, height, orientation: knownOrientation(exif?.value ?? xmp), bytes: join(kept), profile: embedded };
}

/** The colour space of the values as the library has them when it converts them; empty where it does not. */
function spaceOf({ depth, colour }, hasTransparency) {
  if (colour === GREY && depth === 16) return "";
  if (hasTransparency || colour === GREY_ALPHA || colour === COLOUR_ALPHA || colour === TRUE_COLOUR) return "RGB ";
  return colour === GREY && depth > 1 ? "GRAY" : "";
}

function readHeader(view, start) {
  return {
    width: view.getUint32(start),
    height: view.getUint32(start + 4),
    depth: view.getUint8(start + 8),
    colour: view.getUint8(start + 9),
  };
}
