/* Convolutions of few output pixels with large weights, as in the last stages of a
   network: bringing the weights from memory is most of the work, so they are read, or
   their gradient written, where they lie. The pixels' surroundings become rows in the
   order of the weights, (channel, tap). */
#include <string.h>

#include "op/conv.h"
#include "op/few.h"

enum { PIXELS = 64, WEIGHTS = 200000, PART = 16 };

bool br_conv_is_few(const br_conv *g) {
  int64_t rows = g->n * g->oh * g->ow, size = g->cg * g->kh * g->kw * g->og;
  return g->groups == 1 && !g->folded && rows > 0 && rows <= PIXELS && size >= WEIGHTS;
}

static br_few product_of(const br_conv *g) {
  return (br_few){g->n * g->oh * g->ow, g->o, g->c * g->kh * g->kw,
                  br_kernels_of(g->dtype)};
}

/* Whether the rows are the image itself. */
static bool is_plain(const br_conv *g) {
  return g->kh * g->kw == 1 && g->sh == 1 && g->sw == 1 && g->ph == 0 && g->pw == 0 &&
         g->oh == g->h && g->ow == g->w;
}

/* Where each tap of output pixel `row` lies in the image x; NULL outside. */
static void find_taps(const br_conv *g, char *x, int64_t row, void **tap) {
  int64_t n = row / (g->oh * g->ow), oy = row / g->ow % g->oh, ox = row % g->ow;
  int64_t bytes = g->c * br_dtype_size(g->dtype);
  for (int64_t i = 0; i < g->kh; i++)
    for (int64_t j = 0; j < g->kw; j++) {
      int64_t y = oy * g->sh + i * g->dh - g->ph, at = ox * g->sw + j * g->dw - g->pw;
      bool inside = y >= 0 && y < g->h && at >= 0 && at < g->w;
      *tap++ = inside ? x + ((n * g->h + y) * g->w + at) * bytes : NULL;
    }
}

/* rows (pixels, c * taps) from the image, channels-last. */
static br_status gather(const br_conv *g, char *x, char *rows) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw, pixels = g->n * g->oh * g->ow, size = k->size;
  const void **src = br_alloc((size_t)area * sizeof *src);
  void **tap = br_alloc((size_t)area * sizeof *tap);
  char *zeros = br_alloc_zero((size_t)(g->c * size));
  br_status status = src && tap && zeros ? BR_OK : BR_ENOMEM;
  for (int64_t p = 0; p < pixels && !status; p++) {
    find_taps(g, x, p, tap);
    for (int64_t c = 0; c < g->c; c += PART, rows += PART * area * size) {
      void *dst[PART];
      int64_t part = g->c - c < PART ? g->c - c : PART;
      for (int64_t i = 0; i < part; i++) dst[i] = rows + i * area * size;
      for (int64_t t = 0; t < area; t++)
        src[t] = (tap[t] ? (char *)tap[t] : zeros) + c * size;
      k->transpose(area, part, src, dst);
      if (part < PART) rows += (part - PART) * area * size;
    }
  }
  br_free(src);
  br_free(tap);
  br_free(zeros);
  return status;
}

/* The inverse: every value is added to the pixel it came from. */
static br_status scatter(const br_conv *g, const char *rows, char *dx) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw, pixels = g->n * g->oh * g->ow, size = k->size;
  void **tap = br_alloc((size_t)area * sizeof *tap);
  void **line = br_alloc((size_t)area * sizeof *line);
  char *room = br_alloc((size_t)(area * PART * size));
  br_status status = tap && line && room ? BR_OK : BR_ENOMEM;
  if (!status) memset(dx, 0, (size_t)(g->n * g->h * g->w * g->c * size));
  for (int64_t p = 0; p < pixels && !status; p++) {
    find_taps(g, dx, p, tap);
    for (int64_t t = 0; t < area; t++) line[t] = tap[t] ? room + t * PART * size : NULL;
    for (int64_t c = 0; c < g->c; c += PART) {
      const void *src[PART];
      int64_t part = g->c - c < PART ? g->c - c : PART;
      for (int64_t i = 0; i < part; i++, rows += area * size) src[i] = rows;
      k->transpose(part, area, src, line);
      for (int64_t t = 0; t < area; t++)
        if (tap[t]) k->axpy(part, 1, line[t], (char *)tap[t] + c * size);
    }
  }
  br_free(tap);
  br_free(line);
  br_free(room);
  return status;
}

static char *rows_of(const br_conv *g, const br_few *p, char *x) {
  char *rows = br_alloc((size_t)(p->m * p->k * p->kernels->size));
  if (rows && gather(g, x, rows) == BR_OK) return rows;
  br_free(rows);
  return NULL;
}

br_status br_conv_few_forward(const br_conv *g, char *x, const char *w, const char *bias,
                              char *y) {
  br_few p = product_of(g);
  char *rows = is_plain(g) ? x : rows_of(g, &p, x);
  if (!rows) return BR_ENOMEM;
  br_few_forward(&p, rows, w, bias, y);
  if (rows != x) br_free(rows);
  const void *const before[1] = {y};
  if (g->relu) p.kernels->relu(p.m * p.n, before, y, NULL);
  return BR_OK;
}

br_status br_conv_few_input_grad(const br_conv *g, const char *dy, const char *w,
                                 char *dx) {
  br_few p = product_of(g);
  if (is_plain(g)) return br_few_input_grad(&p, dy, w, dx);
  char *rows = br_alloc((size_t)(p.m * p.k * p.kernels->size));
  br_status status = rows ? br_few_input_grad(&p, dy, w, rows) : BR_ENOMEM;
  if (!status) status = scatter(g, rows, dx);
  br_free(rows);
  return status;
}

br_status br_conv_few_weight_grad(const br_conv *g, char *x, const char *dy, char *dw) {
  br_few p = product_of(g);
  const br_kernels *k = p.kernels;
  const void *src[PIXELS];
  char *rows = is_plain(g) ? x : rows_of(g, &p, x);
  char *turned = br_alloc((size_t)(p.m * p.n * k->size));
  void **dst = br_alloc((size_t)p.n * sizeof *dst);
  br_status status = rows && turned && dst ? BR_OK : BR_ENOMEM;
  if (!status) {
    for (int64_t i = 0; i < p.m; i++) src[i] = dy + i * p.n * k->size;
    for (int64_t j = 0; j < p.n; j++) dst[j] = turned + j * p.m * k->size;
    k->transpose(p.m, p.n, src, dst);
    status = br_few_weight_grad(&p, turned, rows, dw);
  }
  if (rows != x) br_free(rows);
  br_free(turned);
  br_free(dst);
  return status;
}
