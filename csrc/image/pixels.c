/* Brightness and its kind, histograms, noise, blur. Serial: called by workers. */
#include "image/pixels.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

static inline float byte_range(float v) { return v > 0 ? (v < 255 ? v : 255) : 0; }

/* The luma of ITU-R BT.601 (of gray: its value). */
static inline float luma(const float *p, int64_t c) {
  return c < 3 ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
}

void br_pixels_brightness(float *x, int64_t n, double factor) {
  const float f = (float)factor;
  for (int64_t i = 0; i < n; i++) x[i] = byte_range(x[i] * f);
}

void br_pixels_contrast(float *x, int64_t pixels, int64_t c, double factor) {
  double sum = 0;
  for (int64_t i = 0; i < pixels; i++) sum += (double)luma(x + i * c, c);
  const float mean = (float)(sum / (double)pixels), f = (float)factor;
  for (int64_t i = 0; i < pixels * c; i++) x[i] = byte_range(mean + f * (x[i] - mean));
}

void br_pixels_saturation(float *x, int64_t pixels, int64_t c, double factor) {
  const float f = (float)factor;
  if (c < 3) return;
  for (int64_t i = 0; i < pixels; i++, x += c) {
    const float gray = luma(x, c);
    for (int64_t ch = 0; ch < 3; ch++) x[ch] = byte_range(gray + f * (x[ch] - gray));
  }
}

void br_pixels_equalize(float *x, int64_t pixels, int64_t c) {
  for (int64_t ch = 0; ch < c; ch++) {
    int64_t count[256] = {0}, rank = 0;
    float level[256];
    for (int64_t i = 0; i < pixels; i++) count[(int)(byte_range(x[i * c + ch]) + 0.5f)]++;
    int smallest = 0;
    while (!count[smallest]) smallest++;
    const int64_t r0 = count[smallest];
    if (r0 == pixels) continue; /* one value only */
    for (int v = 0; v < 256; v++) {
      rank += count[v];
      level[v] = (float)(255.0 * (double)(rank - r0) / (double)(pixels - r0));
    }
    for (int64_t i = 0; i < pixels; i++) {
      float *at = x + i * c + ch;
      *at = level[(int)(byte_range(*at) + 0.5f)];
    }
  }
}

void br_pixels_noise(float *x, int64_t n, double deviation, uint64_t seed,
                     uint64_t stream, uint64_t first) {
  for (int64_t i = 0; i < n; i++)
    x[i] = byte_range(
        x[i] + (float)(deviation * br_rng_normal(seed, stream, first + (uint64_t)i)));
}

/* One line of n pixels, c values each, `step` floats apart from pixel to pixel. */
static void blur_line(float *x, int64_t n, int64_t step, int64_t c, const float *weight,
                      int radius, float *line) {
  for (int64_t i = 0; i < n; i++)
    memcpy(line + i * c, x + i * step, (size_t)c * sizeof *x);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t ch = 0; ch < c; ch++) {
      float sum = weight[0] * line[i * c + ch];
      for (int k = 1; k <= radius; k++) {
        const int64_t before = i - k > 0 ? i - k : 0, after = i + k < n ? i + k : n - 1;
        sum += weight[k] * (line[before * c + ch] + line[after * c + ch]);
      }
      x[i * step + ch] = sum;
    }
  }
}

void br_pixels_blur(float *x, int64_t h, int64_t w, int64_t c, double sigma,
                    float *room) {
  enum { WIDEST = 31 };
  float weight[WIDEST + 1];
  double sum = 0;
  if (!(sigma > 0.05)) return;
  const int radius = 3 * sigma < WIDEST ? (int)ceil(3 * sigma) : WIDEST;
  for (int k = 0; k <= radius; k++) {
    const double g = exp(-0.5 * k * k / (sigma * sigma));
    weight[k] = (float)g;
    sum += k ? 2 * g : g;
  }
  for (int k = 0; k <= radius; k++) weight[k] /= (float)sum;
  for (int64_t j = 0; j < h; j++) blur_line(x + j * w * c, w, c, c, weight, radius, room);
  for (int64_t i = 0; i < w; i++) blur_line(x + i * c, h, w * c, c, weight, radius, room);
}

/* v as a number from 0 to n. */
static int64_t inside(double v, int64_t n) {
  return v > 0 ? (v < (double)n ? (int64_t)v : n) : 0;
}

void br_pixels_cutout(float *x, int64_t h, int64_t w, int64_t c, double u, double v,
                      double side, float value) {
  const int64_t x0 = inside(ceil(u - side / 2), w), x1 = inside(ceil(u + side / 2), w);
  const int64_t y0 = inside(ceil(v - side / 2), h), y1 = inside(ceil(v + side / 2), h);
  for (int64_t j = y0; j < y1; j++) {
    for (int64_t i = x0 * c; i < x1 * c; i++) x[j * w * c + i] = value;
  }
}

void br_pixels_normalize(float *x, int64_t pixels, int64_t c, const double *mean,
                         const double *deviation) {
  float scale[4], shift[4];
  for (int64_t ch = 0; ch < c; ch++) {
    scale[ch] = (float)(1 / (255 * deviation[ch]));
    shift[ch] = (float)(-mean[ch] / deviation[ch]);
  }
  for (int64_t i = 0; i < pixels * c; i++) x[i] = x[i] * scale[i % c] + shift[i % c];
}
