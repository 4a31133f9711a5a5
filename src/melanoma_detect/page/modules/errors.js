/** The errors of the page's engine. Their messages are sentences to be shown. */

/** An image that cannot be read; `kind` names why. */
export class ImageError extends Error {
  /**
   * @param {"not-an-image"|"corrupt"|"heic"|"tiff"|"dicom"|"too-many-pixels"|"empty"|"unsupported"} kind
   * @param {string} message what was found and what to do, with the image's name
   */
  constructor(kind, message) {
    super(message);
    this.name = "ImageError";
    this.kind = kind;
  }
}

/** Settings that the detector's validation does not support, or that do not exist; the message is the library's own. */
export class SettingsError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "SettingsError";
  }
}

/** The golden images got other outputs here than where the page was made: the page must not be used. */
export class GoldenMismatchError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "GoldenMismatchError";
  }
}

/** The model or its runtime cannot be started in this browser. */
export class RuntimeFailure extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "RuntimeFailure";
  }
}
