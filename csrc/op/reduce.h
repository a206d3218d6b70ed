/* Declarations that reductions share. Their arguments are dim and keepdim. state[0] has
   the mask of the reduced dimensions. */
#ifndef BR_REDUCE_H
#define BR_REDUCE_H

#include "op/op.h"

enum { BR_REDUCE_DIM, BR_REDUCE_KEEPDIM };

/* A tensor as [outer][reduce][inner]. */
typedef struct br_plan {
  br_tensor *x; /* owned */
  int64_t outer, reduce, inner;
} br_plan;

/* Plans how to read x. With `rows`, the reduced dimensions are innermost, in their own
   order. */
br_status br_plan_make(br_tensor *x, unsigned mask, bool rows, br_plan *p);
/* t with size 1 in the reduced dimensions, for any keepdim. */
br_tensor *br_with_ones(const br_call *c, br_tensor *t);
/* How many values are reduced to one. */
int64_t br_reduced_count(const br_call *c);

#endif
