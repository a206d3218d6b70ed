/* Autograd: recording operator calls and going back over them.

   A value that takes part has a record (br_var) on its tensor. The record of an
   operator's result points to the node of the call; a leaf's record has no node. A node
   keeps the call, with detached tensors, and the records of its inputs. Outputs own
   nodes, and nodes own their inputs' records, so a graph lives as long as gradients can
   be asked for. */
#ifndef BR_GRAD_H
#define BR_GRAD_H

#include "op/op.h"

typedef struct br_node br_node;

/* A function that is called with a complete gradient. It may look at the gradient, or
   replace it by another (and release the old one). */
typedef struct br_hook {
  br_ref ref;
  struct br_hook *next;
  int64_t number; /* unique among hooks; 0 once the hook was removed */
  br_status (*run)(struct br_hook *self, br_tensor **grad);
} br_hook;

typedef struct br_var {
  br_ref ref;
  br_node *node;      /* what made the value; NULL for a leaf */
  int output;         /* which of the node's outputs it is */
  br_tensor *grad;    /* a leaf's accumulated gradient, or NULL */
  br_tensor *pending; /* the gradient that has arrived during a backward pass */
  int depth;          /* the depth of the pass in which it arrived */
  int want_depth;     /* the depth of the pass that wants the gradient */
  br_tensor **want;   /* where br_backward_to puts it; NULL otherwise */
  br_tensor *row;     /* where a gradient that ends in that pass is added, or NULL */
  uint64_t walk;      /* the last walk that met this value, see reach.c */
  int met;            /* how many of a round's walks met it */
  br_hook *hooks;     /* owned, run in the order of adding */
  br_dtype dtype;
  int ndim;
  int64_t shape[BR_MAX_DIM];
} br_var;

/* One input of a node. */
typedef struct br_edge {
  br_var *var;     /* NULL where no gradient is wanted */
  int64_t version; /* the version of the kept storage at the time of the call */
} br_edge;

struct br_node {
  br_ref ref;
  br_node *next; /* in the list of nodes to free */
  uint64_t sequence;
  br_call call;
  br_edge *edge;              /* one for each input */
  br_var *output[BR_MAX_OUT]; /* not owned; NULL once nobody holds it */
  int64_t version[BR_MAX_OUT];
  int queued; /* the depth of the pass that has the node in its heap; 0: none has */
  bool running, used;
  uint64_t walk; /* walk and met: as in br_var */
  int met;
  char place[96]; /* where it was recorded, when anomalies are looked for */
};

/* Whether a call would be recorded. */
bool br_takes_part(const br_call *c);

/* Runs a call, and records it when recording is on and an input takes part. */
br_status br_apply(br_call *c);

/* Records a call that was carried out elsewhere, if an input takes part: its op's
   backward is given the call back. The call's outputs must be new tensors. */
br_status br_record(br_call *c);

bool br_recording(void);
bool br_set_recording(bool on); /* returns what it was */

bool br_requires_grad(const br_tensor *t);
br_status br_set_requires_grad(br_tensor *t, bool on);
br_tensor *br_grad_of(const br_tensor *t); /* borrowed; NULL when there is none */
br_status br_set_grad(br_tensor *t, br_tensor *grad); /* NULL removes it */
const char *br_made_by(const br_tensor *t); /* an operator's name; NULL for a leaf */

/* Goes from y back to every leaf, where gradients accumulate. dy may be NULL for a y of
   one element, and then counts as 1. A pass that fails changes no gradient. */
br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph);
/* Goes from y back to n tensors. grads[i] becomes the gradient of targets[i], which the
   caller then owns, or NULL where y does not depend on it. No leaf accumulates. */
br_status br_backward_to(br_tensor *y, br_tensor *dy, bool retain_graph, int n,
                         br_tensor *const *targets, br_tensor **grads);

/* The tensors where a pass begins, each with its gradient, and the targets where it
   ends. The gradient of target[i] is written to row[i], which has its shape and which
   nobody else may use. Further gradients of the pass are added there. */
typedef struct br_ends {
  int n, targets;
  br_tensor *const *y, *const *dy;
  br_tensor *const *target, *const *row;
} br_ends;

/* Goes from n tensors back to every leaf at once, as br_backward does, but gradients end
   at the targets. A row stays as it is where no gradient arrives. */
br_status br_backward_rows(const br_ends *e, bool retain_graph);

/* ---- what values depend on (reach.c) ---- */

/* How many of the n tensors depend on each of the targets. */
br_status br_reach(int n, br_tensor *const *y, int count, br_tensor *const *targets,
                   int *reached);
/* The frontier: each of its values is needed by two or more of the n tensors, and is
   used directly for a value that only one of them needs. All gradients that the tensors
   share come through these values. Each is given as a shape without values. The caller
   owns the list, *count long, and the shapes. */
br_status br_frontier(int n, br_tensor *const *y, int *count, br_tensor ***found);

/* Takes over the hook and gives it a number. t must take part. */
int64_t br_add_hook(br_tensor *t, br_hook *hook);
void br_remove_hook(br_tensor *t, int64_t number);

/* While it is on, an error names the first operator whose result or gradient holds NaN or
   Inf. For a gradient the error also names the line of the user's script that called the
   operator, if the binding notes the line before each call. */
bool br_set_anomaly(bool on); /* returns what it was */
bool br_anomaly(void);
void br_note_place(const char *place);

/* ---- between backward.c and engine.c ---- */

/* A pass from n tensors back to the leaves. */
typedef struct br_pass {
  int n;
  br_tensor *const *y, *const *dy;
  bool retain;
  bool wanted_only; /* only wanted values get gradients; leaves accumulate nothing */
  bool ends;        /* the pass does not go on past a wanted value */
} br_pass;

br_status br_run_pass(const br_pass *p);
int br_next_depth(void); /* the depth that the next pass will have */

/* ---- between record.c and engine.c ---- */

br_var *br_var_of(const br_tensor *t);
/* Releases what the node kept. */
void br_node_forget(br_node *node);
/* While anomalies are looked for: an error that says `what` if t holds NaN or Inf. */
br_status br_check_finite(br_tensor *t, const char *what, const br_node *node);
/* An error if a tensor that was kept for the gradient has been changed since. */
br_status br_node_check(const br_node *node);

/* ---- tensors among indices (pick.c) ---- */

/* A mask or a tensor of indices, and the dimension of x at which it begins. A mask
   covers as many dimensions as it has. */
typedef struct br_pick {
  br_tensor *key;
  int dim;
} br_pick;

/* The part of x that the picks, in the order of their dimensions, choose; NULL with a
   message. */
br_tensor *br_pick_read(br_tensor *x, const br_pick *pick, int n);
/* Writes to this part of x. If several values go to one place, the last counts. The
   change is not recorded. */
br_status br_pick_write(br_tensor *x, const br_pick *pick, int n, br_tensor *value);

#endif
