/* Records of values, nodes of calls, and how calls are recorded. */
#include "grad/grad.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "op/trace.h"

static _Thread_local bool recording = true;
static atomic_uint_least64_t next_sequence = 1;

/* Nodes whose last owner has gone. A loop frees them: if each node freed the next one,
   every node of a chain would take a stack frame. */
static _Thread_local br_node *doomed;
static _Thread_local bool freeing;

static void var_destroy(void *self) {
  br_var *v = self;
  if (v->node && v->node->output[v->output] == v) v->node->output[v->output] = NULL;
  br_release(v->node);
  br_release(v->grad);
  br_release(v->pending);
  while (v->hooks) {
    br_hook *hook = v->hooks;
    v->hooks = hook->next;
    br_release(hook);
  }
  br_free(v);
}

void br_node_forget(br_node *node) {
  br_call *c = &node->call;
  for (int i = 0; i < c->nin; i++) {
    br_release(c->in[i]);
    c->in[i] = NULL;
  }
  br_call_clear(c);
}

static void node_destroy(void *self) {
  br_node *node = self;
  node->next = doomed;
  doomed = node;
  if (freeing) return;
  freeing = true;
  while (doomed) {
    node = doomed;
    doomed = node->next;
    br_node_forget(node);
    for (int i = 0; i < node->call.nin; i++) br_release(node->edge[i].var);
    br_free(node->edge);
    if (node->call.in != node->call.few) br_free(node->call.in);
    br_free(node);
  }
  freeing = false;
}

br_var *br_var_of(const br_tensor *t) { return (br_var *)(void *)t->var; }

static br_var *var_new(const br_tensor *t, br_node *node, int output) {
  br_var *v = br_alloc(sizeof *v);
  if (!v) return NULL;
  br_ref_init(&v->ref, var_destroy);
  v->node = br_retain(node);
  v->output = output;
  v->grad = v->pending = NULL;
  v->want = NULL;
  v->row = NULL;
  v->walk = 0;
  v->met = 0;
  v->depth = v->want_depth = 0;
  v->hooks = NULL;
  v->dtype = t->dtype;
  v->ndim = t->ndim;
  memcpy(v->shape, t->shape, sizeof v->shape);
  return v;
}

bool br_recording(void) { return recording; }

bool br_set_recording(bool on) {
  bool was = recording;
  recording = on;
  return was;
}

bool br_requires_grad(const br_tensor *t) { return t->var != NULL; }

br_status br_set_requires_grad(br_tensor *t, bool on) {
  if (on == br_requires_grad(t)) return BR_OK;
  if (!on) {
    if (br_var_of(t)->node)
      return br_fail(
          BR_EINVAL,
          "requires_grad_: a tensor that was computed from others cannot stop requiring a gradient; use detach()");
    br_release(t->var);
    t->var = NULL;
    return BR_OK;
  }
  if (!br_dtype_is_float(t->dtype))
    return br_fail(BR_EINVAL,
                   "requires_grad_: only float32 and float64 tensors have "
                   "gradients, not %s",
                   br_dtype_name(t->dtype));
  br_var *v = var_new(t, NULL, 0);
  if (!v) return BR_ENOMEM;
  t->var = &v->ref;
  return BR_OK;
}

br_tensor *br_grad_of(const br_tensor *t) { return t->var ? br_var_of(t)->grad : NULL; }

br_status br_set_grad(br_tensor *t, br_tensor *grad) {
  if (!t->var && !grad) return BR_OK;
  if (grad && (!br_same_shape(t, grad) || t->dtype != grad->dtype))
    return br_fail(BR_EINVAL, "grad must be %s of shape %s, not %s %s",
                   br_dtype_name(t->dtype), br_shape_of(t), br_dtype_name(grad->dtype),
                   br_shape_of(grad));
  br_status status = br_set_requires_grad(t, true);
  if (status) return status;
  if (grad && grad->var) { /* it might hold t, which would then hold itself */
    grad = br_tensor_alias(grad);
    if (!grad) return BR_ENOMEM;
  } else {
    br_retain(grad);
  }
  br_release(br_var_of(t)->grad);
  br_var_of(t)->grad = grad;
  return BR_OK;
}

