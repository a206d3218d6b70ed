/* The backward pass: nodes in descending order of sequence, from a heap, so that each is
   reached after all that used its results; never by recursion. */
#include "grad/grad.h"

#include <string.h>

typedef struct engine {
  br_node **heap; /* the latest on top; each entry owns its node */
  int64_t count, room;
  br_var **leaf; /* those that something has arrived at; owned */
  int64_t leaves, leaf_room;
  bool retain;
  bool wanted_only; /* leaves accumulate nothing */
} engine;

/* Room for one more in a list of pointers. */
static br_status make_room(void *list, int64_t count, int64_t *room) {
  void **old, **new;
  if (count < *room) return BR_OK;
  memcpy(&old, list, sizeof old);
  int64_t wider = *room ? 2 * *room : 64;
  new = br_alloc((size_t)wider * sizeof *new);
  if (!new) return BR_ENOMEM;
  if (old) memcpy(new, old, (size_t)count * sizeof *new);
  br_free(old);
  memcpy(list, &new, sizeof new);
  *room = wider;
  return BR_OK;
}

static br_status push(engine *e, br_node *node) {
  if (node->queued) return BR_OK;
  if (make_room(&e->heap, e->count, &e->room) != BR_OK) return BR_ENOMEM;
  int64_t at = e->count++;
  for (; at > 0 && e->heap[(at - 1) / 2]->sequence < node->sequence; at = (at - 1) / 2)
    e->heap[at] = e->heap[(at - 1) / 2];
  e->heap[at] = br_retain(node);
  node->queued = true;
  return BR_OK;
}

static br_node *pop(engine *e) {
  br_node *top = e->heap[0], *last = e->heap[--e->count];
  int64_t at = 0;
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= e->count) break;
    if (child + 1 < e->count && e->heap[child + 1]->sequence > e->heap[child]->sequence)
      child++;
    if (e->heap[child]->sequence <= last->sequence) break;
    e->heap[at] = e->heap[child];
    at = child;
  }
  if (e->count > 0) e->heap[at] = last;
  top->queued = false;
  return top;
}

/* g in the value's shape and type. */
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

/* *to += g, which is the caller's; into the memory of *to if nobody else can see it or
   `share` says that they may. */
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
  br_timer_stop(&timer, &sum, BR_BACKWARD);
  return status;
}

/* Adds g, which stays the caller's, to what the value has received in this pass. */
static br_status accumulate(engine *e, br_var *v, br_tensor *g) {
  br_tensor *fit = fitted(v, g);
  if (!fit) return BR_ENOMEM;
  br_status status = BR_OK;
  if (v->pending) {
    status = add_to(&v->pending, fit, false);
    br_release(fit);
    return status;
  }
  if (!v->node) {
    status = make_room(&e->leaf, e->leaves, &e->leaf_room);
    if (!status) e->leaf[e->leaves++] = br_retain(v);
  }
  if (status)
    br_release(fit);
  else
    v->pending = fit;
  return status;
}

/* The value's gradient is complete: its hooks run, and who wants it gets it. */
static br_status complete(br_var *v, br_tensor **grad) {
  br_status status = BR_OK;
  for (br_hook *hook = v->hooks, *next; hook && !status; hook = next) {
    br_retain(hook); /* it may remove itself */
    next = hook->next;
    status = hook->run(hook, grad);
    br_release(hook);
  }
  if (!status && v->want) *v->want = br_retain(*grad);
  return status;
}

/* Gives a leaf what has arrived. What it keeps is the user's to change, so that nobody
   else may hold it. */
