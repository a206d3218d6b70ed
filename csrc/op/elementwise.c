/* Elementwise operators: one row each. */
#include "op/op.h"

#include <math.h>

enum { A = BR_KEEP_IN(0), B = BR_KEEP_IN(1), W = BR_KEEP_IN(2), Y = BR_KEEP_OUT(0) };
enum { INT = BR_IN_PLACE, REAL = BR_IN_PLACE | BR_TO_FLOAT, TEST = BR_TO_BOOL };

static br_status promote_infer(br_call *c) {
  c->compute = br_promote(c->nin, c->in);
  return br_map_infer(c);
}

static br_status no_bool_infer(br_call *c) {
  c->compute = br_promote(c->nin, c->in);
  if (c->compute == BR_BOOL) return br_bad(c, "has no meaning for bool tensors");
  return br_map_infer(c);
}

/* x + alpha y: of integers, alpha must be one too. */
static br_status whole_alpha(br_call *c) {
  const char *wrong = br_dtype_is_float(c->compute) ? NULL
                                                    : br_misfit(c->compute, &c->arg[0]);
  return wrong ? br_bad(c, "alpha: %s", wrong) : BR_OK;
}

static br_status add_infer(br_call *c) {
  br_status status = promote_infer(c);
  return status ? status : whole_alpha(c);
}

static br_status sub_infer(br_call *c) {
  br_status status = no_bool_infer(c);
  return status ? status : whole_alpha(c);
}

static br_status where_infer(br_call *c) {
  if (c->in[0]->dtype != BR_BOOL && c->in[0]->dtype != BR_U8)
    return br_bad(c, "the condition must be bool, not %s",
                  br_dtype_name(c->in[0]->dtype));
  c->compute = br_promote(2, c->in + 1);
  return br_map_infer(c);
}

static br_status masked_fill_infer(br_call *c) {
  if (c->in[1]->dtype != BR_BOOL && c->in[1]->dtype != BR_U8)
    return br_bad(c, "the mask must be bool, not %s", br_dtype_name(c->in[1]->dtype));
  c->compute = c->in[0]->dtype;
  const char *wrong = br_misfit(c->compute, &c->arg[0]);
  return wrong ? br_bad(c, "value: %s", wrong) : br_map_infer(c);
}

/* One end of clamp's: a limit beyond the type's own is none, on that side. */
static br_status limit(br_call *c, int end) {
  br_arg *a = &c->arg[end], own = br_range_end(c->compute, end == 0);
  const char *wrong = a->given ? br_misfit(c->compute, a) : NULL;
  if (wrong && (end == 0) == (a->f > 0))
    return br_bad(c, "%s: %s", end ? "max" : "min", wrong);
  if (wrong || !a->given) *a = own;
  return BR_OK;
}

/* A limit that is no integer makes integers floats. */
static br_status clamp_infer(br_call *c) {
  if (!c->arg[0].given && !c->arg[1].given)
    return br_bad(c, "wants a min, a max or both");
  c->compute = c->in[0]->dtype;
  if (c->compute == BR_BOOL) return br_bad(c, "has no meaning for bool tensors");
  for (int i = 0; i < 2; i++)
    if (c->arg[i].given && !c->arg[i].whole && !br_dtype_is_float(c->compute))
      c->compute = BR_F32;
  br_status status = limit(c, 0);
  if (!status) status = limit(c, 1);
  const br_arg *min = &c->arg[0], *max = &c->arg[1];
  if (!status && (min->whole && max->whole ? min->i > max->i : min->f > max->f))
    status = br_bad(c, "min = %.14g lies above max = %.14g", min->f, max->f);
  return status ? status : br_map_infer(c);
}

/* Whether a value of y, integers, is below the limit, or with `same` equal to it. */
static bool has(br_tensor *y, int64_t limit, bool same) {
  _Alignas(64) int64_t buffer[512];
  br_iter it;
  br_iter_init(&it, 1, &y);
  for (int64_t first = 0; first < it.total; first += 512) {
    int64_t n = it.total - first < 512 ? it.total - first : 512, found = 0;
    const int64_t *v = br_iter_load(&it, 0, BR_I64, first, n, buffer);
    for (int64_t i = 0; i < n; i++) found += same ? v[i] == limit : v[i] < limit;
    if (found) return true;
  }
  return false;
}

