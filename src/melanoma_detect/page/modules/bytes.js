/** Bytes: joined, and unpacked. */

/**
 * @param {Uint8Array[]} parts
 * @returns {Uint8Array} all in a row
 */
export function join(parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array} packed
 * @param {"gzip"|"deflate"} format
 * @returns {Promise<Uint8Array>}
 * @throws {TypeError} they are damaged
 */
export async function unpack(packed, format) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
