/* Scales rows to mean 0 and deviation 1, for layer, group and instance norm. */
#include "op/op.h"

#include <math.h>

#include "base/threads.h"

enum { GRAIN = 16384 };

static int64_t row_length(const br_tensor *x) { return x->shape[x->ndim - 1]; }

static double *doubles(br_tensor *t) { return (double *)(void *)t->data; }

/* saved[0] (rows) is 1 / deviation of each row. */
static br_status standardize_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  br_status status = br_need_float(c, x, "x");
  if (status) return status;
  if (x->ndim < 1) return br_bad(c, "x has no dimensions to normalise");
  int64_t rows = x->numel ? x->numel / row_length(x) : 0;
  c->saved[0] = br_tensor_new(BR_F64, 1, &rows, BR_CONTIGUOUS);
  if (!c->saved[0]) return BR_ENOMEM;
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
}

/* The mean of a row, and 1 / sqrt(variance + eps), or 0 if that root is 0. */
static double inverse_of(const br_kernels *k, br_dtype dtype, int64_t n, const char *x,
                         double eps, double *mean) {
  br_sum sum = {.f = 0};
  k->sum(n, x, &sum);
  double about = sum.f / (double)n, off = 0, squares = 0;
  k->deviations(n, x, about, &off, &squares);
  *mean = about + off / (double)n;
  squares -= off * (off / (double)n);
  double spread = squares / (double)n + eps;
  bool leaves_range = !(squares > 1e-280 && squares < 1e300);
  if (dtype == BR_F64 && leaves_range && !isnan(*mean)) {
    long double all = 0, wide = 0;
    k->sum_wide(n, x, &all);
    all /= (long double)n;
    k->squares_wide(n, x, all, &wide);
    wide = sqrtl(wide / (long double)n + (long double)eps);
    *mean = (double)all;
    return wide > 0 ? (double)(1 / wide) : 0;
  }
  return spread == 0 ? 0 : 1 / sqrt(spread);
}

/* Whether the type can multiply with the scale, and hold the differences. */
static bool fits(br_dtype dtype, double scale) {
  const double limit = dtype == BR_F32 ? 1e30 : 1e150;
  return scale == 0 || isnan(scale) || (scale > 1 / limit && scale < limit);
}

static br_status standardize_forward(br_call *c) {
  br_tensor *x = br_contiguous(c->in[0]);
  if (!x) return BR_ENOMEM;
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t rows = c->saved[0]->numel, len = row_length(x);
  double *inverse = doubles(c->saved[0]), eps = c->arg[0].f;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > GRAIN)
  for (int64_t r = 0; r < rows; r++) {
    if (br_stopped()) continue;
    int64_t at = r * len * k->size;
    double mean;
    inverse[r] = inverse_of(k, x->dtype, len, x->data + at, eps, &mean);
    (fits(x->dtype, inverse[r]) ? k->standardize : k->standardize_wide)(
        len, x->data + at, mean, inverse[r], c->out[0]->data + at);
  }
  br_release(x);
  return BR_OK;
}

typedef struct row {
  const char *dy, *y;
  char *dx;
  double inverse; /* 1 / deviation */
} row;

/* dx = (dy - mean(dy) - y mean(dy y)) / deviation. Because of eps, dx keeps a share eps
   / deviation^2 of the part of dy along y. That part is computed from the rounded y. */
static void backward_row(const br_kernels *k, int64_t len, const row *r, double eps) {
  double sum[4] = {0}, n = (double)len;
  k->standardize_sums(len, r->dy, r->y, sum);
  double mean = sum[0] / n, mean_y = sum[1] / n;
  double b = sum[2] - sum[0] * mean_y, unit = sum[3] - sum[1] * mean_y;
  if (unit > 0) b *= (1 - eps * r->inverse * r->inverse) / unit;
  k->standardize_grad(len, r->dy, r->y, &(br_row_slope){r->inverse, mean - b * mean_y, b},
                      r->dx);
}

static br_status standardize_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  br_tensor *dy = br_contiguous(c->dy[0]), *y = br_contiguous(c->out[0]);
  br_tensor *dx = br_tensor_new(c->dy[0]->dtype, c->dy[0]->ndim, c->dy[0]->shape,
                                BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!dy || !y) status = BR_ENOMEM;
  if (!status) {
    const br_kernels *k = br_kernels_of(dy->dtype);
    int64_t rows = c->saved[0]->numel, len = row_length(dy);
    const double *inverse = doubles(c->saved[0]);
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (dy->numel > GRAIN)
    for (int64_t r = 0; r < rows; r++) {
      if (br_stopped()) continue;
      int64_t at = r * len * k->size;
      const row here = {dy->data + at, y->data + at, dx->data + at, inverse[r]};
      backward_row(k, len, &here, c->arg[0].f);
    }
  }
  br_release(dy);
  br_release(y);
  return status;
}

/* clang-format off */
const br_op br_standardize_ops[] = {
    {.name = "standardize", .args = "x:t eps:f=1e-5(0,inf)",
     .doc = "(x - mean) / sqrt(variance + eps), with mean and variance over the last dimension",
     .infer = standardize_infer, .forward = standardize_forward,
     .backward = standardize_backward, .keep = BR_KEEP_OUT(0), .flags = BR_HIDDEN},
    {0},
};
/* clang-format on */
