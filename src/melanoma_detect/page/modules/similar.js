/** Similar cases: the labelled images nearest to an image, and none of its own lesion; see `melanoma_detect.similar`. */

import { decodeBase64, decodeFloats } from "embedded";
import { hammingDistance, orientations } from "perceptual_hash";

const SAME_BITS = 24; // as the library has it: an image differs from itself, turned or compressed again, by no more

/** The cases that a page holds. */
export class SimilarCases {
  /** @param {object} stored from the parameters */
  constructor(stored) {
    this.stored = stored;
    this.vectors = decodeFloats(stored.vectors);
    this.directions = stored.directions && decodeFloats(stored.directions);
    this.codes = decodeBase64(stored.codes);
  }

  /**
   * Return the cases nearest to an image, one of each lesion or patient.
   * @param {Float32Array} features of the image
   * @param {Uint8ClampedArray} pixels RGB, as the model saw it
   * @param {[number, number]} size height and width of these
   * @returns {{cases: {row: number, label: string, source: string, distance: number, thumbnail: string}[], leftOut: number}}
   */
  find(features, pixels, size) {
    const { count, groups, labels, sources, thumbnails } = this.stored;
    const own = this.groupsOf(pixels, size);
    const distances = this.distances(features);
    const order = Array.from(distances.keys()).sort((one, other) => distances[one] - distances[other] || one - other);
    const used = new Set(own);
    const cases = [];
    for (const row of order) {
      if (cases.length === count) break;
      if (used.has(groups[row])) continue;
      used.add(groups[row]);
      const thumbnail = thumbnails ? `data:image/jpeg;base64,${thumbnails[row]}` : "";
      cases.push({ row, label: labels[row], source: sources[row], distance: distances[row], thumbnail });
    }
    return { cases, leftOut: groups.filter((group) => own.has(group)).length };
  }

  /** @returns {Set<number>} the lesions or patients of the cases that show this very image, perhaps turned or mirrored */
  groupsOf(pixels, size) {
    const own = new Set();
    const codes = orientations(pixels, size);
    this.stored.groups.forEach((group, row) => {
      const code = this.codes.subarray(32 * row, 32 * row + 32);
      if (!code.some((byte) => byte)) return; // an image of one even colour
      if (codes.some((turned) => hammingDistance(turned, code) <= SAME_BITS)) own.add(group);
    });
    return own;
  }

  /**
   * Return the cosine distance of each case.
   * @param {Float32Array} features
   * @returns {Float64Array}
   */
  distances(features) {
    const { width } = this.stored;
    const query = this.project(features);
    const found = new Float64Array(this.vectors.length / width);
    for (let row = 0; row < found.length; row += 1) {
      let squared = 0;
      for (let place = 0; place < width; place += 1) {
        const difference = this.vectors[row * width + place] - query[place];
        squared += difference * difference;
      }
      found[row] = Math.min(squared / 2, 2);
    }
    return found;
  }

  project(features) {
    const length = Math.sqrt(features.reduce((total, value) => total + value * value, 0)) || 1;
    const unit = Float64Array.from(features, (value) => value / length);
    if (!this.directions) return unit;
    const { width } = this.stored;
    const projected = new Float64Array(width);
    unit.forEach((value, place) => {
      for (let each = 0; each < width; each += 1) projected[each] += value * this.directions[place * width + each];
    });
    return projected;
  }
}
