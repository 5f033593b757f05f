/* PDQ, the perceptual hash by which copies of a picture are known: 256 bits, made where the picture is.
 *
 * Source: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019). The same steps, the
 * same rounding and the same order of bits as `safelight/matching/pdq.py`, which equals the reference.
 *
 * Rules of this module
 * - No DOM and no network: numbers in, a fingerprint out. It runs in a worker, in a page and in Node alike.
 * - The picture arrives in bands of rows and is looked at once, so that a large photo fits into a small phone.
 * - Of the smoothed picture only 64 by 64 places are read, so only these are computed, each as one weighted mean.
 */

const SAMPLES = 64;
const FREQUENCIES = 16;
const MIN_SIDE_PX = 5;
const ENOUGH_PX = 1024; // of the shorter side: a larger picture is first shrunk by a whole factor
const BAND_ROWS = 64;
const PIXEL_BYTES = 4;
const GRADIENT_STEPS_OF_FULL_QUALITY = 90;
const MEDIAN_PLACE = (FREQUENCIES * FREQUENCIES) / 2 - 1;

/** Below it there is too little in the picture to tell it from others. */
export const MIN_QUALITY = 50;

/** In the order of `forms`: what was done to the picture in hand. Turns go against the clock. */
export const TURNS = ["NONE", "ROTATE_90", "ROTATE_180", "ROTATE_270", "MIRROR", "FLIP", "TRANSPOSE", "TRANSVERSE"];

/**
 * The PDQ of a picture of `width` × `height` pixels.
 *
 * `readRows(top, rows)` gives (or promises) that many rows from `top` on as RGBA, one byte a channel, what is transparent
 * laid over something; it is asked from top to bottom.
 * Promises `{quality, forms}` with eight hashes of 64 hexadecimal digits, the first of the picture as it is; or
 * `{quality, why}`, with `why` one of "too_small" and "no_detail", where it has no hash worth matching.
 */
export async function pdq(width, height, readRows) {
  if (Math.min(width, height) < MIN_SIDE_PX) return { quality: 0, why: "too_small" };
  const samples = await sampled(width, height, readRows);
  const quality = qualityOf(samples);
  if (quality < MIN_QUALITY) return { quality, why: "no_detail" };
  const frequencies = lowest(samples);
  return { quality, forms: turned(frequencies).map(toHex) };
}

/** 64 × 64 of the luma, smoothed by a box twice along each side. */
async function sampled(width, height, readRows) {
  const shrink = Math.max(1, Math.floor(Math.min(width, height) / ENOUGH_PX));
  const row = new Float64Array(Math.floor(width / shrink));
  const toLuma = shrink === 1 ? rowLuma : shrinker(width, shrink);
  const across = windows(row.length);
  const down = windows(Math.floor(height / shrink));
  const sums = new Float64Array(SAMPLES * SAMPLES);
  const usedRows = Math.floor(height / shrink) * shrink;
  const bandRows = Math.max(1, Math.floor(BAND_ROWS / shrink)) * shrink;
  for (let top = 0; top < usedRows; top += bandRows) {
    const rows = Math.min(bandRows, usedRows - top);
    const pixels = await readRows(top, rows);
    for (let line = 0; line < rows; line += shrink) {
      toLuma(pixels, line * width * PIXEL_BYTES, row);
      addRow(row, across, down, (top + line) / shrink, sums);
    }
  }
  return Float32Array.from(sums);
}

/** The luma of one row of RGBA pixels that begins at byte `at`. */
function rowLuma(pixels, at, out) {
  for (let x = 0; x < out.length; x++, at += PIXEL_BYTES) {
    out[x] = 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
  }
}

/** Makes one row of luma from `factor` rows of pixels: the mean of each block, rounded to a byte a channel. */
function shrinker(width, factor) {
  const rounded = roundedMeans(factor * factor);
  return (pixels, at, out) => {
    const words = new Int32Array(pixels.buffer, pixels.byteOffset + at, width * factor); // each pixel read at once
    blockLuma(words, width, factor, rounded, out);
  };
}

function blockLuma(words, width, factor, rounded, out) {
  for (let block = 0, left = 0; block < out.length; block++, left += factor) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let row = left; row < words.length; row += width) {
      let redAndBlue = 0; // side by side in one number, 16 bits each
      for (let x = row; x < row + factor; x++) {
        redAndBlue = (redAndBlue + (words[x] & 0xff00ff)) | 0;
        green += (words[x] >> 8) & 0xff;
      }
      red += redAndBlue & 0xffff;
      blue += redAndBlue >>> 16;
    }
    out[block] = 0.299 * rounded[red] + 0.587 * rounded[green] + 0.114 * rounded[blue];
  }
}

/** For each sum of `count` bytes its mean, rounded as OpenCV does: halves go up for four pixels, otherwise to even. */
function roundedMeans(count) {
  const means = new Uint8Array(255 * count + 1);
  for (let sum = 0; sum < means.length; sum++) {
    const low = Math.floor(sum / count);
    const twice = 2 * (sum - low * count);
    means[sum] = low + (twice > count || (twice === count && (count === 4 || low % 2 === 1)) ? 1 : 0);
  }
  return means;
}

