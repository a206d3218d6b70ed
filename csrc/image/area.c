/* Averages parts of an image, first over the rows of a window and then over its
   columns. The sums are whole numbers, so their order makes no difference. */
#include "image/area.h"

#include <inttypes.h>
#include <omp.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/threads.h"

/* A second thread does not pay for fewer elements. */
enum { GRAIN = 1 << 13 };

/* Where window i of `count` windows over `size` pixels begins. */
static int64_t first_of(int64_t i, int64_t size, int64_t count) {
  return i * size / count;
}

static int64_t last_of(int64_t i, int64_t size, int64_t count) {
  return ((i + 1) * size + count - 1) / count;
}

/* sum[i] = the sum of x[i + k * stride] over k < rows */
static void sum_rows(const uint8_t *x, int64_t stride, int64_t rows, int64_t n,
                     uint32_t *restrict sum) {
  if (rows == 1) {
    for (int64_t i = 0; i < n; i++) sum[i] = x[i];
    return;
  }
  const uint8_t *next = x + stride;
  for (int64_t i = 0; i < n; i++) sum[i] = (uint32_t)x[i] + next[i];
  for (int64_t k = 2; k < rows; k++) {
    next += stride;
    for (int64_t i = 0; i < n; i++) sum[i] += next[i];
  }
}

/* Where the windows of a row begin, and where the last one ends; and 1 / width of
   each. */
typedef struct windows {
  int64_t *from, *to;
  float *share;
} windows;

static void windows_fill(windows *win, int64_t w, int64_t ow) {
  for (int64_t j = 0; j < ow; j++) {
    win->from[j] = first_of(j, w, ow);
    win->to[j] = last_of(j, w, ow);
    win->share[j] = 1.0f / (float)(win->to[j] - win->from[j]);
  }
}

/* Means of windows: sum (w,c), over rows -> y (ow,c). `share` is 1 / the number of
   rows. The usual c is a constant for the compiler. */
static inline void sum_columns(const uint32_t *sum, const windows *win, const br_areas *a,
                               int64_t c, float share, float *y) {
  for (int64_t j = 0; j < a->ow; j++, y += c) {
    const float each = win->share[j] * share;
    for (int64_t ch = 0; ch < c; ch++) {
      uint32_t total = 0;
      for (int64_t i = win->from[j]; i < win->to[j]; i++) total += sum[i * c + ch];
      y[ch] = ((float)total * each - a->shift) * a->scale;
    }
  }
}

/* Computes row r, counted over all results. */
static void row_of(const br_image *im, const br_areas *a, int64_t r, const windows *win,
                   uint32_t *sum) {
  const int64_t *part = a->part + r / a->oh * 4, i = r % a->oh;
  const int64_t c = im->c, w = part[2] - part[0], h = part[3] - part[1];
  const int64_t from = first_of(i, h, a->oh), rows = last_of(i, h, a->oh) - from;
  const uint8_t *x = im->data + ((part[1] + from) * im->w + part[0]) * c;
  const float share = 1.0f / (float)rows;
  float *y = a->dst + r * a->ow * c;
  sum_rows(x, im->w * c, rows, w * c, sum);
  if (c == 3)
    sum_columns(sum, win, a, 3, share, y);
  else
    sum_columns(sum, win, a, c, share, y);
}

/* Whether the sums of all windows fit in 32 bits: those of up to 2^24 bytes do. */
static bool windows_fit(const int64_t *part, int64_t oh, int64_t ow) {
  const int64_t h = (part[3] - part[1]) / oh + 2, w = (part[2] - part[0]) / ow + 2;
  return h * w <= 1 << 24;
}

static br_status check(const br_image *im, const br_areas *a) {
  const int64_t *part = a->part;
  for (int64_t i = 0; i < a->m; i++, part += 4) {
    bool good = part[0] >= 0 && part[1] >= 0 && part[0] < part[2] && part[1] < part[3] &&
                part[2] <= im->w && part[3] <= im->h &&
                part[2] - part[0] <= BR_AREA_MAX && part[3] - part[1] <= BR_AREA_MAX &&
                windows_fit(part, a->oh, a->ow);
    if (!good)
      return br_fail(BR_EINVAL,
                     "area: part %" PRId64 ", columns %" PRId64 " to %" PRId64
                     " and rows %" PRId64 " to %" PRId64 ", is not inside %" PRId64
                     " x %" PRId64 " pixels or is too large",
                     i + 1, part[0] + 1, part[2], part[1] + 1, part[3], im->w, im->h);
  }
  return BR_OK;
}

br_status br_area_batch(const br_image *im, const br_areas *a) {
  br_status status = check(im, a);
  if (status) return status;
  const int threads = br_threads();
  const int64_t width = im->w * im->c;
  const size_t table = (size_t)a->ow * (2 * sizeof(int64_t) + sizeof(float)) + 64;
  const size_t room = (table + (size_t)width * sizeof(uint32_t) + 127) & ~(size_t)63;
  char *rooms = br_alloc((size_t)threads * room);
  if (!rooms) return BR_ENOMEM;
#pragma omp parallel num_threads(threads) if (a->m * a->oh * a->ow > GRAIN)
  {
    char *own = rooms + (size_t)omp_get_thread_num() * room;
    windows win = {.from = (int64_t *)(void *)own};
    win.to = win.from + a->ow;
    win.share = (float *)(void *)(win.to + a->ow);
    uint32_t *sum = (uint32_t *)(void *)(own + ((table + 63) & ~(size_t)63));
    int64_t known = -1; /* the part that `win` describes; a thread's rows come in order */
#pragma omp for schedule(static)
    for (int64_t r = 0; r < a->m * a->oh; r++) {
      const int64_t *p = a->part + r / a->oh * 4;
      if (r / a->oh != known) windows_fill(&win, p[2] - p[0], a->ow);
      known = r / a->oh;
      row_of(im, a, r, &win, sum);
    }
  }
  br_free(rooms);
  return BR_OK;
}
