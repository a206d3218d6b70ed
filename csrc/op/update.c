/* Optimizer steps in one pass over parameters, their gradients and their state, all in
   place. All parameters together are cut into blocks; each block stays in the cache. */
#include "op/update.h"

#include <stdatomic.h>
#include <string.h>

#include "base/threads.h"

enum { BLOCK = 16384, TAKE = 4 }; /* elements of a block; blocks that a thread takes */

/* The parameter must be dense; its gradient and state need its type and shape. */
static br_status check(const br_call *c) {
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
  return BR_OK;
}

/* One parameter's part of the work. */
typedef struct part {
  br_step *step;
  br_tensor *p, *g;  /* from at[2] on */
  br_tensor **state; /* from at[2] on */
  int states;
  const double *arg;
  int64_t first; /* number of its first block */
} part;

static br_status prepare(part *one, const br_op *op, br_tensor **at, int count,
                         const double *arg) {
  br_tensor *p = at[0];
  br_step *const *step = (br_step *const *)(const void *)((const char *)br_kernels_of(
                                                              p->dtype) +
                                                          op->kernel);
  br_format format = br_is_contiguous(p) ? BR_CONTIGUOUS : BR_CHANNELS_LAST;
  one->step = *step;
  one->p = p;
  one->g = br_as(at[1], p->dtype, format);
  one->state = at + 2;
  one->states = count - 2;
  one->arg = arg;
  return one->g ? BR_OK : BR_ENOMEM;
}

static void run_block(const part *one, int64_t block) {
  int64_t first = block * BLOCK, rest = one->p->numel - first;
  int64_t offset = first * br_dtype_size(one->p->dtype);
  void *at[BR_FEW_IN] = {one->p->data + offset, one->g->data + offset};
  for (int i = 0; i < one->states; i++)
    at[i + 2] = one->state[i] ? one->state[i]->data + offset : NULL;
  one->step(rest < BLOCK ? rest : BLOCK, at, one->arg);
}

/* Cuts all parameters into blocks, and runs them. */
static void run(int64_t n, part *parts) {
  int64_t blocks = 0, elements = 0;
  _Atomic int64_t next = 0; /* threads fetch blocks, because block sizes differ */
  for (int64_t i = 0; i < n; i++) {
    parts[i].first = blocks;
    blocks += (parts[i].p->numel + BLOCK - 1) / BLOCK;
    elements += parts[i].p->numel;
  }
#pragma omp parallel num_threads(br_threads()) if (elements > BLOCK)
  {
    int64_t at = 0; /* the part that a block belongs to; blocks come in order */
    for (int64_t b; (b = atomic_fetch_add(&next, TAKE)) < blocks;) {
      for (int64_t end = b + TAKE < blocks ? b + TAKE : blocks; b < end; b++) {
        while (at + 1 < n && parts[at + 1].first <= b) at++;
        run_block(&parts[at], b - parts[at].first);
      }
    }
  }
  for (int64_t i = 0; i < n; i++) parts[i].p->storage->version++;
}

br_status br_update_all(const br_op *op, int count, int64_t n, br_update *updates) {
  br_signature signature;
  br_op_signature(op, &signature);
  part *parts = br_alloc_zero((size_t)n * sizeof *parts + 1);
  br_status status = parts ? BR_OK : BR_ENOMEM;
  for (int64_t i = 0; i < n && !status; i++) {
    br_call c;
    br_call_init(&c, op, &signature, count);
    memcpy(c.few, updates[i].at, (size_t)count * sizeof *c.few);
    status = check(&c);
    if (!status) status = prepare(&parts[i], op, updates[i].at, count, updates[i].arg);
  }
  if (!status) run(n, parts);
  for (int64_t i = 0; parts && i < n; i++) br_release(parts[i].g);
  br_free(parts);
  return status;
}

static br_status update_infer(br_call *c) {
  br_status status = check(c);
  return status ? status : br_out_take(c, 0, br_tensor_alias(c->in[0]));
}

static br_status update_forward(br_call *c) {
  br_update one;
  memcpy(one.at, c->in, (size_t)c->nin * sizeof *one.at);
  for (int i = 0; i < BR_MAX_ARG; i++) one.arg[i] = c->arg[i].f;
  return br_update_all(c->op, c->nin, 1, &one);
}

/* clang-format off */
const br_op br_update_ops[] = {
    {.name = "sgd_step",
     .args = "p:t grad:t momentum:t? lr:f mu:f dampening:f weight_decay:f nesterov:f first:f",
     .doc = "one step of stochastic gradient descent on p", .infer = update_infer,
     .forward = update_forward, .flags = BR_HIDDEN | BR_WRITES, .kernel = K(sgd)},
    {.name = "adam_step",
     .args = "p:t grad:t m:t v:t largest:t? lr:f beta1:f beta2:f eps:f weight_decay:f decoupled:f step:f",
     .doc = "one step of Adam on p, or of AMSGrad if the largest v is given",
     .infer = update_infer, .forward = update_forward, .flags = BR_HIDDEN | BR_WRITES,
     .kernel = K(adam)},
    {.name = "rmsprop_step",
     .args = "p:t grad:t square:t mean:t? momentum:t? lr:f alpha:f eps:f weight_decay:f mu:f",
     .doc = "one step of RMSprop on p, centered if a mean is given", .infer = update_infer,
     .forward = update_forward, .flags = BR_HIDDEN | BR_WRITES, .kernel = K(rmsprop)},
    {.name = "adagrad_step", .args = "p:t grad:t sum:t lr:f eps:f weight_decay:f",
     .doc = "one step of Adagrad on p", .infer = update_infer, .forward = update_forward,
     .flags = BR_HIDDEN | BR_WRITES, .kernel = K(adagrad)},
    {.name = "adadelta_step",
     .args = "p:t grad:t square:t moved:t lr:f rho:f eps:f weight_decay:f",
     .doc = "one step of Adadelta on p", .infer = update_infer, .forward = update_forward,
     .flags = BR_HIDDEN | BR_WRITES, .kernel = K(adadelta)},
    {.name = "adamax_step",
     .args = "p:t grad:t m:t largest:t lr:f beta1:f beta2:f eps:f weight_decay:f step:f",
     .doc = "one step of Adamax on p", .infer = update_infer, .forward = update_forward,
     .flags = BR_HIDDEN | BR_WRITES, .kernel = K(adamax)},
    {0},
};
/* clang-format on */
