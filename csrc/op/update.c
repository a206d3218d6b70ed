/* Optimizer steps in one pass over a parameter, its gradient and its state, all in place.
 */
#include "op/op.h"

#include "base/threads.h"

enum { BLOCK = 16384 };

/* All of one type and shape, and in the memory order of the first. */
static br_status update_infer(br_call *c) {
  const br_tensor *p = c->in[0];
  br_status status = br_need_float(c, p, "the parameter");
  if (status) return status;
  if (!br_is_contiguous(p) && !br_is_channels_last(p))
    return br_bad(c, "the parameter %s must lie densely in memory", br_shape_of(p));
  for (int i = 1; i < c->nin; i++) {
    const br_tensor *t = c->in[i];
    if (!t) continue;
    if (!br_same_shape(p, t) || t->dtype != p->dtype)
      return br_bad(c, "a parameter %s %s and its state or gradient %s %s do not match",
                    br_dtype_name(p->dtype), br_shape_of(p), br_dtype_name(t->dtype),
                    br_shape_of(t));
  }
  return br_out_take(c, 0, br_tensor_alias(c->in[0]));
}

/* t in p's memory order, itself if it has it. */
static br_tensor *ordered(br_tensor *t, const br_tensor *p) {
  return br_as(t, p->dtype, br_is_contiguous(p) ? BR_CONTIGUOUS : BR_CHANNELS_LAST);
}

static void numbers(const br_call *c, double *arg) {
  for (int i = 0; i < BR_MAX_ARG; i++) arg[i] = c->arg[i].f;
}

/* Runs a step over the parameter in blocks, each of which stays in the cache. */
static br_status carry_out(br_call *c, br_step *step) {
  br_tensor *p = c->in[0], *g = ordered(c->in[1], p);
  double arg[BR_MAX_ARG];
  if (!g) return BR_ENOMEM;
  numbers(c, arg);
  const int64_t size = (int64_t)br_kernels_of(p->dtype)->size;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (p->numel > BLOCK)
  for (int64_t i = 0; i < p->numel; i += BLOCK) {
    void *at[BR_FEW_IN] = {p->data + i * size, g->data + i * size};
    for (int j = 2; j < c->nin; j++) at[j] = c->in[j] ? c->in[j]->data + i * size : NULL;
    step(p->numel - i < BLOCK ? p->numel - i : BLOCK, at, arg);
  }
  p->storage->version++;
  br_release(g);
  return BR_OK;
}

static const br_kernels *kernels(const br_call *c) {
  return br_kernels_of(c->in[0]->dtype);
}

static br_status sgd(br_call *c) { return carry_out(c, kernels(c)->sgd); }
static br_status adam(br_call *c) { return carry_out(c, kernels(c)->adam); }
static br_status rmsprop(br_call *c) { return carry_out(c, kernels(c)->rmsprop); }
static br_status adagrad(br_call *c) { return carry_out(c, kernels(c)->adagrad); }
static br_status adadelta(br_call *c) { return carry_out(c, kernels(c)->adadelta); }
static br_status adamax(br_call *c) { return carry_out(c, kernels(c)->adamax); }

/* clang-format off */
const br_op br_update_ops[] = {
  {"sgd_step", "p:t grad:t momentum:t? lr:f mu:f dampening:f weight_decay:f nesterov:f first:f",
   "one step of stochastic gradient descent on p", update_infer, sgd, NULL, 0, BR_HIDDEN | BR_WRITES, 0, {0}},
  {"adam_step", "p:t grad:t m:t v:t largest:t? lr:f beta1:f beta2:f eps:f weight_decay:f decoupled:f step:f",
   "one step of Adam on p; with the largest v, of AMSGrad", update_infer, adam, NULL, 0, BR_HIDDEN | BR_WRITES, 0, {0}},
  {"rmsprop_step", "p:t grad:t square:t mean:t? momentum:t? lr:f alpha:f eps:f weight_decay:f mu:f",
   "one step of RMSprop on p; with a mean, centered", update_infer, rmsprop, NULL, 0, BR_HIDDEN | BR_WRITES, 0, {0}},
  {"adagrad_step", "p:t grad:t sum:t lr:f eps:f weight_decay:f",
   "one step of Adagrad on p", update_infer, adagrad, NULL, 0, BR_HIDDEN | BR_WRITES, 0, {0}},
  {"adadelta_step", "p:t grad:t square:t moved:t lr:f rho:f eps:f weight_decay:f",
   "one step of Adadelta on p", update_infer, adadelta, NULL, 0, BR_HIDDEN | BR_WRITES, 0, {0}},
  {"adamax_step", "p:t grad:t m:t largest:t lr:f beta1:f beta2:f eps:f weight_decay:f step:f",
   "one step of Adamax on p", update_infer, adamax, NULL, 0, BR_HIDDEN | BR_WRITES, 0, {0}},
  {0}};
/* clang-format on */
