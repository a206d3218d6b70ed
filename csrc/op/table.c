/* All operators, family by family. */
#include "op/op.h"

#include <string.h>

#define FAMILIES(F)                                                                      \
  F(elementwise)                                                                         \
  F(copy)                                                                                \
  F(view)                                                                                \
  F(reduce)                                                                              \
  F(extremes)                                                                            \
  F(matmul)                                                                              \
  F(conv)                                                                                \
  F(conv_transpose)                                                                      \
  F(conv_pool)                                                                           \
  F(pool)                                                                                \
  F(norm)                                                                                \
  F(standardize)                                                                         \
  F(softmax)                                                                             \
  F(loss)                                                                                \
  F(random)                                                                              \
  F(index)                                                                               \
  F(scatter)                                                                             \
  F(update)                                                                              \
  F(rearrange)                                                                           \
  F(unfold)                                                                              \
  F(order)                                                                               \
  F(cumsum)                                                                              \
  F(spread)                                                                              \
  F(vector_norm)                                                                         \
  F(solve)                                                                               \
  F(resample)                                                                            \
  F(boxes)                                                                               \
  F(prelu)                                                                               \
  F(linear)                                                                              \
  F(mix)                                                                                 \
  F(rows)                                                                                \
  F(program)

#define DECLARED(name) extern const br_op br_##name##_ops[];
FAMILIES(DECLARED)

#define LISTED(name) br_##name##_ops,
static const br_op *const families[] = {FAMILIES(LISTED)};

const br_op *br_op_at(int i) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++)
    for (const br_op *op = families[f]; op->name; op++)
      if (i-- == 0) return op;
  return NULL;
}

bool br_op_has_gradient(const br_op *op) {
  return op->backward || op->grad[0] || op->grad[1] || op->grad[2];
}

const br_op *br_op_find(const char *name) {
  const br_op *op;
  for (int i = 0; (op = br_op_at(i)); i++)
    if (strcmp(op->name, name) == 0) return op;
  return NULL;
}
