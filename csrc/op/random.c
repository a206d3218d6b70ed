/* Random values. Element i of a tensor is number i of the operation's own stream, so that
   a seed gives the same values on any number of threads. A stream is used up when the
   call has succeeded: one that is tried again for memory draws the same. */
#include "op/op.h"

#include "base/rng.h"
#include "base/threads.h"

enum { BLOCK = 4096 };

typedef enum kind { UNIFORM, NORMAL, INTEGER, BERNOULLI } kind;

static double draw(kind what, double a, double b, uint64_t seed, uint64_t stream,
                   uint64_t i) {
  switch (what) {
  case UNIFORM: return a + (b - a) * br_rng_uniform(seed, stream, i);
  case NORMAL: return a + b * br_rng_normal(seed, stream, i);
  case INTEGER:
    return a + (double)(int64_t)((b - a + 1) * br_rng_uniform(seed, stream, i));
  default: return br_rng_uniform(seed, stream, i) < a;
  }
}

/* Fills x in logical order, whatever its memory order. */
static br_status fill(br_call *c, kind what) {
  br_tensor *x = c->out[0];
  double a = c->arg[0].f, b = c->arg[1].f;
  uint64_t seed = br_rng_seed(), stream = br_rng_stream();
  br_tensor *values = br_tensor_new(BR_F64, x->ndim, x->shape, BR_CONTIGUOUS);
  if (!values) return BR_ENOMEM;
  double *v = (double *)(void *)values->data;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > BLOCK)
  for (int64_t i = 0; i < x->numel; i++)
    v[i] = draw(what, a, b, seed, stream, (uint64_t)i);
  br_status status = br_copy(x, values);
  br_release(values);
  return status;
}

static br_status fill_infer(br_call *c) {
  return br_out_like(c, 0, c->in[0], c->in[0]->dtype);
}

/* Between 0 and 1 an integer has no room. */
static br_status real_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : fill_infer(c);
}

static br_status integer_infer(br_call *c) {
  if (c->arg[1].f < c->arg[0].f)
    return br_bad(c, "no integer lies between %.0f and %.0f", c->arg[0].f, c->arg[1].f);
  return fill_infer(c);
}

static br_status uniform_forward(br_call *c) { return fill(c, UNIFORM); }
static br_status normal_forward(br_call *c) { return fill(c, NORMAL); }
static br_status integer_forward(br_call *c) { return fill(c, INTEGER); }
static br_status bernoulli_forward(br_call *c) { return fill(c, BERNOULLI); }

/* ---- dropout ---- */

static br_status dropout_infer(br_call *c) {
  double p = c->arg[0].f;
  br_status status = br_need_float(c, c->in[0], "x");
  if (status) return status;
  if (!(p >= 0 && p <= 1)) return br_bad(c, "p must be between 0 and 1, not %g", p);
  return br_out_like(c, 0, c->in[0], c->in[0]->dtype);
}

/* to = from with the elements of the call's stream dropped, counted in out's memory
 * order. */
static br_status drop(br_call *c, br_tensor *from, br_tensor *to) {
  const br_kernels *k = br_kernels_of(to->dtype);
  br_tensor *x = br_tensor_like(c->out[0], to->dtype);
  br_status status = x ? br_copy(x, from) : BR_ENOMEM;
  if (!status) {
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > BLOCK)
    for (int64_t first = 0; first < x->numel; first += BLOCK) {
      int64_t n = x->numel - first < BLOCK ? x->numel - first : BLOCK;
      k->dropout(n, x->data + first * k->size, to->data + first * k->size, c->arg[0].f,
                 c->state[0], c->state[1], first);
    }
  }
  br_release(x);
  return status;
}

static br_status dropout_forward(br_call *c) {
  c->state[0] = br_rng_seed();
  c->state[1] = br_rng_stream();
  if (!c->arg[1].i || c->arg[0].f == 0) return br_copy(c->out[0], c->in[0]);
  return drop(c, c->in[0], c->out[0]);
}

static br_status dropout_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  if (!c->arg[1].i || c->arg[0].f == 0) return br_dx_take(c, 0, br_retain(c->dy[0]));
  br_tensor *dx = br_tensor_like(c->out[0], c->dy[0]->dtype);
  br_status status = br_dx_take(c, 0, dx);
  return status ? status : drop(c, c->dy[0], dx);
}

static void drawn(br_call *c) {
  (void)c;
  br_rng_next_stream();
}

/* clang-format off */
const br_op br_random_ops[] = {
  {"uniform", "x:t low:f=0 high:f=1", "values drawn evenly from [low, high)",
   real_infer, uniform_forward, NULL, 0, BR_IN_PLACE | BR_HIDDEN, 0, {0}, 0, drawn},
  {"normal", "x:t mean:f=0 std:f=1", "values drawn from a normal distribution",
   real_infer, normal_forward, NULL, 0, BR_IN_PLACE | BR_HIDDEN, 0, {0}, 0, drawn},
  {"random", "x:t low:f high:f", "integers drawn evenly from low to high, both included",
   integer_infer, integer_forward, NULL, 0, BR_IN_PLACE | BR_HIDDEN, 0, {0}, 0, drawn},
  {"bernoulli", "x:t p:f=0.5", "1 with probability p, else 0",
   fill_infer, bernoulli_forward, NULL, 0, BR_IN_PLACE | BR_HIDDEN, 0, {0}, 0, drawn},
  {"dropout", "x:t p:f=0.5 training:b=true",
   "x with each element dropped with probability p and the rest scaled by 1 / (1 - p)",
   dropout_infer, dropout_forward, dropout_backward, 0, 0, 0, {0}, 0, drawn},
  {0}};
/* clang-format on */
