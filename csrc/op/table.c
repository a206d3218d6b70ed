/* All operators, family by family. */
#include "op/op.h"

#include <string.h>

extern const br_op br_elementwise_ops[], br_copy_ops[], br_view_ops[], br_reduce_ops[],
    br_matmul_ops[], br_conv_ops[], br_pool_ops[], br_norm_ops[], br_softmax_ops[],
    br_loss_ops[], br_random_ops[], br_index_ops[], br_update_ops[], br_rearrange_ops[],
    br_unfold_ops[], br_order_ops[], br_scatter_ops[], br_measure_ops[], br_solve_ops[],
    br_conv_transpose_ops[], br_standardize_ops[], br_resample_ops[], br_boxes_ops[],
    br_prelu_ops[], br_linear_ops[], br_mix_ops[], br_conv_pool_ops[];

static const br_op *const families[] = {
    br_elementwise_ops, br_copy_ops,      br_view_ops,      br_reduce_ops,
    br_matmul_ops,      br_conv_ops,      br_pool_ops,      br_norm_ops,
    br_softmax_ops,     br_loss_ops,      br_random_ops,    br_index_ops,
    br_update_ops,      br_rearrange_ops, br_unfold_ops,    br_order_ops,
    br_scatter_ops,     br_measure_ops,   br_solve_ops,     br_conv_transpose_ops,
    br_standardize_ops, br_resample_ops,  br_boxes_ops,     br_prelu_ops,
    br_linear_ops,      br_mix_ops,       br_conv_pool_ops,
};

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
