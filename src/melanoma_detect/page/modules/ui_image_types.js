// The types of image whose thresholds are in use.

/**
 * Returns the types of image that the settings judge.
 *
 * @param {any} parameters The detector's.
 * @param {any} settings The settings in use.
 * @returns {string[]} One or two; `""` for a detector that does not tell them apart.
 */
export function typesInUse(parameters, settings) {
  if (settings.image_type !== "auto") return [settings.image_type];
  return parameters.types.length ? parameters.types : [""];
}
