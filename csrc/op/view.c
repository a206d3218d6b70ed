/* Views as operators. The result shares x's storage, and the gradient goes back the
   same way. */
#include "op/op.h"

#include <string.h>

static br_status nothing(br_call *c) {
  (void)c;
  return BR_OK;
}

/* dx is dy in x's shape. */
static br_status reshape_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  return br_dx_take(c, 0, br_reshaped(c->dy[0], c->in[0]->ndim, c->in[0]->shape));
}

static br_status dy_backward(br_call *c) {
  return c->need[0] ? br_dx_take(c, 0, br_retain(c->dy[0])) : BR_OK;
}

/* The wanted shape, with the size computed that is given as -1. */
static br_status wanted_shape(br_call *c, const br_arg *arg, int64_t numel,
                              int64_t *shape) {
  int hole = -1;
  int64_t known = 1;
  for (int d = 0; d < arg->n; d++) {
    shape[d] = arg->v[d];
    if (shape[d] == -1 && hole < 0) {
      hole = d;
    } else if (shape[d] < 0) {
      return br_bad(
          c, "%s is not a shape: one size may be -1, the others must not be negative",
          br_shape_text(arg->n, arg->v));
    } else if (__builtin_mul_overflow(known, shape[d], &known)) {
      return br_bad(c, "the shape %s is too large", br_shape_text(arg->n, arg->v));
    }
  }
  if (hole >= 0 && known > 0 && numel % known == 0) {
    shape[hole] = numel / known;
    known = numel;
  }
  if (known != numel || (hole >= 0 && shape[hole] < 0))
    return br_bad(c, "%s has %lld elements and cannot take the shape %s",
                  br_shape_of(c->in[0]), (long long)numel, br_shape_text(arg->n, arg->v));
  return BR_OK;
}

static br_status reshape_infer(br_call *c) {
  int64_t shape[BR_MAX_DIM];
  br_status status = wanted_shape(c, &c->arg[0], c->in[0]->numel, shape);
  return status ? status : br_out_take(c, 0, br_reshaped(c->in[0], c->arg[0].n, shape));
}

static br_status view_infer(br_call *c) {
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  br_status status = wanted_shape(c, &c->arg[0], c->in[0]->numel, shape);
  if (status) return status;
  if (!br_reshape_strides(c->in[0], c->arg[0].n, shape, stride))
    return br_bad(c,
                  "the memory of %s does not allow the shape %s without a copy; "
                  "reshape makes one",
                  br_shape_of(c->in[0]), br_shape_text(c->arg[0].n, shape));
  return br_out_take(c, 0, br_tensor_view(c->in[0], c->arg[0].n, shape, stride, 0));
}

static br_status flatten_infer(br_call *c) {
  br_tensor *x = c->in[0];
  int from = 0, to = 0, n = 0;
  int64_t shape[BR_MAX_DIM];
  if (x->ndim == 0) {
    shape[0] = 1;
    return br_out_take(c, 0, br_reshaped(x, 1, shape));
  }
  br_status status = br_dim(c, &c->arg[0], x->ndim, &from);
  if (!status) status = br_dim(c, &c->arg[1], x->ndim, &to);
  if (status) return status;
  if (to < from)
    return br_bad(c, "start_dim %d comes after end_dim %d", from + 1, to + 1);
  for (int d = 0; d < x->ndim; d++) {
    if (d <= from || d > to)
      shape[n++] = x->shape[d];
    else
      shape[n - 1] = br_size_mul(shape[n - 1], x->shape[d]);
  }
  return br_out_take(c, 0, br_reshaped(x, n, shape));
}

static br_status unflatten_infer(br_call *c) {
  br_tensor *x = c->in[0];
  int dim = 0;
  int64_t shape[BR_MAX_DIM], inner[BR_MAX_DIM];
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (!status) status = wanted_shape(c, &c->arg[1], x->shape[dim], inner);
  if (status) return status;
  int extra = c->arg[1].n;
  if (x->ndim - 1 + extra > BR_MAX_DIM)
    return br_bad(c, "the result would have more than %d dimensions", BR_MAX_DIM);
  for (int d = 0, to = 0; d < x->ndim; d++) {
    if (d != dim)
      shape[to++] = x->shape[d];
    else
      for (int k = 0; k < extra; k++) shape[to++] = inner[k];
  }
  return br_out_take(c, 0, br_reshaped(x, x->ndim - 1 + extra, shape));
}

/* A named dimension stays if its size is not 1, as in PyTorch. */
static br_status squeeze_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  unsigned mask;
  int n = 0;
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  br_status status = br_dims(c, &c->arg[0], x->ndim, &mask);
  if (status) return status;
  if (c->arg[0].given && c->arg[0].n == 0) mask = 0; /* {}: no dimension */
  for (int d = 0; d < x->ndim; d++) {
    if (mask & 1u << d && x->shape[d] == 1) continue;
    shape[n] = x->shape[d];
    stride[n++] = x->stride[d];
  }
  return br_out_take(c, 0, br_tensor_view(c->in[0], n, shape, stride, 0));
}

