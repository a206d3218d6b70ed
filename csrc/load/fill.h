/* One sample of a batch: its picture and its labels. */
#ifndef BR_LOAD_FILL_H
#define BR_LOAD_FILL_H

#include "load/loader.h"

/* Fills row `place` of the batch with sample `pick` of the plan. */
br_status br_fill_sample(const br_plan *plan, const br_batch *b, int64_t pick,
                         int64_t place, uint64_t stream, int only, br_scratch *scratch);

/* The batch's tensors, undefined. */
br_status br_batch_new(const br_plan *plan, int64_t n, br_batch *b);

#endif
