/* Autograd: recording operator calls and going back over them.

   A value that takes part has a record (br_var), hung on its tensor. A record made by an
   operator points to the node that made it, a leaf's to none. A node keeps the call, its
   tensors detached, and the records of its inputs. Outputs own nodes, nodes own their
   inputs' records: a graph lives as long as something can still ask for its gradients. */
#ifndef BR_GRAD_H
#define BR_GRAD_H

#include "op/op.h"

typedef struct br_node br_node;

typedef struct br_var {
  br_ref ref;
  br_node *node;      /* what made the value; NULL for a leaf */
  int output;         /* which of the node's outputs it is */
  br_tensor *grad;    /* of a leaf: what has accumulated, or NULL */
  br_tensor *pending; /* what has arrived during a backward pass */
  br_dtype dtype;
  int ndim;
  int64_t shape[BR_MAX_DIM];
} br_var;

/* One input of a node. */
typedef struct br_edge {
  br_var *var;     /* NULL where no gradient is wanted */
  int64_t version; /* of the storage kept, when it was */
} br_edge;

struct br_node {
  br_ref ref;
  br_node *next; /* in the list of nodes to free */
  uint64_t sequence;
  br_call call;
  br_edge *edge;              /* one for each input */
  br_var *output[BR_MAX_OUT]; /* not owned; NULL once nobody holds it */
  int64_t version[BR_MAX_OUT];
  bool queued, used;
};

/* Runs a call, and records it when recording is on and an input takes part. */
br_status br_apply(br_call *c);

bool br_recording(void);
bool br_set_recording(bool on); /* returns what it was */

bool br_requires_grad(const br_tensor *t);
br_status br_set_requires_grad(br_tensor *t, bool on);
br_tensor *br_grad_of(const br_tensor *t); /* borrowed; NULL when there is none */
br_status br_set_grad(br_tensor *t, br_tensor *grad); /* NULL removes it */
const char *br_made_by(const br_tensor *t); /* an operator's name; NULL for a leaf */

/* From y back to every leaf, where gradients accumulate. dy may be NULL for a y of one
   element; it counts as 1 then. */
br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph);

/* ---- between record.c and engine.c ---- */

br_var *br_var_of(const br_tensor *t);
/* The node lets go of what it kept. */
void br_node_forget(br_node *node);
/* An error when a tensor kept for the gradient has been written to since. */
br_status br_node_check(const br_node *node);

#endif
