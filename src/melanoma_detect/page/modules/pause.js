/** Pauses: everything runs on the page's one thread, which answers a person only between two pieces of work. */

const LONGEST = 40; // milliseconds of work without a pause

let rested = 0;

/**
 * Let the browser draw, and answer the person, before more is computed.
 * @returns {Promise<void>} fulfilled when it has
 */
export function pause() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel(); // unlike timers, not slowed down in a tab that is not looked at
    port1.onmessage = () => {
      port1.close();
      rested = performance.now();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * Pause, if the last pause is a while ago.
 * @returns {Promise<void>}
 */
export async function breathe() {
  if (performance.now() - rested > LONGEST) await pause();
}
