/* Largest and smallest elements, and their indices. */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "op/reduce.h"

enum {
  PIECE = 256,  /* values read at a time from lanes that are not contiguous */
  GRAIN = 16384 /* fewer values are not worth a second thread */
};

/* The mask of the given dimensions, or of all. At least one element must be there. */
static br_status best_mask(br_call *c) {
  int d = 0;
  const br_tensor *x = c->in[0];
  c->state[0] = (1u << x->ndim) - 1;
  if (c->arg[BR_REDUCE_DIM].given) {
    br_status status = br_dim(c, &c->arg[BR_REDUCE_DIM], x->ndim, &d);
    if (status) return status;
    c->state[0] = 1u << d;
  }
  if (br_reduced_count(c) == 0)
    return br_bad(
        c,
        "there is nothing to choose from: the shape %s has a dimension without elements",
        br_shape_of(x));
  return BR_OK;
}

static br_status best_infer(br_call *c) {
  unsigned mask;
  br_status status = best_mask(c);
  if (status) return status;
  mask = (unsigned)c->state[0];
  status = br_reduced_out(c, 0, c->in[0]->dtype, mask, c->arg[BR_REDUCE_KEEPDIM].i);
  if (!status && c->arg[BR_REDUCE_DIM].given)
    return br_reduced_out(c, 1, BR_I64, mask, c->arg[BR_REDUCE_KEEPDIM].i);
  c->keep = BR_KEEP_IN(0) |
            BR_KEEP_OUT(0); /* to find the equal elements that share the gradient */
  c->nout = 1;
  return status;
}

static br_status arg_infer(br_call *c) {
  br_status status = best_mask(c);
  return status ? status
                : br_reduced_out(c, 0, BR_I64, (unsigned)c->state[0],
                                 c->arg[BR_REDUCE_KEEPDIM].i);
}

/* Fills value and/or where (counted from 1) with the extreme of each row. */
static br_status find_best(br_call *c, bool largest, br_tensor *value, br_tensor *where) {
  br_tensor *x = c->in[0];
  br_lanes_at at;
  int order[BR_MAX_DIM], kept = br_kept_first(x, (unsigned)c->state[0], order);
  br_lanes_find(&at, x, x->ndim, order, kept);
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t together = at.dense ? 1 : at.together,
          groups = (at.lanes + together - 1) / together;
  int64_t piece = at.dense || at.length < PIECE ? at.length : PIECE;
  int threads = x->numel > GRAIN ? br_threads() : 1;
  size_t apart, bytes = at.dense ? 1 : (size_t)(together * piece * at.size);
  char *scratch = br_scratch_take(threads, bytes, &apart);
  if (!scratch) return BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int64_t g = 0; g < groups; g++) {
    if (br_stopped()) continue;
    br_best best[BR_LANES_TOGETHER];
    int64_t lane = g * together;
    int64_t count = at.lanes - lane < together ? at.lanes - lane : together;
    for (int64_t i = 0; i < count; i++) best[i].at = -1;
    for (int64_t from = 0; from < at.length; from += piece) {
      int64_t n = at.length - from < piece ? at.length - from : piece;
      const char *values = br_lanes_get(&at, lane, count, from, n,
                                        scratch + (size_t)br_thread_index() * apart);
      for (int64_t i = 0; i < count; i++)
        (largest ? k->max : k->min)(n, values + i * n * at.size, from, &best[i]);
    }
    for (int64_t i = 0; i < count; i++) {
      if (value) k->put(1, &best[i].value, 1, value->data + (lane + i) * k->size);
      if (where) ((int64_t *)(void *)where->data)[lane + i] = best[i].at + 1;
    }
  }
  br_scratch_give(scratch);
  return BR_OK;
}

static br_status max_forward(br_call *c) {
  return find_best(c, true, c->out[0], c->out[1]);
}
static br_status min_forward(br_call *c) {
  return find_best(c, false, c->out[0], c->out[1]);
}
static br_status argmax_forward(br_call *c) {
  return find_best(c, true, NULL, c->out[0]);
}
static br_status argmin_forward(br_call *c) {
  return find_best(c, false, NULL, c->out[0]);
}

/* The elements of x that equal y share dy. Where x has a NaN, y is NaN, and the NaNs
   share dy. */
