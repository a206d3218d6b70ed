/* Products of few rows with large weights: dot products of rows forward, panels of
   columns backward. */
#include "op/few.h"

#include <string.h>

#include "base/threads.h"

enum {
  OUTPUTS = 48,  /* of a unit of forward, a multiple of every dot_rows tile */
  COLUMNS = 512, /* of a unit of backward, a multiple of every nr */
  DEPTH = 128    /* rows of the weights that are packed at a time */
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int threads_for(const br_few *p) {
  return br_threads_for((double)p->m * (double)p->n * (double)p->k);
}

/* Inputs taken at a time: as many as leave that part of x in the second cache. */
static int64_t depth_of(const br_few *p) {
  int64_t room = 262144 / p->kernels->size / (p->m ? p->m : 1);
  return room < 512 ? 512 : room > 16384 ? 16384 : room & ~(int64_t)63;
}

void br_few_forward(const br_few *p, const char *x, const char *w, const char *b,
                    char *y) {
  int64_t size = p->kernels->size, depth = depth_of(p);
#pragma omp parallel for schedule(static) num_threads(threads_for(p))
  for (int64_t j = 0; j < p->n; j += OUTPUTS) {
    int64_t n = smaller(OUTPUTS, p->n - j);
    for (int64_t i = 0; i < p->m; i++) {
      char *to = y + (i * p->n + j) * size;
      if (b)
        memcpy(to, b + j * size, (size_t)(n * size));
      else
        memset(to, 0, (size_t)(n * size));
    }
    for (int64_t c = 0; c < p->k; c += depth)
      p->kernels->dot_rows(p->m, n, smaller(depth, p->k - c), x + c * size, p->k,
                           w + (j * p->k + c) * size, p->k, y + j * size, p->n);
  }
}

/* dx (m,k) = dy (m,n) w (n,k), for `columns` of its columns. One tile of rows reads the
   weights where they lie, a few at a time; for more they are packed. */
static void unit_dx(const br_few *p, const char *dy, const char *w, int64_t columns,
                    char *room, char *dx) {
  const br_kernels *k = p->kernels;
  bool direct = p->m <= k->mr;
  int64_t depth = direct ? DEPTH / 8 : DEPTH;
  for (int64_t j = 0; j < p->n; j += depth) {
    int64_t rows = smaller(depth, p->n - j);
    const char *from = w + j * p->k * k->size;
    int64_t whole = direct ? columns / k->nr * k->nr : 0;
    for (int64_t c = 0; c < whole; c += k->nr)
      k->panel(p->m, k->nr, rows, dy + j * k->size, p->n, from + c * k->size, p->k, j > 0,
               dx + c * k->size, p->k);
    if (whole < columns)
      k->pack(rows, columns - whole, from + whole * k->size, p->k, room);
    for (int64_t c = whole; c < columns; c += k->nr)
      k->panel(p->m, smaller(k->nr, columns - c), rows, dy + j * k->size, p->n,
               room + (c - whole) * rows * k->size, k->nr, j > 0, dx + c * k->size, p->k);
  }
  for (int64_t i = 0; i < (p->n ? 0 : p->m); i++)
    memset(dx + i * p->k * k->size, 0, (size_t)(columns * k->size));
}

/* dw (n,k) = dy^T (n,m) x (m,k), for `columns` of its columns; t is dy^T. */
static void unit_dw(const br_few *p, const char *t, const char *x, int64_t columns,
                    char *room, char *dw) {
  const br_kernels *k = p->kernels;
  k->pack(p->m, columns, x, p->k, room);
  for (int64_t j = 0; j < p->n; j += k->mr)
    for (int64_t c = 0; c < columns; c += k->nr)
      k->panel(smaller(k->mr, p->n - j), smaller(k->nr, columns - c), p->m,
               t + j * p->m * k->size, p->m, room + c * p->m * k->size, k->nr, false,
               dw + (j * p->k + c) * k->size, p->k);
}

/* One of the two: d is dx or dw, `other` w or x, and a dy or dy^T. */
static br_status backward(const br_few *p, bool weights, const char *a, const char *other,
                          char *d) {
  int64_t size = p->kernels->size, deep = weights ? p->m : DEPTH;
  int64_t unit = p->k > 8 * COLUMNS ? COLUMNS : 64;
  int64_t bytes = (deep * unit * size + 63) & ~(int64_t)63;
  char *room = br_alloc((size_t)(bytes * br_threads()));
  if (!room) return BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(threads_for(p))
  for (int64_t c = 0; c < p->k; c += unit)
    (weights ? unit_dw : unit_dx)(p, a, other + c * size, smaller(unit, p->k - c),
                                  room + br_thread_index() * bytes, d + c * size);
  br_free(room);
  return BR_OK;
}

br_status br_few_input_grad(const br_few *p, const char *dy, const char *w, char *dx) {
  return backward(p, false, dy, w, dx);
}

br_status br_few_weight_grad(const br_few *p, const char *dy_t, const char *x, char *dw) {
  return backward(p, true, dy_t, x, dw);
}
