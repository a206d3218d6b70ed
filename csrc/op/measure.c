/* The size of lanes of values: norms, and the logarithm of a sum of exponentials. Both
   are computed in double. */
#include "op/op.h"

#include <math.h>

#include "base/threads.h"

enum { GRAIN = 16384 };
enum { NORM_P, NORM_DIM, NORM_KEEP };
enum { LSE_DIM, LSE_KEEP };

typedef double lane_fn(int64_t n, const double *x, double p);
/* dx of a lane, given its result y and dy */
typedef void lane_grad_fn(int64_t n, const double *x, double p, double y, double dy,
                          double *dx);

static int64_t lane_length(const br_call *c) {
  int64_t n = 1;
  for (int d = 0; d < c->in[0]->ndim; d++)
    if (c->state[0] & 1u << d) n *= c->in[0]->shape[d];
  return n;
}

static br_status measure_infer(br_call *c, int dim, int keepdim) {
  const br_tensor *x = c->in[0];
  unsigned mask;
  int n = 0;
  int64_t shape[BR_MAX_DIM];
  br_status status = br_need_float(c, x, "x");
  if (!status) status = br_dims(c, &c->arg[dim], x->ndim, &mask);
  if (status) return status;
  c->state[0] = mask;
  for (int d = 0; d < x->ndim; d++) {
    if (!(mask & 1u << d))
      shape[n++] = x->shape[d];
    else if (c->arg[keepdim].i)
      shape[n++] = 1;
  }
  return br_out(c, 0, x->dtype, n, shape, BR_CONTIGUOUS);
}

/* Results lie in the order of the lanes, with or without dimensions of size 1. */
static br_status each_lane(br_call *c, lane_fn *f, double p) {
  br_tensor *x = br_lanes(c->in[0], (unsigned)c->state[0], BR_F64);
  br_tensor *y = br_tensor_new(BR_F64, c->out[0]->ndim, c->out[0]->shape, BR_CONTIGUOUS);
  br_status status = x && y ? BR_OK : BR_ENOMEM;
  if (!status) {
    const double *from = (const double *)(const void *)x->data;
    double *to = (double *)(void *)y->data;
    int64_t n = lane_length(c);
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > GRAIN)
    for (int64_t r = 0; r < y->numel; r++) to[r] = f(n, from + r * n, p);
    status = br_copy(c->out[0], y);
  }
  br_release(x);
  br_release(y);
  return status;
}

static br_status each_lane_grad(br_call *c, lane_grad_fn *f, double p) {
  if (!c->need[0]) return BR_OK;
  unsigned mask = (unsigned)c->state[0];
  br_tensor *x = br_lanes(c->in[0], mask, BR_F64);
  br_tensor *y = br_as(c->out[0], BR_F64, BR_CONTIGUOUS);
  br_tensor *dy = br_as(c->dy[0], BR_F64, BR_CONTIGUOUS);
  br_tensor *dx = br_lanes_new(c->in[0], mask, BR_F64);
  br_status status = x && y && dy && dx ? BR_OK : BR_ENOMEM;
  if (!status) {
    int64_t n = lane_length(c);
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > GRAIN)
    for (int64_t r = 0; r < y->numel; r++)
      f(n, (const double *)(const void *)x->data + r * n, p,
        ((const double *)(const void *)y->data)[r],
        ((const double *)(const void *)dy->data)[r], (double *)(void *)dx->data + r * n);
    status = br_dx_take(c, 0, br_lanes_back(dx, mask));
  }
  br_release(x);
  br_release(y);
  br_release(dy);
  br_release(dx);
  return status;
}

/* ---- norm ---- */

static double largest(int64_t n, const double *x, bool low) {
  double best = n > 0 ? fabs(x[0]) : 0;
  for (int64_t i = 1; i < n; i++) {
    double v = fabs(x[i]);
    if (isnan(v) || (low ? v < best : v > best)) best = v;
  }
  return best;
}

