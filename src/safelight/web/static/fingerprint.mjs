/* The fingerprint of a picture file, in the browser. The picture stays there: nothing here sends anything.
 *
 * Rules of this module
 * - Works in a worker and, where a browser has no canvas for workers, in the page.
 * - Colours are taken as the file has them, without its profile, and turned upright as the file asks: as the server
 *   reads pictures. What is transparent is laid over the same grey, rounded alike.
 * - A file that cannot be read is an answer of its own (`undecodable`), never "no match".
 */

import { pdq } from "./pdq.mjs";

const GREY = 128;
const OPAQUE = 255;
const PIXEL_BYTES = 4;

/** `{quality, forms, sha256}` of a picture, or `{why, sha256}`; see `pdq`. `sha256` is "" where the page is not secure. */
export async function fingerprint(file) {
  const decoding = createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => null);
  const [sha256, picture] = await Promise.all([digest(file), decoding]); // browsers do both beside each other
  if (picture === null) return { why: "undecodable", sha256 };
  try {
    const onCanvas = canvasReader(picture);
    const found = await pdq(picture.width, picture.height, onCanvas.read);
    const exact = onCanvas.sawTransparency() ? frameReader(picture) : null;
    return { ...(exact ? await pdq(picture.width, picture.height, exact) : found), sha256 };
  } finally {
    picture.close();
  }
}

/** Reads bands of rows by drawing each by itself, so that no canvas is as large as the picture. */
function canvasReader(picture) {
  let pen = null;
  let sawTransparency = false;
  return {
    sawTransparency: () => sawTransparency,
    read: (top, rows) => {
      if (pen === null || pen.canvas.height !== rows) {
        pen = canvas(picture.width, rows).getContext("2d", { willReadFrequently: true });
      }
      pen.clearRect(0, 0, picture.width, rows);
      pen.drawImage(picture, 0, -top);
      const pixels = pen.getImageData(0, 0, picture.width, rows).data;
      sawTransparency = layOverGrey(pixels) || sawTransparency;
      return pixels;
    },
  };
}

/**
 * Reads bands of rows as they were decoded: a canvas keeps colours multiplied by their alpha and loses some of them.
 * Null where the browser has no such frames. Frames are not turned upright, so this is for what is transparent only.
 */
function frameReader(picture) {
  if (typeof VideoFrame === "undefined") return null;
  let frame;
  try {
    frame = new VideoFrame(picture, { timestamp: 0 });
  } catch {
    return null; // too large for a frame
  }
  const isBlueFirst = frame.format === "BGRA";
  if ((!isBlueFirst && frame.format !== "RGBA") || frame.codedWidth !== picture.width) {
    frame.close();
    return null;
  }
  return async (top, rows) => {
    const pixels = new Uint8Array(picture.width * rows * PIXEL_BYTES);
    await frame.copyTo(pixels, { rect: { x: 0, y: top, width: picture.width, height: rows } });
    if (top + rows >= picture.height) frame.close();
    if (isBlueFirst) swapRedAndBlue(pixels);
    layOverGrey(pixels);
    return pixels;
  };
}

/** Lays what is transparent over grey, in place; returns whether there was any. */
function layOverGrey(pixels) {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / PIXEL_BYTES);
  let all = ~0;
  for (let at = 0; at < words.length; at++) all &= words[at];
  if (all >>> 24 === OPAQUE) return false; // alpha is the last byte of each
  for (let at = 0; at < pixels.length; at += PIXEL_BYTES) {
    const alpha = pixels[at + 3];
    for (let channel = at; channel < at + 3; channel++) {
      const sum = pixels[channel] * alpha + GREY * (OPAQUE - alpha) + 128;
      pixels[channel] = ((sum >> 8) + sum) >> 8; // divided by 255 and rounded
    }
  }
  return true;
}

function swapRedAndBlue(pixels) {
  for (let at = 0; at < pixels.length; at += PIXEL_BYTES) {
    const blue = pixels[at];
    pixels[at] = pixels[at + 2];
    pixels[at + 2] = blue;
  }
}

function canvas(width, height) {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

async function digest(file) {
  if (!globalThis.crypto?.subtle) return "";
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
