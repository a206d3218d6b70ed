/* Brightness, contrast, saturation, histograms, noise and blur. Serial, because workers
   call them. */
#include "image/pixels.h"

#include <math.h>
#include <string.h>

static inline float byte_range(float v) { return v > 0 ? (v < 255 ? v : 255) : 0; }

/* The luma of ITU-R BT.601; the value itself for gray. */
static inline float luma(const float *p, int64_t c) {
  return c < 3 ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
}

static int64_t count_of(br_pixels p) { return p.h * p.w * p.c; }

void br_pixels_brightness(br_pixels p, double factor) {
  const float f = (float)factor;
  const int64_t n = count_of(p);
  for (int64_t i = 0; i < n; i++) p.x[i] = byte_range(p.x[i] * f);
}

void br_pixels_contrast(br_pixels p, double factor) {
  float *const x = p.x;
  const int64_t c = p.c, pixels = p.h * p.w;
  double sum = 0;
  for (int64_t i = 0; i < pixels; i++) sum += (double)luma(x + i * c, c);
  const float mean = (float)(sum / (double)pixels), f = (float)factor;
  for (int64_t i = 0; i < pixels * c; i++) x[i] = byte_range(mean + f * (x[i] - mean));
}

void br_pixels_saturation(br_pixels p, double factor) {
  const float f = (float)factor;
  const int64_t c = p.c, pixels = p.h * p.w;
  float *x = p.x;
  if (c < 3) return;
  for (int64_t i = 0; i < pixels; i++, x += c) {
    const float gray = luma(x, c);
    for (int64_t ch = 0; ch < 3; ch++) x[ch] = byte_range(gray + f * (x[ch] - gray));
  }
}

void br_pixels_equalize(br_pixels p) {
  float *const x = p.x;
  const int64_t c = p.c, pixels = p.h * p.w;
  for (int64_t ch = 0; ch < c; ch++) {
    int64_t count[256] = {0}, rank = 0;
    float level[256];
    for (int64_t i = 0; i < pixels; i++) count[(int)(byte_range(x[i * c + ch]) + 0.5f)]++;
    int smallest = 0;
    while (!count[smallest]) smallest++;
    const int64_t r0 = count[smallest];
    if (r0 == pixels) continue; /* the channel has one value only */
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

void br_pixels_noise(br_pixels p, double deviation, br_draws d) {
  const int64_t n = count_of(p);
  for (int64_t i = 0; i < n; i++) {
    const double z = br_rng_normal(d.seed, d.stream, d.first + (uint64_t)i);
    p.x[i] = byte_range(p.x[i] + (float)(deviation * z));
  }
}

/* n pixels of c values each; pixels are `step` floats apart. */
typedef struct row {
  float *x;
  int64_t n, step, c;
} row;

static void blur_row(row r, const float *weight, int radius, float *room) {
  const int64_t n = r.n, c = r.c;
  for (int64_t i = 0; i < n; i++)
    memcpy(room + i * c, r.x + i * r.step, (size_t)c * sizeof *room);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t ch = 0; ch < c; ch++) {
      float sum = weight[0] * room[i * c + ch];
      for (int k = 1; k <= radius; k++) {
        const int64_t before = i - k > 0 ? i - k : 0, after = i + k < n ? i + k : n - 1;
        sum += weight[k] * (room[before * c + ch] + room[after * c + ch]);
      }
      r.x[i * r.step + ch] = sum;
    }
  }
}

void br_pixels_blur(br_pixels p, double sigma, float *room) {
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
  for (int64_t j = 0; j < p.h; j++)
    blur_row((row){p.x + j * p.w * p.c, p.w, p.c, p.c}, weight, radius, room);
  for (int64_t i = 0; i < p.w; i++)
    blur_row((row){p.x + i * p.c, p.h, p.w * p.c, p.c}, weight, radius, room);
}

/* v as an integer from 0 to n. */
static int64_t inside(double v, int64_t n) {
  return v > 0 ? (v < (double)n ? (int64_t)v : n) : 0;
}

void br_pixels_cutout(br_pixels p, double u, double v, double side, float value) {
  const double r = side / 2;
  const int64_t x0 = inside(ceil(u - r), p.w), x1 = inside(ceil(u + r), p.w);
  const int64_t y0 = inside(ceil(v - r), p.h), y1 = inside(ceil(v + r), p.h);
  for (int64_t j = y0; j < y1; j++) {
    for (int64_t i = x0 * p.c; i < x1 * p.c; i++) p.x[j * p.w * p.c + i] = value;
  }
}

void br_pixels_erase(br_pixels p, br_rows at, float value, br_draws d) {
  for (int64_t j = 0; j < at.h; j++) {
    float *to = p.x + ((at.y + j) * p.w + at.x) * p.c;
    for (int64_t i = 0; i < at.w * p.c; i++) {
      const uint64_t k = d.first + (uint64_t)(j * at.w * p.c + i);
      to[i] = value >= 0 ? value : (float)(255 * br_rng_uniform(d.seed, d.stream, k));
    }
  }
}

void br_pixels_gamma(br_pixels p, double gamma) {
  const float g = (float)gamma;
  const int64_t n = count_of(p);
  for (int64_t i = 0; i < n; i++)
    p.x[i] = 255 * powf(byte_range(p.x[i]) * (1 / 255.0f), g);
}

/* A colour's value for one channel, from hue h (0 to 6), chroma and largest value. `at`
   is 5 for red, 3 for green, 1 for blue. */
static float of_hue(float h, float at, float chroma, float most) {
  const float k = h + at < 6 ? h + at : h + at - 6, least = fminf(k, 4 - k);
  return most - chroma * fmaxf(0, fminf(least, 1));
}

void br_pixels_hue(br_pixels p, double turn) {
  const float shift = (float)(6 * (turn - floor(turn)));
  float *x = p.x;
  if (p.c < 3) return;
  for (int64_t i = 0; i < p.h * p.w; i++, x += p.c) {
    const float r = x[0], g = x[1], b = x[2];
    const float most = fmaxf(r, fmaxf(g, b)), chroma = most - fminf(r, fminf(g, b));
    if (!(chroma > 0)) continue;
    float h = most == r   ? (g - b) / chroma
              : most == g ? 2 + (b - r) / chroma
                          : 4 + (r - g) / chroma;
    h += h < 0 ? 6 + shift : shift;
    if (h >= 6) h -= 6;
    x[0] = of_hue(h, 5, chroma, most);
    x[1] = of_hue(h, 3, chroma, most);
    x[2] = of_hue(h, 1, chroma, most);
  }
}

void br_pixels_normalize(br_pixels p, const double *mean, const double *deviation) {
  const int64_t c = p.c, n = count_of(p);
  float scale[4], shift[4];
  for (int64_t ch = 0; ch < c; ch++) {
    scale[ch] = (float)(1 / (255 * deviation[ch]));
    shift[ch] = (float)(-mean[ch] / deviation[ch]);
  }
  for (int64_t i = 0; i < n; i++) p.x[i] = p.x[i] * scale[i % c] + shift[i % c];
}
