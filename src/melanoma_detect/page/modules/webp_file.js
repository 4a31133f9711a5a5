/** WebP files: size and orientation. */

import { findOrientation, knownOrientation, withoutOrientation, xmpOrientation } from "exif";

const [FLAGS, HAS_PROFILE] = [20, 0x20]; // where the extended header has them
const EXIF = "Exif\0\0"; // some writers put it before the EXIF data

/**
 * Look into a WebP file.
 * @param {Uint8Array} bytes
 * @returns {{width: number, height: number, orientation: number, bytes: Uint8Array, profile: import("image_file").Embedded|null}}
 */
export function prepareWebp(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(4, true) + 8 > bytes.length) throw new RangeError("it ends too early");
  let size = null;
  let exif = null;
  let xmp = null;
  let profile = null;
  for (let place = 12; place + 8 <= bytes.length; ) {
    const name = String.fromCharCode(...bytes.subarray(place, place + 4));
    const length = view.getUint32(place + 4, true);
    const [start, end] = [place + 8, Math.min(bytes.length, place + 8 + length)];
    size ??= SIZES[name]?.(view, start) ?? null;
    if (name === "EXIF") {
      const prefixed = String.fromCharCode(...bytes.subarray(start, start + EXIF.length)) === EXIF;
      exif = findOrientation(bytes, start + (prefixed ? EXIF.length : 0), end);
    }
    if (name === "XMP ") xmp = xmpOrientation(bytes.subarray(start, end));
    if (name === "ICCP") profile ??= { place, content: bytes.subarray(start, end) };
    place = end + (length % 2);
  }
  if (!size) throw new RangeError("it has no image");
  const upright = exif && exif.value !== 1 ? withoutOrientation(bytes, exif) : bytes;
  const strip = () => withoutProfile(upright, profile.place);
  const embedded = profile && { ...profile, space: "RGB ", compressed: false, strip };
  return { ...size, orientation: knownOrientation(exif?.value ?? xmp), bytes: upright, profile: embedded };
}

/** Return a copy whose profile has another name, which no decoder knows, and whose header promises none. */
function withoutProfile(bytes, place) {
  const copy = bytes.slice();
  copy.set(new TextEncoder().encode("NONE"), place);
  copy[FLAGS] &= ~HAS_PROFILE;
  return copy;
}

/** How the three kinds of WebP write their size. */
const SIZES = {
  "VP8X": (view, start) => ({ width: 1 + threeBytes(view, start + 4), height: 1 + threeBytes(view, start + 7) }),
  "VP8 ": (view, start) => ({
    width: view.getUint16(start + 6, true) & 0x3fff,
    height: view.getUint16(start + 8, true) & 0x3fff,
  }),
  "VP8L": (view, start) => {
    const bits = view.getUint32(start + 1, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  },
};

function threeBytes(view, start) {
  return view.getUint16(start, true) + 65536 * view.getUint8(start + 2);
}
