/* Random values. Element i of a tensor is number i of the operation's own stream, so a
   seed gives the same values on any number of threads. A stream counts as used only
   when its call has succeeded. So a call repeated after lack of memory draws the same
   values. */
#include "op/op.h"

#include <math.h>

#include "base/rng.h"
#include "base/threads.h"

enum { BLOCK = 4096 };

typedef enum kind { UNIFORM, NORMAL, BERNOULLI } kind;

/* A draw: the numbers a and b of the kind. For UNIFORM, also the least and the largest
   value of x's type within [a, b). */
typedef struct draw {
  kind what;
  double a, b, least, most;
  uint64_t seed, stream;
} draw;

static double drawn_at(const draw *d, uint64_t i) {
  double u;
  switch (d->what) {
  case UNIFORM:
    u = br_rng_uniform(d->seed, d->stream, i);
    u = isfinite(d->b - d->a) ? d->a + (d->b - d->a) * u : d->a * (1 - u) + d->b * u;
    return u < d->least ? d->least : u > d->most ? d->most : u;
  case NORMAL: return d->a + d->b * br_rng_normal(d->seed, d->stream, i);
  default: return br_rng_uniform(d->seed, d->stream, i) < d->a;
  }
}

/* Finds the least and the largest of x's values in [a, b). Results are kept between
   them, because rounding could leave the range. */
static void ends(br_dtype dtype, double a, double b, double *least, double *most) {
  *least = a;
  *most = nextafter(b, -INFINITY);
  if (dtype == BR_F32) {
    float low = (float)a, high = (float)b;
    *least = (double)low < a ? (double)nextafterf(low, INFINITY) : (double)low;
    *most = (double)high < b ? (double)high : (double)nextafterf(high, -INFINITY);
  }
  if (*most < *least) *most = *least;
}

/* Fills x in logical order, whatever its memory order. */
static br_status fill(br_call *c, kind what) {
  br_tensor *x = c->out[0];
  draw d = {.what = what, .a = c->arg[0].f, .b = c->arg[1].f};
  d.seed = br_rng_seed();
  d.stream = br_rng_stream();
  if (what == UNIFORM) ends(x->dtype, d.a, d.b, &d.least, &d.most);
  br_tensor *values = br_tensor_new(BR_F64, x->ndim, x->shape, BR_CONTIGUOUS);
  if (!values) return BR_ENOMEM;
  double *v = (double *)(void *)values->data;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > BLOCK)
  for (int64_t i = 0; i < x->numel; i++)
    if (!br_stopped()) v[i] = drawn_at(&d, (uint64_t)i);
  br_status status = br_copy(x, values);
  br_release(values);
  return status;
}

/* 128 random bits choose an integer from low to high. So many bits make all integers
   equally likely, even among 2^64. */
static int64_t integer_at(int64_t low, uint64_t span, uint64_t seed, uint64_t stream,
                          uint64_t i) {
  uint32_t w[4];
  br_rng_block(seed, stream, i, w);
  uint64_t high_bits = (uint64_t)w[0] << 32 | w[1], more = (uint64_t)w[2] << 32 | w[3];
  unsigned __int128 n = (unsigned __int128)span + 1;
  uint64_t chosen = (uint64_t)((high_bits * n + (more * n >> 64)) >> 64);
  return (int64_t)((uint64_t)low + chosen);
}

static br_status integer_forward(br_call *c) {
  br_tensor *x = c->out[0];
  int64_t low = c->arg[0].i;
  uint64_t span = (uint64_t)c->arg[1].i - (uint64_t)low;
  uint64_t seed = br_rng_seed(), stream = br_rng_stream();
  br_tensor *values = br_tensor_new(BR_I64, x->ndim, x->shape, BR_CONTIGUOUS);
  if (!values) return BR_ENOMEM;
  int64_t *v = (int64_t *)(void *)values->data;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > BLOCK)
  for (int64_t i = 0; i < x->numel; i++)
    if (!br_stopped()) v[i] = integer_at(low, span, seed, stream, (uint64_t)i);
  br_status status = br_copy(x, values);
  br_release(values);
  return status;
}

static br_status fill_infer(br_call *c) {
  return br_out_like(c, 0, c->in[0], c->in[0]->dtype);
}

/* Integers have no uniform values: none lies between 0 and 1. */
static br_status uniform_infer(br_call *c) {
  double a = c->arg[0].f, b = c->arg[1].f, least = 0, most = 0;
  br_status status = br_need_float(c, c->in[0], "x");
  if (status) return status;
  if (!isfinite(a) || !isfinite(b) || a > b)
    return br_bad(c, "[low, high) must be a range of finite numbers, not [%g, %g)", a, b);
  ends(c->in[0]->dtype, a, b, &least, &most);
  if (least >= b && a < b)
    return br_bad(c, "no %s lies in [%.17g, %.17g)", br_dtype_name(c->in[0]->dtype), a,
                  b);
  return fill_infer(c);
}