const char *br_made_by(const br_tensor *t) {
  return t->var && br_var_of(t)->node ? br_call_name(&br_var_of(t)->node->call) : NULL;
}

int64_t br_add_hook(br_tensor *t, br_hook *hook) {
  static atomic_int_least64_t last;
  br_hook **at = &br_var_of(t)->hooks;
  while (*at) at = &(*at)->next;
  hook->next = NULL;
  hook->number = atomic_fetch_add(&last, 1) + 1;
  *at = hook;
  return hook->number;
}

void br_remove_hook(br_tensor *t, int64_t number) {
  br_hook **at = t->var ? &br_var_of(t)->hooks : NULL;
  while (at && *at && (*at)->number != number) at = &(*at)->next;
  if (!at || !*at) return;
  br_hook *found = *at;
  *at = found->next;
  found->number = 0;
  br_release(found);
}

/* ---- anomalies ---- */

static _Thread_local bool anomaly;
static _Thread_local char place_now[96];

bool br_set_anomaly(bool on) {
  bool was = anomaly;
  anomaly = on;
  return was;
}

bool br_anomaly(void) { return anomaly; }

void br_note_place(const char *place) {
  snprintf(place_now, sizeof place_now, "%s", place);
}

br_status br_check_finite(br_tensor *t, const char *what, const br_node *node) {
  if (!anomaly || !t || !br_dtype_is_float(t->dtype)) return BR_OK;
  br_tensor *finite = br_tensor_like(t, BR_BOOL);
  if (!finite) return BR_ENOMEM;
  br_status status = br_map(K(isfinite), t->dtype, finite, 1, &t, NULL);
  bool all = memchr(finite->data, false, (size_t)finite->numel) == NULL;
  br_release(finite);
  if (status || all) return status;
  if (!node)
    return br_fail(BR_EINVAL, "%s: the result %s holds NaN or Inf", what, br_shape_of(t));
  return br_fail(BR_EINVAL, "backward: a gradient %s that %s gave holds NaN or Inf%s%s",
                 br_shape_of(t), what, *node->place ? "; it ran at " : "", node->place);
}

/* ---- recording ---- */

bool br_takes_part(const br_call *c) {
  if (!recording || !br_op_has_gradient(c->op)) return false;
  for (int i = 0; i < c->nin; i++)
    if (c->in[i] && c->in[i]->var) return true;
  return false;
}

/* A change in place is recorded only if no other tensor can see the memory, because a
   view would not learn of it. */
static br_status check_in_place(const br_call *c) {
  const br_tensor *t = c->in[0];
  if (t->var && !br_var_of(t)->node)
    return br_bad(
        c, "a leaf that requires a gradient cannot be changed in place; do it under "
           "no_grad");
  if (atomic_load(&t->storage->ref.count) > 1)
    return br_bad(
        c,
        "the change would be recorded for a gradient, but a view or another gradient uses the same memory; use %s",
        c->op->name);
  return BR_OK;
}

static br_tensor *kept(br_tensor *t, bool values, int64_t *version) {
  *version = t->storage ? t->storage->version : 0;
  return values ? br_tensor_alias(t) : br_tensor_shape_of(t);
}

/* `before`: the first input as it was before a change in place, or NULL. */
static br_status keep_inputs(br_node *node, const br_call *c, br_tensor *before) {
  for (int i = 0; i < c->nin; i++) {
    br_tensor *t = i == 0 && before ? before : c->in[i];
    if (!t) continue;
    bool values = i < 8 && ((c->op->keep | c->keep) & BR_KEEP_IN(i));
    node->call.in[i] = kept(t, values, &node->edge[i].version);
    if (!node->call.in[i]) return BR_ENOMEM;
    node->edge[i].var = br_retain(c->in[i]->var);
  }
  return BR_OK;
}

