/* Selection by a tensor of indices (counted from 1; negative from the end). */
#include "op/op.h"

#include <string.h>

/* x as [outer][size][inner] around a dimension. */
static void around(const br_tensor *x, int dim, int64_t *outer, int64_t *inner) {
  *outer = *inner = 1;
  for (int d = 0; d < dim; d++) *outer *= x->shape[d];
  for (int d = dim + 1; d < x->ndim; d++) *inner *= x->shape[d];
}

/* saved[0] keeps the indices counted from 0. */
static br_status select_infer(br_call *c) {
  const br_tensor *x = c->in[0], *index = c->in[1];
  int dim = 0;
  int64_t shape[BR_MAX_DIM];
  if (x->ndim == 0) return br_bad(c, "x has no dimensions to select from");
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (!status) status = br_need_dims(c, index, "index", 1);
  if (status) return status;
  if (br_dtype_is_float(index->dtype) || index->dtype == BR_BOOL)
    return br_bad(c, "index must hold integers, not %s", br_dtype_name(index->dtype));
  br_tensor *at = br_tensor_new(BR_I64, 1, index->shape, BR_CONTIGUOUS);
  if (!at || br_copy(at, c->in[1]) != BR_OK) {
    br_release(at);
    return BR_ENOMEM;
  }
  c->saved[0] = at;
  int64_t *value = (int64_t *)(void *)at->data, size = x->shape[dim];
  for (int64_t i = 0; i < at->numel; i++) {
    int64_t v = value[i];
    if (v == 0 || v > size || v < -size)
      return br_bad(c, "there is no index %lld in dimension %d of %s", (long long)v,
                    dim + 1, br_shape_of(x));
    value[i] = v > 0 ? v - 1 : size + v;
  }
  c->arg[0].i = dim;
  memcpy(shape, x->shape, sizeof shape);
  shape[dim] = at->numel;
  return br_out(c, 0, x->dtype, x->ndim, shape, BR_CONTIGUOUS);
}

static br_status select_forward(br_call *c) {
  int dim = (int)c->arg[0].i;
  br_tensor *x = br_contiguous(c->in[0]);
  if (!x) return BR_ENOMEM;
  int64_t outer, inner, size = x->shape[dim], count = c->saved[0]->numel;
  around(x, dim, &outer, &inner);
  const int64_t *at = (const int64_t *)(const void *)c->saved[0]->data;
  size_t bytes = (size_t)(inner * br_dtype_size(x->dtype));
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < count; i++)
      memcpy(c->out[0]->data + (size_t)(o * count + i) * bytes,
             x->data + (size_t)(o * size + at[i]) * bytes, bytes);
  br_release(x);
  return BR_OK;
}

/* Rows chosen more than once add up. */
static br_status select_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  int dim = (int)c->arg[0].i;
  br_tensor *dy = br_contiguous(c->dy[0]);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, c->in[0]->ndim, c->in[0]->shape,
                                  BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!status && dy) {
    const br_kernels *k = br_kernels_of(dy->dtype);
    int64_t outer, inner, size = dx->shape[dim], count = c->saved[0]->numel;
    around(dx, dim, &outer, &inner);
    const int64_t *at = (const int64_t *)(const void *)c->saved[0]->data;
    for (int64_t o = 0; o < outer; o++)
      for (int64_t i = 0; i < count; i++)
        k->axpy(inner, 1, dy->data + (o * count + i) * inner * k->size,
                dx->data + (o * size + at[i]) * inner * k->size);
  }
  br_release(dy);
  return dy ? status : BR_ENOMEM;
}

/* ---- masked_select: the elements where the mask holds, in order ---- */

/* saved[0] is the mask over all of x. */
static br_status masked_infer(br_call *c) {
  const br_tensor *x = c->in[0], *mask = c->in[1];
  int ndim = 0;
  int64_t shape[BR_MAX_DIM];
  if (mask->dtype != BR_BOOL && mask->dtype != BR_U8)
    return br_bad(c, "the mask must be bool, not %s", br_dtype_name(mask->dtype));
  if (!br_broadcast(x->ndim, x->shape, mask->ndim, mask->shape, &ndim, shape) ||
      ndim != x->ndim || memcmp(shape, x->shape, (size_t)ndim * sizeof *shape) != 0)
    return br_bad(c, "the mask %s does not broadcast to %s", br_shape_of(mask),
                  br_shape_of(x));
  c->saved[0] = br_tensor_new(BR_BOOL, x->ndim, x->shape, BR_CONTIGUOUS);
  if (!c->saved[0] || br_copy(c->saved[0], c->in[1]) != BR_OK) return BR_ENOMEM;
  br_sum count = {.i = 0};
  br_kernels_of(BR_BOOL)->sum(x->numel, c->saved[0]->data, &count);
  return br_out(c, 0, x->dtype, 1, &count.i, BR_CONTIGUOUS);
}

/* Moves elements between x (all) and y (the chosen), either way. */
static void sift(const br_tensor *mask, size_t size, char *x, char *y, bool pick) {
  const bool *keep = (const bool *)(const void *)mask->data;
  for (int64_t i = 0; i < mask->numel; i++, x += size) {
    if (!keep[i]) continue;
    memcpy(pick ? y : x, pick ? x : y, size);
    y += size;
  }
}

static br_status masked_forward(br_call *c) {
  br_tensor *x = br_contiguous(c->in[0]);
  if (!x) return BR_ENOMEM;
  sift(c->saved[0], (size_t)br_dtype_size(x->dtype), x->data, c->out[0]->data, true);
  br_release(x);
  return BR_OK;
}

static br_status masked_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  br_tensor *dy = br_contiguous(c->dy[0]);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!status && dy)
    sift(c->saved[0], (size_t)br_dtype_size(dy->dtype), dx->data, dy->data, false);
  br_release(dy);
  return dy ? status : BR_ENOMEM;
}

/* clang-format off */
const br_op br_index_ops[] = {
  {"index_select", "x:t dim:d index:t", "the slices of a dimension that `index` names",
   select_infer, select_forward, select_backward, 0, 0, 0, {0}},
  {"masked_select", "x:t mask:t", "the elements where mask is true, in one dimension",
   masked_infer, masked_forward, masked_backward, 0, 0, 0, {0}},
  {0}};
/* clang-format on */
