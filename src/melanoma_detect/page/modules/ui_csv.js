// The table of scores as a CSV file (RFC 4180), with the columns of `melanoma-detect score`.

const SUMS = ["melanoma", "malignant"];
// A cell that begins so is a formula to spreadsheets: names of files come from others. The rules are those of
// utils/csv_cells.py, which says how the name is found again.
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const BACKSLASH = /\\(?=x[0-9a-f]{2}|u(?!d[89a-f])[0-9a-f]{4}|U(?:0010[0-9a-f]{4}|000[0-9a-f]{5}))/g;
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Returns the columns.
 *
 * @param {any} parameters The detector's.
 * @returns {string[]} Those that `melanoma-detect score` writes for this detector.
 */
export function columns(parameters) {
  const codes = new Set([...parameters.codes, ...parameters.diagnoses.map((/** @type {any} */ each) => each.code)]);
  const numbers = [...Array.from(codes, (code) => `p_${code}`), ...SUMS];
  return ["path", "diagnosis", ...numbers, "decision", "alert", "abstained", "image_type", "reason", "error"];
}

/**
 * Writes the table.
 *
 * @param {import("ui_session").Item[]} items Images; those that wait are left out.
 * @param {any} parameters The detector's.
 * @returns {string} Lines that end in a carriage return and a line feed.
 */
export function writeCsv(items, parameters) {
  const names = columns(parameters);
  const rows = items.filter((item) => item.state !== "waiting").map((item) => cells(item, names, parameters));
  return [names, ...rows].map((row) => `${row.map(quote).join(",")}\r\n`).join("");
}

/**
 * Writes a number as Python does, with every digit that was computed.
 *
 * @param {number} value The number.
 * @returns {string} Its text: `0.25`, `0.0`, `1e-07`.
 */
export function writeNumber(value) {
  const size = Math.abs(value);
  if (size && size < 1e-4) {
    const [digits, power] = value.toExponential().split("e-");
    return `${digits}e-${power.padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** @param {import("ui_session").Item} item @param {string[]} names @param {any} parameters @returns {string[]} */
function cells(item, names, parameters) {
  const { prediction } = item;
  /** @type {Record<string, string>} */
  const row = {
    path: item.name,
    decision: "refer",
    alert: "false",
    abstained: "true",
    reason: "unreadable",
    error: item.error,
  };
  if (prediction) {
    const numbers = sums(prediction, names, parameters);
    for (const [name, value] of Object.entries(numbers)) row[name] = value === null ? "" : writeNumber(value);
    const { diagnosis, decision, abstained, image_type, reason } = prediction;
    Object.assign(row, {
      diagnosis,
      decision,
      alert: String(decision === "alert"),
      abstained: String(abstained),
      image_type,
      reason,
      error: "",
    });
  }
  return names.map((name) => harmless(row[name] ?? ""));
}

/** @param {any} prediction @param {string[]} names @param {any} parameters @returns {Record<string, number | null>} */
function sums(prediction, names, parameters) {
  /** @type {Record<string, number | null>} */
  const numbers = Object.fromEntries(names.filter((name) => name.startsWith("p_")).map((name) => [name, 0]));
  parameters.classes.forEach((/** @type {string} */ label, /** @type {number} */ index) => {
    const name = `p_${parameters.diagnoses[index].code}`; // classes may share a code
    const share = prediction.probabilities[label];
    numbers[name] = share === null || numbers[name] === null ? null : numbers[name] + share;
  });
  return { ...numbers, melanoma: prediction.melanoma, malignant: prediction.malignant };
}

/** @param {string} text @returns {string} */
function harmless(text) {
  const cell = FORMULA.test(text) ? `'${text}` : text;
  return cell.replace(BACKSLASH, "\\x5c").replace(HIDDEN, byNumber);
}

/** @param {string} character @returns {string} */
function byNumber(character) {
  const number = /** @type {number} */ (character.codePointAt(0));
  const [mark, digits] = number < 0x100 ? ["x", 2] : number < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${mark}${number.toString(16).padStart(Number(digits), "0")}`;
}

/** @param {string} text @returns {string} */
function quote(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
