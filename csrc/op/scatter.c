/* Operators with an index (counted from 1; negative from the end) for every element:
   along one dimension the index says where, along the others the element's own place
   does.

   saved[0] keeps, for each element of the index in row-major order, its offset in a
   contiguous x. */
#include "op/op.h"

#include <string.h>

/* The index must have x's dimensions, and except along `dim` no more elements. */
static br_status check_index(br_call *c, int slot, int *dim) {
  const br_tensor *x = c->in[0], *index = c->in[slot];
  if (br_dtype_is_float(index->dtype) || index->dtype == BR_BOOL)
    return br_bad(c, "index must hold integers, not %s", br_dtype_name(index->dtype));
  if (x->ndim == 0) return br_bad(c, "x has no dimensions to choose from");
  br_status status = br_dim(c, &c->arg[0], x->ndim, dim);
  if (!status) status = br_need_dims(c, index, "index", x->ndim);
  if (status) return status;
  for (int d = 0; d < x->ndim; d++)
    if (d != *dim && index->shape[d] > x->shape[d])
      return br_bad(c, "index %s has more elements in dimension %d than x %s",
                    br_shape_of(index), d + 1, br_shape_of(x));
  c->arg[0].i = *dim;
  return BR_OK;
}

static br_status read_index(br_call *c, int slot) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  br_status status = check_index(c, slot, &dim);
  if (status) return status;
  const br_tensor *index = c->in[slot];
  br_tensor *at = br_tensor_new(BR_I64, index->ndim, index->shape, BR_CONTIGUOUS);
  c->saved[0] = at;
  if (!at || br_copy(at, c->in[slot]) != BR_OK) return BR_ENOMEM;
  int64_t *value = (int64_t *)(void *)at->data, place[BR_MAX_DIM] = {0}, size;
  size = x->shape[dim];
  for (int64_t i = 0; i < at->numel; i++) {
    int64_t v = value[i], offset = 0;
    if (v == 0 || v > size || v < -size)
      return br_bad(c, "there is no index %lld in dimension %d of %s", (long long)v,
                    dim + 1, br_shape_of(x));
    for (int d = 0; d < x->ndim; d++)
      offset = offset * x->shape[d] + (d != dim ? place[d] : v > 0 ? v - 1 : size + v);
    value[i] = offset;
    for (int d = at->ndim - 1; d >= 0 && ++place[d] == at->shape[d]; d--) place[d] = 0;
  }
  return BR_OK;
}

static const int64_t *offsets(const br_call *c) {
  return (const int64_t *)(const void *)c->saved[0]->data;
}

/* The elements of x that the index names, in the index's shape. */
static br_tensor *gathered(const br_call *c, br_tensor *x) {
  br_tensor *from = br_contiguous(x);
  br_tensor *to = br_tensor_new(x->dtype, c->saved[0]->ndim, c->saved[0]->shape,
                                BR_CONTIGUOUS);
  if (from && to) {
    size_t size = (size_t)br_dtype_size(x->dtype);
    const int64_t *at = offsets(c);
    for (int64_t i = 0; i < to->numel; i++)
      memcpy(to->data + (size_t)i * size, from->data + (size_t)at[i] * size, size);
  }
  if (!from) br_release(to);
  br_release(from);
  return from ? to : NULL;
}

/* The same elements of `to` (contiguous, double or int64) plus those of `from`. */
static void add_at(const br_call *c, const br_tensor *from, br_tensor *to) {
  const int64_t *at = offsets(c);
  if (to->dtype == BR_F64) {
    const double *v = (const double *)(const void *)from->data;
    for (int64_t i = 0; i < from->numel; i++) ((double *)(void *)to->data)[at[i]] += v[i];
  } else {
    const uint64_t *v = (const uint64_t *)(const void *)from->data;
    for (int64_t i = 0; i < from->numel; i++)
      ((uint64_t *)(void *)to->data)[at[i]] += v[i];
  }
}

/* ---- gather ---- */

static br_status gather_infer(br_call *c) {
  br_status status = read_index(c, 1);
  if (status) return status;
  return br_out(c, 0, c->in[0]->dtype, c->in[1]->ndim, c->in[1]->shape, BR_CONTIGUOUS);
}

static br_status gather_forward(br_call *c) {
  br_tensor *y = gathered(c, c->in[0]);
  br_status status = y ? br_copy(c->out[0], y) : BR_ENOMEM;
  br_release(y);
  return status;
}

/* Elements chosen more than once add up. */
static br_status gather_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  br_tensor *dy = br_as(c->dy[0], BR_F64, BR_CONTIGUOUS);
  br_status status = br_dx_take(
      c, 0, br_tensor_zeros(BR_F64, x->ndim, x->shape, BR_CONTIGUOUS));
  if (!dy) status = BR_ENOMEM;
  if (!status) add_at(c, dy, c->dx[0]);
  br_release(dy);
  return status;
}

/* ---- scatter ---- */

/* The part of src that the index has elements for; a number stands for all. */
static br_tensor *source_part(const br_call *c, br_tensor *src) {
  const br_tensor *index = c->saved[0];
  int64_t stride[BR_MAX_DIM] = {0};
  return br_tensor_view(src, index->ndim, index->shape,
                        src->ndim == 0 ? stride : src->stride, 0);
}

