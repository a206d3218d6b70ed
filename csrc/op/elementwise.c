/* Elementwise operators: one row each. */
#include "op/op.h"

#include <math.h>

enum { A = BR_KEEP_IN(0), B = BR_KEEP_IN(1), W = BR_KEEP_IN(2), Y = BR_KEEP_OUT(0) };
enum { INT = BR_IN_PLACE, REAL = BR_IN_PLACE | BR_TO_FLOAT, TEST = BR_TO_BOOL };

static br_status no_bool_infer(br_call *c) {
  c->compute = br_promote(c->nin, c->in);
  if (c->compute == BR_BOOL)
    return br_bad(c, "has no meaning for bool tensors; convert with to(\"int64\")");
  return br_map_infer(c);
}

/* Checks alpha of x + alpha y: for integers it must be an integer. */
static br_status whole_alpha(br_call *c) {
  const char *wrong = br_dtype_is_float(c->compute) ? NULL
                                                    : br_misfit(c->compute, &c->arg[0]);
  return wrong ? br_bad(c, "alpha: %s", wrong) : BR_OK;
}

static br_status add_infer(br_call *c) {
  br_status status = br_map_promote(c);
  return status ? status : whole_alpha(c);
}

static br_status sub_infer(br_call *c) {
  br_status status = no_bool_infer(c);
  return status ? status : whole_alpha(c);
}

static br_status where_infer(br_call *c) {
  if (c->in[0]->dtype != BR_BOOL && c->in[0]->dtype != BR_U8)
    return br_bad(c, "the condition must be bool, not %s; x:ne(0) makes one",
                  br_dtype_name(c->in[0]->dtype));
  c->compute = br_promote(2, c->in + 1);
  return br_map_infer(c);
}

static br_status masked_fill_infer(br_call *c) {
  if (c->in[1]->dtype != BR_BOOL && c->in[1]->dtype != BR_U8)
    return br_bad(c, "the mask must be bool, not %s; x:ne(0) makes one",
                  br_dtype_name(c->in[1]->dtype));
  c->compute = c->in[0]->dtype;
  const char *wrong = br_misfit(c->compute, &c->arg[0]);
  return wrong ? br_bad(c, "value: %s", wrong) : br_map_infer(c);
}

/* Makes one of clamp's limits fit the type. A maximum above the type's range, or a
   minimum below it, has no effect. A maximum below the range, or a minimum above it, is
   an error. */
static br_status limit(br_call *c, int end) {
  br_arg *a = &c->arg[end], own = br_range_end(c->compute, end == 0);
  const char *wrong = a->given ? br_misfit(c->compute, a) : NULL;
  if (wrong && (end == 0) == (a->f > 0))
    return br_bad(c, "%s: %s", end ? "max" : "min", wrong);
  if (wrong || !a->given) *a = own;
  return BR_OK;
}

/* A limit with a fraction converts integers to floats. */
static br_status clamp_infer(br_call *c) {
  if (!c->arg[0].given && !c->arg[1].given)
    return br_bad(c, "wants a min, a max or both");
  c->compute = c->in[0]->dtype;
  if (c->compute == BR_BOOL)
    return br_bad(c, "has no meaning for bool tensors; convert with to(\"int64\")");
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

/* Whether y, a tensor of integers, has a value below the limit; with `same`, one equal
   to it. */
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

/* Refuses negative powers of integers: they have no reciprocals. */
static br_status pow_infer(br_call *c) {
  br_status status = no_bool_infer(c);
  if (status || br_dtype_is_float(c->compute) || !has(c->in[1], 0, false)) return status;
  return br_bad(c, "integers have no negative powers; convert x to a float type");
}

/* Refuses to divide an integer by 0. */
static br_status divide_infer(br_call *c) {
  br_status status = no_bool_infer(c);
  if (status || br_dtype_is_float(c->compute) || c->out[0]->numel == 0 ||
      !has(c->in[1], 0, true))
    return status;
  return br_bad(c,
                "an integer is divided by 0; convert x to a float type for inf or nan");
}

/* Prepares a number for comparison with integers. A whole number becomes an int64, or
   infinity outside int64's range. A number with a fraction stays. No other call has the
   tensor, so it may be changed. */
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

/* Integers are compared exactly with integers of any type and with numbers. Integers and
   floats are compared as float64. */
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

/* Refuses integers: the function is not defined for them, and Braid does not convert them
   without being asked. */
static br_status float_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : br_map_promote(c);
}

