// The page: starts the engine, then joins what comes in, the session, and what shows it.

import { readParameters } from "embedded";
import { startEngine } from "engine";
import { drawCard } from "ui_card";
import { byId } from "ui_dom";
import { listenForImages, refuseImages } from "ui_intake";
import { showLicences } from "ui_licences";
import { List } from "ui_list";
import { Result } from "ui_result";
import { Session } from "ui_session";
import { Settings } from "ui_settings";
import { showBlocked, showReady, showStage } from "ui_status";

/** Writes what does not change: the detector's name, its card, and what it is not. */
function describeDetector() {
  const parameters = readParameters(document);
  byId("detector").textContent = parameters.description;
  byId("disclaimer").textContent = parameters.disclaimer;
  byId("card-text").replaceChildren(...drawCard(parameters.model_card, parameters.disclaimer));
  showLicences(parameters);
}

/**
 * Shows the images of a session.
 *
 * @param {any} engine From `startEngine`.
 * @returns {Session} The session.
 */
function showSession(engine) {
  const session = new Session(engine);
  const result = new Result(session, (item) => list.table.focus(item));
  const list = new List(session, (item) => result.open(item, { focus: true }));
  new Settings(session);
  session.listeners.push({
    added: (items) => list.table.add(items),
    changed: (item) => {
      list.table.write(item);
      if (item.alone) result.open(item);
    },
    rejudged: () => {
      list.table.writeAll();
      list.countDecisions();
      result.write();
    },
    progressed: () => list.showProgress(),
    cleared: () => {
      list.table.clear();
      list.showProgress();
      result.close();
    },
  });
  return session;
}

/** Starts the page. Images that are chosen before it is ready wait. */
async function start() {
  /** @type {File[]} */
  const early = [];
  let take = (/** @type {File[]} */ files) => void early.push(...files);
  listenForImages((files) => take(files));
  try {
    describeDetector();
    const engine = await startEngine({ onStage: showStage });
    const session = showSession(engine);
    showReady();
    byId("settings").hidden = false;
    take = (files) => void session.add(files);
    take(early);
  } catch (error) {
    refuseImages();
    take = () => {};
    showBlocked(/** @type {Error} */ (error).message);
  }
}

start();
