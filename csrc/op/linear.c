/* Linear layers: y (..., out) = x (..., in) w (out, in)^T + b (out).

   A product with few rows reads or writes the weights once (few.c). OpenBLAS copies the
   weights first, and computes all other products. */
#include <string.h>

#include "op/epilogue.h"
#include "op/few.h"
#include "op/matmul.h"

enum { SLOPE = 3 };
enum { ACTIVATION };

static br_status linear_infer(br_call *c) {
  const br_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
  int64_t shape[BR_MAX_DIM];
  br_status status = br_same_float(c, x, w, "x", "weight");
  if (!status) status = br_need_dims(c, w, "weight", 2);
  if (!status && b) status = br_same_float(c, b, w, "bias", "weight");
  if (status) return status;
  if (x->ndim == 0 || x->shape[x->ndim - 1] != w->shape[1])
    return br_bad(c, "weight expects %lld features, input %s has %lld",
                  (long long)w->shape[1], br_shape_of(x),
                  (long long)(x->ndim ? x->shape[x->ndim - 1] : 0));
  if (b && (b->ndim != 1 || b->shape[0] != w->shape[0]))
    return br_bad(c, "bias must have shape (%lld), not %s", (long long)w->shape[0],
                  br_shape_of(b));
  memcpy(shape, x->shape, sizeof shape);
  shape[x->ndim - 1] = w->shape[0];
  return br_out(c, 0, x->dtype, x->ndim, shape, BR_CONTIGUOUS);
}

static br_status activation_infer(br_call *c) {
  const br_tensor *slope = c->in[SLOPE], *w = c->in[1];
  br_status status = br_epilogue_read(c, ACTIVATION);
  if (!status) status = linear_infer(c);
  if (status || !slope) return status;
  if (slope->ndim == 1 && slope->shape[0] == w->shape[0] && slope->dtype == w->dtype)
    return BR_OK;
  return br_bad(c, "slope must have shape (%lld), of %s, not %s of %s",
                (long long)w->shape[0], br_dtype_name(w->dtype), br_shape_of(slope),
                br_dtype_name(slope->dtype));
}

/* All but the last dimension merged into rows. */
static br_tensor *as_rows(br_tensor *t) {
  int64_t last = t->shape[t->ndim - 1];
  int64_t shape[2] = {1, last};
  for (int d = 0; d < t->ndim - 1; d++) shape[0] *= t->shape[d];
  return br_reshaped(t, 2, shape);
}

static br_few few_of(const br_tensor *x, const br_tensor *w) {
  return (br_few){x->shape[0], w->shape[0], w->shape[1], w->shape[0],
                  br_kernels_of(w->dtype)};
}

/* The limits are measured. few.c is faster if the weights are larger than the caches.
   Forward it is faster for smaller weights too, if blocks of x stay in the cache. */
typedef enum direction { FORWARD, INPUT, WEIGHT } direction;

static bool few(const br_tensor *rows, const br_tensor *w, direction which) {
  int64_t m = rows->shape[0], size = w->numel;
  if (!br_is_contiguous(w)) return false;
  if (which == FORWARD) return m <= 8 || (m <= 96 && size >= 200000);
  return which == INPUT ? m <= 64 && size >= 2000000 : m <= 96 && size >= 5000000;
}

