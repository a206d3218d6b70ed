/* Softmax and its logarithm along one dimension. */
#include "op/op.h"

#include "base/threads.h"

enum { ROWS = 64 }; /* rows computed at a time */

/* t with dimension `dim` exchanged with the last, contiguous. */
static br_tensor *rows_of(br_tensor *t, int dim) {
  int order[BR_MAX_DIM];
  for (int d = 0; d < t->ndim; d++) order[d] = d;
  if (t->ndim > 0) {
    order[dim] = t->ndim - 1;
    order[t->ndim - 1] = dim;
  }
  br_tensor *turned = br_view_permute(t, order);
  br_tensor *rows = turned ? br_contiguous(turned) : NULL;
  br_release(turned);
  return rows;
}

/* A view that exchanges the dimensions back. */
static br_tensor *turned_back(br_tensor *rows, int dim) {
  int order[BR_MAX_DIM];
  for (int d = 0; d < rows->ndim; d++) order[d] = d;
  if (rows->ndim > 0) {
    order[dim] = rows->ndim - 1;
    order[rows->ndim - 1] = dim;
  }
  return br_view_permute(rows, order);
}

static br_status softmax_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = 0, order[BR_MAX_DIM];
  int64_t shape[BR_MAX_DIM];
  br_status status = br_need_float(c, x, "x");
  if (!status && x->ndim > 0) status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (status) return status;
  c->arg[0].i = dim;
  for (int d = 0; d < x->ndim; d++) order[d] = d;
  if (x->ndim > 0) {
    order[dim] = x->ndim - 1;
    order[x->ndim - 1] = dim;
  }
  for (int d = 0; d < x->ndim; d++) shape[d] = x->shape[order[d]];
  br_tensor *rows = br_tensor_new(x->dtype, x->ndim, shape, BR_CONTIGUOUS);
  status = br_out_take(c, 0, rows ? turned_back(rows, dim) : NULL);
  br_release(rows);
  return status;
}

static int64_t row_length(const br_tensor *rows) {
  return rows->ndim > 0 ? rows->shape[rows->ndim - 1] : 1;
}

static br_status forward(br_call *c, bool logarithm) {
  br_tensor *x = rows_of(c->in[0], (int)c->arg[0].i);
  if (!x) return BR_ENOMEM;
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t len = row_length(x), count = len ? x->numel / len : 0;
  int64_t step = logarithm ? 1 : ROWS;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > 8192)
  for (int64_t r = 0; r < count; r += step) {
    if (br_stopped()) continue;
    const char *from = x->data + r * len * k->size;
    char *to = c->out[0]->data + r * len * k->size;
    if (logarithm)
      k->log_softmax(len, from, to);
    else
      k->softmax(count - r < step ? count - r : step, len, from, to);
  }
  br_release(x);
  return BR_OK;
}

static br_status backward(br_call *c, bool logarithm) {
  if (!c->need[0]) return BR_OK;
  int dim = (int)c->arg[0].i;
  br_tensor *dy = rows_of(c->dy[0], dim), *y = rows_of(c->out[0], dim);
  br_tensor *dx = dy ? br_tensor_new(dy->dtype, dy->ndim, dy->shape, BR_CONTIGUOUS)
                     : NULL;
  br_status status = dy && y && dx ? BR_OK : BR_ENOMEM;
  if (!status) {
    const br_kernels *k = br_kernels_of(y->dtype);
    int64_t len = row_length(y), count = len ? y->numel / len : 0;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (y->numel > 8192)
    for (int64_t r = 0; r < count; r++) {
      if (br_stopped()) continue;
      int64_t at = r * len * k->size;
      (logarithm ? k->log_softmax_grad : k->softmax_grad)(len, dy->data + at,
                                                          y->data + at, dx->data + at);
    }
    status = br_dx_take(c, 0, turned_back(dx, dim));
  }
  br_release(dy);
  br_release(y);
  br_release(dx);
  return status;
}

static br_status softmax_forward(br_call *c) { return forward(c, false); }
static br_status softmax_backward(br_call *c) { return backward(c, false); }
static br_status log_softmax_forward(br_call *c) { return forward(c, true); }
static br_status log_softmax_backward(br_call *c) { return backward(c, true); }

/* clang-format off */
const br_op br_softmax_ops[] = {
    {.name = "softmax", .args = "x:t dim:d",
     .doc = "e^x divided by its sum along a dimension",
     .usage = "x:softmax(2)", .infer = softmax_infer,
     .forward = softmax_forward, .backward = softmax_backward, .keep = BR_KEEP_OUT(0)},
    {.name = "log_softmax", .args = "x:t dim:d",
     .doc = "the logarithm of softmax, without overflow",
     .usage = "x:log_softmax(2)", .infer = softmax_infer,
     .forward = log_softmax_forward, .backward = log_softmax_backward,
     .keep = BR_KEEP_OUT(0)},
    {0},
};
/* clang-format on */