/* Integers have no reciprocals. */
static br_status pow_infer(br_call *c) {
  br_status status = no_bool_infer(c);
  if (status || br_dtype_is_float(c->compute) || !has(c->in[1], 0, false)) return status;
  return br_bad(c, "integers have no negative powers; convert x to a float type");
}

/* No integer is the quotient, or the remainder, of a division by 0. */
static br_status divide_infer(br_call *c) {
  br_status status = no_bool_infer(c);
  if (status || br_dtype_is_float(c->compute) || c->out[0]->numel == 0 ||
      !has(c->in[1], 0, true))
    return status;
  return br_bad(c,
                "an integer is divided by 0; convert x to a float type for inf or nan");
}

/* A number (of its own call alone) beside integers: the integer that it is, or without
   bound where int64 ends; else, for its fraction, itself. */
static void as_integers_see(br_tensor *t) {
  br_arg number = br_number_of(t);
  if (number.whole || isnan(number.f)) return;
  if (number.f != floor(number.f)) return;
  if (br_misfit(BR_I64, &number)) {
    *(double *)(void *)t->data = number.f < 0 ? -(double)INFINITY : (double)INFINITY;
    return;
  }
  *(int64_t *)(void *)t->data = (int64_t)number.f;
  t->dtype = BR_I64;
}

/* Integers compare exactly with each other and with numbers, whatever their types hold;
   integers and floats as float64. */
static br_status compare_infer(br_call *c) {
  bool real = false, whole = false;
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->number) continue;
    real |= br_dtype_is_float(c->in[i]->dtype);
    whole |= !br_dtype_is_float(c->in[i]->dtype);
  }
  for (int i = 0; i < c->nin && !real; i++)
    if (c->in[i]->number) as_integers_see(c->in[i]);
  c->compute = br_promote(c->nin, c->in);
  for (int i = 0; i < c->nin && !real; i++) {
    br_arg number = c->in[i]->ndim ? (br_arg){0} : br_number_of(c->in[i]);
    if (!br_dtype_is_float(c->compute) && br_misfit(c->compute, &number))
      c->compute = BR_I64;
  }
  if (whole && br_dtype_is_float(c->compute)) c->compute = BR_F64;
  return br_map_infer(c);
}

/* Of integers there is no such function, and none is made floats unasked. */
static br_status float_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : promote_infer(c);
}

static br_status relu_forward(br_call *c) {
  if (br_dtype_is_float(c->compute)) return br_map_forward(c);
  const br_arg zero = {.whole = true}, most = br_range_end(c->compute, false);
  const double limits[] = {br_kernel_number(c->compute, &zero),
                           br_kernel_number(c->compute, &most)};
  return br_map(K(clamp), c->compute, c->out[0], 1, c->in, limits);
}

/* floor and its like leave integers as they are. */
static br_status rounding_forward(br_call *c) {
  if (br_dtype_is_float(c->compute)) return br_map_forward(c);
  return br_map(K(copy), c->compute, c->out[0], 1, c->in, NULL);
}

static br_status square_infer(br_call *c) {
  c->compute = c->in[0]->dtype == BR_BOOL ? BR_I64 : c->in[0]->dtype;
  return br_map_infer(c);
}

/* Every integer is a number and finite. */
static br_status class_infer(br_call *c) {
  c->compute = br_dtype_is_float(c->in[0]->dtype) ? c->in[0]->dtype : BR_F32;
  return br_map_infer(c);
}

#define MAP promote_infer, br_map_forward, br_map_backward
#define NUM no_bool_infer, br_map_forward, br_map_backward
#define FLOAT float_infer, br_map_forward, br_map_backward
#define CMP compare_infer, br_map_forward, NULL
/* Steps have gradient zero, and say so rather than break the graph. */
#define STEP promote_infer, rounding_forward, br_map_backward

