/* Resampling: boxes by separable filters, affine maps by bilinear interpolation, and
   whitening.

   Coordinates are clamped to the image while they are still double, by comparisons that
   are false for NaN. So no conversion to an integer is out of range. Threads share a
   batch by whole images, so their count never changes a sum. */
#include "image/warp.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads.h"

/* A second thread does not pay for fewer elements. */
enum { GRAIN = 1 << 15 };

/* v limited to [0, max]; 0 for NaN. */
static inline double clamp(double v, double max) {
  v = v > 0 ? v : 0;
  return v < max ? v : max;
}

/* ---- boxes ----------------------------------------------------------------------- */

/* The filter of one axis: output j is the sum of weight[start[j] + k] * x[first[j] + k]
   over k < start[j + 1] - start[j]. */
typedef struct filter {
  int64_t *first, *start;
  float *weight;
} filter;

/* Makes the filter. The outputs' intervals overlap by at most a pixel, so there are few
   taps. */
static br_status filter_new(filter *f, int64_t size, int64_t out) {
  f->first = br_alloc((size_t)(2 * out + 1) * sizeof *f->first);
  f->weight = br_alloc((size_t)(size + 2 * out) * sizeof *f->weight);
  if (!f->first || !f->weight) return BR_ENOMEM;
  f->start = f->first + out;
  return BR_OK;
}

static void filter_free(filter *f) {
  br_free(f->first);
  br_free(f->weight);
}

/* The part of pixel i that the interval from a to b covers. The first and the last
   pixel extend beyond the image. */
static double share(int64_t i, int64_t size, double a, double b) {
  double lo = i == 0 ? a : fmax(a, (double)i - 0.5);
  double hi = i == size - 1 ? b : fmin(b, (double)i + 0.5);
  return hi > lo ? (hi - lo) / (b - a) : 0;
}

/* Fills the filter from the interval x0 .. x1 of an axis with `size` pixels to `out`
   pixels. */
static void filter_fill(filter *f, int64_t size, double x0, double x1, int64_t out) {
  const double step = (x1 - x0) / (double)out, last = (double)(size - 1);
  int64_t taps = 0;
  for (int64_t j = 0; j < out; j++) {
    f->start[j] = taps;
    if (step > 1) {
      const double a = x0 + (double)j * step, b = x0 + (double)(j + 1) * step;
      const int64_t from = (int64_t)clamp(a + 0.5, last);
      const int64_t to = (int64_t)clamp(ceil(b - 0.5), last);
      f->first[j] = from;
      for (int64_t i = from; i <= to; i++)
        f->weight[taps++] = (float)share(i, size, a, b);
    } else {
      const double x = clamp(x0 + ((double)j + 0.5) * step, last);
      const int64_t i = (int64_t)x;
      f->first[j] = i;
      f->weight[taps++] = (float)(1 - (x - (double)i));
      if (i < size - 1) f->weight[taps++] = (float)(x - (double)i);
    }
  }
  f->start[out] = taps;
}

/* sum[i] = the column's filtered value, for i < n bytes of a row that start at x. */
static void filter_rows(const float *weight, int64_t taps, const uint8_t *x,
                        int64_t stride, int64_t n, float *sum) {
  memset(sum, 0, (size_t)n * sizeof *sum);
  for (int64_t k = 0; k < taps; k++, x += stride) {
    const float q = weight[k];
    for (int64_t i = 0; i < n; i++) sum[i] += q * (float)x[i];
  }
}

/* row (w,c) -> dst (out,c); `row` starts at pixel `left`. */
static void filter_columns(const filter *f, int64_t out, int64_t c, const float *row,
                           int64_t left, uint8_t *dst) {
  for (int64_t j = 0; j < out; j++) {
    const float *weight = f->weight + f->start[j];
    const int64_t taps = f->start[j + 1] - f->start[j];
    const float *x = row + (f->first[j] - left) * c;
    for (int64_t ch = 0; ch < c; ch++) {
      float sum = 0.5f;
      for (int64_t k = 0; k < taps; k++) sum += weight[k] * x[k * c + ch];
      *dst++ = (uint8_t)(sum < 255 ? sum : 255);
    }
  }
}

static br_status check_crop(const br_image *im, const double box[4], int64_t out_h,
                            int64_t out_w) {
  if (!im->data) return br_fail(BR_EINVAL, "crop: the image is empty");
  if (out_h < 1 || out_w < 1 || out_h > BR_IMAGE_MAX_PIXELS / out_w)
    return br_fail(BR_EINVAL,
                   "crop: the result cannot have %" PRId64 " x %" PRId64 " pixels", out_w,
                   out_h);
  bool good = box[0] < box[2] && box[1] < box[3];
  for (int i = 0; i < 4; i++) good = good && fabs(box[i]) <= 1 << 30;
  if (!good)
    return br_fail(BR_EINVAL, "crop: (%g, %g, %g, %g) is not a box (x0 < x1, y0 < y1)",
                   box[0], box[1], box[2], box[3]);
  return BR_OK;
}