static br_status linear_forward(br_call *c) {
  br_tensor *w = c->in[1], *b = c->in[2], *slope = NULL, *sums = NULL;
  br_epilogue after;
  bool sloped = c->nin > SLOPE && c->in[SLOPE];
  if (sloped && !(slope = br_contiguous(c->in[SLOPE]))) return BR_ENOMEM;
  br_status status = br_epilogue_start(c, slope, &after, &sums);
  br_tensor *rows = as_rows(c->in[0]), *y = sums ? as_rows(sums) : NULL;
  br_tensor *x = NULL, *bias = NULL;
  if (!rows || !y) status = BR_ENOMEM;
  if (!status && few(rows, w, FORWARD)) {
    x = br_contiguous(rows);
    bias = b ? br_contiguous(b) : NULL;
    if (!x || (b && !bias)) status = BR_ENOMEM;
    br_few p = few_of(rows, w);
    if (!status)
      status = br_few_forward(&p, x->data, w->data, bias ? bias->data : NULL, y->data);
  } else if (!status) {
    br_tensor *wt = br_transposed(w);
    if (b) status = br_copy(y, b);
    if (!wt) status = BR_ENOMEM;
    if (!status) status = br_multiply(rows, wt, b ? 1 : 0, y);
    br_release(wt);
  }
  if (!status)
    br_epilogue_rows(&after, br_kernels_of(w->dtype), y->shape[0], y->shape[1], y->data);
  br_release(slope);
  br_release(rows);
  br_release(x);
  br_release(bias);
  br_release(y);
  return status;
}

/* The gradient of rows (m,k); NULL on failure. */
static br_tensor *rows_grad(br_tensor *dy, br_tensor *w) {
  if (!few(dy, w, INPUT)) return br_product(dy, w);
  int64_t shape[2] = {dy->shape[0], w->shape[1]};
  br_tensor *dx = br_tensor_new(w->dtype, 2, shape, BR_CONTIGUOUS);
  br_few p = few_of(dy, w);
  if (!dx || br_few_input_grad(&p, dy->data, w->data, dx->data) == BR_OK) return dx;
  br_release(dx);
  return NULL;
}

static br_tensor *weight_grad(br_tensor *dy, br_tensor *x, br_tensor *w) {
  if (!few(dy, w, WEIGHT)) {
    br_tensor *turned = br_transposed(dy);
    br_tensor *dw = turned ? br_product(turned, x) : NULL;
    br_release(turned);
    return dw;
  }
  br_few p = few_of(dy, w);
  br_tensor *dw = br_tensor_new(w->dtype, 2, w->shape, BR_CONTIGUOUS);
  if (!dw || br_few_weight_grad(&p, dy->data, x->data, dw->data) == BR_OK) return dw;
  br_release(dw);
  return NULL;
}

static br_status linear_backward(br_call *c) {
  br_tensor *w = c->in[1], *flat = as_rows(c->in[0]), *x = NULL, *dy = NULL, *dx = NULL;
  br_tensor *own = br_retain(c->dy[0]), *arrived = NULL;
  br_status status = br_epilogue_back(c, &own);
  if (!status) arrived = as_rows(own);
  if (flat) x = br_contiguous(flat);
  if (arrived) dy = br_contiguous(arrived);
  if (!x || !dy) status = BR_ENOMEM;
  if (!status && c->need[0]) {
    dx = rows_grad(dy, w);
    status = br_dx_take(c, 0,
                        dx ? br_reshaped(dx, c->in[0]->ndim, c->in[0]->shape) : NULL);
  }
  if (!status && c->need[1]) status = br_dx_take(c, 1, weight_grad(dy, x, w));
  if (!status && c->in[2] && c->need[2])
    status = br_dx_take(c, 2, br_sum_to(dy, 1, c->in[2]->shape));
  br_release(flat);
  br_release(own);
  br_release(arrived);
  br_release(x);
  br_release(dy);
  br_release(dx);
  return status;
}

/* clang-format off */
const br_op br_linear_ops[] = {
    {.name = "linear", .args = "x:t weight:t bias:t?",
     .doc = "x (..., in) weight (out, in)^T + bias (out) -> (..., out)",
     .usage = "F.linear(x, braid.randn(4, 3), braid.zeros(4))",
     .infer = linear_infer, .forward = linear_forward, .backward = linear_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1)},
    {.name = "linear_activation",
     .args = "x:t weight:t bias:t? slope:t? activation:s? number:f=0",
     .doc = "linear, then the elementwise operator named `activation`, or prelu with slope (out), which gets no gradient here",
     .infer = activation_infer, .forward = linear_forward, .backward = linear_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1), .flags = BR_HIDDEN},
    {0},
};
/* clang-format on */
