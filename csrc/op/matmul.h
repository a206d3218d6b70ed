/* Declarations that matrix products and linear layers share. */
#ifndef BR_MATMUL_H
#define BR_MATMUL_H

#include "op/op.h"

/* out (..., m, n), contiguous, = a (..., m, k) b (..., k, n) + beta out */
br_status br_multiply(br_tensor *a, br_tensor *b, double beta, br_tensor *out);
/* The same into a new tensor; NULL with a message on failure. */
br_tensor *br_product(br_tensor *a, br_tensor *b);
/* A view with the last two dimensions exchanged. */
br_tensor *br_transposed(br_tensor *t);
/* Checks that a and b have the same float type. */
br_status br_same_float(br_call *c, const br_tensor *a, const br_tensor *b,
                        const char *a_name, const char *b_name);

#endif
