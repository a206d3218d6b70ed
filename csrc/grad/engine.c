/* The backward pass: nodes in descending order of sequence, from a heap, so that each is
   reached after all that used its results; never by recursion. */
#include "grad/grad.h"

#include <string.h>

typedef struct engine {
  br_node **heap; /* the latest on top; each entry owns its node */
  int64_t count, room;
  bool retain;
} engine;

static br_status push(engine *e, br_node *node) {
  if (node->queued) return BR_OK;
  if (e->count == e->room) {
    int64_t room = e->room ? 2 * e->room : 64;
    br_node **heap = br_alloc((size_t)room * sizeof *heap);
    if (!heap) return BR_ENOMEM;
    if (e->heap) memcpy(heap, e->heap, (size_t)e->count * sizeof *heap);
    br_free(e->heap);
    e->heap = heap;
    e->room = room;
  }
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

/* Whether every element has a place of its own. */
static bool unexpanded(const br_tensor *t) {
  for (int d = 0; d < t->ndim; d++)
    if (t->shape[d] > 1 && t->stride[d] == 0) return false;
  return true;
}

/* Whether nobody else can see t's memory. */
static bool exclusive(const br_tensor *t) {
  return atomic_load(&t->ref.count) == 1 && atomic_load(&t->storage->ref.count) == 1 &&
         unexpanded(t);
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

/* Adds g, which stays the caller's, to what the value has received. */
static br_status accumulate(br_var *v, br_tensor *g) {
  static const double one = 1;
  br_tensor **to = v->node ? &v->pending : &v->grad;
  br_tensor *fit = fitted(v, g);
  if (!fit) return BR_ENOMEM;
  if (!*to) {
    /* what a leaf keeps is the user's to change: nobody else may hold it. g itself is
       released by the caller, which leaves one owner when fit is g. */
    bool ours = atomic_load(&fit->storage->ref.count) == 1 && unexpanded(fit);
    if (atomic_load(&fit->ref.count) > (fit == g ? 2 : 1)) ours = false;
    if (v->node || ours) {
      *to = fit;
      return BR_OK;
    }
    *to = copied(fit);
    br_release(fit);
    return *to ? BR_OK : BR_ENOMEM;
  }
  br_tensor *in[2] = {*to, fit};
  br_status status = BR_OK;
  if (v->node ? exclusive(*to) : unexpanded(*to)) {
    status = br_map(K(add), v->dtype, *to, 2, in, &one);
    (*to)->storage->version++;
  } else {
    br_tensor *sum = br_map_new(K(add), fit, v->dtype, 2, in, &one);
    if (sum) br_release(*to);
    if (sum) *to = sum;
    status = sum ? BR_OK : BR_ENOMEM;
  }
  br_release(fit);
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
  for (int i = 0; i < c->nout; i++) {
    if (!node->output[i]) continue;
    c->dy[i] = node->output[i]->pending;
    node->output[i]->pending = NULL;
  }
  br_tensor **dx = br_alloc_zero((size_t)c->nin * (sizeof *dx + sizeof(bool)) + 1);
  if (!dx) return BR_ENOMEM;
  bool *need = (bool *)(void *)(dx + c->nin);
  for (int i = 0; i < c->nin; i++) need[i] = node->edge[i].var != NULL;
  c->dx = dx;
  c->need = need;
  status = c->op->backward(c);
  for (int i = 0; i < BR_MAX_OUT; i++) {
    br_release(c->dy[i]);
    c->dy[i] = NULL;
  }
  for (int i = 0; i < c->nin; i++) {
    br_var *v = node->edge[i].var;
    if (!status && dx[i] && v) status = accumulate(v, dx[i]);
    if (!status && dx[i] && v && v->node) status = push(e, v->node);
    br_release(dx[i]);
  }
  c->dx = NULL;
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

br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph) {
  engine e = {.retain = retain_graph};
  br_var *v = br_var_of(y);
  if (!v)
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
  br_tensor *g = first_gradient(y, dy);
  br_status status = g ? accumulate(v, g) : BR_ENOMEM;
  br_release(g);
  if (!status && v->node) status = push(&e, v->node);
  while (e.count > 0) {
    br_node *node = pop(&e);
    if (!status) {
      status = run_node(&e, node);
    } else { /* a failed pass leaves nothing behind */
      for (int i = 0; i < BR_MAX_OUT; i++) {
        if (!node->output[i]) continue;
        br_release(node->output[i]->pending);
        node->output[i]->pending = NULL;
      }
    }
    br_release(node);
  }
  br_free(e.heap);
  return status;
}
