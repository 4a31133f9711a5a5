/** The orientation of a camera's image, from its EXIF metadata or from XMP. */

const TAG = 0x0112;
const ENTRY = 12; // bytes
const READERS = { 1: "getUint8", 3: "getUint16", 4: "getUint32" }; // by the EXIF types byte, short and long

/**
 * Return where EXIF data hold the orientation.
 * @param {Uint8Array} bytes of a file
 * @param {number} start where the TIFF header of the EXIF data begins
 * @param {number} end
 * @returns {{value: number, place: number, type: number, little: boolean}|null} null where there is none, also in damaged data
 */
export function findOrientation(bytes, start, end) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, Math.max(0, end - start));
  try {
    const order = view.getUint16(0);
    if (order !== 0x4949 && order !== 0x4d4d) return null;
    const little = order === 0x4949;
    const directory = view.getUint32(4, little);
    const count = view.getUint16(directory, little);
    for (let place = directory + 2; place < directory + 2 + count * ENTRY; place += ENTRY) {
      const type = view.getUint16(place + 2, little);
      view.getUint32(place + 4, little); // the whole entry must be there
      if (view.getUint16(place, little) !== TAG || !READERS[type]) continue;
      return { value: view[READERS[type]](place + 8, little), place: start + place + 8, type, little };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
}

/**
 * Return a copy of a file whose EXIF data say that the image is upright.
 * @param {Uint8Array} bytes
 * @param {{place: number, type: number, little: boolean}} found from `findOrientation`
 * @returns {Uint8Array}
 */
export function withoutOrientation(bytes, { place, type, little }) {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  if (type === 1) view.setUint8(place, 1);
  else if (type === 3) view.setUint16(place, 1, little);
  else view.setUint32(place, 1, little);
  return copy;
}

/**
 * Return the orientation that XMP metadata give.
 * @param {Uint8Array} bytes of the XMP data
 * @returns {number|null}
 */
export function xmpOrientation(bytes) {
  const found = /tiff:Orientation(?:="|>)([0-9])/.exec(new TextDecoder("latin1").decode(bytes));
  return found ? Number(found[1]) : null;
}

/**
 * @param {number|null|undefined} value
 * @returns {number} 1 to 8; 1 for no orientation, or one that does not exist
 */
export function knownOrientation(value) {
  return value >= 1 && value <= 8 ? value : 1;
}
