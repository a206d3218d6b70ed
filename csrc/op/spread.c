/* The spread of lanes of values: variance, standard deviation, and the logarithm of a
   sum of exponentials. */
#include <math.h>

#include "op/measure.h"

enum { LSE_DIM, LSE_KEEP };
enum { VAR_DIM, VAR_KEEP, UNBIASED };

/* ---- logsumexp ---- */

static void exp_step(const br_measuring *j, int pass, int64_t n, const void *x,
                     const br_lane *l, br_part_sum *to) {
  double sum = 0;
  br_best top = {.at = -1};
  if (pass == 0 && n > 0) {
    j->k->max(n, x, 0, &top);
    br_join_part(BR_JOIN_MAX, (long double)top.value.f, &to->own);
  } else if (pass == 1 && isfinite(l->a)) {
    j->k->exp_sum(n, x, (double)l->a, &sum);
    to->own += (long double)sum;
  }
}

static double log_result(const br_measuring *j, const br_lane *l) {
  (void)j;
  return isfinite(l->a) ? (double)l->a + log((double)l->b) : (double)l->a;
}

/* The two parts stay separate, because their sum may have no digits left for the
   second. */
static void save_logs(const br_measuring *j, const br_lane *l, double *top,
                      double *rest) {
  (void)j;
  *top = (double)l->a;
  *rest = isfinite(l->a) ? log((double)l->b) : 0;
}

static const br_measure exponentials = {
    2, {BR_JOIN_MAX, BR_JOIN_ADD}, false, exp_step, log_result, save_logs};

static br_status logsumexp_infer(br_call *c) {
  return br_measure_infer(c, LSE_DIM, LSE_KEEP);
}

static br_status logsumexp_forward(br_call *c) {
  br_measuring j = {.m = &exponentials};
  return br_measure_run(c, &j);
}

static void logsumexp_slope(const br_measuring *j, const br_slope *s) {
  j->k->logsumexp_slope(s->n, s->x, s->y, s->other, s->dy, s->dx);
}

static br_status logsumexp_backward(br_call *c) {
  br_measuring j = {.m = &exponentials};
  if (!c->need[0]) return BR_OK;
  br_measure_open(c, &j);
  return br_measure_slope(c, &j, logsumexp_slope, br_saved_lanes(c, 1));
}

/* ---- variance ---- */

/* The first pass gives an approximate mean; the second pass gives its correction, in
   c. */
static void deviations_step(const br_measuring *j, int pass, int64_t n, const void *x,
                            const br_lane *l, br_part_sum *to) {
  br_sum sum = {.f = 0};
  double off = 0, squares = 0;
  if (pass == 0 && l->wide) {
    j->k->sum_wide(n, x, &to->own);
  } else if (pass == 0) {
    j->k->sum(n, x, &sum);
    to->own += (long double)sum.f;
  } else if (l->wide) {
    j->k->squares_wide(n, x, l->a / (long double)j->at.length, &to->own);
  } else {
    j->k->deviations(n, x, (double)(l->a / (long double)j->at.length), &off, &squares);
    to->own += (long double)squares;
    to->more += (long double)off;
  }
}

static long double square_of(const br_measuring *j, const br_lane *l) {
  return (l->b - l->c * (l->c / (long double)j->at.length)) / (long double)j->divisor;
}

static double variance_result(const br_measuring *j, const br_lane *l) {
  return j->divisor > 0 ? (double)square_of(j, l) : (double)NAN;
}

static double deviation_result(const br_measuring *j, const br_lane *l) {
  return j->divisor > 0 ? (double)sqrtl(square_of(j, l)) : (double)NAN;
}

static void save_spread(const br_measuring *j, const br_lane *l, double *std,
                        double *mean) {
  *std = deviation_result(j, l);
  *mean = (double)((l->a + l->c) / (long double)j->at.length);
}

static const br_measure variance = {
    2, {BR_JOIN_ADD, BR_JOIN_ADD}, true, deviations_step, variance_result, save_spread};
static const br_measure deviation = {
    2, {BR_JOIN_ADD, BR_JOIN_ADD}, true, deviations_step, deviation_result, save_spread};

/* The divisor: n, or n - 1 if the mean was computed from the same n values. */
static double freedom(const br_call *c) {
  double n = (double)br_lane_length(c) - (c->arg[UNBIASED].i ? 1 : 0);
  return n > 0 ? n : 0;
}

static br_status var_infer(br_call *c) { return br_measure_infer(c, VAR_DIM, VAR_KEEP); }

static br_status var_forward(br_call *c) {
  br_measuring j = {.m = &variance, .divisor = freedom(c)};
  return br_measure_run(c, &j);
}

static br_status std_forward(br_call *c) {
  br_measuring j = {.m = &deviation, .divisor = freedom(c)};
  return br_measure_run(c, &j);
}

/* dx = (x - mean) f. The wide form is for an f or for differences that could leave the
   range. */
static void deviations_slope(const br_measuring *j, const br_slope *s, double f) {
  const double limit = j->dtype == BR_F32 ? 1e30 : 1e150, size = fabs(f);
  bool wide = size > limit || size < 1 / limit || s->y > limit;
  (wide ? j->k->standardize_wide : j->k->standardize)(s->n, s->x, s->other, f, s->dx);
}

static void var_slope(const br_measuring *j, const br_slope *s) {
  deviations_slope(j, s, 2 * s->dy / j->divisor);
}

/* Equal values have a deviation of 0 and a gradient of 0, as in PyTorch. */
static void std_slope(const br_measuring *j, const br_slope *s) {
  deviations_slope(j, s, s->y == 0 ? 0 : s->dy / j->divisor / s->y);
}

static br_status spread_backward(br_call *c, br_slope_fn *f) {
  br_measuring j = {.m = &variance, .divisor = freedom(c)};
  if (!c->need[0]) return BR_OK;
  br_measure_open(c, &j);
  return br_measure_slope(c, &j, f, br_saved_lanes(c, 1));
}

static br_status var_backward(br_call *c) { return spread_backward(c, var_slope); }
static br_status std_backward(br_call *c) { return spread_backward(c, std_slope); }

/* clang-format off */
const br_op br_spread_ops[] = {
    {.name = "var", .args = "x:t dim:D? keepdim:b=false unbiased:b=true",
     .doc = "the variance; the divisor is n - 1, or n if unbiased = false",
     .usage = "x:var(2, {unbiased = false})", .infer = var_infer,
     .forward = var_forward, .backward = var_backward, .keep = BR_KEEP_IN(0)},
    {.name = "std", .args = "x:t dim:D? keepdim:b=false unbiased:b=true",
     .doc = "the standard deviation; the divisor is n - 1, or n if unbiased = false",
     .usage = "x:std()",
     .infer = var_infer, .forward = std_forward, .backward = std_backward,
     .keep = BR_KEEP_IN(0)},
    {.name = "logsumexp", .args = "x:t dim:D? keepdim:b=false",
     .doc = "log sum e^x over the named dimensions, or all, without overflow, x (..., n, ...) -> (..., ...)",
     .usage = "x:logsumexp(2)",
     .infer = logsumexp_infer, .forward = logsumexp_forward,
     .backward = logsumexp_backward, .keep = BR_KEEP_IN(0)},
    {0},
};
/* clang-format on */
