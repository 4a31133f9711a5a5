/** JPEG files: size and orientation, and whether the file is whole. */

import { join } from "bytes";
import { findOrientation, knownOrientation, withoutOrientation, xmpOrientation } from "exif";

const EXIF = "Exif\0\0";
const PROFILE = "ICC_PROFILE\0";
const XMP = "http://ns.adobe.com/xap/1.0/\0";
const [START_OF_SCAN, END_OF_IMAGE, APP1, APP2] = [0xda, 0xd9, 0xe1, 0xe2];
const SPACES = { 1: "GRAY", 3: "RGB " }; // by the number of channels; CMYK is left to the browser

/**
 * Look into a JPEG file.
 * @param {Uint8Array} bytes
 * @returns {{width: number, height: number, orientation: number, bytes: Uint8Array, profile: import("image_file").Embedded|null}}
 */
export function prepareJpeg(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts = [];
  let size = null;
  let space = "";
  let exif = null;
  let xmp = null;
  let place = 2;
  for (;;) {
    if (bytes[place] !== 0xff) throw new RangeError("its header is damaged");
    const marker = view.getUint8(place + 1);
    if (marker === 0xff) {
      place += 1; // a filler
      continue;
    }
    const length = view.getUint16(place + 2);
    const [start, end] = [place + 4, place + 2 + length];
    if (isFrame(marker) && !size) {
      size = { height: view.getUint16(start + 1), width: view.getUint16(start + 3) };
      space = SPACES[view.getUint8(start + 5)];
    }
    if (marker === APP2 && startsWith(bytes, start, PROFILE)) parts.push({ start, end });
    if (marker === APP1 && !exif && startsWith(bytes, start, EXIF)) exif = findOrientation(bytes, start + EXIF.length, end);
    if (marker === APP1 && xmp === null && startsWith(bytes, start, XMP)) xmp = xmpOrientation(bytes.subarray(start, end));
    place = end;
    if (marker === START_OF_SCAN) break;
  }
  if (!size) throw new RangeError("it has no image");
  if (!hasEnd(bytes, place)) throw new RangeError("it ends too early");
  const upright = exif && exif.value !== 1 ? withoutOrientation(bytes, exif) : bytes;
  const profile = space && parts.length ? embeddedProfile(upright, parts, space) : null;
  return { ...size, orientation: knownOrientation(exif?.value ?? xmp), bytes: upright, profile };
}

/** A profile may lie in several parts, which say their number and how many there are. */
function embeddedProfile(bytes, parts, space) {
  const count = bytes[parts[0].start + PROFILE.length + 1];
  const numberOf = ({ start }) => bytes[start + PROFILE.length];
  const ordered = [...parts].sort((one, other) => numberOf(one) - numberOf(other));
  const content = join(ordered.map(({ start, end }) => bytes.subarray(start + PROFILE.length + 2, end)));
  const strip = () => {
    const copy = bytes.slice();
    for (const { start } of parts) copy[start] = 0; // another name, which no decoder knows
    return copy;
  };
  return { content: count === parts.length ? content : new Uint8Array(), space, compressed: false, strip };
}

/** Frames are SOF0 to SOF15, without the tables between them. */
function isFrame(marker) {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Return whether the data end with a marker: without it a part of the image is missing. */
function hasEnd(bytes, start) {
  for (let place = bytes.indexOf(0xff, start); place >= 0; place = bytes.indexOf(0xff, place + 1)) {
    if (bytes[place + 1] === END_OF_IMAGE) return true;
  }
  return false;
}

function startsWith(bytes, start, text) {
  return [...text].every((letter, index) => bytes[start + index] === letter.charCodeAt(0));
}
