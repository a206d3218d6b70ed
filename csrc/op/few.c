/* Products of few rows with large weights. Most of the time goes into reading the weights
   from memory, so the arithmetic must not add to it.

   Forward, the rows of x become the lanes of vectors. The code reads the weights in
   order, one number after the other, and multiplies each with all rows at once; y comes
   out transposed. Towards the input, the lanes are columns of the weights, and the code
   reads a few long rows at a time. Towards the weights, the lanes are columns of x. */
#include "op/few.h"

#include <string.h>

#include "base/threads.h"

enum {
  OUTPUTS = 48,       /* outputs of a unit of dot products, at most */
  ROWS = 64,          /* rows of the weights in another unit, at most */
  DEPTH = 32,         /* rows of the weights that are read at a time */
  COLUMNS = 512,      /* columns packed at a time, a multiple of every nr */
  CACHED = 512 << 10, /* bytes that stay in the second-level cache */
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* How many threads to use. Reading a weight takes as long as multiplying it with eight
   rows. */
static int threads_for(const br_few *p) {
  return br_threads_for((double)(p->m > 8 ? p->m : 8) * (double)p->n * (double)p->k);
}

/* Rows of the weights in a unit of work, `most` or fewer, such that all threads get the
   same number of units. */
static int64_t rows_of_unit(const br_few *p, int64_t most) {
  int64_t threads = br_threads(),
          units = ceil_div(ceil_div(p->n, most), threads) * threads;
  return units ? ceil_div(p->n, units) : 1;
}

/* ---- forward ---- */

/* How many inputs to take at a time, so that their part of x stays in the second-level
   cache. */
static int64_t depth_of(const br_few *p) {
  int64_t room = 262144 / p->kernels->size / (p->m ? p->m : 1);
  return room < 512 ? 512 : room > 16384 ? 16384 : room & ~(int64_t)63;
}

static void forward_by_dots(const br_few *p, const char *x, const char *w, const char *b,
                            char *y) {
  int64_t size = p->kernels->size, depth = depth_of(p), unit = rows_of_unit(p, OUTPUTS);
#pragma omp parallel for schedule(static) num_threads(threads_for(p))
  for (int64_t j = 0; j < p->n; j += unit) {
    if (br_stopped()) continue;
    int64_t n = smaller(unit, p->n - j);
    for (int64_t i = 0; i < p->m; i++) {
      char *to = y + (i * p->ld + j) * size;
      if (b)
        memcpy(to, b + j * size, (size_t)(n * size));
      else
        memset(to, 0, (size_t)(n * size));
    }
    for (int64_t c = 0; c < p->k; c += depth)
      p->kernels->dot_rows(&(br_slim_product){.m = p->m,
                                              .n = n,
                                              .k = smaller(depth, p->k - c),
                                              .a = x + c * size,
                                              .lda = p->k,
                                              .b = w + (j * p->k + c) * size,
                                              .ldb = p->k,
                                              .y = y + j * size,
                                              .ldy = p->ld});
  }
}

bool br_few_in_lanes(const br_few *p) { return 2 * p->m > p->kernels->nr; }

static int64_t panels_of(const br_few *p) { return ceil_div(p->m, p->kernels->nr); }

char *br_few_new_lanes(const br_few *p) {
  const br_kernels *k = p->kernels;
  int64_t bytes = p->k * k->nr * k->size, panels = panels_of(p);
  char *lanes = br_alloc((size_t)(panels * bytes) + 1);
  if (lanes && p->m % k->nr) memset(lanes + (panels - 1) * bytes, 0, (size_t)bytes);
  return lanes;
}

static char *lanes_of(const br_few *p, const char *x) {
  const br_kernels *k = p->kernels;
  int64_t units = ceil_div(p->k, COLUMNS), size = k->size;
  char *lanes = br_few_new_lanes(p);
  if (!lanes) return NULL;
#pragma omp parallel for schedule(static) num_threads(threads_for(p))
  for (int64_t u = 0; u < panels_of(p) * units; u++) {
    if (br_stopped()) continue;
    const void *src[BR_GEMM_MAX_NR];
    void *dst[COLUMNS];
    int64_t panel = u / units, first = u % units * COLUMNS;
    int64_t columns = smaller(COLUMNS, p->k - first);
    int64_t rows = smaller(k->nr, p->m - panel * k->nr);
    for (int64_t i = 0; i < rows; i++)
      src[i] = x + ((panel * k->nr + i) * p->k + first) * size;
    for (int64_t c = 0; c < columns; c++)
      dst[c] = lanes + (panel * p->k + first + c) * k->nr * size;
    k->transpose(rows, columns, src, dst);
  }
  return lanes;
}

/* y of outputs j .. j+rows-1, from the transposed sums: turned (panel, rows, nr). */
static void turn_back(const br_few *p, int64_t j, int64_t rows, const char *turned,
                      const char *b, char *y) {
  const br_kernels *k = p->kernels;
  for (int64_t i = 0; i < p->m; i += k->nr, turned += rows * k->nr * k->size) {
    const void *src[ROWS];
    void *dst[BR_GEMM_MAX_NR];
    int64_t lanes = smaller(k->nr, p->m - i);
    for (int64_t r = 0; r < rows; r++) src[r] = turned + r * k->nr * k->size;
    for (int64_t l = 0; l < lanes; l++) dst[l] = y + ((i + l) * p->ld + j) * k->size;
    k->transpose(rows, lanes, src, dst);
    for (int64_t l = 0; b && l < lanes; l++) k->axpy(rows, 1, b + j * k->size, dst[l]);
  }
}

br_status br_few_forward_lanes(const br_few *p, const char *lanes, const char *w,
                               const char *b, char *y) {
  const br_kernels *k = p->kernels;
  int64_t row = k->nr * k->size, panels = panels_of(p), unit = rows_of_unit(p, ROWS);
  int64_t depth = CACHED / (panels * row), bytes = panels * unit * row;
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)bytes, &apart);
  if (!room) return BR_ENOMEM;
  for (int i = 0; i < (p->k ? 0 : br_threads()); i++)
    memset(room + (size_t)i * apart, 0, (size_t)bytes);