br_status br_share_backward(br_call *c) {
  br_tensor *x = c->in[0], *y = c->out[0], *both[2] = {x, y}, *dy[2] = {NULL, NULL};
  if (!c->need[0]) return BR_OK;
  double value = 0, share = 1;
  br_sum equal = {.i = 0};
  br_kernels_of(BR_F64)->load[y->dtype](1, &value, y->data, 1);
  br_tensor *mask = br_tensor_like(x, BR_BOOL), *dx = NULL;
  br_status status = !mask          ? BR_ENOMEM
                     : isnan(value) ? br_map(K(isnan), x->dtype, mask, 1, &x, NULL)
                                    : br_map(K(eq), x->dtype, mask, 2, both, NULL);
  if (!status) br_kernels_of(BR_BOOL)->sum(mask->numel, mask->data, &equal);
  if (equal.i > 0) share = 1 / (double)equal.i;
  if (!status) dy[0] = br_map_new(K(add_grad), c->dy[0], x->dtype, 1, c->dy, &share);
  dy[1] = mask;
  if (dy[0]) dx = br_map_new(K(where_grad_a), x, x->dtype, 2, dy, NULL);
  br_release(mask);
  br_release(dy[0]);
  return br_dx_take(c, 0, dx);
}

/* All of dy goes to the chosen element. Without a dimension, equal elements share
   dy. */
static br_status best_backward(br_call *c) {
  if (!c->arg[BR_REDUCE_DIM].given) return c->dy[0] ? br_share_backward(c) : BR_OK;
  br_tensor *dy = NULL, *where = NULL, *rows = NULL, *turned[2] = {NULL, NULL};
  br_status status = BR_ENOMEM;
  if (!c->need[0] || !c->dy[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  int order[BR_MAX_DIM], back[BR_MAX_DIM];
  int64_t shape[BR_MAX_DIM], len = br_reduced_count(c);
  br_kept_first(x, (unsigned)c->state[0], order);
  for (int d = 0; d < x->ndim; d++) {
    back[order[d]] = d;
    shape[d] = x->shape[order[d]];
  }
  br_tensor *ones[2] = {br_with_ones(c, c->dy[0]), br_with_ones(c, c->out[1])};
  for (int i = 0; i < 2; i++)
    turned[i] = ones[i] ? br_view_permute(ones[i], order) : NULL;
  if (!turned[0] || !turned[1]) goto done;
  dy = br_contiguous(turned[0]);
  where = br_contiguous(turned[1]);
  rows = br_tensor_zeros(c->dy[0]->dtype, x->ndim, shape, BR_CONTIGUOUS);
  if (!dy || !where || !rows) goto done;
  size_t size = (size_t)br_dtype_size(dy->dtype);
  for (int64_t r = 0; r < dy->numel; r++) {
    int64_t at = ((const int64_t *)(const void *)where->data)[r] - 1;
    memcpy(rows->data + (size_t)(r * len + at) * size, dy->data + (size_t)r * size, size);
  }
  status = br_dx_take(c, 0, br_view_permute(rows, back));
done:
  for (int i = 0; i < 2; i++) {
    br_release(ones[i]);
    br_release(turned[i]);
  }
  br_release(dy);
  br_release(where);
  br_release(rows);
  return status;
}

/* clang-format off */
const br_op br_extremes_ops[] = {
    {.name = "max", .args = "x:t dim:d? keepdim:b=false",
     .doc = "the largest element; with a dimension, values and indices",
     .usage = "local values, indices = x:max(2)",
     .infer = best_infer, .forward = max_forward, .backward = best_backward,
     .keep = BR_KEEP_OUT(1), .results = 2},
    {.name = "min", .args = "x:t dim:d? keepdim:b=false",
     .doc = "the smallest element; with a dimension, values and indices",
     .usage = "x:min()",
     .infer = best_infer, .forward = min_forward, .backward = best_backward,
     .keep = BR_KEEP_OUT(1), .results = 2},
    {.name = "argmax", .args = "x:t dim:d? keepdim:b=false",
     .doc = "the index of the largest element; the first if several are equal",
     .usage = "x:argmax(2)",
     .infer = arg_infer, .forward = argmax_forward},
    {.name = "argmin", .args = "x:t dim:d? keepdim:b=false",
     .doc = "the index of the smallest element; the first if several are equal",
     .usage = "x:argmin(2)",
     .infer = arg_infer, .forward = argmin_forward},
    {0},
};
/* clang-format on */
