// Small pictures for the table.

const SIDE = 112; // pixels: twice what is shown, for screens with small ones

/**
 * Makes a small picture.
 *
 * @param {ImageBitmap | null} preview The picture.
 * @returns {Promise<string>} The address of a JPEG of a few kilobytes, to be revoked when it is no longer shown; empty
 *   where there is no picture.
 */
export async function makeThumbnail(preview) {
  if (!preview) return "";
  const scale = SIDE / Math.max(preview.width, preview.height, SIDE);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(preview.width * scale));
  canvas.height = Math.max(1, Math.round(preview.height * scale));
  const context = canvas.getContext("2d");
  if (!context) return "";
  context.imageSmoothingQuality = "high";
  context.drawImage(preview, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
  return blob ? URL.createObjectURL(blob) : "";
}
