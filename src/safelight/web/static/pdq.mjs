/* PDQ, the perceptual hash by which copies of a picture are known: 256 bits, made where the picture is.
 *
 * Source: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019). The same steps, the
 * same rounding and the same order of bits as `safelight/matching/pdq.py`, which equals the reference.
 *
 * Rules of this module
 * - No DOM and no network: numbers in, a fingerprint out. It runs in a worker, in a page and in Node alike.
 * - The picture arrives in bands of rows and is looked at once, so that a large photo fits into a small phone.
 * - Only half of the rows and columns of the smoothed picture are ever read, so the other half is not computed.
 */

const SAMPLES = 64;
const FREQUENCIES = 16;
const MIN_SIDE_PX = 5;
const ENOUGH_PX = 1024; // of the shorter side: a larger picture is first shrunk by a whole factor
const BAND_ROWS = 64;
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
  const smoother = new Smoother(Math.floor(width / shrink), Math.floor(height / shrink));
  const toLuma = shrink === 1 ? rowLuma : new Shrinker(smoother.width, shrink).luma;
  const usedRows = smoother.height * shrink;
  const bandRows = Math.max(1, Math.floor(BAND_ROWS / shrink)) * shrink;
  for (let top = 0; top < usedRows; top += bandRows) {
    const rows = Math.min(bandRows, usedRows - top);
    const pixels = await readRows(top, rows);
    for (let row = 0; row < rows; row += shrink) {
      toLuma(pixels, row * width * 4, width * 4, smoother.row);
      smoother.push();
    }
  }
  return smoother.finish();
}

/** The luma of one row of RGBA pixels that begins at byte `at`. */
function rowLuma(pixels, at, _stride, out) {
  for (let x = 0; x < out.length; x++, at += 4) {
    out[x] = 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
  }
}

/** Makes one row of luma from `factor` rows of pixels: the mean of each block, rounded to a byte a channel. */
class Shrinker {
  constructor(width, factor) {
    const sums = new Uint32Array(width * 3);
    const rounded = roundedMeans(factor * factor);
    this.luma = (pixels, at, stride, out) => {
      sums.fill(0);
      const words = new Uint32Array(pixels.buffer, pixels.byteOffset + at, (stride * factor) / 4);
      for (let row = 0; row < factor; row++) addBlocks(words, (row * stride) / 4, factor, sums);
      for (let x = 0, sum = 0; x < width; x++, sum += 3) {
        out[x] = 0.299 * rounded[sums[sum]] + 0.587 * rounded[sums[sum + 1]] + 0.114 * rounded[sums[sum + 2]];
      }
    };
  }
}

/** Adds one row of pixels, each read as a whole: red and blue are summed side by side in one number, 16 bits each. */
function addBlocks(words, at, factor, sums) {
  for (let sum = 0; sum < sums.length; sum += 3) {
    let redAndBlue = 0;
    let green = 0;
    for (let i = 0; i < factor; i++, at++) {
      const pixel = words[at];
      redAndBlue += pixel & 0xff00ff;
      green += (pixel >>> 8) & 0xff;
    }
    sums[sum] += redAndBlue & 0xffff;
    sums[sum + 1] += green;
    sums[sum + 2] += redAndBlue >>> 16;
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

/** The box filter along one side of a picture. */
class Side {
  constructor(pixels) {
    this.pixels = pixels;
    this.window = Math.floor((pixels + 2 * SAMPLES - 1) / (2 * SAMPLES));
    this.before = Math.floor((this.window - 1) / 2); // pixels of the window before the one that it stands for
    this.samples = Array.from({ length: SAMPLES }, (_, i) => Math.floor(((i + 0.5) * pixels) / SAMPLES));
  }

  first(place) {
    return Math.max(0, place - this.before);
  }

  /** One past the last. */
  end(place) {
    return Math.min(this.pixels, place - this.before + this.window);
  }

  /** For each place the number of windows around samples that it lies in. */
  reads() {
    const reads = new Uint8Array(this.pixels);
    for (const sample of this.samples) {
      for (let place = this.first(sample); place < this.end(sample); place++) reads[place]++;
    }
    return reads;
  }
}

/** Takes luma row by row (fill `row`, then `push`) and gives the samples at the end. */
class Smoother {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.row = new Float64Array(width);
    this.across = new Side(width);
    this.down = new Side(height);
    this.kept = Array.from({ length: this.down.window }, () => new Float64Array(width)); // rows inside the window
    this.columns = new Float64Array(width); // their sums
    this.reads = this.down.reads();
    this.pushed = 0;
    this.sums = new Float64Array(SAMPLES * SAMPLES);
  }

  push() {
    const kept = this.kept[this.pushed % this.down.window];
    const { columns } = this;
    if (this.pushed >= this.down.window) for (let x = 0; x < columns.length; x++) columns[x] -= kept[x];
    smoothAcross(this.row, this.across, kept);
    for (let x = 0; x < columns.length; x++) columns[x] += kept[x];
    this.pushed++;
    this.settle(this.pushed - this.down.window + this.down.before);
  }

  finish() {
    for (let y = this.pushed - this.down.window + this.down.before + 1; y < this.height; y++) {
      const gone = y - this.down.before - 1;
      if (gone >= 0) {
        const kept = this.kept[gone % this.down.window];
        for (let x = 0; x < this.width; x++) this.columns[x] -= kept[x];
      }
      this.settle(y);
    }
    return Float32Array.from(this.sums);
  }

  /** Row `y` of the once smoothed picture stands in `columns`: add it to the samples whose windows it lies in. */
  settle(y) {
    if (y < 0 || this.reads[y] === 0) return;
    const { across, down, columns, sums } = this;
    const share = 1 / (down.end(y) - down.first(y));
    for (let i = 0; i < SAMPLES; i++) {
      const sample = down.samples[i];
      const [first, end] = [down.first(sample), down.end(sample)];
      if (y < first || y >= end) continue;
      for (let j = 0; j < SAMPLES; j++) {
        const [left, right] = [across.first(across.samples[j]), across.end(across.samples[j])];
        let sum = 0;
        for (let x = left; x < right; x++) sum += columns[x];
        sums[i * SAMPLES + j] += (sum * share) / (right - left) / (end - first);
      }
    }
  }
}

/** `row` smoothed by the box of `side`, into `out`. */
function smoothAcross(row, side, out) {
  const { pixels, window, before } = side;
  const after = window - before;
  let sum = 0;
  let x = 0;
  for (let i = 0; i < Math.min(after - 1, pixels); i++) sum += row[i];
  for (; x <= before && x < pixels; x++) {
    if (x + after <= pixels) sum += row[x + after - 1];
    out[x] = sum / (side.end(x) - side.first(x));
  }
  for (; x + after <= pixels; x++) {
    sum += row[x + after - 1] - row[x - before - 1];
    out[x] = sum / window;
  }
  for (; x < pixels; x++) {
    sum -= row[x - before - 1];
    out[x] = sum / (side.end(x) - side.first(x));
  }
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
