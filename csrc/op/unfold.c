/* unfold: windows along a dimension, side by side or overlapping, as a view. */
#include "op/op.h"

#include <string.h>

/* arg: dim, size, step. x (..., n, ...) -> (..., count, ..., size) */
static br_status infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM], size = c->arg[1].i, step = c->arg[2].i;
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (status) return status;
  if (x->ndim == BR_MAX_DIM)
    return br_bad(c, "the tensor has %d dimensions already", x->ndim);
  status = br_need_within(c, &c->arg[2], "step", 1, BR_MANY);
  if (status) return status;
  if (size < 0 || size > x->shape[dim])
    return br_bad(c, "size must be from 0 to the %lld of dimension %d of %s, not %lld",
                  (long long)x->shape[dim], dim + 1, br_shape_of(x), (long long)size);
  memcpy(shape, x->shape, sizeof shape);
  memcpy(stride, x->stride, sizeof stride);
  shape[dim] = br_size_places(x->shape[dim], size, step);
  if (shape[dim] > 1) stride[dim] *= step;
  shape[x->ndim] = size;
  stride[x->ndim] = x->stride[dim];
  c->arg[0].i = dim;
  return br_out_take(c, 0, br_tensor_view(c->in[0], x->ndim + 1, shape, stride, 0));
}

static br_status forward(br_call *c) {
  (void)c;
  return BR_OK;
}

/* Windows may overlap, so their gradients are added. This is done for one place of all
   windows at a time. */
static br_status backward(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = (int)c->arg[0].i;
  double one = 1;
  if (!c->need[0]) return BR_OK;
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  for (int64_t k = 0; !status && k < c->arg[1].i; k++) {
    br_tensor *from = br_view_select(c->dy[0], x->ndim, k);
    br_tensor *to = br_view_narrow(dx, dim, k, c->dy[0]->shape[dim], c->arg[2].i);
    br_tensor *in[2] = {to, from};
    status = from && to ? br_map(K(add), dx->dtype, to, 2, in, &one) : BR_ENOMEM;
    br_release(from);
    br_release(to);
  }
  return status;
}

/* clang-format off */
const br_op br_unfold_ops[] = {
    {.name = "unfold", .args = "x:t dim:d size:i step:i",
     .doc = "windows along a dimension, x (..., n, ...) -> (..., (n - size) // step + 1, ..., size), without a copy",
     .usage = "braid.arange(6):unfold(1, 3, 1)",
     .infer = infer, .forward = forward, .backward = backward, .flags = BR_VIEW},
    {0},
};
/* clang-format on */