static br_status scatter_infer(br_call *c) {
  const br_tensor *x = c->in[0], *src = c->in[2];
  br_status status = read_index(c, 1);
  if (status) return status;
  const br_tensor *index = c->in[1];
  bool fits = src->ndim == index->ndim;
  for (int d = 0; fits && d < src->ndim; d++) fits = src->shape[d] >= index->shape[d];
  if (!fits && src->ndim > 0)
    return br_bad(c, "src %s has not an element for each of index %s", br_shape_of(src),
                  br_shape_of(index));
  br_arg number = src->number ? br_number_of(src) : (br_arg){0};
  const char *wrong = src->number ? br_misfit(x->dtype, &number) : NULL;
  if (wrong) return br_bad(c, "src: %s", wrong);
  if (!src->number && src->dtype != x->dtype)
    return br_bad(c, "src must be %s as x is, not %s", br_dtype_name(x->dtype),
                  br_dtype_name(src->dtype));
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
}

/* src's part in `dtype`, in memory of its own. */
static br_tensor *source_copy(const br_call *c, br_dtype dtype) {
  br_tensor *part = source_part(c, c->in[2]);
  br_tensor *copy = br_tensor_new(dtype, c->saved[0]->ndim, c->saved[0]->shape,
                                  BR_CONTIGUOUS);
  if (!part || !copy || br_copy(copy, part) != BR_OK) {
    br_release(copy);
    copy = NULL;
  }
  br_release(part);
  return copy;
}

static br_status scatter_forward(br_call *c) {
  br_tensor *x = c->in[0];
  br_tensor *from = source_copy(c, x->dtype), *to = br_contiguous(x);
  br_tensor *y = br_tensor_new(x->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = from && to && y ? br_copy(y, to) : BR_ENOMEM;
  if (!status) {
    size_t size = (size_t)br_dtype_size(x->dtype);
    const int64_t *at = offsets(c);
    for (int64_t i = 0; i < from->numel; i++)
      memcpy(y->data + (size_t)at[i] * size, from->data + (size_t)i * size, size);
    status = br_copy(c->out[0], y);
  }
  br_release(from);
  br_release(to);
  br_release(y);
  return status;
}

static br_status source_backward(br_call *c) {
  const br_tensor *src = c->in[2];
  br_tensor *chosen = gathered(c, c->dy[0]), *part = NULL;
  br_status status = chosen ? BR_OK : BR_ENOMEM;
  if (!status && src->ndim == 0) {
    status = br_dx_take(c, 2, br_retain(chosen));
  } else if (!status) {
    status = br_dx_take(
        c, 2, br_tensor_zeros(chosen->dtype, src->ndim, src->shape, BR_CONTIGUOUS));
    part = status ? NULL : source_part(c, c->dx[2]);
    status = part ? br_copy(part, chosen) : BR_ENOMEM;
  }
  br_release(chosen);
  br_release(part);
  return status;
}

/* What was written over gets no gradient. */
static br_status scatter_backward(br_call *c) {
  br_status status = c->need[2] ? source_backward(c) : BR_OK;
  if (status || !c->need[0]) return status;
  const br_tensor *dy = c->dy[0];
  br_tensor *dx = br_tensor_new(dy->dtype, dy->ndim, dy->shape, BR_CONTIGUOUS);
  status = br_dx_take(c, 0, dx);
  if (!status) status = br_copy(dx, c->dy[0]);
  if (status) return status;
  size_t size = (size_t)br_dtype_size(dy->dtype);
  const int64_t *at = offsets(c);
  for (int64_t i = 0; i < c->saved[0]->numel; i++)
    memset(dx->data + (size_t)at[i] * size, 0, size);
  return BR_OK;
}

/* ---- scatter_add ---- */

/* Sums run in double or int64, in the order of the index. */
static br_status add_forward(br_call *c) {
  br_tensor *x = c->in[0];
  br_dtype wide = br_dtype_is_float(x->dtype) ? BR_F64 : BR_I64;
  br_tensor *from = source_copy(c, wide);
  br_tensor *y = br_tensor_new(wide, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = from && y ? br_copy(y, x) : BR_ENOMEM;
  if (!status) {
    add_at(c, from, y);
    status = br_copy(c->out[0], y);
  }
  br_release(from);
  br_release(y);
  return status;
}

static br_status add_backward(br_call *c) {
  br_status status = c->need[2] ? source_backward(c) : BR_OK;
  if (!status && c->need[0]) status = br_dx_take(c, 0, br_retain(c->dy[0]));
  return status;
}

/* clang-format off */
const br_op br_scatter_ops[] = {
  {"gather", "x:t dim:d index:t", "elements of x (..., n, ...) along a dimension by index (..., k, ...) -> (..., k, ...)",
   gather_infer, gather_forward, gather_backward, 0, 0, 0, {0}},
  {"scatter", "x:t dim:d index:t src:n", "x (..., n, ...) with src, a number or (..., k, ...), written where index (..., k, ...) says; of several the last counts -> (..., n, ...)",
   scatter_infer, scatter_forward, scatter_backward, 0, BR_IN_PLACE, 0, {0}},
  {"scatter_add", "x:t dim:d index:t src:n", "x (..., n, ...) plus src, a number or (..., k, ...), where index (..., k, ...) says -> (..., n, ...)",
   scatter_infer, add_forward, add_backward, 0, BR_IN_PLACE, 0, {0}},
  {0}};
/* clang-format on */