static double norm_of(int64_t n, const double *x, double p) {
  double total = 0;
  if (isinf(p)) return largest(n, x, p < 0);
  if (p == 0) {
    for (int64_t i = 0; i < n; i++) total += x[i] != 0;
  } else if (p == 1) {
    for (int64_t i = 0; i < n; i++) total += fabs(x[i]);
  } else if (p == 2) {
    for (int64_t i = 0; i < n; i++) total += x[i] * x[i];
    return sqrt(total);
  } else {
    for (int64_t i = 0; i < n; i++) total += pow(fabs(x[i]), p);
    return pow(total, 1 / p);
  }
  return total;
}

static double sign_of(double x) { return (double)(x > 0) - (double)(x < 0); }

/* Where the norm has a corner, the gradient is 0; of several largest, each has a share.
 */
static void norm_lane_grad(int64_t n, const double *x, double p, double y, double dy,
                           double *dx) {
  if (isinf(p)) {
    double share = 0;
    for (int64_t i = 0; i < n; i++) share += fabs(x[i]) == y;
    for (int64_t i = 0; i < n; i++)
      dx[i] = fabs(x[i]) == y ? sign_of(x[i]) * dy / share : 0;
  } else if (p == 0) {
    for (int64_t i = 0; i < n; i++) dx[i] = 0;
  } else if (p == 2) {
    for (int64_t i = 0; i < n; i++) dx[i] = y == 0 ? 0 : x[i] / y * dy;
  } else {
    for (int64_t i = 0; i < n; i++)
      dx[i] = x[i] == 0 ? 0 : sign_of(x[i]) * pow(fabs(x[i]) / y, p - 1) * dy;
  }
}

static br_status norm_infer(br_call *c) {
  br_status status = measure_infer(c, NORM_DIM, NORM_KEEP);
  if (!status && c->arg[NORM_P].f < 0 && lane_length(c) == 0)
    return br_bad(c, "p must not be negative for the shape %s without elements, not %g",
                  br_shape_of(c->in[0]), c->arg[NORM_P].f);
  return status;
}

static br_status norm_forward(br_call *c) {
  return each_lane(c, norm_of, c->arg[NORM_P].f);
}

static br_status norm_backward(br_call *c) {
  return each_lane_grad(c, norm_lane_grad, c->arg[NORM_P].f);
}

/* ---- logsumexp ---- */

static double logsumexp_of(int64_t n, const double *x, double p) {
  (void)p;
  double top = -(double)INFINITY, total = 0;
  for (int64_t i = 0; i < n; i++)
    if (isnan(x[i]) || x[i] > top) top = x[i];
  if (isnan(top) || isinf(top)) {
    for (int64_t i = 0; i < n; i++)
      if (isnan(x[i])) return (double)NAN;
    return top;
  }
  for (int64_t i = 0; i < n; i++) total += exp(x[i] - top);
  return top + log(total);
}

/* From y anew: as a float it would be too coarse. */
static void logsumexp_lane_grad(int64_t n, const double *x, double p, double y, double dy,
                                double *dx) {
  y = logsumexp_of(n, x, p);
  for (int64_t i = 0; i < n; i++)
    dx[i] = isinf(x[i]) && x[i] < 0 && !isnan(y) ? 0 : exp(x[i] - y) * dy;
}

static br_status logsumexp_infer(br_call *c) {
  return measure_infer(c, LSE_DIM, LSE_KEEP);
}

static br_status logsumexp_forward(br_call *c) { return each_lane(c, logsumexp_of, 0); }

static br_status logsumexp_backward(br_call *c) {
  return each_lane_grad(c, logsumexp_lane_grad, 0);
}

/* clang-format off */
const br_op br_measure_ops[] = {
  {"norm", "x:t p:f=2[-inf,inf] dim:D? keepdim:b=false", "(sum |x|^p)^(1/p) over the dimensions named, or all; p may be 0 (how many are not 0) or infinite (the largest |x|), x (..., n, ...) -> (..., ...)",
   norm_infer, norm_forward, norm_backward, BR_KEEP_IN(0) | BR_KEEP_OUT(0), 0, 0, {0}},
  {"logsumexp", "x:t dim:D? keepdim:b=false", "log sum e^x over the dimensions named, or all, without overflow, x (..., n, ...) -> (..., ...)",
   logsumexp_infer, logsumexp_forward, logsumexp_backward, BR_KEEP_IN(0) | BR_KEEP_OUT(0), 0, 0, {0}},
  {0}};
/* clang-format on */
