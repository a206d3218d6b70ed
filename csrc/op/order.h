/* Lanes of elements in memory, for operators that go along dimensions. state[0] has the
   mask of these dimensions. */
#ifndef BR_ORDER_H
#define BR_ORDER_H

#include "op/op.h"

/* Each lane has n elements `step` apart, from an offset that the other dimensions give.
   Lanes over several dimensions are copied to memory of their own, unless one step
   leads through all. */
typedef struct br_walk {
  br_tensor *x; /* owned */
  int64_t count, n, step;
  int ndim; /* the other dimensions */
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
} br_walk;

unsigned br_walk_mask(const br_call *c);
/* Returns false if memory runs out. */
bool br_walk_make(const br_call *c, br_tensor *x, unsigned mask, br_walk *l);
/* The first element of lane r. */
int64_t br_walk_start(const br_walk *l, int64_t r);

/* Element i as an integer that keeps the order of the type's values, NaN above all. */
int64_t br_order_key(const br_tensor *t, int64_t i);
/* Resolves one dimension. A tensor without dimensions is taken whole. */
br_status br_one_dim(br_call *c, const br_arg *arg, int *dim);

#endif
