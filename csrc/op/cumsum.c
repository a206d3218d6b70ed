/* Cumulative sums along a dimension. */
#include "base/threads.h"
#include "op/order.h"

enum { GRAIN = 16384 }; /* a second thread pays from this many elements on */

static br_status cumsum_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim;
  br_status status = br_one_dim(c, &c->arg[0], &dim);
  if (status) return status;
  return br_out(c, 0, br_dtype_is_float(x->dtype) ? x->dtype : BR_I64, x->ndim, x->shape,
                BR_CONTIGUOUS);
}

enum { COLUMNS = 64, CHUNK = 512 };

static double as_double(const br_tensor *t, int64_t at) {
  return t->dtype == BR_F32 ? (double)((const float *)(const void *)t->data)[at]
                            : ((const double *)(const void *)t->data)[at];
}

static void put_real(const br_tensor *t, int64_t at, double v) {
  if (t->dtype == BR_F32)
    ((float *)(void *)t->data)[at] = (float)v;
  else
    ((double *)(void *)t->data)[at] = v;
}

/* Sums a lane of floats whose elements are contiguous in both tensors. */
static void run_lane(const br_walk *from, const br_walk *to, bool from_end, int64_t r) {
  double value[CHUNK], total = 0;
  const br_kernels *wide = br_kernels_of(BR_F64), *own = br_kernels_of(to->x->dtype);
  const char *x = from->x->data + br_walk_start(from, r) * br_dtype_size(from->x->dtype);
  char *y = to->x->data + br_walk_start(to, r) * own->size;
  for (int64_t done = 0, n; done < from->n && !br_stopped(); done += n) {
    n = from->n - done < CHUNK ? from->n - done : CHUNK;
    int64_t first = from_end ? from->n - done - n : done;
    wide->load[from->x->dtype](n, value, x + first * br_dtype_size(from->x->dtype), 1);
    if (from_end)
      for (int64_t i = n - 1; i >= 0; i--) value[i] = total += value[i];
    else
      for (int64_t i = 0; i < n; i++) value[i] = total += value[i];
    own->load[BR_F64](n, y + first * own->size, value, 1);
  }
}

/* Sums lanes r .. r+n-1, which lie side by side, in double or int64. */
static void run_lanes(const br_walk *from, const br_walk *to, bool from_end, int64_t r,
                      int64_t n) {
  const bool real = br_dtype_is_float(from->x->dtype);
  double total[COLUMNS] = {0};
  uint64_t whole[COLUMNS] = {0};
  int64_t in[COLUMNS], out[COLUMNS];
  for (int64_t k = 0; k < n; k++) {
    in[k] = br_walk_start(from, r + k);
    out[k] = br_walk_start(to, r + k);
  }
  for (int64_t i = 0; i < from->n && !br_stopped(); i++) {
    int64_t at = from_end ? from->n - 1 - i : i;
    for (int64_t k = 0; k < n; k++) {
      int64_t x = in[k] + at * from->step, y = out[k] + at * to->step;
      if (real)
        put_real(to->x, y, total[k] += as_double(from->x, x));
      else
        ((uint64_t *)(void *)to->x->data)[y] = whole[k] += (uint64_t)br_order_key(from->x,
                                                                                  x);
    }
  }
}

/* y = the cumulative sums of x's lanes, from the beginning or the end. */
static br_status running(const br_call *c, br_tensor *x, br_tensor *y, bool from_end) {
  br_walk from, to;
  if (!br_walk_make(c, x, br_walk_mask(c), &from)) return BR_ENOMEM;
  if (!br_walk_make(c, y, br_walk_mask(c), &to)) {
    br_release(from.x);
    return BR_ENOMEM;
  }
  bool real = br_dtype_is_float(x->dtype);
  int64_t blocks = (from.count + COLUMNS - 1) / COLUMNS;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > GRAIN)
  for (int64_t b = 0; b < blocks; b++) {
    if (br_stopped()) continue;
    int64_t r = b * COLUMNS, rest = from.count - r;
    if (real && from.step == 1 && to.step == 1) {
      for (int64_t k = r; k < from.count && k < r + COLUMNS; k++)
        run_lane(&from, &to, from_end, k);
      continue;
    }
    run_lanes(&from, &to, from_end, r, rest < COLUMNS ? rest : COLUMNS);
  }
  br_release(from.x);
  br_release(to.x);
  return BR_OK;
}

static br_status cumsum_forward(br_call *c) {
  return running(c, c->in[0], c->out[0], false);
}

static br_status cumsum_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  br_tensor *dx = br_tensor_new(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  return status ? status : running(c, c->dy[0], dx, true);
}

/* clang-format off */
const br_op br_cumsum_ops[] = {
    {.name = "cumsum", .args = "x:t dim:d",
     .doc = "cumulative sums along a dimension, x (..., n, ...) -> (..., n, ...); int64 for integers",
     .usage = "x:cumsum(2)",
     .infer = cumsum_infer, .forward = cumsum_forward, .backward = cumsum_backward},
    {0},
};
/* clang-format on */
