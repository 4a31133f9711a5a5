/** What the page carries in itself: the parameters as JSON, and files as gzip in base64. */

import { unpack } from "bytes";
import { RuntimeFailure } from "errors";

const FORMAT = 1;

/**
 * Return the detector's parameters.
 * @param {Document} document
 * @returns {object} what `melanoma_detect.page.parameters` wrote
 */
export function readParameters(document) {
  const element = document.getElementById("page-parameters");
  let parameters;
  try {
    parameters = JSON.parse(element.textContent);
  } catch {
    throw new RuntimeFailure("This file is damaged: its parameters cannot be read. Copy or export it again.");
  }
  if (parameters.format !== FORMAT) {
    throw new RuntimeFailure("This file is damaged: its parameters are of another version. Export it again.");
  }
  return parameters;
}

/**
 * Return a file of the page, unpacked.
 * @param {Document} document
 * @param {"model"|"runtime-script"|"runtime-wasm"|"runtime-notices"} name
 * @returns {Promise<Uint8Array>}
 */
export async function readFile(document, name) {
  const element = document.getElementById(`page-${name}`);
  try {
    return await unpack(decodeBase64(element.textContent), "gzip");
  } catch {
    throw new RuntimeFailure(`This file is damaged: its part "${name}" cannot be unpacked. Copy or export it again.`);
  }
}

/**
 * @param {string} text base64
 * @returns {Uint8Array}
 */
export function decodeBase64(text) {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/**
 * @param {string} text base64 of little-endian float32
 * @returns {Float32Array}
 */
export function decodeFloats(text) {
  const bytes = decodeBase64(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => view.getFloat32(4 * index, true));
}