static br_status normal_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : fill_infer(c);
}

/* A float tensor can only get integers that its type holds exactly: up to 2^24 in
   float32, and up to 2^53 in float64. */
static br_status integer_infer(br_call *c) {
  static const int64_t most[] = {[BR_F32] = 1 << 24, [BR_F64] = (int64_t)1 << 53};
  br_dtype dtype = c->in[0]->dtype;
  if (c->arg[1].i < c->arg[0].i)
    return br_bad(c, "no integer lies between %lld and %lld", (long long)c->arg[0].i,
                  (long long)c->arg[1].i);
  for (int k = 0; k < 2; k++) {
    br_arg bound = {.whole = true, .i = c->arg[k].i};
    const char *what = k ? "high" : "low", *wrong = br_misfit(dtype, &bound);
    if (wrong) return br_bad(c, "%s: %s", what, wrong);
    if (br_dtype_is_float(dtype) && (bound.i > most[dtype] || bound.i < -most[dtype]))
      return br_bad(c, "%s: %s does not hold every integer to %lld", what,
                    br_dtype_name(dtype), (long long)bound.i);
  }
  return fill_infer(c);
}

static br_status uniform_forward(br_call *c) { return fill(c, UNIFORM); }
static br_status normal_forward(br_call *c) { return fill(c, NORMAL); }
static br_status bernoulli_forward(br_call *c) { return fill(c, BERNOULLI); }

/* ---- dropout ---- */

static br_status dropout_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : fill_infer(c);
}

static bool lies_as(const br_tensor *a, const br_tensor *b) {
  for (int d = 0; d < a->ndim; d++)
    if (a->shape[d] > 1 && a->stride[d] != b->stride[d]) return false;
  return a->dtype == b->dtype;
}

/* Copies `from` to `to` with elements dropped by the call's stream. Elements count in
   out's memory order. */
static br_status drop(br_call *c, br_tensor *from, br_tensor *to) {
  const br_kernels *k = br_kernels_of(to->dtype);
  br_tensor *x = lies_as(from, to) ? br_retain(from) : br_retain(to);
  br_status status = x == from ? BR_OK : br_copy(to, from);
  if (!status) {
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > BLOCK)
    for (int64_t first = 0; first < x->numel; first += BLOCK) {
      if (br_stopped()) continue;
      int64_t n = x->numel - first < BLOCK ? x->numel - first : BLOCK;
      const br_draws draws = {c->state[0], c->state[1], (uint64_t)first};
      k->dropout(n, x->data + first * k->size, to->data + first * k->size, c->arg[0].f,
                 &draws);
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
    {.name = "uniform", .args = "x:t low:f=0 high:f=1",
     .doc = "uniform random values in [low, high)",
     .usage = "x:uniform_(-1, 1)", .infer = uniform_infer,
     .forward = uniform_forward, .flags = BR_IN_PLACE | BR_HIDDEN, .finish = drawn},
    {.name = "normal", .args = "x:t mean:f=0(-inf,inf) std:f=1[0,inf)",
     .doc = "random values from a normal distribution",
     .usage = "x:normal_(0, 0.1)", .infer = normal_infer,
     .forward = normal_forward, .flags = BR_IN_PLACE | BR_HIDDEN, .finish = drawn},
    {.name = "random", .args = "x:t low:i high:i",
     .doc = "uniform random integers from low to high, both included",
     .usage = "x:random_(1, 6)",
     .infer = integer_infer, .forward = integer_forward, .flags = BR_IN_PLACE | BR_HIDDEN,
     .finish = drawn},
    {.name = "bernoulli", .args = "x:t p:f=0.5[0,1]",
     .doc = "1 with probability p, else 0",
     .usage = "x:bernoulli_(0.3)", .infer = fill_infer,
     .forward = bernoulli_forward, .flags = BR_IN_PLACE | BR_HIDDEN, .finish = drawn},
    {.name = "dropout", .args = "x:t p:f=0.5[0,1] training:b=true",
     .doc = "x with each element set to 0 with probability p, and the others multiplied by 1 / (1 - p)",
     .usage = "x:dropout(0.5)",
     .infer = dropout_infer, .forward = dropout_forward, .backward = dropout_backward,
     .finish = drawn},
    {0},
};
/* clang-format on */
