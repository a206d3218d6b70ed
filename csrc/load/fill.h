/* One sample of a batch: its picture and its labels. */
#ifndef BR_LOAD_FILL_H
#define BR_LOAD_FILL_H

#include "load/loader.h"

/* One sample to be made: number `pick` of the plan, for row `place` of the batch.
   `seed` and `stream` choose its random numbers. */
typedef struct br_place {
  int64_t pick, place;
  uint64_t stream;
  int only; /* the field whose labels are wanted; -1: all */
} br_place;

br_status br_fill_sample(const br_plan *plan, const br_batch *b, const br_place *at,
                         br_scratch *scratch);

/* Allocates the batch's tensors. Their values are undefined. */
br_status br_batch_new(const br_plan *plan, int64_t n, br_batch *b);

#endif
