/* Messages, results and checks that all families of operators use. */
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "op/op.h"

br_status br_bad(const br_call *c, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return br_fail(BR_EINVAL, "%s%s: %s", c->op->name, c->in_place ? "_" : "", text);
}

static br_status check_in_place(br_call *c, const br_tensor *t, br_dtype dtype, int ndim,
                                const int64_t *shape) {
  if (t->ndim != ndim || memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) != 0)
    return br_bad(c, "the result has shape %s and cannot be written into shape %s",
                  br_shape_text(ndim, shape), br_shape_of(t));
  if (t->dtype != dtype)
    return br_bad(c, "the result is %s and cannot be written into %s",
                  br_dtype_name(dtype), br_dtype_name(t->dtype));
  for (int d = 0; d < ndim; d++)
    if (t->shape[d] > 1 && t->stride[d] == 0)
      return br_bad(c, "cannot write into an expanded tensor %s", br_shape_of(t));
  return BR_OK;
}

br_status br_out(br_call *c, int i, br_dtype dtype, int ndim, const int64_t *shape,
                 br_format format) {
  if (c->out[i]) return check_in_place(c, c->out[i], dtype, ndim, shape);
  return br_out_take(
      c, i, (c->waits ? br_tensor_bare : br_tensor_new)(dtype, ndim, shape, format));
}

br_status br_out_like(br_call *c, int i, const br_tensor *t, br_dtype dtype) {
  if (c->out[i]) return check_in_place(c, c->out[i], dtype, t->ndim, t->shape);
  return br_out_take(c, i, (c->waits ? br_tensor_bare_like : br_tensor_like)(t, dtype));
}

br_status br_out_take(br_call *c, int i, br_tensor *t) {
  if (!t) return BR_ENOMEM;
  c->out[i] = t;
  if (c->nout <= i) c->nout = i + 1;
  return BR_OK;
}

br_status br_dx_take(br_call *c, int i, br_tensor *t) {
  c->dx[i] = t;
  return t ? BR_OK : BR_ENOMEM;
}

br_status br_dim(const br_call *c, const br_arg *arg, int ndim, int *dim) {
  int64_t d = arg->i, shown = d < 0 ? d : d + 1;
  if (d < 0) d += ndim;
  if (d < 0 || d >= ndim)
    return br_bad(c, "there is no dimension %lld in a tensor of %d dimension%s",
                  (long long)shown, ndim, ndim == 1 ? "" : "s");
  *dim = (int)d;
  return BR_OK;
}

br_status br_dims(const br_call *c, const br_arg *arg, int ndim, unsigned *mask) {
  *mask = 0;
  if (!arg->given || arg->n == 0) {
    *mask = (1u << ndim) - 1;
    return BR_OK;
  }
  for (int i = 0; i < arg->n; i++) {
    int d = 0;
    br_arg one = {.i = arg->v[i]};
    br_status status = br_dim(c, &one, ndim, &d);
    if (status != BR_OK) return status;
    if (*mask & 1u << d) return br_bad(c, "dimension %d is named twice", d + 1);
    *mask |= 1u << d;
  }
  return BR_OK;
}

const char *br_arg_text(const br_arg *arg) {
  if (arg->n == 0) return br_number_text(arg->i);
  bool one = arg->n == 1 || (arg->n == 2 && arg->v[0] == arg->v[1]);
  return one ? br_number_text(arg->v[0]) : br_shape_text(arg->n, arg->v);
}

br_status br_need_within(const br_call *c, const br_arg *arg, const char *what,
                         int64_t least, int64_t most) {
  const int64_t *v = arg->n > 0 ? arg->v : &arg->i;
  for (int i = 0; i < (arg->n > 0 ? arg->n : 1); i++) {
    if (v[i] >= least && v[i] <= most) continue;
    if (most == BR_MANY)
      return br_bad(c, "%s must be at least %lld, not %s", what, (long long)least,
                    br_arg_text(arg));
    return br_bad(c, "%s must be from %lld to %lld, not %s", what, (long long)least,
                  (long long)most, br_arg_text(arg));
  }
  return BR_OK;
}

br_status br_need_float(const br_call *c, const br_tensor *t, const char *what) {
  if (br_dtype_is_float(t->dtype)) return BR_OK;
  return br_bad(c, "%s must be float32 or float64, not %s", what,
                br_dtype_name(t->dtype));
}

br_status br_need_dims(const br_call *c, const br_tensor *t, const char *what, int ndim) {
  if (t->ndim == ndim) return BR_OK;
  return br_bad(c, "%s must have %d dimensions, not the shape %s", what, ndim,
                br_shape_of(t));
}

int br_thread_index(void) { return omp_get_thread_num(); }
