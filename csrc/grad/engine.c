/* The backward pass: it takes nodes from a heap in descending order of their number, so
   that a node comes after all nodes that used its results. There is no recursion.

   A hook, or a function written in Lua, may run an inner pass during a pass. Each pass
   marks what it owns by its depth, which is 1 for the outermost. Gradients that have
   arrived at a value for an outer pass are put aside until the inner pass has ended. */
#include "grad/grad.h"

#include <string.h>

typedef struct queued {
  br_node *node; /* owned */
  int before;    /* depth of an outer pass whose heap also has the node, or 0 */
} queued;

/* The gradient that an outer pass has gathered at a value, put aside. */
typedef struct aside {
  br_var *var; /* owned */
  br_tensor *pending;
  int depth;
} aside;

typedef struct engine {
  int depth;
  queued *heap; /* the node with the highest number is on top */
  int64_t count, room;
  br_var **leaf; /* the leaves at which a gradient has arrived; owned */
  int64_t leaves, leaf_room;
  aside *aside;
  int64_t asides, aside_room;
  bool retain;
  bool wanted_only; /* only wanted values get gradients; leaves accumulate nothing */
  bool ends;        /* the pass does not go on past a wanted value */
} engine;

static _Thread_local int depth; /* the number of passes that run */

/* Makes room for one more item of `size` bytes in a list. */
static br_status make_room(void *list, size_t size, int64_t count, int64_t *room) {
  void *old, *new;
  if (count < *room) return BR_OK;
  memcpy(&old, list, sizeof old);
  int64_t wider = *room ? 2 * *room : 64;
  new = br_alloc((size_t)wider * size);
  if (!new) return BR_ENOMEM;
  if (old) memcpy(new, old, (size_t)count * size);
  br_free(old);
  memcpy(list, &new, sizeof new);
  *room = wider;
  return BR_OK;
}

static br_status push(engine *e, br_node *node) {
  if (node->queued == e->depth) return BR_OK;
  if (make_room(&e->heap, sizeof *e->heap, e->count, &e->room) != BR_OK) return BR_ENOMEM;
  int64_t at = e->count++;
  for (; at > 0 && e->heap[(at - 1) / 2].node->sequence < node->sequence;
       at = (at - 1) / 2)
    e->heap[at] = e->heap[(at - 1) / 2];
  e->heap[at] = (queued){br_retain(node), node->queued};
  node->queued = e->depth;
  return BR_OK;
}

static br_node *pop(engine *e) {
  queued top = e->heap[0], last = e->heap[--e->count];
  int64_t at = 0;
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= e->count) break;
    if (child + 1 < e->count &&
        e->heap[child + 1].node->sequence > e->heap[child].node->sequence)
      child++;
    if (e->heap[child].node->sequence <= last.node->sequence) break;
    e->heap[at] = e->heap[child];
    at = child;
  }
  if (e->count > 0) e->heap[at] = last;
  top.node->queued = top.before;
  return top.node;
}

/* Returns g in the value's shape and type. */
static br_tensor *fitted(const br_var *v, br_tensor *g) {
  br_tensor *sum = br_sum_to(g, v->ndim, v->shape);
  if (!sum || sum->dtype == v->dtype) return sum;
  br_tensor *cast = br_tensor_like(sum, v->dtype);
  if (cast && br_copy(cast, sum) != BR_OK) {
    br_release(cast);
    cast = NULL;
  }
  br_release(sum);
  return cast;
}

static br_tensor *copied(br_tensor *t) {
  br_tensor *c = br_tensor_like(t, t->dtype);
  if (c && br_copy(c, t) != BR_OK) {
    br_release(c);
    c = NULL;
  }
  return c;
}

/* *to += g; g stays the caller's. The sum goes into the memory of *to if nobody else can
   see this memory, or if `share` allows that others see the change. */
static br_status add(br_tensor **to, br_tensor *g, bool share) {
  static const double one = 1;
  br_tensor *in[2] = {*to, g};
  if (share ? br_is_unexpanded(*to) : br_is_exclusive(*to)) {
    br_status status = br_map(K(add), g->dtype, *to, 2, in, &one);
    (*to)->storage->version++;
    return status;
  }
  br_tensor *sum = br_map_new(K(add), g, g->dtype, 2, in, &one);
  if (!sum) return BR_ENOMEM;
  br_release(*to);
  *to = sum;
  return BR_OK;
}

static br_status add_to(br_tensor **to, br_tensor *g, bool share) {
  static const br_op sum = {.name = "(sum of gradients)"};
  br_timer timer = br_timer_start();
  br_status status = add(to, g, share);
  br_timer_stop(&timer, sum.name, BR_BACKWARD, 0);
  return status;
}

static bool has_arrived(const engine *e, const br_var *v) {
  return v->pending && v->depth == e->depth;
}

static br_tensor *take_pending(const engine *e, br_var *v) {
  if (!has_arrived(e, v)) return NULL;
  br_tensor *g = v->pending;
  v->pending = NULL;
  return g;
}

