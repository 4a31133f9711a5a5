// Whether the page can be used: loading, ready or blocked.

import { byId, element } from "ui_dom";

const STAGES = /** @type {Record<string, [number, string]>} */ ({
  parameters: [0.05, "reading the detector"],
  runtime: [0.2, "unpacking what runs the model"],
  model: [0.5, "unpacking the model"],
  golden: [0.8, "comparing its answers to those that it was saved with"],
  ready: [1, "ready"],
});

/**
 * Shows how far the start has come.
 *
 * @param {string} stage From `startEngine`'s `onStage`.
 */
export function showStage(stage) {
  const [share, words] = STAGES[stage] ?? [0, stage];
  const bar = byId("loading-bar");
  bar.value = share;
  byId("status-text").textContent = stage === "ready" ? "Ready." : `Starting: ${words} …`;
}

/** Says that the detector gives the answers that it was saved with. */
export function showReady() {
  const status = byId("status");
  status.dataset.state = "ready";
  byId("loading-bar").remove();
  byId("status-text").textContent = "Ready: in this browser the detector gives the answers that it was saved with.";
}

/**
 * Says why the page must not be used.
 *
 * @param {string} message One sentence.
 */
export function showBlocked(message) {
  const status = byId("status");
  status.dataset.state = "blocked";
  status.replaceChildren(
    element("p", { class: "advice severe", role: "alert" }, `✕ Blocked. ${message}`),
    element("p", { class: "soft" }, "No image is judged."),
  );
}
