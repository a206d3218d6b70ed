/* The pixels of one window. Large windows are processed in pieces. */
#include "op/pool.h"

/* Pointers to n pixels, beginning with pixel `from`. */
static void look_from(const br_picture *im, const br_region *r, int64_t from, int64_t n,
                      void **pixel) {
  for (int64_t i = 0; i < n; i++) pixel[i] = br_pool_pixel(im, r, from + i);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t br_piece_pointers(const br_window *win) {
  return smaller(br_pool_most(win), BR_POOL_PIECE);
}

static int64_t rounded(int64_t bytes) { return (bytes + 63) & ~(int64_t)63; }

static int64_t pointers_bytes(const br_window *win) {
  return rounded(br_piece_pointers(win) * (int64_t)sizeof(void *));
}

int64_t br_piece_room(const br_window *win) {
  int64_t each = win->c * (int64_t)(2 * sizeof(double) + sizeof(int32_t));
  return pointers_bytes(win) + (br_pool_most(win) > BR_POOL_PIECE ? rounded(each) : 0);
}

br_piece br_piece_in(const br_window *win, char *room) {
  double *sum = (double *)(void *)(room + pointers_bytes(win));
  return (br_piece){.pixel = (void **)(void *)room,
                    .sum = sum,
                    .value = sum + win->c,
                    .best = (int32_t *)(void *)(sum + 2 * win->c)};
}

static double value_at(const br_kernels *k, const void *values, int64_t j) {
  return k->size == 4 ? (double)((const float *)values)[j] : ((const double *)values)[j];
}

static void put_at(const br_kernels *k, void *values, int64_t j, double v) {
  if (k->size == 4)
    ((float *)values)[j] = (float)v;
  else
    ((double *)values)[j] = v;
}

/* Sums of pieces are added in double, because a large sum in a smaller type would lose
   later values. */
static void average_pieces(const br_picture *im, const br_region *r, double scale,
                           const br_piece *p, void *y) {
  const br_kernels *k = im->k;
  const int64_t c = im->c;
  int64_t count = r->rows * r->columns;
  for (int64_t j = 0; j < c; j++) p->sum[j] = 0;
  for (int64_t from = 0; from < count && !br_stopped(); from += BR_POOL_PIECE) {
    int64_t n = smaller(BR_POOL_PIECE, count - from);
    look_from(im, r, from, n, p->pixel);
    k->avg_pool(n, (const void *const *)p->pixel, c, 1, p->value);
    for (int64_t j = 0; j < c; j++) p->sum[j] += value_at(k, p->value, j);
  }
  for (int64_t j = 0; j < c; j++) put_at(k, y, j, p->sum[j] * scale);
}

/* NaN wins, as within a piece. */
static void largest_pieces(const br_picture *im, const br_region *r, const br_piece *p,
                           void *y, int32_t *places) {
  const br_kernels *k = im->k;
  const int64_t c = im->c;
  int64_t count = r->rows * r->columns;
  for (int64_t from = 0; from < count && !br_stopped(); from += BR_POOL_PIECE) {
    int64_t n = smaller(BR_POOL_PIECE, count - from);
    look_from(im, r, from, n, p->pixel);
    k->max_pool(n, (const void *const *)p->pixel, c, p->value, p->best);
    for (int64_t j = 0; j < c; j++) {
      double v = value_at(k, p->value, j);
      double so_far = from > 0 ? value_at(k, y, j) : 0;
      if (from > 0 && !(v > so_far || (v != v && so_far == so_far))) continue;
      put_at(k, y, j, v);
      if (places) places[j] = p->best[j] < 0 ? -1 : (int32_t)from + p->best[j];
    }
  }
}

void br_pool_average(const br_picture *im, const br_region *r, double scale,
                     const br_piece *p, void *y) {
  if (r->rows * r->columns > BR_POOL_PIECE) {
    average_pieces(im, r, scale, p, y);
    return;
  }
  int64_t count = br_pool_look(im, r, p->pixel);
  im->k->avg_pool(count, (const void *const *)p->pixel, im->c, scale, y);
}

void br_pool_largest(const br_picture *im, const br_region *r, const br_piece *p, void *y,
                     int32_t *places) {
  if (r->rows * r->columns > BR_POOL_PIECE) {
    largest_pieces(im, r, p, y, places);
    return;
  }
  int64_t count = br_pool_look(im, r, p->pixel);
  im->k->max_pool(count, (const void *const *)p->pixel, im->c, y, places);
}