br_status br_image_crop(const br_image *im, const double box[4], int64_t out_h,
                        int64_t out_w, uint8_t *dst) {
  br_status status = check_crop(im, box, out_h, out_w);
  if (status) return status;
  const int64_t c = im->c, stride = im->w * c;
  filter fx = {0}, fy = {0};
  float *row = NULL;
  status = filter_new(&fx, im->w, out_w);
  if (status == BR_OK) status = filter_new(&fy, im->h, out_h);
  if (status) goto done;
  filter_fill(&fx, im->w, box[0], box[2], out_w);
  filter_fill(&fy, im->h, box[1], box[3], out_h);
  const int64_t left = fx.first[0];
  const int64_t right = fx.first[out_w - 1] + fx.start[out_w] - fx.start[out_w - 1];
  const int64_t n = (right - left) * c;
  row = br_alloc((size_t)n * sizeof *row);
  if (!row) {
    status = BR_ENOMEM;
    goto done;
  }
  for (int64_t j = 0; j < out_h; j++, dst += out_w * c) {
    const uint8_t *x = im->data + fy.first[j] * stride + left * c;
    filter_rows(fy.weight + fy.start[j], fy.start[j + 1] - fy.start[j], x, stride, n,
                row);
    filter_columns(&fx, out_w, c, row, left, dst);
  }

done:
  br_free(row);
  filter_free(&fx);
  filter_free(&fy);
  return status;
}

/* ---- affine warps ---------------------------------------------------------------- */

/* A map from the pixels of a result (oh,ow,c) to the image. Each pixel is the mean of
   kx x ky evenly spread samples. */
typedef struct grid {
  const double *map;
  int64_t oh, ow, kx, ky;
} grid;

/* The place of a sample: the pixel above and to the left of it, and the distance from
   it. */
typedef struct corner {
  const uint8_t *up, *down;
  int64_t next;
  float fx, fy;
} corner;

static inline corner corner_at(const br_image *im, int64_t c, double x, double y) {
  const double xs = clamp(x, (double)(im->w - 1)), ys = clamp(y, (double)(im->h - 1));
  const int32_t xi = (int32_t)xs, yi = (int32_t)ys;
  const uint8_t *p = im->data + (yi * im->w + xi) * c;
  return (corner){.up = p,
                  .down = yi < im->h - 1 ? p + im->w * c : p,
                  .next = xi < im->w - 1 ? c : 0,
                  .fx = (float)(xs - xi),
                  .fy = (float)(ys - yi)};
}

static inline float value_at(const corner *at, int64_t ch) {
  const float p0 = at->up[ch], p1 = at->up[ch + at->next];
  const float q0 = at->down[ch], q1 = at->down[ch + at->next];
  const float up = p0 + at->fx * (p1 - p0), down = q0 + at->fx * (q1 - q0);
  return up + at->fy * (down - up);
}

/* Takes one sample for each pixel. c is im->c, a constant in the usual cases. */
static inline void warp_plain(const br_image *im, int64_t c, const grid *g, float *y) {
  const double *t = g->map;
  for (int64_t j = 0; j < g->oh; j++) {
    const double x0 = t[1] * (double)j + t[2], y0 = t[4] * (double)j + t[5];
    for (int64_t i = 0; i < g->ow; i++, y += c) {
      const corner at = corner_at(im, c, t[0] * (double)i + x0, t[3] * (double)i + y0);
      for (int64_t ch = 0; ch < c; ch++) y[ch] = value_at(&at, ch);
    }
  }
}

/* Takes kx x ky samples for each pixel. */
static inline void warp_mean(const br_image *im, int64_t c, const grid *g, float *y) {
  const double *t = g->map;
  const float part = 1 / (float)(g->kx * g->ky);
  memset(y, 0, (size_t)(g->oh * g->ow * c) * sizeof *y);
  for (int64_t j = 0; j < g->oh; j++) {
    for (int64_t i = 0; i < g->ow; i++, y += c) {
      for (int64_t k = 0; k < g->kx * g->ky; k++) {
        const double v = (double)j + ((double)(k / g->kx) + 0.5) / (double)g->ky - 0.5;
        const double u = (double)i + ((double)(k % g->kx) + 0.5) / (double)g->kx - 0.5;
        const corner at = corner_at(im, c, t[0] * u + t[1] * v + t[2],
                                    t[3] * u + t[4] * v + t[5]);
        for (int64_t ch = 0; ch < c; ch++) y[ch] += part * value_at(&at, ch);
      }
    }
  }
}

static inline void warp(const br_image *im, int64_t c, const grid *g, float *y) {
  if (g->kx * g->ky == 1)
    warp_plain(im, c, g, y);
  else
    warp_mean(im, c, g, y);
}

