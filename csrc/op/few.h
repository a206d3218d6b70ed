/* Products of few rows with large weights, (rows,in) by (out,in): each direction reads or
   writes the weights once, in blocks that depend on shapes alone. All operands are
   contiguous, of one float type. */
#ifndef BR_FEW_H
#define BR_FEW_H

#include "op/op.h"

typedef struct br_few {
  int64_t m, n, k; /* rows, outputs, inputs */
  const br_kernels *kernels;
} br_few;

/* y (m,n) = x (m,k) w (n,k)^T + b (n), which may be NULL */
void br_few_forward(const br_few *p, const char *x, const char *w, const char *b,
                    char *y);
/* dx (m,k) = dy (m,n) w (n,k) */
br_status br_few_input_grad(const br_few *p, const char *dy, const char *w, char *dx);
/* dw (n,k) = dy^T x, from dy transposed (n,m) and x (m,k) */
br_status br_few_weight_grad(const br_few *p, const char *dy_t, const char *x, char *dw);

#endif