static br_status put_aside(engine *e, br_var *v) {
  br_status status = make_room(&e->aside, sizeof *e->aside, e->asides, &e->aside_room);
  if (status) return status;
  e->aside[e->asides++] = (aside){br_retain(v), v->pending, v->depth};
  v->pending = NULL;
  return BR_OK;
}

/* Whether the value's gradient goes only to the caller of the pass, who asked for it. */
static bool is_taken(const engine *e, const br_var *v) {
  return e->ends && v->want && v->want_depth == e->depth;
}

/* Whether no gradient goes on from the value: it is a leaf, or the pass ends there. */
static bool ends_at(const engine *e, const br_var *v) {
  return !v->node || is_taken(e, v);
}

/* The row of an arena into which the value's gradient goes, or NULL. A value with hooks
   has no row, because hooks may keep the tensor that they get. */
static br_tensor *row_of(const engine *e, const br_var *v) {
  return is_taken(e, v) && !v->hooks ? v->row : NULL;
}

/* Copies g into the row, as the first gradient that arrives there. */
static br_tensor *begin_row(br_tensor *row, br_tensor *g) {
  return br_copy(row, g) == BR_OK ? br_retain(row) : NULL;
}

/* Adds g to the gradient that the value has received in this pass; g stays the caller's.
 */
static br_status accumulate(engine *e, br_var *v, br_tensor *g) {
  if (v->pending && v->depth != e->depth && put_aside(e, v) != BR_OK) return BR_ENOMEM;
  br_tensor *fit = fitted(v, g), *row = row_of(e, v);
  if (!fit) return BR_ENOMEM;
  br_status status = BR_OK;
  if (v->pending) {
    status = add_to(&v->pending, fit, row != NULL);
    br_release(fit);
    return status;
  }
  if (row) {
    br_tensor *begun = begin_row(row, fit);
    br_release(fit);
    fit = begun;
    if (!fit) return BR_ENOMEM;
  }
  if (ends_at(e, v)) {
    status = make_room(&e->leaf, sizeof *e->leaf, e->leaves, &e->leaf_room);
    if (!status) e->leaf[e->leaves++] = br_retain(v);
  }
  if (status) {
    br_release(fit);
  } else {
    v->pending = fit;
    v->depth = e->depth;
  }
  return status;
}

/* Runs the hooks that the value has at the beginning, except those that a hook removes
   on the way. */
static br_status run_hooks(br_var *v, br_tensor **grad) {
  int64_t n = 0;
  br_status status = BR_OK;
  for (br_hook *hook = v->hooks; hook; hook = hook->next) n++;
  br_hook **list = br_alloc((size_t)n * sizeof *list);
  if (!list) return BR_ENOMEM;
  n = 0;
  for (br_hook *hook = v->hooks; hook; hook = hook->next) list[n++] = br_retain(hook);
  for (int64_t i = 0; i < n; i++) {
    if (!status && list[i]->number) status = list[i]->run(list[i], grad);
    br_release(list[i]);
  }
  br_free(list);
  return status;
}

/* Called when a value's gradient is complete: runs its hooks, and hands the gradient to
   the caller if asked for. */
static br_status complete(const engine *e, br_var *v, br_tensor **grad) {
  br_retain(v);
  br_status status = v->hooks ? run_hooks(v, grad) : BR_OK;
  if (!status && v->want && v->want_depth == e->depth) *v->want = br_retain(*grad);
  br_release(v);
  return status;
}

/* Completes the gradient that arrived at a leaf. */
static br_status complete_leaf(const engine *e, br_var *v) {
  if (!v->hooks && !v->want) return BR_OK;
  br_tensor *g = take_pending(e, v);
  br_status status = complete(e, v, &g);
  v->pending = g;
  v->depth = e->depth;
  return status;
}

/* Adds the arrived gradient to a leaf's gradient. The user may change that one, so
   nobody else may hold its memory. */
static br_status deliver(const engine *e, br_var *v) {
  br_tensor *g = take_pending(e, v);
  br_status status = BR_OK;
  if (!e->wanted_only && !is_taken(e, v)) {
    if (v->grad) {
      status = add_to(&v->grad, g, true);
    } else {
      v->grad = br_is_exclusive(g) ? br_retain(g) : copied(g);
      status = v->grad ? BR_OK : BR_ENOMEM;
    }
  }
  br_release(g);
  return status;
}

static br_status take_gradients(const engine *e, br_node *node) {
  br_status status = BR_OK;
  for (int i = 0; i < node->call.nout && !status; i++) {
    br_var *v = node->output[i];
    node->call.dy[i] = v ? take_pending(e, v) : NULL;
    if (node->call.dy[i]) status = complete(e, v, &node->call.dy[i]);
  }
  return status;
}

static bool has_hooks(const br_node *node) {
  for (int i = 0; i < node->call.nout; i++)
    if (node->output[i] && node->output[i]->hooks) return true;
  return false;
}

/* After a failure: drops the gradients that have not reached their nodes. */
static void drop_pending(const engine *e, br_node *node) {
  for (int i = 0; i < BR_MAX_OUT; i++)
    if (node->output[i]) br_release(take_pending(e, node->output[i]));
}

