/* Norms of lanes of values. */
#include <math.h>

#include "op/measure.h"

enum { NORM_P, NORM_DIM, NORM_KEEP };

static void squares_step(const br_measuring *j, int pass, int64_t n, const void *x,
                         const br_lane *l, br_part_sum *to) {
  br_sum sum = {.f = 0};
  (void)pass;
  if (l->wide) {
    j->k->squares_wide(n, x, 0, &to->own);
  } else {
    j->k->squares(n, x, 0, &sum);
    to->own += (long double)sum.f;
  }
}

static double root_result(const br_measuring *j, const br_lane *l) {
  (void)j;
  return (double)sqrtl(l->a);
}

static void extreme_step(const br_measuring *j, int pass, int64_t n, const void *x,
                         const br_lane *l, br_part_sum *to) {
  (void)pass, (void)l;
  double extreme = j->p < 0 ? (double)to->own : to->own > 0 ? (double)to->own : 0;
  j->k->abs_extreme(n, x, j->p < 0, &extreme);
  to->own = (long double)extreme;
}

static double first_result(const br_measuring *j, const br_lane *l) {
  (void)j;
  return (double)l->a;
}

static void sum_step(const br_measuring *j, int pass, int64_t n, const void *x,
                     const br_lane *l, br_part_sum *to) {
  double sum = 0;
  (void)pass, (void)l;
  if (j->p == 1)
    j->k->abs_sum(n, x, &sum);
  else
    j->k->power_sum(n, x, 1, 0, &sum);
  to->own += (long double)sum;
}

static bool has_unit(const br_lane *l) { return l->a > 0 && isfinite(l->a); }

/* Values are divided by the largest one (or the least, for negative p), so that their
   powers stay in range. */
static void power_step(const br_measuring *j, int pass, int64_t n, const void *x,
                       const br_lane *l, br_part_sum *to) {
  double sum = 0;
  if (pass == 0) {
    extreme_step(j, pass, n, x, l, to);
  } else if (has_unit(l)) {
    j->k->power_sum(n, x, (double)l->a, j->p, &sum);
    to->own += (long double)sum;
  }
}

static double power_result(const br_measuring *j, const br_lane *l) {
  if (!has_unit(l)) return (double)l->a;
  return (double)(l->a * powl(l->b, 1 / (long double)j->p));
}

/* clang-format off */
static const br_measure two = {1, {BR_JOIN_ADD}, true, squares_step, root_result};
static const br_measure one_or_none = {1, {BR_JOIN_ADD}, false, sum_step, first_result};
static const br_measure most = {1, {BR_JOIN_MAX}, false, extreme_step, first_result};
static const br_measure least = {1, {BR_JOIN_MIN}, false, extreme_step, first_result};
static const br_measure power = {2, {BR_JOIN_MAX, BR_JOIN_ADD}, false, power_step, power_result};
static const br_measure negative_power = {2, {BR_JOIN_MIN, BR_JOIN_ADD}, false, power_step, power_result};
/* clang-format on */

static const br_measure *norm_measure(double p) {
  if (p == 2) return &two;
  if (p == 0 || p == 1) return &one_or_none;
  if (isinf(p)) return p > 0 ? &most : &least;
  return p > 0 ? &power : &negative_power;
}

static br_status norm_infer(br_call *c) {
  br_status status = br_measure_infer(c, NORM_DIM, NORM_KEEP);
  if (!status && c->arg[NORM_P].f < 0 && br_lane_length(c) == 0)
    return br_bad(c, "p must not be negative for the shape %s without elements, not %g",
                  br_shape_of(c->in[0]), c->arg[NORM_P].f);
  return status;
}

static br_status norm_forward(br_call *c) {
  br_measuring j = {.m = norm_measure(c->arg[NORM_P].f), .p = c->arg[NORM_P].f};
  return br_measure_run(c, &j);
}

static void norm_slope(const br_measuring *j, const br_slope *s) {
  const double share = s->other > 0 ? s->other : 1;
  j->k->norm_slope(s->n, s->x, s->dx, &(br_norm){j->p, (long double)s->y, share, s->dy});
}

/* Counts the values of a lane that equal its infinite norm, because they share the
   gradient. */
static void share_step(const br_measuring *j, int pass, int64_t n, const void *x,
                       const br_lane *l, br_part_sum *to) {
  double count = 0;
  (void)pass;
  j->k->abs_count(n, x, (double)l->b, &count);
  to->own += (long double)count;
}

static const br_measure sharing = {1, {BR_JOIN_ADD}, false, share_step, first_result};

static br_status norm_backward(br_call *c) {
  br_measuring j = {.p = c->arg[NORM_P].f, .m = &sharing};
  if (!c->need[0]) return BR_OK;
  br_measure_open(c, &j);
  if (!isinf(j.p)) return br_measure_slope(c, &j, norm_slope, NULL);
  j.first = br_alloc((size_t)j.at.lanes * sizeof *j.first + 1);
  j.given = br_saved_lanes(c, 0);
  br_status status = j.first ? br_measure_lanes(&j) : BR_ENOMEM;
  if (!status) status = br_measure_slope(c, &j, norm_slope, j.first);
  br_free(j.first);
  return status;
}

/* clang-format off */
const br_op br_vector_norm_ops[] = {
    {.name = "norm", .args = "x:t p:f=2[-inf,inf] dim:D? keepdim:b=false",
     .doc = "(sum |x|^p)^(1/p) over the named dimensions, or all; p = 0 counts the values that are not 0, p = math.huge gives the largest |x|; x (..., n, ...) -> (..., ...)",
     .usage = "x:norm()   x:norm(1, 2)",
     .infer = norm_infer, .forward = norm_forward, .backward = norm_backward,
     .keep = BR_KEEP_IN(0)},
    {0},
};
/* clang-format on */
