// The order of the table's rows.

const URGENCY = /** @type {Record<string, number>} */ ({ alert: 0, refer: 1, clear: 2 });
const ORDER = new Intl.Collator("en", { numeric: true });

/**
 * @typedef {object} Column
 * @property {string} key What it sorts by.
 * @property {string} title Its heading.
 * @property {boolean} falling Whether the largest value comes first at the first click.
 */

/** The columns by which the table can be sorted. */
export const COLUMNS = /** @type {Column[]} */ ([
  { key: "name", title: "file", falling: false },
  { key: "decision", title: "decision", falling: false },
  { key: "melanoma", title: "melanoma", falling: true },
  { key: "malignant", title: "malignant", falling: true },
  { key: "diagnosis", title: "most likely", falling: false },
  { key: "reason", title: "reason", falling: false },
]);

/**
 * Sorts images; those without a value come last in both directions.
 *
 * @param {import("ui_session").Item[]} items The images.
 * @param {string} key Of `COLUMNS`; empty for the order of adding.
 * @param {boolean} falling Whether the largest comes first.
 * @returns {import("ui_session").Item[]} A new list.
 */
export function sortItems(items, key, falling) {
  if (!key) return [...items];
  const direction = falling ? -1 : 1;
  return [...items].sort((one, other) => {
    const [first, second] = [valueOf(one, key), valueOf(other, key)];
    if (first === null || second === null) return Number(first === null) - Number(second === null) || one.id - other.id;
    const order =
      typeof first === "number" ? first - /** @type {number} */ (second) : ORDER.compare(first, String(second));
    return direction * order || one.id - other.id;
  });
}

/** @param {import("ui_session").Item} item @param {string} key @returns {string | number | null} */
function valueOf(item, key) {
  if (key === "name") return item.name;
  if (key === "decision") return item.state === "waiting" ? null : URGENCY[item.prediction?.decision ?? "refer"];
  if (key === "reason") return item.prediction?.reason || item.error || null;
  return item.prediction?.[key] ?? null;
}
