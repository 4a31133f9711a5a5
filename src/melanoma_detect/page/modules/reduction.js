/**
 * Reduction of JPEG images by 2, 4 or 8, which the library leaves to the decoder: it averages blocks of brightness and colour.
 *
 * A browser decodes at full size only, so the page averages its pixels instead, which differs by rounding.
 */

const STRIP = 1 << 20; // source pixels that are read at once, about

/**
 * Return by how much the library's decoder reduces a JPEG image: as far as both sides stay at least twice the model's.
 * @param {{width: number, height: number}} image upright
 * @param {[number, number]} size the model's height and width
 * @param {"squash"|"crop"|"pad"} resize
 * @returns {1|2|4|8}
 */
export function jpegReduction({ width, height }, size, resize) {
  const [least, leastWidth] = resize === "squash" ? size : [Math.max(...size), Math.max(...size)];
  const scale = Math.min(Math.floor(width / (2 * leastWidth)), Math.floor(height / (2 * least)));
  return [8, 4, 2].find((factor) => scale >= factor) ?? 1;
}

/**
 * Return a source whose pixels are means of blocks.
 * @param {import("resample").PixelSource} source upright
 * @param {1|2|4|8} factor
 * @param {{right: boolean, bottom: boolean}} begins at which sides the blocks begin: where the image was turned, they were cut
 *     before that
 * @returns {import("resample").PixelSource}
 */
export function reduced(source, factor, begins) {
  if (factor === 1) return source;
  const columns = blocks(source.width, factor, begins.right);
  const rows = blocks(source.height, factor, begins.bottom);
  return {
    width: columns.length - 1,
    height: rows.length - 1,
    read: async (first, count) => {
      const width = columns.length - 1;
      const target = new Uint8ClampedArray(4 * width * count);
      const step = Math.max(1, Math.floor(STRIP / (factor * source.width)));
      for (let row = 0; row < count; row += step) {
        const end = Math.min(count, row + step);
        const begin = rows[first + row];
        const strip = await source.read(begin, rows[first + end] - begin);
        for (let own = row; own < end; own += 1) {
          const [top, bottom] = [rows[first + own] - begin, rows[first + own + 1] - begin];
          meanRow(strip, source.width, top, bottom, columns, target.subarray(4 * width * own));
        }
      }
      return target;
    },
  };
}

/** Return the edges of blocks along a side. */
function blocks(length, factor, fromEnd) {
  const edges = [0];
  const first = fromEnd ? length % factor || factor : factor;
  for (let edge = first; edge < length; edge += factor) edges.push(edge);
  return [...edges, length];
}

function meanRow(strip, width, top, bottom, columns, target) {
  for (let column = 0; column < columns.length - 1; column += 1) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let row = top; row < bottom; row += 1) {
      const end = 4 * (row * width + columns[column + 1]);
      for (let place = 4 * (row * width + columns[column]); place < end; place += 4) {
        red += strip[place];
        green += strip[place + 1];
        blue += strip[place + 2];
      }
    }
    const count = (bottom - top) * (columns[column + 1] - columns[column]);
    target[4 * column] = red / count;
    target[4 * column + 1] = green / count;
    target[4 * column + 2] = blue / count;
    target[4 * column + 3] = 255;
  }
}
