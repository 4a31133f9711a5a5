// The decision as a label: a colour, a shape and words.

import { element } from "ui_dom";
import { DECISIONS } from "ui_words";

/**
 * Makes the label of a decision.
 *
 * @param {import("ui_words").Decision} decision The decision.
 * @param {boolean} [advice] Whether it also says what a person does.
 * @returns {HTMLElement} The label.
 */
export function verdict(decision, advice = false) {
  const { shape, label, advice: what } = DECISIONS[decision];
  return element(
    "span",
    { class: `pill ${decision}` },
    element("span", { "aria-hidden": "true" }, `${shape} `),
    advice ? `${label}: ${what}` : label,
  );
}