static br_status deliver(const engine *e, br_var *v) {
  br_tensor *g = v->pending;
  v->pending = NULL;
  br_status status = complete(v, &g);
  if (!status && !e->wanted_only) {
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

static br_status take_gradients(br_node *node) {
  for (int i = 0; i < node->call.nout; i++) {
    br_var *v = node->output[i];
    if (!v) continue;
    node->call.dy[i] = v->pending;
    v->pending = NULL;
    if (node->call.dy[i] && complete(v, &node->call.dy[i]) != BR_OK) return BR_EINVAL;
  }
  return BR_OK;
}

/* Hands what backward made on to the inputs. */
static br_status pass_on(engine *e, br_node *node) {
  br_status status = BR_OK;
  for (int i = 0; i < node->call.nin && !status; i++) {
    br_var *v = node->edge[i].var;
    br_tensor *dx = node->call.dx[i];
    if (!dx || !v) continue;
    status = br_check_finite(dx, node->call.op->name, node);
    if (!status) status = accumulate(e, v, dx);
    if (!status && v->node) status = push(e, v->node);
  }
  return status;
}

static br_status run_node(engine *e, br_node *node) {
  br_call *c = &node->call;
  if (node->used)
    return br_fail(BR_EINVAL,
                   "backward: %s has been gone through before and its tensors are "
                   "freed; pass {retain_graph = true} the first time",
                   c->op->name);
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
  status = take_gradients(node);
  for (int i = 0; i < c->nin; i++) { /* after the hooks, which may compute gradients */
    br_var *v = node->edge[i].var;
    if (v && v->pending && br_is_exclusive(v->pending)) into[i] = v->pending;
  }
  br_timer timer = br_timer_start();
  if (!status) status = br_call_back(c);
  br_timer_stop(&timer, c->op, BR_BACKWARD);
  for (int i = 0; i < BR_MAX_OUT; i++) {
    br_release(c->dy[i]);
    c->dy[i] = NULL;
  }
  if (!status) status = pass_on(e, node);
  for (int i = 0; i < c->nin; i++) br_release(dx[i]);
  c->dx = c->into = NULL;
  br_free(dx);
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

static br_status check_start(const br_tensor *y, const br_tensor *dy) {
  if (!y->var)
    return br_fail(BR_EINVAL,
                   "backward: the tensor does not depend on any that requires a "
                   "gradient");
  if (!dy && y->numel != 1)
    return br_fail(BR_EINVAL,
                   "backward: a tensor of shape %s wants {gradient = ...}; only "
                   "one of a single element does without",
                   br_shape_of(y));
  if (dy && !br_same_shape(y, dy))
    return br_fail(BR_EINVAL, "backward: the gradient has shape %s, the tensor %s",
                   br_shape_of(dy), br_shape_of(y));
  return BR_OK;
}

/* After a failure: what is on its way is forgotten. */
static void drop_pending(br_node *node) {
  for (int i = 0; i < BR_MAX_OUT; i++) {
    if (!node->output[i]) continue;
    br_release(node->output[i]->pending);
    node->output[i]->pending = NULL;
  }
}

static br_status run(engine *e, br_tensor *y, br_tensor *dy) {
  br_var *v = br_var_of(y);
  br_tensor *g = first_gradient(y, dy);
  br_status status = g ? accumulate(e, v, g) : BR_ENOMEM;
  br_release(g);
  if (!status && v->node) status = push(e, v->node);
  while (e->count > 0) {
    br_node *node = pop(e);
    if (!status)
      status = run_node(e, node);
    else
      drop_pending(node);
    br_release(node);
  }
  for (int64_t i = 0; i < e->leaves; i++) {
    if (!status) {
      status = deliver(e, e->leaf[i]);
    } else {
      br_release(e->leaf[i]->pending);
      e->leaf[i]->pending = NULL;
    }
    br_release(e->leaf[i]);
  }
  br_free(e->heap);
  br_free(e->leaf);
  return status;
}

br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph) {
  engine e = {.retain = retain_graph};
  br_status status = check_start(y, dy);
  if (status) return status;
  bool was = br_set_recording(false); /* hooks and functions may compute */
  status = run(&e, y, dy);
  br_set_recording(was);
  return status;
}

br_status br_backward_to(br_tensor *y, br_tensor *dy, bool retain_graph, int n,
                         br_tensor *const *targets, br_tensor **grads) {
  engine e = {.retain = retain_graph, .wanted_only = true};
  for (int i = 0; i < n; i++) grads[i] = NULL; /* whatever is refused below */
  br_status status = check_start(y, dy);
  for (int i = 0; i < n && !status; i++) {
    if (!targets[i]->var)
      status = br_fail(BR_EINVAL, "grad: input %d does not require a gradient", i + 1);
    else if (br_var_of(targets[i])->want)
      status = br_fail(BR_EINVAL, "grad: input %d is given twice", i + 1);
    else
      br_var_of(targets[i])->want = &grads[i];
  }
  bool was = br_set_recording(false);
  if (!status) status = run(&e, y, dy);
  br_set_recording(was);
  for (int i = 0; i < n; i++) {
    if (targets[i]->var) br_var_of(targets[i])->want = NULL;
    if (!status) continue;
    br_release(grads[i]);
    grads[i] = NULL;
  }
  return status;
}
