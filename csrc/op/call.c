/* The steps of a call, from its arguments to its results and gradients. */
#include "op/op.h"

#include <string.h>

void br_call_init(br_call *c, const br_op *op, const br_signature *signature, int nin) {
  memset(c, 0, sizeof *c);
  c->op = op;
  c->nin = nin;
  c->in = c->few;
  br_signature read;
  if (!signature) {
    br_op_signature(op, &read);
    signature = &read;
  }
  for (int i = 0; i < signature->n; i++) {
    const br_param *p = &signature->param[i];
    if (!br_is_tensor_kind(p->kind)) c->arg[p->slot] = p->fallback;
  }
}

static void release_all(br_tensor **t, int n) {
  for (int i = 0; i < n; i++) {
    br_release(t[i]);
    t[i] = NULL;
  }
}

void br_call_clear(br_call *c) {
  release_all(c->out, BR_MAX_OUT);
  release_all(c->saved, BR_MAX_SAVED);
  release_all(c->dy, BR_MAX_OUT);
  if (c->dx) release_all(c->dx, c->nin);
  br_release(c->user);
  c->user = NULL;
}

/* Whether the results have no elements. Kernels never see this case, because sizes
   beside a 0 may be huge. */
static bool gives_nothing(const br_call *c) {
  if (c->nout == 0 || c->user || c->op->flags & (BR_WRITES | BR_VIEW)) return false;
  for (int i = 0; i < c->nout; i++)
    if (c->out[i]->numel > 0) return false;
  return true;
}

/* Allocates the results of a call that has waited. */
static br_status equip(br_call *c) {
  br_status status = BR_OK;
  for (int i = 0; i < c->nout && !status; i++)
    if (!c->out[i]->storage) status = br_tensor_equip(c->out[i]);
  return status;
}

static br_status infer(br_call *c) {
  return c->op->infer ? c->op->infer(c) : br_map_promote(c);
}

br_status br_call_check(br_call *c) {
  c->waits = true;
  if (!c->place) c->place = br_profile_place();
  return infer(c);
}

bool br_call_lasts(br_call *c) {
  for (int i = 0; i < BR_MAX_ARG; i++) {
    const char *word = c->arg[i].s ? br_known_word(c->arg[i].s) : NULL;
    if (c->arg[i].s && !word) return false;
    c->arg[i].s = word;
  }
  return true;
}

br_call *br_call_own(br_call *c) {
  br_call *own = br_alloc(sizeof *own);
  if (!own) return NULL;
  *own = *c;
  own->in = own->few;
  for (int i = 0; i < c->nin; i++) br_retain(c->in[i]);
  memset(c->out, 0, sizeof c->out);
  memset(c->saved, 0, sizeof c->saved);
  return own;
}

void br_call_free(br_call *own) {
  release_all(own->in, own->nin);
  br_call_clear(own);
  br_free(own);
}

/* Runs the call. One that changes a tensor of the user is finished once it has begun. */
br_status br_call_run(br_call *c) {
  br_timer timer = br_timer_start();
  const bool allowed = br_stop_allow(!c->in_place && !(c->op->flags & BR_WRITES));
  br_status status = br_stop_status(c->waits ? equip(c) : infer(c));
  if (!status && !gives_nothing(c))
    status = c->op->forward ? c->op->forward(c) : br_map_forward(c);
  status = br_stop_status(status);
  br_stop_allow(allowed);
  br_timer_stop(&timer, br_call_name(c), BR_FORWARD, c->place);
  return status;
}

static br_status back_from_nothing(br_call *c) {
  br_status status = BR_OK;
  for (int i = 0; i < c->nin && !status; i++)
    if (c->need[i])
      status = br_dx_take(c, i,
                          br_tensor_zeros(c->in[i]->dtype, c->in[i]->ndim,
                                          c->in[i]->shape, BR_CONTIGUOUS));
  return status;
}

const char *br_call_name(const br_call *c) { return c->rule ? c->rule : c->op->name; }

br_status br_call_back(br_call *c) {
  if (gives_nothing(c)) return back_from_nothing(c);
  const bool allowed = br_stop_allow(true);
  br_status status = c->op->backward ? c->op->backward(c) : br_map_backward(c);
  status = br_stop_status(status);
  br_stop_allow(allowed);
  return status;
}