#pragma omp parallel for schedule(static) num_threads(threads_for(p))
  for (int64_t j = 0; j < p->n; j += unit) {
    if (br_stopped()) continue;
    char *turned = room + (size_t)br_thread_index() * apart;
    int64_t rows = smaller(unit, p->n - j);
    for (int64_t c = 0; c < p->k; c += depth)
      for (int64_t q = 0; q < panels; q++)
        k->panel(&(br_slim_product){.m = rows,
                                    .n = k->nr,
                                    .k = smaller(depth, p->k - c),
                                    .a = w + (j * p->k + c) * k->size,
                                    .lda = p->k,
                                    .b = lanes + (q * p->k + c) * row,
                                    .ldb = k->nr,
                                    .add = c > 0,
                                    .y = turned + q * rows * row,
                                    .ldy = k->nr});
    turn_back(p, j, rows, turned, b, y);
  }
  br_scratch_give(room);
  return BR_OK;
}

br_status br_few_forward(const br_few *p, const char *x, const char *w, const char *b,
                         char *y) {
  if (!br_few_in_lanes(p)) {
    forward_by_dots(p, x, w, b, y);
    return BR_OK;
  }
  char *lanes = lanes_of(p, x);
  br_status status = lanes ? br_few_forward_lanes(p, lanes, w, b, y) : BR_ENOMEM;
  br_free(lanes);
  return status;
}

/* ---- gradient of the input ---- */

/* Rows of the weights that are read at a time. With more rows of dx each weight is used
   more often, so more streams from memory are affordable. */
static int64_t dx_depth(const br_few *p) { return p->m <= 64 ? DEPTH : p->m / 2; }

/* Prefetches `bytes` of each of some rows, because the hardware does not foresee so many
   streams. */
static void ask_for(const char *from, int64_t rows, int64_t step, int64_t bytes) {
  for (int64_t i = 0; i < rows; i++, from += step)
    for (int64_t b = 0; b < bytes; b += 64) __builtin_prefetch(from + b, 0, 2);
}

/* Computes `columns` columns of dx. Columns that do not fill whole vectors are
   packed. */
static void unit_dx(const br_few *p, const char *dy, const char *w, int64_t columns,
                    char *room, char *dx) {
  const br_kernels *k = p->kernels;
  int64_t size = k->size, whole = columns / k->nr * k->nr, depth = dx_depth(p);
  for (int64_t j = 0; j < p->n; j += depth) {
    int64_t rows = smaller(depth, p->n - j);
    const char *from = w + j * p->k * size;
    br_slim_product part = {.m = p->m,
                            .k = rows,
                            .a = dy + j * size,
                            .lda = p->ld,
                            .add = j > 0,
                            .ldy = p->k};
    for (int64_t c = 0; c < whole; c += k->nr) {
      ask_for(from + (c + k->nr) * size, rows, p->k * size, k->nr * size);
      part.n = k->nr, part.ldb = p->k;
      part.b = from + c * size, part.y = dx + c * size;
      k->panel(&part);
    }
    if (whole == columns) continue;
    k->pack(rows, columns - whole, from + whole * size, p->k, room);
    part.n = columns - whole, part.ldb = k->nr;
    part.b = room, part.y = dx + whole * size;
    k->panel(&part);
  }
  for (int64_t i = 0; i < (p->n ? 0 : p->m); i++)
    memset(dx + i * p->k * size, 0, (size_t)(columns * size));
}