/* Gives each output a new record. */
static br_status keep_outputs(br_node *node, br_call *c) {
  for (int i = 0; i < c->nout; i++) {
    br_tensor *t = c->out[i];
    node->call.out[i] = kept(t, (c->op->keep | c->keep) & BR_KEEP_OUT(i),
                             &node->version[i]);
    if (!node->call.out[i]) return BR_ENOMEM;
    if (!br_dtype_is_float(t->dtype)) continue;
    br_var *v = var_new(t, node, i);
    if (!v) return BR_ENOMEM;
    node->output[i] = v;
    br_release(t->var);
    t->var = &v->ref;
  }
  return BR_OK;
}

static br_node *node_new(const br_call *c) {
  br_node *node = br_alloc(sizeof *node);
  br_edge *edge = br_alloc_zero((size_t)c->nin * sizeof *edge + 1);
  br_tensor **in = c->nin > BR_FEW_IN ? br_alloc((size_t)c->nin * sizeof *in) : NULL;
  if (!node || !edge || (c->nin > BR_FEW_IN && !in)) {
    br_free(node);
    br_free(edge);
    br_free(in);
    return NULL;
  }
  memset(node, 0, sizeof *node);
  br_ref_init(&node->ref, node_destroy);
  node->sequence = atomic_fetch_add(&next_sequence, 1);
  node->call = *c;
  node->call.in = in ? in : node->call.few;
  memset(node->call.in, 0, (size_t)c->nin * sizeof *in);
  memset(node->call.out, 0, sizeof node->call.out);
  for (int i = 0; i < BR_MAX_SAVED; i++) br_retain(node->call.saved[i]);
  br_retain(node->call.user);
  if (anomaly) memcpy(node->place, place_now, sizeof node->place);
  node->edge = edge;
  return node;
}

static void wrote(const br_call *c) {
  if (c->in_place) c->out[0]->storage->version++;
}

static br_tensor *copied(br_tensor *t) {
  br_tensor *copy = br_tensor_like(t, t->dtype);
  if (copy && br_copy(copy, t) != BR_OK) {
    br_release(copy);
    copy = NULL;
  }
  return copy;
}

static br_status record(br_call *c, br_tensor *before) {
  br_node *node = node_new(c);
  if (!node) return BR_ENOMEM;
  br_status status = keep_inputs(node, c, before);
  wrote(c);
  if (!status) status = keep_outputs(node, c);
  br_release(node); /* its outputs own it now */
  return status;
}

br_status br_record(br_call *c) {
  c->recorded = br_takes_part(c);
  return c->recorded ? record(c, NULL) : BR_OK;
}

br_status br_apply(br_call *c) {
  br_tensor *before = NULL;
  c->recorded = br_takes_part(c);
  if (!c->place) c->place = br_profile_place();
  br_status status = c->in_place && c->recorded ? check_in_place(c) : BR_OK;
  if (!status && c->in_place && c->recorded && c->op->keep & BR_KEEP_IN(0)) {
    before = copied(c->in[0]);
    if (!before) status = BR_ENOMEM;
  }
  if (!status) status = br_call_run(c);
  for (int i = 0; i < c->nout && !status; i++)
    status = br_check_finite(c->out[i], c->op->name, NULL);
  if (!status && c->recorded)
    status = record(c, before);
  else if (!status)
    wrote(c);
  if (!status) status = br_trace_call(c);
  if (!status && c->op->finish) c->op->finish(c);
  br_release(before);
  return status;
}

br_status br_node_check(const br_node *node) {
  const br_call *c = &node->call;
  for (int i = 0; i < c->nin; i++)
    if (c->in[i] && c->in[i]->storage &&
        c->in[i]->storage->version != node->edge[i].version)
      return br_fail(
          BR_EINVAL,
          "backward: an input %s of %s was changed in place after it was used, but "
          "its old values are needed for the gradient",
          br_shape_of(c->in[i]), c->op->name);
  for (int i = 0; i < c->nout; i++)
    if (c->out[i]->storage && c->out[i]->storage->version != node->version[i])
      return br_fail(
          BR_EINVAL,
          "backward: the result %s of %s was changed in place, but its old values "
          "are needed for the gradient",
          br_shape_of(c->out[i]), c->op->name);
  return BR_OK;
}
