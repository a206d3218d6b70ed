/* Convolutions of few output pixels with large weights, as in the last stages of a
   network. Reading the weights from memory takes most of the time. So the weights are
   read, and their gradient is written, in place. Each pixel's inputs become a row in
   the order of the weights, (channel, tap). Groups run one after the other. */
#include <string.h>

#include "base/threads.h"
#include "op/conv/conv.h"
#include "op/few.h"

enum { PIXELS = 128, GRAD_PIXELS = 64, WEIGHTS = 200000, PART = 16 };

static bool is_few(const br_conv *g, int64_t most) {
  int64_t rows = g->n * g->oh * g->ow, size = g->cg * g->kh * g->kw * g->og;
  return !g->folded && rows > 0 && rows <= most && size >= WEIGHTS;
}

bool br_conv_is_few(const br_conv *g) { return is_few(g, PIXELS); }
bool br_conv_is_few_weights(const br_conv *g) { return is_few(g, GRAD_PIXELS); }

/* A group of the convolution as a product, and where its taps are. */
typedef struct job {
  const br_conv *g;
  br_few p;
  int64_t area, size;
  int64_t x_offset, y_offset, w_bytes; /* of the group, in bytes; bytes of its weights */
  void **tap;                          /* of each pixel; NULL outside the image */
  char *zeros;
} job;

/* Whether the rows are the image itself. */
static bool is_plain(const br_conv *g) {
  return g->groups == 1 && g->kh * g->kw == 1 && g->sh == 1 && g->sw == 1 && g->ph == 0 &&
         g->pw == 0 && g->oh == g->h && g->ow == g->w;
}

static void find_taps(const br_conv *g, char *x, void **tap) {
  int64_t bytes = g->c * br_dtype_size(g->dtype);
  for (int64_t row = 0; row < g->n * g->oh * g->ow; row++) {
    int64_t n = row / (g->oh * g->ow), oy = row / g->ow % g->oh, ox = row % g->ow;
    for (int64_t i = 0; i < g->kh; i++)
      for (int64_t j = 0; j < g->kw; j++) {
        int64_t y = oy * g->sh + i * g->dh - g->ph, at = ox * g->sw + j * g->dw - g->pw;
        bool inside = y >= 0 && y < g->h && at >= 0 && at < g->w;
        *tap++ = inside ? x + ((n * g->h + y) * g->w + at) * bytes : NULL;
      }
  }
}

static br_status start(job *j, const br_conv *g, char *x) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t pixels = g->n * g->oh * g->ow, area = g->kh * g->kw;
  *j = (job){.g = g,
             .p = {pixels, g->og, g->cg * area, g->o, k},
             .area = area,
             .size = k->size,
             .w_bytes = g->og * g->cg * area * k->size,
             .tap = br_alloc((size_t)(pixels * area) * sizeof *j->tap),
             .zeros = br_alloc_zero((size_t)(g->cg * k->size) + 1)};
  if (!j->tap || !j->zeros) return BR_ENOMEM;
  find_taps(g, x, j->tap);
  return BR_OK;
}

static void finish(job *j) {
  br_free(j->tap);
  br_free(j->zeros);
}

static void choose(job *j, int64_t group) {
  j->x_offset = group * j->g->cg * j->size;
  j->y_offset = group * j->g->og * j->size;
}

static const char *tap_at(const job *j, int64_t pixel, int64_t t, int64_t channel) {
  const char *at = j->tap[pixel * j->area + t];
  return at ? at + j->x_offset + channel * j->size : j->zeros;
}

/* rows (pixels, c * taps) from the image, channels-last */
static void gather(const job *j, char *rows) {
  int64_t channels = j->g->cg, area = j->area;
#pragma omp parallel for schedule(static) num_threads(br_threads())
  for (int64_t pixel = 0; pixel < j->p.m; pixel++)
    if (!br_stopped())
      for (int64_t t = 0; t < area; t += BR_GEMM_MAX_NR)
        for (int64_t c = 0; c < channels; c += PART) {
          const void *src[BR_GEMM_MAX_NR];
          void *dst[PART];
          int64_t part = channels - c < PART ? channels - c : PART;
          int64_t taps = area - t < BR_GEMM_MAX_NR ? area - t : BR_GEMM_MAX_NR;
          for (int64_t i = 0; i < taps; i++) src[i] = tap_at(j, pixel, t + i, c);
          for (int64_t i = 0; i < part; i++)
            dst[i] = rows + (pixel * j->p.k + (c + i) * area + t) * j->size;
          j->p.kernels->transpose(taps, part, src, dst);
        }
}