/* Hands the gradients that a node's backward made on to its inputs. */
static br_status pass_on(engine *e, br_node *node) {
  br_status status = BR_OK;
  for (int i = 0; i < node->call.nin && !status; i++) {
    br_var *v = node->edge[i].var;
    br_tensor *dx = node->call.dx[i];
    if (!dx || !v) continue;
    status = br_check_finite(dx, node->call.op->name, node);
    if (!status) status = accumulate(e, v, dx);
    if (status || ends_at(e, v)) continue;
    status = push(e, v->node);
    if (status) br_release(take_pending(e, v));
  }
  return status;
}

static br_status run_node(engine *e, br_node *node) {
  br_call *c = &node->call;
  if (node->used)
    return br_fail(
        BR_EINVAL,
        "backward: an earlier backward went through this %s and freed its tensors; pass {retain_graph = true} to the earlier one",
        c->op->name);
  if (node->running)
    return br_fail(
        BR_EINVAL,
        "backward: a hook or gradient function that runs in %s has called backward through the same %s",
        c->op->name, c->op->name);
  br_status status = br_node_check(node);
  if (status) return status;
  br_tensor **dx = br_alloc_zero((size_t)c->nin * (2 * sizeof *dx + sizeof(bool)) + 1);
  if (!dx) return BR_ENOMEM;
  br_tensor **into = dx + c->nin;
  bool *need = (bool *)(void *)(into + c->nin);
  for (int i = 0; i < c->nin; i++) need[i] = node->edge[i].var != NULL;
  c->dx = dx;
  c->into = into;
  c->need = need;
  node->running = true;
  bool hooks = has_hooks(node);
  status = take_gradients(e, node);
  if (!status && hooks) status = br_node_check(node); /* they may have written to it */
  for (int i = 0; i < c->nin; i++) { /* after the hooks, which may compute gradients */
    br_var *v = node->edge[i].var;
    if (v && has_arrived(e, v) && (row_of(e, v) || br_is_exclusive(v->pending)))
      into[i] = v->pending;
  }
  br_timer timer = br_timer_start();
  if (!status) status = br_call_back(c);
  br_timer_stop(&timer, br_call_name(c), BR_BACKWARD, c->place);
  for (int i = 0; i < BR_MAX_OUT; i++) {
    br_release(c->dy[i]);
    c->dy[i] = NULL;
  }
  if (!status) status = pass_on(e, node);
  for (int i = 0; i < c->nin; i++) br_release(dx[i]);
  c->dx = c->into = NULL;
  br_free(dx);
  node->running = false;
  if (!e->retain) {
    node->used = true;
    br_node_forget(node);
  }
  return status;
}

static br_tensor *first_gradient(const br_tensor *y, br_tensor *dy) {
  static const double one = 1;
  if (dy) return br_retain(dy);
  br_tensor *g = br_tensor_new(y->dtype, y->ndim, y->shape, BR_CONTIGUOUS);
  if (g) br_map(K(fill), y->dtype, g, 0, NULL, &one);
  return g;
}

/* Gives the outer passes back what was put aside. */
static void restore(engine *e) {
  for (int64_t i = 0; i < e->asides; i++) {
    aside *a = &e->aside[i];
    a->var->pending = a->pending;
    a->var->depth = a->depth;
    br_release(a->var);
  }
  br_free(e->aside);
}

static br_status begin(engine *e, br_tensor *y, br_tensor *dy) {
  br_var *v = br_var_of(y);
  br_tensor *g = first_gradient(y, dy);
  br_status status = g ? accumulate(e, v, g) : BR_ENOMEM;
  br_release(g);
  if (!status && !ends_at(e, v)) status = push(e, v->node);
  if (status) br_release(take_pending(e, v));
  return status;
}

static br_status run(engine *e, int n, br_tensor *const *y, br_tensor *const *dy) {
  br_status status = BR_OK;
  for (int i = 0; i < n && !status; i++) status = begin(e, y[i], dy[i]);
  while (e->count > 0) {
    br_node *node = pop(e);
    if (!status) status = run_node(e, node);
    if (status) drop_pending(e, node);
    br_release(node);
  }
  /* All hooks come before the first leaf changes, since a hook may fail. */
  for (int64_t i = 0; i < e->leaves && !status; i++)
    status = complete_leaf(e, e->leaf[i]);
  for (int64_t i = 0; i < e->leaves; i++) {
    if (!status)
      status = deliver(e, e->leaf[i]);
    else
      br_release(take_pending(e, e->leaf[i]));
    br_release(e->leaf[i]);
  }
  br_free(e->heap);
  br_free(e->leaf);
  restore(e);
  return status;
}

int br_next_depth(void) { return depth + 1; }

br_status br_run_pass(const br_pass *p) {
  engine e = {.retain = p->retain, .wanted_only = p->wanted_only, .ends = p->ends};
  bool was = br_set_recording(false); /* hooks and functions may compute */
  e.depth = ++depth;
  br_status status = run(&e, p->n, p->y, p->dy);
  depth--;
  br_set_recording(was);
  return status;
}
