/* Products of few rows with large weights: (rows,in) by (out,in). Each function reads
   or writes the weights once, in place, in an order that depends on shapes alone. All
   operands have one float type. x, dx, w and dw are contiguous; rows of y and dy are
   `ld` elements apart. */
#ifndef BR_FEW_H
#define BR_FEW_H

#include "op/op.h"

typedef struct br_few {
  int64_t m, n, k; /* rows, outputs, inputs */
  int64_t ld;
  const br_kernels *kernels;
} br_few;

/* y (m,n) = x (m,k) w (n,k)^T + b (n), which may be NULL */
br_status br_few_forward(const br_few *p, const char *x, const char *w, const char *b,
                         char *y);
/* dx (m,k) = dy (m,n) w (n,k) */
br_status br_few_input_grad(const br_few *p, const char *dy, const char *w, char *dx);
/* dw (n,k) = dy^T (n,m) x (m,k) */
br_status br_few_weight_grad(const br_few *p, const char *dy, const char *x, char *dw);

/* ---- rows as lanes ---- */

/* Whether forward takes the rows of x as the lanes of vectors, [panel][k][nr]: nr rows
   in a panel, the last filled up with zeros. */
bool br_few_in_lanes(const br_few *p);
/* Memory for these lanes, from br_alloc; lanes without a row are zero. */
char *br_few_new_lanes(const br_few *p);
br_status br_few_forward_lanes(const br_few *p, const char *lanes, const char *w,
                               const char *b, char *y);

#endif