/**
 * For each of the 64 samples along a side of `pixels`, what a box filter, applied twice, weighs the places around it
 * with: `{first, weights}`. A box that reaches over the edge is the mean of what is there.
 */
function windows(pixels) {
  const size = Math.floor((pixels + 2 * SAMPLES - 1) / (2 * SAMPLES));
  const before = Math.floor((size - 1) / 2); // places of the box before the one that it stands for
  const first = (place) => Math.max(0, place - before);
  const end = (place) => Math.min(pixels, place - before + size); // one past the last
  return Array.from({ length: SAMPLES }, (_, i) => {
    const sample = Math.floor(((i + 0.5) * pixels) / SAMPLES);
    const [left, right] = [first(sample), end(sample)];
    const weights = new Float64Array(end(right - 1) - first(left));
    for (let place = left; place < right; place++) {
      const share = 1 / (end(place) - first(place)) / (right - left);
      for (let x = first(place); x < end(place); x++) weights[x - first(left)] += share;
    }
    return { first: first(left), weights };
  });
}

/** Adds row `y` of the luma to the samples whose windows it lies in. */
function addRow(row, across, down, y, sums) {
  const touched = down.flatMap(({ first, weights }, i) => (weights[y - first] > 0 ? [[i, weights[y - first]]] : []));
  if (touched.length === 0) return;
  for (let j = 0; j < SAMPLES; j++) {
    const sum = weighed(row, across[j]);
    for (const [i, weight] of touched) sums[i * SAMPLES + j] += weight * sum;
  }
}

function weighed(row, { first, weights }) {
  let sum = 0;
  for (let i = 0, x = first; i < weights.length; i++, x++) sum += weights[i] * row[x];
  return sum;
}

/** 0 to 100: the steps between neighbours, each in whole percent of the full range, summed. */
function qualityOf(samples) {
  let total = 0;
  const step = (one, other) => Math.abs(Math.trunc(Math.fround(Math.fround(Math.fround(one - other) * 100) / 255)));
  for (let y = 0; y < SAMPLES; y++) {
    for (let x = 0; x < SAMPLES; x++) {
      const at = y * SAMPLES + x;
      if (y > 0) total += step(samples[at], samples[at - SAMPLES]);
      if (x > 0) total += step(samples[at], samples[at - 1]);
    }
  }
  return Math.min(Math.floor(total / GRADIENT_STEPS_OF_FULL_QUALITY), 100);
}

/** 16 × 64: the lowest frequencies but the mean, of a type II cosine transform. */
const COSINES = Float32Array.from({ length: FREQUENCIES * SAMPLES }, (_, at) => {
  const frequency = Math.floor(at / SAMPLES) + 1;
  const place = at % SAMPLES;
  return Math.sqrt(2 / SAMPLES) * Math.cos((Math.PI / (2 * SAMPLES)) * frequency * (2 * place + 1));
});

/** 16 × 16 frequencies of 64 × 64 samples. */
function lowest(samples) {
  const half = new Float32Array(FREQUENCIES * SAMPLES);
  for (let i = 0; i < FREQUENCIES; i++) {
    for (let x = 0; x < SAMPLES; x++) {
      let sum = 0;
      for (let y = 0; y < SAMPLES; y++) sum += COSINES[i * SAMPLES + y] * samples[y * SAMPLES + x];
      half[i * SAMPLES + x] = sum;
    }
  }
  const frequencies = new Float32Array(FREQUENCIES * FREQUENCIES);
  for (let i = 0; i < FREQUENCIES; i++) {
    for (let j = 0; j < FREQUENCIES; j++) {
      let sum = 0;
      for (let x = 0; x < SAMPLES; x++) sum += half[i * SAMPLES + x] * COSINES[j * SAMPLES + x];
      frequencies[i * FREQUENCIES + j] = sum;
    }
  }
  return frequencies;
}

/** The frequencies of the picture in each of its eight forms: mirroring negates the odd ones, at even places. */
function turned(frequencies) {
  const form = (transposed, across, down) =>
    Float32Array.from(frequencies, (_, at) => {
      const [i, j] = [Math.floor(at / FREQUENCIES), at % FREQUENCIES];
      const value = frequencies[transposed ? j * FREQUENCIES + i : at];
      return (across && j % 2 === 0) !== (down && i % 2 === 0) ? -value : value;
    });
  return [
    form(false, false, false),
    form(true, false, true),
    form(false, true, true),
    form(true, true, false),
    form(false, true, false),
    form(false, false, true),
    form(true, false, false),
    form(true, true, true),
  ];
}

/** One bit for each frequency above the median, the first as the last bit of the last byte. */
function toHex(frequencies) {
  const median = Float32Array.from(frequencies).sort()[MEDIAN_PLACE];
  let text = "";
  for (let at = frequencies.length - 4; at >= 0; at -= 4) {
    let digit = 0;
    for (let bit = 3; bit >= 0; bit--) digit = digit * 2 + (frequencies[at + bit] > median ? 1 : 0);
    text += digit.toString(16);
  }
  return text;
}
