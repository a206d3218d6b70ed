/* Operators on the order of the values along a dimension: sort, topk, median; and cumsum.

   Values are compared as int64 keys that keep their order: exact for every type, with NaN
   above all. Equal values stay in the order they had. */
#include "op/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"

enum { GRAIN = 16384 };

typedef struct entry {
  int64_t key, at;
} entry;

static int by_rising(const void *a, const void *b) {
  const entry *p = a, *q = b;
  if (p->key != q->key) return p->key < q->key ? -1 : 1;
  return p->at < q->at ? -1 : p->at > q->at;
}

static int by_falling(const void *a, const void *b) {
  const entry *p = a, *q = b;
  if (p->key != q->key) return p->key > q->key ? -1 : 1;
  return p->at < q->at ? -1 : p->at > q->at;
}

/* Doubles sort as their bits do, once those of negative ones are turned round. */
static int64_t key_of(double x) {
  int64_t bits;
  if (isnan(x)) return INT64_MAX;
  x += 0.0; /* -0 is 0 */
  memcpy(&bits, &x, sizeof bits);
  return bits < 0 ? (int64_t)(~(uint64_t)bits | 1ull << 63) : bits;
}

/* Element i as a key. */
static int64_t element_key(const br_tensor *t, int64_t i) {
  switch (t->dtype) {
  case BR_F32:
  case BR_F64: return key_of(br_get_double(t, i));
  case BR_I64: return ((const int64_t *)(const void *)t->data)[i];
  default: return (int64_t)br_get_double(t, i);
  }
}

/* state[0]: the dimensions gone through; state[1]: how many values of each lane to keep.
   saved[0]: where they stood, counted from 0, (lanes, kept). */
static unsigned mask_of(const br_call *c) { return (unsigned)c->state[0]; }

static int64_t lane_length(const br_call *c) {
  int64_t n = 1;
  for (int d = 0; d < c->in[0]->ndim; d++)
    if (mask_of(c) & 1u << d) n *= c->in[0]->shape[d];
  return n;
}

static br_status places_new(br_call *c, int64_t kept) {
  int64_t n = lane_length(c), shape[2] = {n > 0 ? c->in[0]->numel / n : 0, kept};
  c->state[1] = (uint64_t)kept;
  c->saved[0] = br_tensor_new(BR_I64, 2, shape, BR_CONTIGUOUS);
  return c->saved[0] ? BR_OK : BR_ENOMEM;
}

/* The dimension given, or all of a tensor without any. */
static br_status one_dim(br_call *c, const br_arg *arg, int *dim) {
  br_tensor *x = c->in[0];
  *dim = 0;
  c->state[0] = 1;
  if (x->ndim == 0 && (arg->i == 0 || arg->i == -1)) return BR_OK;
  br_status status = br_dim(c, arg, x->ndim, dim);
  c->state[0] = 1u << *dim;
  return status;
}

/* Which of a sorted lane are kept: the first ones, or the one in the middle. */
static void keep_sorted(int64_t n, const entry *e, int64_t kept, bool middle, bool real,
                        int64_t *to) {
  if (!middle) {
    for (int64_t i = 0; i < kept; i++) to[i] = e[i].at;
  } else { /* any NaN is the median */
    *to = real && e[n - 1].key == INT64_MAX ? e[n - 1].at : e[(n - 1) / 2].at;
  }
}

/* Fills saved[0]; each thread has a lane's entries to itself. */
static br_status order_lanes(br_call *c, bool falling, bool middle) {
  br_tensor *x = br_lanes(c->in[0], mask_of(c), c->in[0]->dtype);
  int64_t n = lane_length(c), kept = (int64_t)c->state[1], lanes = c->saved[0]->shape[0];
  int64_t *places = (int64_t *)(void *)c->saved[0]->data;
  bool real = br_dtype_is_float(c->in[0]->dtype);
  int threads = c->in[0]->numel > GRAIN && lanes > 1 ? br_threads() : 1;
  entry *room = br_alloc((size_t)(threads * n) * sizeof *room + 1);
  br_status status = x && room ? BR_OK : BR_ENOMEM;
  if (!status) {
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t r = 0; r < lanes; r++) {
      entry *e = room + br_thread_index() * n;
      for (int64_t i = 0; i < n; i++)
        e[i] = (entry){.key = element_key(x, r * n + i), .at = i};
      qsort(e, (size_t)n, sizeof *e, falling ? by_falling : by_rising);
      keep_sorted(n, e, kept, middle, real, places + r * kept);
    }
  }
  br_free(room);
  br_release(x);
  return status;
}

