/* Autograd: recording operator calls and going back over them.

   A value that takes part has a record (br_var), hung on its tensor. A record made by an
   operator points to the node that made it, a leaf's to none. A node keeps the call (its saved
   tensors detached) and the records of its inputs. Outputs own nodes, nodes own their inputs'
   records: the graph lives as long as something can still ask for its gradients. */
#ifndef BR_GRAD_H
#define BR_GRAD_H

#include "op/op.h"

typedef struct br_node br_node;

typedef struct br_var {
  br_ref ref;
  br_node *node;      /* what made the value; NULL for a leaf */
  int output;         /* which of the node's outputs */
  br_tensor *grad;    /* of a leaf: what has been accumulated, or NULL */
  br_tensor *pending; /* during a backward pass */
  br_dtype dtype;     /* of the value */
  int ndim;
  int64_t shape[BR_MAX_DIM];
} br_var;

struct br_node {
  br_ref ref;
  uint64_t sequence;
  br_call call;      /* in and out are detached, some of them shapes only */
  br_var **input;    /* NULL where no gradient is wanted */
  br_var *output[BR_MAX_OUT]; /* not owned */
  int64_t version[BR_MAX_OUT + 64]; /* of the storages kept, in keeping order */
  bool queued, used;
};

/* Runs a call and records it when recording is on and an input takes part. */
br_status br_apply(br_call *c);

/* The operator row that br_function_backward ... */
bool br_recording(void);
bool br_set_recording(bool on); /* returns what it was */

bool br_requires_grad(const br_tensor *t);
br_status br_set_requires_grad(br_tensor *t, bool on);
bool br_is_leaf(const br_tensor *t);
/* Borrowed; NULL when there is none. */
br_tensor *br_grad_of(const br_tensor *t);
/* Replaces it; NULL removes it. */
br_status br_set_grad(br_tensor *t, br_tensor *grad);
/* The name of the operator that made t, or NULL. */
const char *br_made_by(const br_tensor *t);

/* From y back to every leaf, whose gradients accumulate. dy may be NULL for a y of one
   element. */
br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph);

#endif
