/* Lanes: a tensor with some dimensions brought innermost and side by side in memory, for
   operators that go through one run of values at a time. */
#include "op/op.h"

static void inner_last(int ndim, unsigned mask, int *order) {
  int to = 0;
  for (int d = 0; d < ndim; d++)
    if (!(mask & 1u << d)) order[to++] = d;
  for (int d = 0; d < ndim; d++)
    if (mask & 1u << d) order[to++] = d;
}

br_tensor *br_lanes(br_tensor *t, unsigned mask, br_dtype dtype) {
  int order[BR_MAX_DIM];
  inner_last(t->ndim, mask, order);
  br_tensor *turned = br_view_permute(t, order);
  br_tensor *lanes = turned ? br_as(turned, dtype, BR_CONTIGUOUS) : NULL;
  br_release(turned);
  return lanes;
}

br_tensor *br_lanes_new(const br_tensor *t, unsigned mask, br_dtype dtype) {
  int order[BR_MAX_DIM];
  int64_t shape[BR_MAX_DIM];
  inner_last(t->ndim, mask, order);
  for (int i = 0; i < t->ndim; i++) shape[i] = t->shape[order[i]];
  return br_tensor_zeros(dtype, t->ndim, shape, BR_CONTIGUOUS);
}

br_tensor *br_lanes_back(br_tensor *lanes, unsigned mask) {
  int order[BR_MAX_DIM], back[BR_MAX_DIM];
  inner_last(lanes->ndim, mask, order);
  for (int d = 0; d < lanes->ndim; d++) back[order[d]] = d;
  return br_view_permute(lanes, back);
}

br_status br_lanes_store(br_tensor *lanes, unsigned mask, br_tensor *t) {
  br_tensor *back = br_lanes_back(lanes, mask);
  br_status status = back ? br_copy(t, back) : BR_ENOMEM;
  br_release(back);
  return status;
}
