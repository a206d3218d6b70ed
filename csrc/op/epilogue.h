/* Epilogues: operators applied to the sums of a convolution or a linear layer within the
   same call. Any elementwise operator of one tensor can be an epilogue. Its own kernel
   computes it, and its own gradient is used. */
#ifndef BR_EPILOGUE_H
#define BR_EPILOGUE_H

#include "op/op.h"

typedef struct br_epilogue {
  bool relu;         /* relu and slope are applied in registers: see br_finish */
  const char *slope; /* (o), a factor for negative y; or NULL */
  br_map_fn *map;    /* any other activation, run over sums just stored */
  double number;     /* its argument */
  const char *from;  /* where the sums begin; NULL: the results replace them */
  char *to;          /* where the results go */
} br_epilogue;

bool br_is_activation(const br_op *op);
/* Sets the epilogue of a call from its arguments: `at` is the name of an activation, the
   next its number. Fails if no activation has that name. */
br_status br_epilogue_read(br_call *c, int at);
/* Applies `activation` to the results of a call. */
void br_epilogue_set(br_call *c, const br_op *activation, double number);

/* Starts the epilogue of a call. The slope is contiguous, and may be NULL. The caller
   stores its sums in the tensor *sums: the result, or one that the call keeps if the
   gradient needs the sums. */
br_status br_epilogue_start(br_call *c, br_tensor *slope, br_epilogue *e,
                            br_tensor **sums);
/* Applies e->map to n sums at `at`. */
void br_epilogue_run(const br_epilogue *e, int64_t n, char *at);
/* Applies the whole epilogue to sums (rows, columns) that no kernel has treated yet. */
void br_epilogue_rows(const br_epilogue *e, const br_kernels *k, int64_t rows,
                      int64_t columns, char *sums);
/* Computes the gradient of a call's sums from the gradient of its result, *dy. Releases
 *dy and puts the new gradient there. */
br_status br_epilogue_back(const br_call *c, br_tensor **dy);

#endif