const br_op br_elementwise_ops[] = {
    {"add",
     "x:n y:n alpha:f=1",
     "x + alpha y",
     add_infer,
     br_map_forward,
     br_map_backward,
     0,
     INT,
     K(add),
     {BR_GRAD_DY, K(add_grad)}},
    {"sub",
     "x:n y:n alpha:f=1",
     "x - alpha y",
     sub_infer,
     br_map_forward,
     br_map_backward,
     0,
     INT,
     K(sub),
     {BR_GRAD_DY, K(sub_grad)}},
    {"mul", "x:n y:n", "x y", MAP, A | B, INT, K(mul), {K(mul_grad_a), K(mul_grad_b)}},
    {"div",
     "x:n y:n",
     "x / y; integers divide to float32",
     MAP,
     A | B,
     REAL,
     K(div),
     {K(div_grad_a), K(div_grad_b)}},
    {"floordiv",
     "x:n y:n",
     "floor(x / y); an integer divided by 0 is an error",
     divide_infer,
     br_map_forward,
     NULL,
     0,
     INT,
     K(floordiv),
     {0}},
    {"mod",
     "x:n y:n",
     "x - y floor(x / y), with the sign of y; of integers y must not be 0",
     divide_infer,
     br_map_forward,
     br_map_backward,
     A | B,
     INT,
     K(mod),
     {BR_GRAD_DY, K(mod_grad_b)}},
    {"pow",
     "x:n y:n",
     "x to the power y",
     pow_infer,
     br_map_forward,
     br_map_backward,
     A | B,
     INT,
     K(pow),
     {K(pow_grad_a), K(pow_grad_b)}},
    {"minimum",
     "x:n y:n",
     "the smaller of x and y; NaN wins",
     MAP,
     A | B,
     INT,
     K(minimum),
     {K(pick_le_grad), K(pick_ge_grad)}},
    {"maximum",
     "x:n y:n",
     "the larger of x and y; NaN wins",
     MAP,
     A | B,
     INT,
     K(maximum),
     {K(pick_ge_grad), K(pick_le_grad)}},

    {"lt", "x:n y:n", "x < y", CMP, 0, TEST, K(lt), {0}},
    {"le", "x:n y:n", "x <= y", CMP, 0, TEST, K(le), {0}},
    {"gt", "x:n y:n", "x > y", CMP, 0, TEST, K(gt), {0}},
    {"ge", "x:n y:n", "x >= y", CMP, 0, TEST, K(ge), {0}},
    {"eq", "x:n y:n", "x = y", CMP, 0, TEST, K(eq), {0}},
    {"ne", "x:n y:n", "x differs from y", CMP, 0, TEST, K(ne), {0}},
    {"logical_and", "x:n y:n", "both are not 0", CMP, 0, TEST, K(logical_and), {0}},
    {"logical_or", "x:n y:n", "one or both are not 0", CMP, 0, TEST, K(logical_or), {0}},
    {"logical_xor", "x:n y:n", "just one is not 0", CMP, 0, TEST, K(logical_xor), {0}},
    {"logical_not", "x:t", "x is 0", CMP, 0, TEST, K(logical_not), {0}},
    {"isnan",
     "x:t",
     "x is no number",
     class_infer,
     br_map_forward,
     NULL,
     0,
     TEST,
     K(isnan),
     {0}},
    {"isfinite",
     "x:t",
     "x is neither infinite nor NaN",
     class_infer,
     br_map_forward,
     NULL,
     0,
     TEST,
     K(isfinite),
     {0}},

    {"where",
     "mask:t x:n y:n",
     "x where mask is true, else y",
     where_infer,
     br_map_forward,
     br_map_backward,
     A,
     0,
     K(where),
     {0, K(where_grad_a), K(where_grad_b)}},
    {"masked_fill",
     "x:t mask:t value:v",
     "value where mask is true, else x",
     masked_fill_infer,
     br_map_forward,
     br_map_backward,
     B,
     INT,
     K(masked_fill),
     {K(masked_fill_grad)}},
    {"lerp",
     "x:t y:t weight:n",
     "x + weight (y - x)",
     MAP,
     A | B | W,
     REAL,
     K(lerp),
     {K(lerp_grad_a), K(lerp_grad_b), K(lerp_grad_w)}},
    {"clamp",
     "x:t min:f?[-inf,inf] max:f?[-inf,inf]",
     "x limited to [min, max]",
     clamp_infer,
     br_map_forward,
     br_map_backward,
     A,
     INT,
     K(clamp),
     {K(clamp_grad)}},

    {"neg", "x:t", "-x", NUM, 0, INT, K(neg), {K(neg)}},
    {"abs", "x:t", "|x|", MAP, A, INT, K(abs), {K(abs_grad)}},
    {"sign",
     "x:t",
     "-1, 0 or 1; NaN at NaN",
     promote_infer,
     br_map_forward,
     br_map_backward,
     Y,
     INT,
     K(sign),
     {K(step_grad)}},
    {"square",
     "x:t",
     "x^2; of bool an int64",
     square_infer,
     br_map_forward,
     br_map_backward,
     A,
     INT,
     K(square),
     {K(square_grad)}},
    {"floor",
     "x:t",
     "the largest integer not above x",
     STEP,
     Y,
     INT,
     K(floor),
     {K(step_grad)}},
    {"ceil",
     "x:t",
     "the smallest integer not below x",
     STEP,
     Y,
     INT,
     K(ceil),
     {K(step_grad)}},
    {"round",
     "x:t",
     "the nearest integer, halves to even",
     STEP,
     Y,
     INT,
     K(round),
     {K(step_grad)}},
    {"trunc", "x:t", "x without its fraction", STEP, Y, INT, K(trunc), {K(step_grad)}},

    {"exp", "x:t", "e^x", MAP, Y, REAL, K(exp), {K(exp_grad)}},
    {"expm1", "x:t", "e^x - 1, exact near 0", MAP, A, REAL, K(expm1), {K(expm1_grad)}},
    {"log", "x:t", "natural logarithm", MAP, A, REAL, K(log), {K(log_grad)}},
    {"log1p", "x:t", "log(1 + x), exact near 0", MAP, A, REAL, K(log1p), {K(log1p_grad)}},
    {"sqrt", "x:t", "square root", MAP, Y, REAL, K(sqrt), {K(sqrt_grad)}},
    {"rsqrt", "x:t", "1 / sqrt(x)", MAP, Y, REAL, K(rsqrt), {K(rsqrt_grad)}},
    {"reciprocal", "x:t", "1 / x", MAP, Y, REAL, K(reciprocal), {K(reciprocal_grad)}},
    {"sin", "x:t", "sine", MAP, A, REAL, K(sin), {K(sin_grad)}},
    {"cos", "x:t", "cosine", MAP, A, REAL, K(cos), {K(cos_grad)}},
    {"tan", "x:t", "tangent", MAP, Y, REAL, K(tan), {K(tan_grad)}},
    {"tanh", "x:t", "hyperbolic tangent", MAP, Y, REAL, K(tanh), {K(tanh_grad)}},
    {"erf", "x:t", "error function", MAP, A, REAL, K(erf), {K(erf_grad)}},

    {"sigmoid", "x:t", "1 / (1 + e^-x)", MAP, Y, REAL, K(sigmoid), {K(sigmoid_grad)}},
    {"relu",
     "x:t",
     "max(x, 0)",
     no_bool_infer,
     relu_forward,
     br_map_backward,
     Y,
     INT,
     K(relu),
     {K(relu_grad)}},
    {"leaky_relu",
     "x:t slope:f=0.01(-inf,inf)",
     "x where positive, else slope x",
     FLOAT,
     A,
     INT,
     K(leaky_relu),
     {K(leaky_relu_grad)}},
    {"elu",
     "x:t alpha:f=1(-inf,inf)",
     "x where positive, else alpha (e^x - 1)",
     FLOAT,
     A,
     INT,
     K(elu),
     {K(elu_grad)}},
    {"gelu",
     "x:t",
     "x times the normal distribution function of x",
     FLOAT,
     A,
     INT,
     K(gelu),
     {K(gelu_grad)}},
    {"silu", "x:t", "x sigmoid(x)", FLOAT, A, INT, K(silu), {K(silu_grad)}},
    {"softplus", "x:t", "log(1 + e^x)", FLOAT, A, INT, K(softplus), {K(softplus_grad)}},
    {"hardswish",
     "x:t",
     "x min(max(x + 3, 0), 6) / 6",
     FLOAT,
     A,
     INT,
     K(hardswish),
     {K(hardswish_grad)}},
    {"abs_tanh",
     "x:t",
     "|tanh(x)|, the activation of TCDCN",
     FLOAT,
     A | Y,
     INT,
     K(abs_tanh),
     {K(abs_tanh_grad)}},
    {0}};
