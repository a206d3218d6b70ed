/* One optimizer step over many parameters at once. */
#ifndef BR_UPDATE_H
#define BR_UPDATE_H

#include "op/op.h"

/* A parameter, its gradient, its state (NULL for a part that is not used) and the
   step's numbers, in the order of the operator's row. */
typedef struct br_update {
  br_tensor *at[BR_FEW_IN];
  double arg[BR_MAX_ARG];
} br_update;

/* Runs an operator of update.c for n parameters with `count` tensors each. A failure
   changes nothing. */
br_status br_update_all(const br_op *op, int count, int64_t n, br_update *updates);

#endif