static br_status relu_forward(br_call *c) {
  if (br_dtype_is_float(c->compute)) return br_map_forward(c);
  const br_arg zero = {.whole = true}, most = br_range_end(c->compute, false);
  const double limits[] = {br_kernel_number(c->compute, &zero),
                           br_kernel_number(c->compute, &most)};
  return br_map(K(clamp), c->compute, c->out[0], 1, c->in, limits);
}

/* floor, ceil, round and trunc leave integers as they are. */
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

/* clang-format off */
const br_op br_elementwise_ops[] = {
    {.name = "add", .args = "x:n y:n alpha:f=1", .doc = "x + alpha y",
     .usage = "x:add(y, {alpha = 0.5})", .infer = add_infer,
     .flags = INT, .kernel = K(add), .grad = {BR_GRAD_DY, K(add_grad)}},
    {.name = "sub", .args = "x:n y:n alpha:f=1", .doc = "x - alpha y",
     .usage = "x:sub(y, {alpha = 0.5})", .infer = sub_infer,
     .flags = INT, .kernel = K(sub), .grad = {BR_GRAD_DY, K(sub_grad)}},
    {.name = "mul", .args = "x:n y:n", .doc = "x y",
     .usage = "x * y", .keep = A | B, .flags = INT,
     .kernel = K(mul), .grad = {K(mul_grad_a), K(mul_grad_b)}},
    {.name = "div", .args = "x:n y:n", .doc = "x / y; integers divide to float32",
     .usage = "x / 2",
     .keep = A | B, .flags = REAL, .kernel = K(div),
     .grad = {K(div_grad_a), K(div_grad_b)}},
    {.name = "floordiv", .args = "x:n y:n",
     .doc = "floor(x / y); an integer divided by 0 is an error",
     .usage = "x // 2", .infer = divide_infer,
     .flags = INT, .kernel = K(floordiv)},
    {.name = "mod", .args = "x:n y:n",
     .doc = "x - y floor(x / y), with the sign of y; an integer y must not be 0",
     .usage = "x % 2",
     .infer = divide_infer, .keep = A | B, .flags = INT, .kernel = K(mod),
     .grad = {BR_GRAD_DY, K(mod_grad_b)}},
    {.name = "pow", .args = "x:n y:n", .doc = "x to the power y",
     .usage = "x ^ 2", .infer = pow_infer,
     .keep = A | B, .flags = INT, .kernel = K(pow),
     .grad = {K(pow_grad_a), K(pow_grad_b)}},
    {.name = "minimum", .args = "x:n y:n", .doc = "the smaller of x and y; NaN if one is NaN",
     .usage = "x:minimum(0)",
     .keep = A | B, .flags = INT, .kernel = K(minimum),
     .grad = {K(pick_le_grad), K(pick_ge_grad)}},
    {.name = "maximum", .args = "x:n y:n", .doc = "the larger of x and y; NaN if one is NaN",
     .usage = "x:maximum(y)",
     .keep = A | B, .flags = INT, .kernel = K(maximum),
     .grad = {K(pick_ge_grad), K(pick_le_grad)}},

    {.name = "lt", .args = "x:n y:n", .doc = "x < y",
     .usage = "x:lt(0)", .infer = compare_infer,
     .flags = TEST, .kernel = K(lt)},
    {.name = "le", .args = "x:n y:n", .doc = "x <= y",
     .usage = "x:le(y)", .infer = compare_infer,
     .flags = TEST, .kernel = K(le)},
    {.name = "gt", .args = "x:n y:n", .doc = "x > y",
     .usage = "x[x:gt(0)]", .infer = compare_infer,
     .flags = TEST, .kernel = K(gt)},
    {.name = "ge", .args = "x:n y:n", .doc = "x >= y",
     .usage = "x:ge(0)", .infer = compare_infer,
     .flags = TEST, .kernel = K(ge)},
    {.name = "eq", .args = "x:n y:n", .doc = "x = y",
     .usage = "x:eq(y):sum()", .infer = compare_infer,
     .flags = TEST, .kernel = K(eq)},
    {.name = "ne", .args = "x:n y:n", .doc = "x is not equal to y",
     .usage = "x:ne(0)", .infer = compare_infer,
     .flags = TEST, .kernel = K(ne)},
    {.name = "logical_and", .args = "x:n y:n", .doc = "both are not 0",
     .usage = "x:gt(0):logical_and(x:lt(4))",
     .infer = compare_infer, .flags = TEST, .kernel = K(logical_and)},
    {.name = "logical_or", .args = "x:n y:n", .doc = "one or both are not 0",
     .usage = "x:lt(-2):logical_or(x:gt(2))",
     .infer = compare_infer, .flags = TEST, .kernel = K(logical_or)},
    {.name = "logical_xor", .args = "x:n y:n", .doc = "exactly one is not 0",
     .usage = "x:gt(0):logical_xor(y:gt(0))",
     .infer = compare_infer, .flags = TEST, .kernel = K(logical_xor)},
    {.name = "logical_not", .args = "x:t", .doc = "x is 0",
     .usage = "x:gt(0):logical_not()", .infer = compare_infer,
     .flags = TEST, .kernel = K(logical_not)},
    {.name = "isnan", .args = "x:t", .doc = "x is NaN",
     .usage = "x:log():isnan():any()", .infer = class_infer,
     .flags = TEST, .kernel = K(isnan)},
    {.name = "isfinite", .args = "x:t", .doc = "x is neither infinite nor NaN",
     .usage = "x:log():isfinite()",
     .infer = class_infer, .flags = TEST, .kernel = K(isfinite)},

    {.name = "where", .args = "mask:t x:n y:n", .doc = "x where mask is true, else y",
     .usage = "F.where(x:gt(0), x, 0)",
     .infer = where_infer, .keep = A, .kernel = K(where),
     .grad = {0, K(where_grad_a), K(where_grad_b)}},
    {.name = "masked_fill", .args = "x:t mask:t value:v",
     .doc = "value where mask is true, else x",
     .usage = "x:masked_fill(x:lt(0), 0)", .infer = masked_fill_infer, .keep = B,
     .flags = INT, .kernel = K(masked_fill), .grad = {K(masked_fill_grad)}},
    {.name = "lerp", .args = "x:t y:t weight:n", .doc = "x + weight (y - x)",
     .usage = "x:lerp(y, 0.1)",
     .keep = A | B | W, .flags = REAL, .kernel = K(lerp),
     .grad = {K(lerp_grad_a), K(lerp_grad_b), K(lerp_grad_w)}},
    {.name = "clamp", .args = "x:t min:f?[-inf,inf] max:f?[-inf,inf]",
     .doc = "x limited to [min, max]",
     .usage = "x:clamp(-1, 1)   x:clamp{min = 0}",
     .infer = clamp_infer, .keep = A, .flags = INT,
     .kernel = K(clamp), .grad = {K(clamp_grad)}},

    {.name = "neg", .args = "x:t", .doc = "-x",
     .usage = "-x", .infer = no_bool_infer, .flags = INT,
     .kernel = K(neg), .grad = {K(neg)}},
    {.name = "abs", .args = "x:t", .doc = "|x|",
     .usage = "x:abs()", .keep = A, .flags = INT,
     .kernel = K(abs), .grad = {K(abs_grad)}},
    {.name = "sign", .args = "x:t", .doc = "-1, 0 or 1; NaN at NaN",
     .usage = "x:sign()", .keep = Y,
     .flags = INT, .kernel = K(sign), .grad = {K(step_grad)}},
    {.name = "square", .args = "x:t", .doc = "x^2; int64 for bool",
     .usage = "x:square()",
     .infer = square_infer, .keep = A, .flags = INT, .kernel = K(square),
     .grad = {K(square_grad)}},
    {.name = "floor", .args = "x:t", .doc = "the largest integer not above x",
     .usage = "(x / 2):floor()",
     .forward = rounding_forward, .keep = Y, .flags = INT, .kernel = K(floor),
     .grad = {K(step_grad)}},
    {.name = "ceil", .args = "x:t", .doc = "the smallest integer not below x",
     .usage = "(x / 2):ceil()",
     .forward = rounding_forward, .keep = Y, .flags = INT, .kernel = K(ceil),
     .grad = {K(step_grad)}},
    {.name = "round", .args = "x:t", .doc = "the nearest integer, halves to even",
     .usage = "(x / 2):round()",
     .forward = rounding_forward, .keep = Y, .flags = INT, .kernel = K(round),
     .grad = {K(step_grad)}},
    {.name = "trunc", .args = "x:t", .doc = "x without its fraction",
     .usage = "(x / 2):trunc()",
     .forward = rounding_forward, .keep = Y, .flags = INT, .kernel = K(trunc),
     .grad = {K(step_grad)}},

    {.name = "exp", .args = "x:t", .doc = "e^x",
     .usage = "x:exp()", .keep = Y, .flags = REAL,
     .kernel = K(exp), .grad = {K(exp_grad)}},
    {.name = "expm1", .args = "x:t", .doc = "e^x - 1, exact near 0",
     .usage = "(x * 1e-6):expm1()", .keep = A,
     .flags = REAL, .kernel = K(expm1), .grad = {K(expm1_grad)}},
    {.name = "log", .args = "x:t", .doc = "natural logarithm",
     .usage = "x:abs():log()", .keep = A, .flags = REAL,
     .kernel = K(log), .grad = {K(log_grad)}},
    {.name = "log1p", .args = "x:t", .doc = "log(1 + x), exact near 0",
     .usage = "x:abs():log1p()", .keep = A,
     .flags = REAL, .kernel = K(log1p), .grad = {K(log1p_grad)}},
    {.name = "sqrt", .args = "x:t", .doc = "square root",
     .usage = "x:abs():sqrt()", .keep = Y, .flags = REAL,
     .kernel = K(sqrt), .grad = {K(sqrt_grad)}},
    {.name = "rsqrt", .args = "x:t", .doc = "1 / sqrt(x)",
     .usage = "x:abs():rsqrt()", .keep = Y, .flags = REAL,
     .kernel = K(rsqrt), .grad = {K(rsqrt_grad)}},
    {.name = "reciprocal", .args = "x:t", .doc = "1 / x",
     .usage = "x:reciprocal()", .keep = Y, .flags = REAL,
     .kernel = K(reciprocal), .grad = {K(reciprocal_grad)}},
    {.name = "sin", .args = "x:t", .doc = "sine",
     .usage = "x:sin()", .keep = A, .flags = REAL,
     .kernel = K(sin), .grad = {K(sin_grad)}},
    {.name = "cos", .args = "x:t", .doc = "cosine",
     .usage = "x:cos()", .keep = A, .flags = REAL,
     .kernel = K(cos), .grad = {K(cos_grad)}},
    {.name = "tan", .args = "x:t", .doc = "tangent",
     .usage = "x:tan()", .keep = Y, .flags = REAL,
     .kernel = K(tan), .grad = {K(tan_grad)}},
    {.name = "tanh", .args = "x:t", .doc = "hyperbolic tangent",
     .usage = "x:tanh()", .keep = Y, .flags = REAL,
     .kernel = K(tanh), .grad = {K(tanh_grad)}},
    {.name = "erf", .args = "x:t", .doc = "error function",
     .usage = "x:erf()", .keep = A, .flags = REAL,
     .kernel = K(erf), .grad = {K(erf_grad)}},

    {.name = "sigmoid", .args = "x:t", .doc = "1 / (1 + e^-x)",
     .usage = "x:sigmoid()", .keep = Y, .flags = REAL,
     .kernel = K(sigmoid), .grad = {K(sigmoid_grad)}},
    {.name = "relu", .args = "x:t", .doc = "max(x, 0)",
     .usage = "x:relu()", .infer = no_bool_infer,
     .forward = relu_forward, .keep = Y, .flags = INT, .kernel = K(relu),
     .grad = {K(relu_grad)}},
    {.name = "leaky_relu", .args = "x:t slope:f=0.01(-inf,inf)",
     .doc = "x where positive, else slope x",
     .usage = "x:leaky_relu(0.1)", .infer = float_infer, .keep = A,
     .flags = INT, .kernel = K(leaky_relu), .grad = {K(leaky_relu_grad)}},
    {.name = "elu", .args = "x:t alpha:f=1(-inf,inf)",
     .doc = "x where positive, else alpha (e^x - 1)",
     .usage = "x:elu()", .infer = float_infer, .keep = A,
     .flags = INT, .kernel = K(elu), .grad = {K(elu_grad)}},
    {.name = "gelu", .args = "x:t",
     .doc = "x times the normal distribution function of x",
     .usage = "x:gelu()", .infer = float_infer,
     .keep = A, .flags = INT, .kernel = K(gelu), .grad = {K(gelu_grad)}},
    {.name = "silu", .args = "x:t", .doc = "x sigmoid(x)",
     .usage = "x:silu()", .infer = float_infer,
     .keep = A, .flags = INT, .kernel = K(silu), .grad = {K(silu_grad)}},
    {.name = "softplus", .args = "x:t", .doc = "log(1 + e^x)",
     .usage = "x:softplus()", .infer = float_infer,
     .keep = A, .flags = INT, .kernel = K(softplus), .grad = {K(softplus_grad)}},
    {.name = "hardswish", .args = "x:t", .doc = "x min(max(x + 3, 0), 6) / 6",
     .usage = "x:hardswish()",
     .infer = float_infer, .keep = A, .flags = INT, .kernel = K(hardswish),
     .grad = {K(hardswish_grad)}},
    {.name = "abs_tanh", .args = "x:t", .doc = "|tanh(x)|, the activation of TCDCN",
     .usage = "x:abs_tanh()",
     .infer = float_infer, .keep = A | Y, .flags = INT, .kernel = K(abs_tanh),
     .grad = {K(abs_tanh_grad)}},
    {0},
};
/* clang-format on */
