/**
 * Colour profiles: what the library does with an embedded one, in the arithmetic of LittleCMS, which it uses.
 *
 * Browsers convert them in other ways, which differ by some grey levels.
 */

const ONE = 1 << 14; // LittleCMS counts in such parts of one
const FROM_D50 = [
  [3.13418636, -1.61720896, -0.49069406],
  [-0.9787485, 1.9161301, 0.0334334],
  [0.07196393, -0.22899387, 1.40575373],
]; // from CIE XYZ to linear sRGB, of the sRGB profile that LittleCMS makes
const GREY = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const LIGHTEST_BLACK = ((50 + 16) / 116) ** 3; // relative luminance of L* = 50
const HEADER = 128; // bytes
const TABLES = ["A2B0", "D2B0"]; // of several dimensions; where a profile has them they are used

/** Stands for a profile that the page cannot convert, so that the browser does. */
export const BY_BROWSER = Symbol("by the browser");

/**
 * Read what a profile does.
 * @param {Uint8Array} bytes of the profile
 * @param {"RGB "|"GRAY"|""} space of the image's values; empty where the library ignores a profile
 * @returns {Conversion|typeof BY_BROWSER|null} null where the values stay as they are: those of sRGB, of a damaged profile and of
 *     one of another space
 */
export function readProfile(bytes, space) {
  try {
    const profile = new Profile(bytes);
    if (!space || profile.text(36, 4) !== "acsp" || profile.text(16, 4) !== space) return null;
    if (profile.description().includes("sRGB")) return null;
    if (TABLES.some((name) => profile.tags.has(name))) return BY_BROWSER;
    if (space === "RGB ") {
      const curves = ["rTRC", "gTRC", "bTRC"].map((name) => profile.curve(name));
      return new Conversion(curves, profile.matrix(), profile.luminances());
    }
    if (profile.text(20, 4) !== "XYZ ") return BY_BROWSER;
    return new Conversion(Array(3).fill(profile.curve("kTRC")), GREY, GREY[1]);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * Return a source in sRGB.
 * @param {import("resample").PixelSource} source
 * @param {Conversion|null} conversion
 * @returns {import("resample").PixelSource}
 */
export function converted(source, conversion) {
  if (!conversion) return source;
  const { width, height } = source;
  return { width, height, read: async (first, count) => conversion.apply(await source.read(first, count)) };
}

/** From values of a profile to sRGB: a curve for each channel, a matrix, the curve of sRGB. */
export class Conversion {
  /**
   * @param {((value: number) => number)[]} curves of red, green and blue, from 0 … 1
   * @param {number[][]} matrix to linear sRGB
   * @param {number[]} luminances of the three channels
   */
  constructor(curves, matrix, luminances) {
    // Compensation of the black point: what the profile shows for 0, 0, 0 becomes black.
    const darkest = luminances.reduce((sum, value, channel) => sum + value * curves[channel](0), 0);
    const black = Math.min(LIGHTEST_BLACK, Math.max(0, darkest));
    this.linear = curves.map((curve) => Float64Array.from({ length: 256 }, (_, level) => fixed(curve(level / 255))));
    this.matrix = matrix.flat().map((value) => fixed(value / (1 - black)));
    this.offset = fixed(-black / (1 - black)) * ONE;
    this.levels = Uint8Array.from({ length: ONE + 1 }, (_, part) => Math.round(255 * gamma(part / ONE)));
  }

  /**
   * Convert pixels where they are.
   * @param {Uint8ClampedArray} pixels RGBA
   * @returns {Uint8ClampedArray} the same
   */
  apply(pixels) {
    const [reds, greens, blues] = this.linear;
    const [a, b, c, d, e, f, g, h, i] = this.matrix;
    for (let place = 0; place < pixels.length; place += 4) {
      const red = reds[pixels[place]];
      const green = greens[pixels[place + 1]];
      const blue = blues[pixels[place + 2]];
      pixels[place] = this.level(a * red + b * green + c * blue);
      pixels[place + 1] = this.level(d * red + e * green + f * blue);
      pixels[place + 2] = this.level(g * red + h * green + i * blue);
    }
    return pixels;
  }

  level(sum) {
    return this.levels[Math.min(ONE, Math.max(0, Math.floor((sum + this.offset + ONE / 2) / ONE)))];
  }
}

/** An ICC profile; what is missing or damaged throws a RangeError. */
class Profile {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    /** @type {Map<string, {start: number, length: number}>} */
    this.tags = new Map();
    const count = this.view.getUint32(HEADER);
    for (let place = HEADER + 4; place < HEADER + 4 + 12 * count; place += 12) {
      this.tags.set(this.text(place, 4), { start: this.view.getUint32(place + 4), length: this.view.getUint32(place + 8) });
    }
  }

  text(start, length) {
    return String.fromCharCode(...this.bytes.subarray(start, start + length));
  }

  find(name) {
    const tag = this.tags.get(name);
    if (!tag) throw new RangeError(`no ${name}`);
    return tag;
  }

  /** The name, whether its letters have one byte or two. */
  description() {
    const { start, length } = this.find("desc");
    return this.text(start, Math.min(length, 4096)).replaceAll("\0", "");
  }

  /** A number of 16 bits before the point and 16 behind it. */
  fraction(place) {
    return this.view.getInt32(place) / 65536;
  }

  /** @returns {number[][]} CIE XYZ of the three channels */
  channels() {
    return ["rXYZ", "gXYZ", "bXYZ"].map((name) => {
      const { start } = this.find(name);
      return [8, 12, 16].map((offset) => this.fraction(start + offset));
    });
  }

  luminances() {
    return this.channels().map(([, luminance]) => luminance);
  }

  /** @returns {number[][]} from linear values of the profile to those of sRGB */
  matrix() {
    const columns = this.channels();
    return FROM_D50.map((row) => columns.map((column) => row.reduce((sum, value, axis) => sum + value * column[axis], 0)));
  }

  /** @returns {(value: number) => number} to linear light */
  curve(name) {
    const { start } = this.find(name);
    const kind = this.text(start, 4);
    if (kind === "para") return this.parametric(start);
    if (kind !== "curv") throw new RangeError(`${name} is a ${kind}`);
    const count = this.view.getUint32(start + 8);
    if (count === 0) return (value) => value;
    if (count === 1) return power(this.view.getUint16(start + 12) / 256);
    this.view.getUint16(start + 12 + 2 * (count - 1)); // all of it must be there
    const at = (index) => this.view.getUint16(start + 12 + 2 * Math.min(count - 1, index)) / 65535;
    return (value) => {
      const place = value * (count - 1);
      const below = Math.floor(place);
      return Math.round(65535 * (at(below) + (place - below) * (at(below + 1) - at(below)))) / 65535;
    };
  }

  /** Functions 0 to 4 of ICC.1:2022, section 10.18. */
  parametric(start) {
    const type = this.view.getUint16(start + 8);
    const count = [1, 3, 4, 5, 7][type];
    if (!count) throw new RangeError(`function ${type}`);
    const [g, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: count }, (_, index) =>
      this.fraction(start + 12 + 4 * index),
    );
    const curved = (value) => Math.max(0, a * value + b) ** g;
    if (type === 0) return power(g);
    if (type <= 2) return (value) => (value >= -b / a ? curved(value) : 0) + c;
    return (value) => (value >= d ? curved(value) + e : c * value + f);
  }
}

function power(exponent) {
  return (value) => value ** exponent;
}

/** IEC 61966-2-1: from linear light to a value of sRGB. */
function gamma(light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}

function fixed(value) {
  return Math.floor(value * ONE + 0.5);
}