/* The values at saved[0] and the places from 1, into out[0] and, if there, out[1]. */
static br_status hand_out(br_call *c) {
  unsigned out_mask = c->out[0]->ndim == c->in[0]->ndim ? mask_of(c) : 0;
  br_tensor *x = br_lanes(c->in[0], mask_of(c), c->in[0]->dtype);
  br_tensor *value = br_lanes_new(c->out[0], out_mask, c->out[0]->dtype);
  br_tensor *where = br_lanes_new(c->out[0], out_mask, BR_I64);
  br_status status = x && value && where ? BR_OK : BR_ENOMEM;
  if (!status) {
    int64_t n = lane_length(c), kept = (int64_t)c->state[1];
    size_t size = (size_t)br_dtype_size(x->dtype);
    const int64_t *at = (const int64_t *)(const void *)c->saved[0]->data;
    for (int64_t i = 0; i < c->saved[0]->numel; i++) {
      ((int64_t *)(void *)where->data)[i] = at[i] + 1;
      memcpy(value->data + (size_t)i * size,
             x->data + (size_t)(i / kept * n + at[i]) * size, size);
    }
    status = br_lanes_store(value, out_mask, c->out[0]);
    if (!status && c->nout > 1) status = br_lanes_store(where, out_mask, c->out[1]);
  }
  br_release(x);
  br_release(value);
  br_release(where);
  return status;
}

/* dy goes to the values that were chosen, each at most once. */
static br_status order_backward(br_call *c) {
  if (!c->need[0] || !c->dy[0]) return BR_OK;
  unsigned out_mask = c->dy[0]->ndim == c->in[0]->ndim ? mask_of(c) : 0;
  br_tensor *dy = br_lanes(c->dy[0], out_mask, c->dy[0]->dtype);
  br_tensor *dx = br_lanes_new(c->in[0], mask_of(c), c->dy[0]->dtype);
  br_status status = dy && dx ? BR_OK : BR_ENOMEM;
  if (!status) {
    int64_t n = lane_length(c), kept = (int64_t)c->state[1];
    size_t size = (size_t)br_dtype_size(dy->dtype);
    const int64_t *at = (const int64_t *)(const void *)c->saved[0]->data;
    for (int64_t i = 0; i < c->saved[0]->numel; i++)
      memcpy(dx->data + (size_t)(i / kept * n + at[i]) * size,
             dy->data + (size_t)i * size, size);
    status = br_dx_take(c, 0, br_lanes_back(dx, mask_of(c)));
  }
  br_release(dy);
  br_release(dx);
  return status;
}

/* ---- sort and topk ---- */

static br_status two_outputs(br_call *c, int ndim, const int64_t *shape) {
  br_status status = br_out(c, 0, c->in[0]->dtype, ndim, shape, BR_CONTIGUOUS);
  return status ? status : br_out(c, 1, BR_I64, ndim, shape, BR_CONTIGUOUS);
}

static br_status sort_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim;
  br_status status = one_dim(c, &c->arg[0], &dim);
  if (!status) status = places_new(c, lane_length(c));
  return status ? status : two_outputs(c, x->ndim, x->shape);
}

static br_status sort_forward(br_call *c) {
  br_status status = order_lanes(c, c->arg[1].i, false);
  return status ? status : hand_out(c);
}

/* arg: k, dim, largest */
static br_status topk_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim;
  int64_t shape[BR_MAX_DIM], k = c->arg[0].i;
  br_status status = one_dim(c, &c->arg[1], &dim);
  if (status) return status;
  if (k < 0 || k > lane_length(c))
    return br_bad(c, "k must be from 0 to the %lld of dimension %d of %s, not %lld",
                  (long long)lane_length(c), dim + 1, br_shape_of(x), (long long)k);
  memcpy(shape, x->shape, sizeof shape);
  if (x->ndim > 0) shape[dim] = k;
  status = places_new(c, k);
  return status ? status : two_outputs(c, x->ndim, shape);
}

static br_status topk_forward(br_call *c) {
  br_status status = order_lanes(c, c->arg[2].i, false);
  return status ? status : hand_out(c);
}

/* ---- median ---- */