static br_status unsqueeze_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  if (x->ndim == BR_MAX_DIM)
    return br_bad(c, "the tensor has %d dimensions already", x->ndim);
  br_status status = br_dim(c, &c->arg[0], x->ndim + 1, &dim);
  if (status) return status;
  for (int d = 0, from = 0; d <= x->ndim; d++) {
    shape[d] = d == dim ? 1 : x->shape[from];
    stride[d] = d == dim ? 1 : x->stride[from++];
  }
  return br_out_take(c, 0, br_tensor_view(c->in[0], x->ndim + 1, shape, stride, 0));
}

static br_status permute_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int order[BR_MAX_DIM] = {0};
  unsigned seen = 0;
  if (c->arg[0].n != x->ndim)
    return br_bad(c, "%s has %d dimensions, the order names %d", br_shape_of(x), x->ndim,
                  c->arg[0].n);
  for (int d = 0; d < x->ndim; d++) {
    br_arg one = {.i = c->arg[0].v[d]};
    br_status status = br_dim(c, &one, x->ndim, &order[d]);
    if (status) return status;
    if (seen & 1u << order[d])
      return br_bad(c, "dimension %d is named twice", order[d] + 1);
    seen |= 1u << order[d];
  }
  for (int d = 0; d < x->ndim; d++) c->arg[0].v[d] = order[d];
  return br_out_take(c, 0, br_view_permute(c->in[0], order));
}

static br_status permute_backward(br_call *c) {
  int back[BR_MAX_DIM];
  for (int d = 0; d < c->arg[0].n; d++) back[c->arg[0].v[d]] = d;
  return c->need[0] ? br_dx_take(c, 0, br_view_permute(c->dy[0], back)) : BR_OK;
}

static br_status transpose_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int a = 0, b = 0;
  br_status status = br_dim(c, &c->arg[0], x->ndim, &a);
  if (!status) status = br_dim(c, &c->arg[1], x->ndim, &b);
  if (status) return status;
  c->arg[0].n = x->ndim;
  for (int d = 0; d < x->ndim; d++) c->arg[0].v[d] = d == a ? b : d == b ? a : d;
  return permute_infer(c);
}

static br_status t_infer(br_call *c) {
  if (c->in[0]->ndim > 2)
    return br_bad(c, "x must have at most 2 dimensions, not the shape %s; use transpose",
                  br_shape_of(c->in[0]));
  c->arg[0] = (br_arg){.n = c->in[0]->ndim, .v = {1, 0}};
  if (c->in[0]->ndim < 2) c->arg[0].v[0] = 0;
  return permute_infer(c);
}

/* A size of -1 keeps x's size. */
static br_status expand_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int ndim = c->arg[0].n;
  int64_t shape[BR_MAX_DIM];
  bool fits = ndim >= x->ndim;
  for (int d = 0; fits && d < ndim; d++) {
    int from = d - (ndim - x->ndim);
    shape[d] = c->arg[0].v[d];
    if (from >= 0 && shape[d] == -1) shape[d] = x->shape[from];
    fits = shape[d] >= 0 &&
           (from < 0 || x->shape[from] == shape[d] || x->shape[from] == 1);
  }
  if (!fits)
    return br_bad(c, "%s cannot be expanded to %s", br_shape_of(x),
                  br_shape_text(ndim, c->arg[0].v));
  int64_t numel;
  if (!br_count(ndim, shape, &numel))
    return br_bad(c, "the shape %s is too large", br_shape_text(ndim, shape));
  return br_out_take(c, 0, br_view_expand(c->in[0], ndim, shape));
}

/* ---- parts ---- */

/* The gradient of a part is zero outside the part. `view` finds the part's place in a
   tensor of zeros, or in the gradient that other parts have already written. */
static br_status part_backward(br_call *c,
                               br_tensor *(*view)(br_call *c, br_tensor *of)) {
  static const double one = 1, zero = 0;
  if (!c->need[0]) return BR_OK;
  if (c->into && c->into[0]) {
    br_tensor *sum = view(c, c->into[0]), *in[2] = {sum, c->dy[0]};
    br_status added = sum ? br_map(K(add), sum->dtype, sum, 2, in, &one) : BR_ENOMEM;
    br_release(sum);
    return added;
  }
  const br_tensor *x = c->in[0];
  br_format format = br_is_channels_last(x) && !br_is_contiguous(x) ? BR_CHANNELS_LAST
                                                                    : BR_CONTIGUOUS;
  br_tensor *dx = br_tensor_new(c->dy[0]->dtype, x->ndim, x->shape, format);
  if (br_dx_take(c, 0, dx) != BR_OK) return BR_ENOMEM;
  br_status status = br_map(K(fill), dx->dtype, dx, 0, NULL, &zero);
  br_tensor *part = view(c, dx);
  if (!status) status = part ? br_copy(part, c->dy[0]) : BR_ENOMEM;
  br_release(part);
  return status;
}

static br_tensor *narrow_view(br_call *c, br_tensor *of) {
  return br_view_narrow(of, (int)c->arg[0].i, c->arg[1].i, c->arg[2].i, c->arg[3].i);
}

