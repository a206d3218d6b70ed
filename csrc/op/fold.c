/* Folds expanded dimensions. A tensor that repeats one element along a dimension needs
   the work only once. */
#include "op/op.h"

bool br_repeats(const br_tensor *x, int dim) {
  return x->stride[dim] == 0 && x->shape[dim] > 1;
}

br_tensor *br_folded(br_tensor *x, unsigned mask) {
  int64_t shape[BR_MAX_DIM];
  for (int d = 0; d < x->ndim; d++)
    shape[d] = br_repeats(x, d) && mask & 1u << d ? 1 : x->shape[d];
  return br_tensor_view(x, x->ndim, shape, x->stride, 0);
}

br_tensor *br_unfolded(br_tensor *t, const br_tensor *x) {
  int64_t stride[BR_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) stride[d] = br_repeats(x, d) ? 0 : t->stride[d];
  return br_tensor_view(t, x->ndim, x->shape, stride, 0);
}

int64_t br_repeat_count(const br_tensor *x, unsigned mask) {
  int64_t n = 1;
  for (int d = 0; d < x->ndim; d++)
    if (br_repeats(x, d) && mask & 1u << d) n *= x->shape[d];
  return n;
}