static void warp_any(const br_image *im, const grid *g, float *y) {
  if (im->c == 1)
    warp(im, 1, g, y);
  else if (im->c == 3)
    warp(im, 3, g, y);
  else
    warp(im, im->c, g, y);
}

int64_t br_warp_samples(double a, double b) {
  enum { MAX_SAMPLES = 16 };
  const double factor = ceil(hypot(a, b) - 0.25);
  return factor > 1 ? (factor < MAX_SAMPLES ? (int64_t)factor : MAX_SAMPLES) : 1;
}

void br_warp_one(const br_image *im, const double *map, bool area, int64_t oh, int64_t ow,
                 float *y) {
  const grid g = {.map = map,
                  .oh = oh,
                  .ow = ow,
                  .kx = area ? br_warp_samples(map[0], map[3]) : 1,
                  .ky = area ? br_warp_samples(map[1], map[4]) : 1};
  warp_any(im, &g, y);
}

void br_warp_places(const br_image *im, const double *at, int64_t n, float share,
                    float *y) {
  const int64_t c = im->c;
  for (int64_t i = 0; i < n; i++, y += c) {
    const corner from = corner_at(im, c, at[2 * i], at[2 * i + 1]);
    for (int64_t ch = 0; ch < c; ch++) y[ch] += share * value_at(&from, ch);
  }
}

void br_reduce(const br_image *im, const br_part *part, int64_t f, uint16_t *sum,
               uint8_t *y) {
  const int64_t c = im->c, w = part->x1 - part->x0, n = w * c;
  for (int64_t v = part->y0; v < part->y1; v += f) {
    const int64_t rows = part->y1 - v < f ? part->y1 - v : f;
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t k = 0; k < rows; k++) {
      const uint8_t *row = im->data + ((v + k) * im->w + part->x0) * c;
      for (int64_t i = 0; i < n; i++) sum[i] = (uint16_t)(sum[i] + row[i]);
    }
    for (int64_t u = 0; u < w; u += f) {
      const int64_t columns = w - u < f ? w - u : f;
      const float share = 1 / (float)(rows * columns);
      for (int64_t ch = 0; ch < c; ch++) {
        uint32_t total = 0;
        for (int64_t k = 0; k < columns; k++) total += sum[(u + k) * c + ch];
        *y++ = (uint8_t)((float)total * share + 0.5f);
      }
    }
  }
}

br_status br_warp_batch(const br_warps *a) {
  if (a->h < 1 || a->w < 1 || a->h > INT32_MAX || a->w > INT32_MAX || a->c < 1 ||
      a->oh < 1 || a->ow < 1)
    return br_fail(BR_EINVAL,
                   "warp: (%" PRId64 ", %" PRId64 ", %" PRId64 ") to (%" PRId64
                   ", %" PRId64 "): every size must be at least 1",
                   a->h, a->w, a->c, a->oh, a->ow);
  for (int64_t i = 0; i < a->m; i++) {
    if (a->pick[i] < 0 || a->pick[i] >= a->n)
      return br_fail(BR_EINVAL,
                     "warp: index %" PRId64 " (from 0) at place %" PRId64
                     " is not in a batch of %" PRId64 " images",
                     a->pick[i], i, a->n);
  }
  const int64_t in = a->h * a->w * a->c, out = a->oh * a->ow * a->c;
#pragma omp parallel for schedule(static)                                                \
    num_threads(br_threads()) if (a->m * out > GRAIN)
  for (int64_t i = 0; i < a->m; i++) {
    /* The cast drops const, but nothing is written through the pointer. */
    uint8_t *data = (uint8_t *)(uintptr_t)(a->images + a->pick[i] * in);
    const br_image im = {.c = a->c, .h = a->h, .w = a->w, .data = data};
    const grid g = {a->matrix + i * 6, a->oh, a->ow, 1, 1};
    warp_any(&im, &g, a->dst + i * out);
  }
  return BR_OK;
}

/* ---- whitening ------------------------------------------------------------------- */

void br_whiten(float *x, int64_t count) {
  double sum = 0, squares = 0;
  /* Counts differing pixels, because rounding makes the deviation of a constant image
     not quite zero. */
  int64_t differing = 0;
#pragma omp simd reduction(+ : sum, differing)
  for (int64_t i = 0; i < count; i++) {
    sum += (double)x[i];
    differing += x[i] != x[0];
  }
  const double mean = sum / (double)count;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < count; i++) {
    const double d = (double)x[i] - mean;
    squares += d * d;
  }
  const double scale = differing ? 1 / sqrt(squares / (double)count) : 0;
  for (int64_t i = 0; i < count; i++)
    x[i] = differing ? (float)(((double)x[i] - mean) * scale) : 0;
}

void br_whiten_batch(float *images, int64_t m, int64_t count) {
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (m * count > GRAIN)
  for (int64_t i = 0; i < m; i++) br_whiten(images + i * count, count);
}
