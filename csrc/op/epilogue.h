/* Epilogues: what the sums of a convolution or a linear layer go through before the call
   that made them is over. Any elementwise operator of one tensor can be one; its own
   kernel does the work, and its own gradient leads back. */
#ifndef BR_EPILOGUE_H
#define BR_EPILOGUE_H

#include "op/op.h"

typedef struct br_epilogue {
  bool relu;         /* these two are applied in registers, see br_finish: max(y, 0), */
  const char *slope; /* and (o), what is left of y below 0; or NULL */
  br_map_fn *map;    /* any other, over sums just stored, while they are in the cache */
  double number;     /* its argument */
  const char *from;  /* where the sums begin, and what becomes of them; NULL: it takes */
  char *to;          /* their place */
} br_epilogue;

bool br_is_activation(const br_op *op);
/* Has a call, whose arguments `at` and the next are the name of an activation and its
   number, take what is named there; fails where it is none. */
br_status br_epilogue_read(br_call *c, int at);
/* Has the results of a call go through `activation`. */
void br_epilogue_set(br_call *c, const br_op *activation, double number);

/* The epilogue of a call; the slope, contiguous, may be NULL. *sums is what the sums go
   to: the result or, where the gradient needs them, a tensor that the call keeps. */
br_status br_epilogue_start(br_call *c, br_tensor *slope, br_epilogue *e,
                            br_tensor **sums);
/* Applies e->map to n sums at `at`. */
void br_epilogue_run(const br_epilogue *e, int64_t n, char *at);
/* The whole epilogue of sums (rows, columns) that no kernel has applied any of. */
void br_epilogue_rows(const br_epilogue *e, const br_kernels *k, int64_t rows,
                      int64_t columns, char *sums);
/* The gradient of the sums of a call from that of its result; takes the place of *dy,
   which is released. */
br_status br_epilogue_back(const br_call *c, br_tensor **dy);

#endif
