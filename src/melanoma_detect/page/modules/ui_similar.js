// The similar cases of one image, below its answer.

import { formatPercent } from "text";
import { element } from "ui_dom";

/**
 * Draws the cases nearest to an image.
 *
 * @param {{cases: any[], leftOut: number}} found From `SimilarCases.find`.
 * @param {any} stored The page's cases.
 * @returns {HTMLElement} A section with a list.
 */
export function drawSimilar(found, stored) {
  const counts = new Map();
  for (const { label } of found.cases) counts.set(label, (counts.get(label) ?? 0) + 1);
  const shares = Array.from(counts, ([label, count]) => ({ label, count })).sort((one, other) => other.count - one.count);
  const words = shares.map(
    ({ label, count }) => `${count} ${label} (${formatPercent(stored.shares[label], 0)} of all lesions)`,
  );
  const left = found.leftOut
    ? ` Left out: ${found.leftOut} image${found.leftOut === 1 ? "" : "s"} of this lesion or patient, copies of this image among them.`
    : "";
  return element(
    "section",
    { id: "similar", "aria-labelledby": "similar-title" },
    element("h3", { id: "similar-title" }, "Similar cases"),
    element(
      "p",
      { class: "soft" },
      `The nearest of ${stored.images} labelled images, one of each lesion or patient, with their distance.`,
    ),
    element("ol", { class: "cases" }, ...found.cases.map(drawCase)),
    element("p", { class: "soft" }, `${words.join(", ") || "none"}.${left} ${stored.caveat}`),
  );
}

/** @param {any} one A case. @returns {HTMLElement} */
function drawCase({ label, source, distance, thumbnail }) {
  return element(
    "li",
    {},
    thumbnail && element("img", { src: thumbnail, alt: `A case of ${label}`, width: 96 }),
    element("span", {}, label),
    element("span", { class: "soft" }, `${distance.toFixed(3)}${source ? `, ${source}` : ""}`),
  );
}