br_status br_few_input_grad(const br_few *p, const char *dy, const char *w, char *dx) {
  const br_kernels *k = p->kernels;
  int64_t size = k->size, bytes = dx_depth(p) * k->nr * size, threads = br_threads();
  int64_t most = CACHED / 4 / size / (p->m ? p->m : 1) + 1; /* columns of a unit */
  int64_t unit = ceil_div(p->k, threads * ceil_div(p->k, threads * most));
  unit = ceil_div(unit, k->nr) * k->nr;
  size_t apart;
  char *room = br_scratch_take((int)threads, (size_t)bytes, &apart);
  if (!room) return BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(threads_for(p))
  for (int64_t c = 0; c < p->k; c += unit)
    if (!br_stopped())
      unit_dx(p, dy, w + c * size, smaller(unit, p->k - c),
              room + (size_t)br_thread_index() * apart, dx + c * size);
  br_scratch_give(room);
  return BR_OK;
}

/* ---- gradient of the weights ---- */

/* Computes some rows of dw from the same rows of dy^T and all of x, packed. */
static void unit_dw(const br_few *p, int64_t rows, const char *turned, const char *packed,
                    char *dw) {
  const br_kernels *k = p->kernels;
  int64_t size = k->size, depth = CACHED / size / (p->m ? p->m : 1) / k->nr * k->nr;
  if (depth < k->nr) depth = k->nr;
  for (int64_t first = 0; first < p->k; first += depth) {
    int64_t last = smaller(first + depth, p->k);
    for (int64_t i = 0; i < rows; i += k->mr)
      for (int64_t c = first; c < last; c += k->nr)
        k->panel(&(br_slim_product){.m = smaller(k->mr, rows - i),
                                    .n = smaller(k->nr, last - c),
                                    .k = p->m,
                                    .a = turned + i * p->m * size,
                                    .lda = p->m,
                                    .b = packed + c * p->m * size,
                                    .ldb = k->nr,
                                    .y = dw + (i * p->k + c) * size,
                                    .ldy = p->k});
  }
}

/* dy^T for outputs j .. j+columns-1 */
static void turn(const br_few *p, int64_t j, int64_t columns, const char *dy,
                 char *turned) {
  const br_kernels *k = p->kernels;
  const void *src[BR_GEMM_MAX_NR];
  void *dst[COLUMNS];
  for (int64_t i = 0; i < p->m; i += k->nr) {
    int64_t rows = smaller(k->nr, p->m - i);
    for (int64_t r = 0; r < rows; r++) src[r] = dy + ((i + r) * p->ld + j) * k->size;
    for (int64_t c = 0; c < columns; c++)
      dst[c] = turned + ((j + c) * p->m + i) * k->size;
    k->transpose(rows, columns, src, dst);
  }
}

br_status br_few_weight_grad(const br_few *p, const char *dy, const char *x, char *dw) {
  const br_kernels *k = p->kernels;
  int64_t size = k->size, unit = rows_of_unit(p, ROWS);
  char *packed = br_alloc((size_t)(ceil_div(p->k, k->nr) * k->nr * p->m * size) + 1);
  char *turned = br_alloc((size_t)(p->m * p->n * size) + 1);
  br_status status = packed && turned ? BR_OK : BR_ENOMEM;
  if (status) goto done;
#pragma omp parallel num_threads(threads_for(p))
  {
#pragma omp for schedule(static) nowait
    for (int64_t c = 0; c < p->k; c += COLUMNS)
      if (!br_stopped())
        k->pack(p->m, smaller(COLUMNS, p->k - c), x + c * size, p->k,
                packed + c * p->m * size);
#pragma omp for schedule(static)
    for (int64_t j = 0; j < p->n; j += COLUMNS)
      if (!br_stopped()) turn(p, j, smaller(COLUMNS, p->n - j), dy, turned);
#pragma omp for schedule(static) nowait
    for (int64_t j = 0; j < p->n; j += unit)
      if (!br_stopped())
        unit_dw(p, smaller(unit, p->n - j), turned + j * p->m * size, packed,
                dw + j * p->k * size);
  }
done:
  br_free(packed);
  br_free(turned);
  return status;
}