/* arg: dim, start, length, step */
static br_status narrow_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (status) return status;
  int64_t size = x->shape[dim], start = c->arg[1].i, length = c->arg[2].i;
  int64_t step = c->arg[3].i, shown = start < 0 ? start : start + 1;
  if (start < 0) start += size;
  if (step < 1)
    return br_bad(c, "the step must be at least 1, not %lld", (long long)step);
  if (start < 0 || length < 0 || start > size ||
      (length > 0 && (length - 1) > (size - 1 - start) / step))
    return br_bad(c, "%lld element%s from %lld by %lld reach outside dimension %d of %s",
                  (long long)length, length == 1 ? "" : "s", (long long)shown,
                  (long long)step, dim + 1, br_shape_of(x));
  c->arg[0].i = dim;
  c->arg[1].i = start;
  return br_out_take(c, 0, narrow_view(c, c->in[0]));
}

static br_status narrow_backward(br_call *c) { return part_backward(c, narrow_view); }

static br_tensor *select_view(br_call *c, br_tensor *of) {
  return br_view_select(of, (int)c->arg[0].i, c->arg[1].i);
}

static br_status select_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (status) return status;
  int64_t at = c->arg[1].i, shown = at < 0 ? at : at + 1;
  if (at < 0) at += x->shape[dim];
  if (at < 0 || at >= x->shape[dim])
    return br_bad(c, "there is no index %lld in dimension %d of %s", (long long)shown,
                  dim + 1, br_shape_of(x));
  c->arg[0].i = dim;
  c->arg[1].i = at;
  return br_out_take(c, 0, select_view(c, c->in[0]));
}

static br_status select_backward(br_call *c) { return part_backward(c, select_view); }

/* clang-format off */
const br_op br_view_ops[] = {
    {.name = "reshape", .args = "x:t shape:I",
     .doc = "x in another shape; a view if possible, else a copy; one size may be -1",
     .usage = "x:reshape(3, -1)",
     .infer = reshape_infer, .forward = nothing, .backward = reshape_backward,
     .flags = BR_VIEW},
    {.name = "view", .args = "x:t shape:I",
     .doc = "x in another shape without a copy, or an error",
     .usage = "x:view(6)", .infer = view_infer,
     .forward = nothing, .backward = reshape_backward, .flags = BR_VIEW},
    {.name = "flatten", .args = "x:t start_dim:d=0 end_dim:d=-1",
     .doc = "the named dimensions merged into one",
     .usage = "images:flatten(2)", .infer = flatten_infer,
     .forward = nothing, .backward = reshape_backward, .flags = BR_VIEW},
    {.name = "unflatten", .args = "x:t dim:d shape:I",
     .doc = "one dimension split into several",
     .usage = "x:unflatten(2, 3, 1)", .infer = unflatten_infer,
     .forward = nothing, .backward = reshape_backward, .flags = BR_VIEW},
    {.name = "squeeze", .args = "x:t dim:D?", .doc = "x without its dimensions of size 1",
     .usage = "x:unsqueeze(1):squeeze()",
     .infer = squeeze_infer, .forward = nothing, .backward = reshape_backward,
     .flags = BR_VIEW},
    {.name = "unsqueeze", .args = "x:t dim:d", .doc = "x with a new dimension of size 1",
     .usage = "x:unsqueeze(1)",
     .infer = unsqueeze_infer, .forward = nothing, .backward = reshape_backward,
     .flags = BR_VIEW},
    {.name = "permute", .args = "x:t order:D",
     .doc = "x with its dimensions in another order",
     .usage = "images:permute(1, 3, 4, 2)", .infer = permute_infer,
     .forward = nothing, .backward = permute_backward, .flags = BR_VIEW},
    {.name = "transpose", .args = "x:t dim1:d dim2:d",
     .doc = "x with two dimensions exchanged",
     .usage = "images:transpose(3, 4)", .infer = transpose_infer,
     .forward = nothing, .backward = permute_backward, .flags = BR_VIEW},
    {.name = "t", .args = "x:t", .doc = "the transpose of a matrix",
     .usage = "x:t()", .infer = t_infer,
     .forward = nothing, .backward = permute_backward, .flags = BR_VIEW},
    {.name = "expand", .args = "x:t shape:I",
     .doc = "x repeated along its dimensions of size 1, without a copy",
     .usage = "braid.ones(2, 1):expand(2, 3)",
     .infer = expand_infer, .forward = nothing, .backward = dy_backward,
     .flags = BR_VIEW},
    {.name = "narrow", .args = "x:t dim:d start:k length:i step:i=1",
     .doc = "`length` elements of a dimension, from `start` on",
     .usage = "x:narrow(2, 1, 2)", .infer = narrow_infer,
     .forward = nothing, .backward = narrow_backward, .flags = BR_VIEW},
    {.name = "select", .args = "x:t dim:d index:k",
     .doc = "x at one index of a dimension, which the result lacks",
     .usage = "x:select(2, -1)", .infer = select_infer,
     .forward = nothing, .backward = select_backward, .flags = BR_VIEW},
    {0},
};
/* clang-format on */