/* arg: dim, keepdim. Without a dimension, of all values, and without a place. */
static br_status median_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int64_t shape[BR_MAX_DIM];
  int n = 0, dim;
  bool single = c->arg[0].given;
  br_status status = BR_OK;
  if (single)
    status = one_dim(c, &c->arg[0], &dim);
  else
    c->state[0] = (1u << x->ndim) - 1;
  if (status) return status;
  if (lane_length(c) == 0)
    return br_bad(c, "there is nothing to choose from in the shape %s", br_shape_of(x));
  for (int d = 0; d < x->ndim; d++) {
    if (!(mask_of(c) & 1u << d))
      shape[n++] = x->shape[d];
    else if (c->arg[1].i)
      shape[n++] = 1;
  }
  status = places_new(c, 1);
  if (status) return status;
  return single ? two_outputs(c, n, shape)
                : br_out(c, 0, x->dtype, n, shape, BR_CONTIGUOUS);
}

static br_status median_forward(br_call *c) {
  br_status status = order_lanes(c, false, true);
  return status ? status : hand_out(c);
}

/* ---- cumsum ---- */

static br_status cumsum_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim;
  br_status status = one_dim(c, &c->arg[0], &dim);
  if (status) return status;
  return br_out(c, 0, br_dtype_is_float(x->dtype) ? x->dtype : BR_I64, x->ndim, x->shape,
                BR_CONTIGUOUS);
}

/* Sums of lanes so far, from either end. Sums run in double or int64. */
static void running(br_tensor *t, int64_t n, bool from_end) {
  int64_t first = from_end ? n - 1 : 0, step = from_end ? -1 : 1;
  int64_t lanes = n > 0 ? t->numel / n : 0;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (t->numel > GRAIN)
  for (int64_t r = 0; r < lanes; r++) {
    if (t->dtype == BR_F64) {
      double total = 0, *v = (double *)(void *)t->data + r * n + first;
      for (int64_t i = 0; i < n; i++, v += step) *v = total += *v;
    } else {
      uint64_t total = 0;
      int64_t *v = (int64_t *)(void *)t->data + r * n + first;
      for (int64_t i = 0; i < n; i++, v += step) *v = (int64_t)(total += (uint64_t)*v);
    }
  }
}

/* The lanes of t in a copy of their own. */
static br_tensor *wide_copy(br_tensor *t, unsigned mask) {
  br_tensor *wide = br_lanes_new(t, mask, br_dtype_is_float(t->dtype) ? BR_F64 : BR_I64);
  br_tensor *back = wide ? br_lanes_back(wide, mask) : NULL;
  if (!back || br_copy(back, t) != BR_OK) {
    br_release(wide);
    wide = NULL;
  }
  br_release(back);
  return wide;
}

static br_status cumsum_forward(br_call *c) {
  br_tensor *sums = wide_copy(c->in[0], mask_of(c));
  if (!sums) return BR_ENOMEM;
  running(sums, lane_length(c), false);
  br_status status = br_lanes_store(sums, mask_of(c), c->out[0]);
  br_release(sums);
  return status;
}

static br_status cumsum_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  br_tensor *sums = wide_copy(c->dy[0], mask_of(c));
  if (!sums) return BR_ENOMEM;
  running(sums, lane_length(c), true);
  br_status status = br_dx_take(c, 0, br_lanes_back(sums, mask_of(c)));
  br_release(sums);
  return status;
}

/* clang-format off */
const br_op br_order_ops[] = {
  {"sort", "x:t dim:d=-1 descending:b=false", "x (..., n, ...) in rising order along a dimension -> values and indices (..., n, ...); equal values keep their order",
   sort_infer, sort_forward, order_backward, 0, 0, 0, {0}, 2},
  {"topk", "x:t k:i dim:d=-1 largest:b=true", "the k largest (or smallest) in order, x (..., n, ...) -> values and indices (..., k, ...)",
   topk_infer, topk_forward, order_backward, 0, 0, 0, {0}, 2},
  {"median", "x:t dim:d? keepdim:b=false", "the lower median of all, or of a dimension with its index, x (..., n, ...) -> (..., ...)",
   median_infer, median_forward, order_backward, 0, 0, 0, {0}, 2},
  {"cumsum", "x:t dim:d", "sums so far along a dimension, x (..., n, ...) -> (..., n, ...); integers add up in int64",
   cumsum_infer, cumsum_forward, cumsum_backward, 0, 0, 0, {0}},
  {0}};
/* clang-format on */
