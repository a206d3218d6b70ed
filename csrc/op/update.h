/* One optimizer step over many parameters at once. */
#ifndef BR_UPDATE_H
#define BR_UPDATE_H

#include "op/op.h"

/* A parameter, its gradient and its state (NULL where that is left out), and the numbers,
   all in the order of the operator's row. */
typedef struct br_update {
  br_tensor *at[BR_FEW_IN];
  double arg[BR_MAX_ARG];
} br_update;

/* Runs an operator of update.c for n parameters with `count` tensors each. A failure
   changes nothing. */
br_status br_update_all(const br_op *op, int count, int64_t n, br_update *updates);

#endif
