/* Autograd: recording operator calls and going back over them.

   A value that takes part has a record (br_var), hung on its tensor. A record made by an
   operator points to the node that made it, a leaf's to none. A node keeps the call, its
   tensors detached, and the records of its inputs. Outputs own nodes, nodes own their
   inputs' records: a graph lives as long as something can still ask for its gradients. */
#ifndef BR_GRAD_H
#define BR_GRAD_H

#include "op/op.h"

typedef struct br_node br_node;

/* Something to do with a gradient when it is complete: look at it, or put another in its
   place (releasing the old one). */
typedef struct br_hook {
  br_ref ref;
  struct br_hook *next;
  int64_t number; /* of all hooks; 0 once it has been removed */
  br_status (*run)(struct br_hook *self, br_tensor **grad);
} br_hook;

typedef struct br_var {
  br_ref ref;
  br_node *node;      /* what made the value; NULL for a leaf */
  int output;         /* which of the node's outputs it is */
  br_tensor *grad;    /* of a leaf: what has accumulated, or NULL */
  br_tensor *pending; /* what has arrived during a backward pass */
  int depth;          /* of the pass that it arrived in */
  int want_depth;     /* of the pass that wants the gradient */
  br_tensor **want;   /* where br_backward_to puts it; NULL otherwise */
  br_tensor *row; /* of a value whose gradient ends in that pass: what it is added to */
  uint64_t walk;  /* the last walk that met it, see reach.c */
  int met;        /* in how many of a round's walks it was */
  br_hook *hooks; /* owned, run in the order of adding */
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
  int queued; /* the depth of the pass that has it in its heap; 0: none has */
  bool running, used;
  uint64_t walk; /* as of a br_var */
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

/* From y back to every leaf, where gradients accumulate. dy may be NULL for a y of one
   element; it counts as 1 then. A pass that fails changes no gradient. */
br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph);
/* From y back to n tensors: grads[i] becomes the gradient of targets[i], which the caller
   then owns, or NULL where y does not depend on it. No leaf accumulates anything. */
br_status br_backward_to(br_tensor *y, br_tensor *dy, bool retain_graph, int n,
                         br_tensor *const *targets, br_tensor **grads);

/* From n tensors back to every leaf at once, as br_backward does, but for the `count`
   targets, where the gradient ends: that of targets[i] is written to rows[i], of its
   shape, which then nobody else may use, or added to what has come there in this pass.
   Where nothing comes the row stays as it is. */
br_status br_backward_rows(int n, br_tensor *const *y, br_tensor *const *dy,
                           bool retain_graph, int count, br_tensor *const *targets,
                           br_tensor *const *rows);

/* ---- what values depend on (reach.c) ---- */

/* How many of the n tensors depend on each of the targets. */
br_status br_reach(int n, br_tensor *const *y, int count, br_tensor *const *targets,
                   int *reached);
/* The values that two or more of the n tensors depend on, at which what only one of them
   depends on begins: through these all gradients come that tensors have in common. Each
   is a shape without values; the list, *count long, and they are the caller's. */
br_status br_frontier(int n, br_tensor *const *y, int *count, br_tensor ***found);

/* Takes over the hook and gives it a number. t must take part. */
int64_t br_add_hook(br_tensor *t, br_hook *hook);
void br_remove_hook(br_tensor *t, int64_t number);

/* While on, the first operator whose result or gradient holds NaN or Inf is an error that
   names it; of a gradient also where in the user's script its operator ran, if the
   binding notes the place before each call. */
bool br_set_anomaly(bool on); /* returns what it was */
bool br_anomaly(void);
void br_note_place(const char *place);

/* ---- between backward.c and engine.c ---- */

/* From n tensors back to the leaves. */
typedef struct br_pass {
  int n;
  br_tensor *const *y, *const *dy;
  bool retain;
  bool wanted_only; /* leaves accumulate nothing */
  bool ends;        /* gradients that are wanted end there */
} br_pass;

br_status br_run_pass(const br_pass *p);
int br_next_depth(void); /* that the next pass will have */

/* ---- between record.c and engine.c ---- */

br_var *br_var_of(const br_tensor *t);
/* The node lets go of what it kept. */
void br_node_forget(br_node *node);
/* An error that says `what` when anomalies are looked for and t holds NaN or Inf. */
br_status br_check_finite(br_tensor *t, const char *what, const br_node *node);
/* An error when a tensor kept for the gradient has been written to since. */
br_status br_node_check(const br_node *node);

/* ---- tensors among indices (pick.c) ---- */

/* A mask, which covers as many dimensions as it has, or a tensor of indices, and the
   dimension that it begins at. */
typedef struct br_pick {
  br_tensor *key;
  int dim;
} br_pick;

/* The part of x that the picks, in the order of their dimensions, choose; NULL with a
   message. */
br_tensor *br_pick_read(br_tensor *x, const br_pick *pick, int n);
/* Writes there; of several values for one place the last counts. Not recorded. */
br_status br_pick_write(br_tensor *x, const br_pick *pick, int n, br_tensor *value);

#endif