/* The same, with the rows as lanes. */
static void gather_lanes(const job *j, char *lanes) {
  int64_t channels = j->g->cg, nr = j->p.kernels->nr, m = j->p.m;
#pragma omp parallel for schedule(static) num_threads(br_threads())
  for (int64_t c = 0; c < channels; c += PART)
    for (int64_t first = 0; first < m && !br_stopped(); first += nr)
      for (int64_t t = 0; t < j->area; t++) {
        const void *src[BR_GEMM_MAX_NR];
        void *dst[PART];
        int64_t part = channels - c < PART ? channels - c : PART;
        int64_t pixels = m - first < nr ? m - first : nr;
        for (int64_t i = 0; i < pixels; i++) src[i] = tap_at(j, first + i, t, c);
        for (int64_t i = 0; i < part; i++)
          dst[i] = lanes + (first / nr * j->p.k + (c + i) * j->area + t) * nr * j->size;
        j->p.kernels->transpose(pixels, part, src, dst);
      }
}

/* The inverse of gather: it adds every value to the pixel that it came from. Threads
   share out channels, not pixels, because several values may go to one pixel. */
static void scatter(const job *j, const char *rows) {
  int64_t channels = j->g->cg, area = j->area, size = j->size;
#pragma omp parallel for schedule(static) num_threads(br_threads())
  for (int64_t c = 0; c < channels; c += PART)
    for (int64_t pixel = 0; pixel < j->p.m && !br_stopped(); pixel++)
      for (int64_t t = 0; t < area; t += BR_GEMM_MAX_NR) {
        double room[BR_GEMM_MAX_NR][PART];
        const void *src[PART];
        void *line[BR_GEMM_MAX_NR];
        int64_t part = channels - c < PART ? channels - c : PART;
        int64_t taps = area - t < BR_GEMM_MAX_NR ? area - t : BR_GEMM_MAX_NR;
        void **tap = j->tap + pixel * area + t;
        for (int64_t i = 0; i < taps; i++) line[i] = tap[i] ? room[i] : NULL;
        for (int64_t i = 0; i < part; i++)
          src[i] = rows + (pixel * j->p.k + (c + i) * area + t) * size;
        j->p.kernels->transpose(part, taps, src, line);
        for (int64_t i = 0; i < taps; i++)
          if (tap[i])
            j->p.kernels->axpy(part, 1, line[i], (char *)tap[i] + j->x_offset + c * size);
      }
}

static br_status forward_group(const job *j, const char *w, const char *bias, char *y) {
  bool lanes = br_few_in_lanes(&j->p);
  char *rows = lanes ? br_few_new_lanes(&j->p)
                     : br_alloc((size_t)(j->p.m * j->p.k * j->size));
  if (!rows) return BR_ENOMEM;
  (lanes ? gather_lanes : gather)(j, rows);
  br_status status = (lanes ? br_few_forward_lanes : br_few_forward)(&j->p, rows, w, bias,
                                                                     y);
  br_free(rows);
  return status;
}

br_status br_conv_few_forward(const br_conv *g, char *x, const char *w, const char *bias,
                              char *y) {
  job j;
  br_status status = start(&j, g, x);
  if (!status && is_plain(g)) {
    status = br_few_forward(&j.p, x, w, bias, y);
  } else {
    for (int64_t i = 0; i < g->groups && !status; i++) {
      choose(&j, i);
      status = forward_group(&j, w + i * j.w_bytes, bias ? bias + j.y_offset : NULL,
                             y + j.y_offset);
    }
  }
  finish(&j);
  if (!status) br_epilogue_rows(&g->after, j.p.kernels, j.p.m, g->o, y);
  return status;
}

br_status br_conv_few_input_grad(const br_conv *g, const char *dy, const char *w,
                                 char *dx) {
  job j;
  br_status status = start(&j, g, dx);
  if (!status && is_plain(g)) {
    status = br_few_input_grad(&j.p, dy, w, dx);
  } else {
    char *rows = status ? NULL : br_alloc((size_t)(j.p.m * j.p.k * j.size));
    if (!rows) status = BR_ENOMEM;
    if (!status) memset(dx, 0, (size_t)(g->n * g->h * g->w * g->c * j.size));
    for (int64_t i = 0; i < g->groups && !status; i++) {
      choose(&j, i);
      status = br_few_input_grad(&j.p, dy + j.y_offset, w + i * j.w_bytes, rows);
      if (!status) scatter(&j, rows);
    }
    br_free(rows);
  }
  finish(&j);
  return status;
}

br_status br_conv_few_weight_grad(const br_conv *g, char *x, const char *dy, char *dw) {
  job j;
  br_status status = start(&j, g, x);
  if (!status && is_plain(g)) {
    status = br_few_weight_grad(&j.p, dy, x, dw);
  } else {
    char *rows = status ? NULL : br_alloc((size_t)(j.p.m * j.p.k * j.size));
    if (!rows) status = BR_ENOMEM;
    for (int64_t i = 0; i < g->groups && !status; i++) {
      choose(&j, i);
      gather(&j, rows);
      status = br_few_weight_grad(&j.p, dy + j.y_offset, rows, dw + i * j.w_bytes);
    }
    br_free(rows);
  }
  finish(&j);
  return status;
}
