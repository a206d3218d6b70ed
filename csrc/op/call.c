/* The life of a call, and the checks that every family makes. */
#include "op/op.h"

#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void br_call_init(br_call *c, const br_op *op, const br_signature *signature, int nin) {
  memset(c, 0, sizeof *c);
  c->op = op;
  c->nin = nin;
  c->in = c->few;
  br_signature read;
  if (!signature) {
    br_op_signature(op, &read);
    signature = &read;
  }
  for (int i = 0; i < signature->n; i++) {
    const br_param *p = &signature->param[i];
    if (!br_is_tensor_kind(p->kind)) c->arg[p->slot] = p->fallback;
  }
}

static void release_all(br_tensor **t, int n) {
  for (int i = 0; i < n; i++) {
    br_release(t[i]);
    t[i] = NULL;
  }
}

void br_call_clear(br_call *c) {
  release_all(c->out, BR_MAX_OUT);
  release_all(c->saved, BR_MAX_SAVED);
  release_all(c->dy, BR_MAX_OUT);
  if (c->dx) release_all(c->dx, c->nin);
  br_release(c->user);
  c->user = NULL;
}

/* Whether the results have no elements, so that no kernel need know such a case: sizes
   beside a 0 may be huge. */
static bool gives_nothing(const br_call *c) {
  if (c->nout == 0 || c->user || c->op->flags & (BR_WRITES | BR_VIEW)) return false;
  for (int i = 0; i < c->nout; i++)
    if (c->out[i]->numel > 0) return false;
  return true;
}

/* Memory for the results of a call that has waited. */
static br_status equip(br_call *c) {
  br_status status = BR_OK;
  for (int i = 0; i < c->nout && !status; i++)
    if (!c->out[i]->storage) status = br_tensor_equip(c->out[i]);
  return status;
}

static br_status infer(br_call *c) {
  return c->op->infer ? c->op->infer(c) : br_map_promote(c);
}

br_status br_call_check(br_call *c) {
  c->waits = true;
  return infer(c);
}

bool br_call_lasts(br_call *c) {
  for (int i = 0; i < BR_MAX_ARG; i++) {
    const char *word = c->arg[i].s ? br_known_word(c->arg[i].s) : NULL;
    if (c->arg[i].s && !word) return false;
    c->arg[i].s = word;
  }
  return true;
}

br_call *br_call_own(br_call *c) {
  br_call *own = br_alloc(sizeof *own);
  if (!own) return NULL;
  *own = *c;
  own->in = own->few;
  for (int i = 0; i < c->nin; i++) br_retain(c->in[i]);
  memset(c->out, 0, sizeof c->out);
  memset(c->saved, 0, sizeof c->saved);
  return own;
}

void br_call_free(br_call *own) {
  release_all(own->in, own->nin);
  br_call_clear(own);
  br_free(own);
}

br_status br_call_run(br_call *c) {
  br_timer timer = br_timer_start();
  br_status status = c->waits ? equip(c) : infer(c);
  if (!status && !gives_nothing(c))
    status = c->op->forward ? c->op->forward(c) : br_map_forward(c);
  br_timer_stop(&timer, br_call_name(c), BR_FORWARD);
  return status;
}

static br_status back_from_nothing(br_call *c) {
  br_status status = BR_OK;
  for (int i = 0; i < c->nin && !status; i++)
    if (c->need[i])
      status = br_dx_take(c, i,
                          br_tensor_zeros(c->in[i]->dtype, c->in[i]->ndim,
                                          c->in[i]->shape, BR_CONTIGUOUS));
  return status;
}

const char *br_call_name(const br_call *c) { return c->rule ? c->rule : c->op->name; }

br_status br_call_back(br_call *c) {
  if (gives_nothing(c)) return back_from_nothing(c);
  return c->op->backward ? c->op->backward(c) : br_map_backward(c);
}

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
