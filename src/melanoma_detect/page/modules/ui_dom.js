// Elements of the page. Texts go in as text nodes, so that no name of a file and no detector can bring markup in.

/**
 * @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Attribute
 */

/**
 * Makes an element.
 *
 * @param {string} tag Its name.
 * @param {Record<string, Attribute>} [attributes] Attributes; a function is a listener (`click: …`), `true` an attribute
 *   without a value, and `false`, `null` and `undefined` are left out.
 * @param {...(Node | string | null | undefined | false)} children Elements and texts.
 * @returns {HTMLElement} The element.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * Finds an element that the page has from the start.
 *
 * @param {string} id Its id.
 * @returns {any} The element, of whatever kind the page makes it.
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Makes a button.
 *
 * @param {string} label Its words.
 * @param {(event: any) => void} click What it does.
 * @param {Record<string, Attribute>} [attributes] Further attributes.
 * @returns {HTMLButtonElement} The button.
 */
export function button(label, click, attributes = {}) {
  return /** @type {HTMLButtonElement} */ (element("button", { type: "button", click, ...attributes }, label));
}

/**
 * Says something to a screen reader, without moving the focus.
 *
 * @param {string} sentence What to say; a second time in a row it is said again.
 */
export function announce(sentence) {
  const region = byId("announcer");
  region.textContent = region.textContent === sentence ? `${sentence}\u00a0` : sentence;
}
