/* Shape arithmetic and views of the same storage. The caller has checked the
   arguments. */
#include "tensor/tensor.h"

bool br_broadcast(int an, const int64_t *a, int bn, const int64_t *b, int *ndim,
                  int64_t *shape) {
  int n = an > bn ? an : bn;
  for (int d = 0; d < n; d++) { /* d counts from the last dimension */
    int64_t x = d < an ? a[an - 1 - d] : 1, y = d < bn ? b[bn - 1 - d] : 1;
    if (x != y && x != 1 && y != 1) return false;
    shape[n - 1 - d] = x == 1 ? y : x;
  }
  *ndim = n;
  return true;
}

br_tensor *br_view_expand(br_tensor *t, int ndim, const int64_t *shape) {
  int64_t stride[BR_MAX_DIM];
  for (int d = 0; d < ndim; d++) {
    int from = d - (ndim - t->ndim);
    stride[d] = from < 0 || t->shape[from] == 1 ? 0 : t->stride[from];
  }
  return br_tensor_view(t, ndim, shape, stride, 0);
}

br_tensor *br_view_permute(br_tensor *t, const int *order) {
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  for (int d = 0; d < t->ndim; d++) {
    shape[d] = t->shape[order[d]];
    stride[d] = t->stride[order[d]];
  }
  return br_tensor_view(t, t->ndim, shape, stride, 0);
}

br_tensor *br_view_narrow(br_tensor *t, int dim, int64_t start, int64_t length,
                          int64_t step) {
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  for (int d = 0; d < t->ndim; d++) {
    shape[d] = d == dim ? length : t->shape[d];
    stride[d] = d == dim && length > 1 ? t->stride[d] * step : t->stride[d];
  }
  int64_t offset = length > 0 ? start * t->stride[dim] : 0;
  return br_tensor_view(t, t->ndim, shape, stride, offset);
}

br_tensor *br_view_select(br_tensor *t, int dim, int64_t at) {
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  for (int d = 0, to = 0; d < t->ndim; d++) {
    if (d == dim) continue;
    shape[to] = t->shape[d];
    stride[to++] = t->stride[d];
  }
  return br_tensor_view(t, t->ndim - 1, shape, stride, at * t->stride[dim]);
}

/* Each run of old dimensions that lie evenly in memory may be cut anew; a new dimension
   may not straddle two runs. */
bool br_reshape_strides(const br_tensor *t, int ndim, const int64_t *shape,
                        int64_t *stride) {
  if (br_is_contiguous(t)) {
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; d--) {
      stride[d] = step;
      step *= shape[d] > 1 ? shape[d] : 1;
    }
    return true;
  }
  int to = ndim - 1;
  int64_t left = 1, step = 1; /* what remains of the current run, and its inner stride */
  for (int d = t->ndim - 1; d >= 0; d--) {
    if (t->shape[d] == 1) continue;
    if (left == 1) {
      step = t->stride[d];
      left = t->shape[d];
    } else {
      left *= t->shape[d];
    }
    int up = d - 1;
    while (up >= 0 && t->shape[up] == 1) up--;
    bool even = up >= 0 && t->stride[up] == t->stride[d] * t->shape[d];
    if (even) continue; /* the run goes on */
    while (to >= 0 && (left > 1 || shape[to] == 1)) {
      if (left % shape[to] != 0) return false;
      stride[to] = step;
      step *= shape[to];
      left /= shape[to--];
    }
    if (left != 1) return false;
  }
  for (; to >= 0; to--) stride[to] = 1;
  return true;
}
