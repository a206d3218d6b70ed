/* Fusion: which calls may run as one.

   A call that a rule begins with waits until the next call is known; the binding holds
   it. If a rule names the two calls and its condition holds, it merges the second into
   the first. The result may be merged with a third. A rule without a gradient skips
   recorded calls. */
#include "op/epilogue.h"

#include <math.h>
#include <string.h>

extern const br_op br_conv_ops[], br_conv_pool_ops[], br_linear_ops[],
    br_elementwise_ops[];

enum { X, WEIGHT, BIAS, SLOPE };                /* of conv2d and linear */
enum { NORM_WEIGHT = 1, NORM_BIAS, MEAN, VAR }; /* of batch_norm */
enum { TRAINING, EPS = 2, NORM_ACTIVATION };    /* arguments of batch_norm */
enum { POOL_AT = 4, POOL_ARGS = 5 };            /* of conv2d_max_pool2d */

static bool is_recorded(const br_call *first, const br_call *then) {
  return first->recorded || then->recorded;
}

/* Whether the outputs of a convolution or a linear layer are the channels of its
   result. */
static bool by_output(const br_call *first) {
  return first->in[WEIGHT]->ndim == 4 || first->out[0]->ndim == 2;
}

static void swap(br_tensor **a, br_tensor **b) {
  br_tensor *t = *a;
  *a = *b, *b = t;
}

static const br_op *find(const br_op *family, const char *name) {
  while (strcmp(family->name, name) != 0) family++;
  return family;
}

static void become(br_call *first, const br_op *family, const char *name, int nin) {
  first->op = find(family, name);
  while (first->nin < nin) first->in[first->nin++] = NULL;
}

/* ---- weights with a norm in them ---- */

typedef struct folded {
  br_tensor *weight, *bias;
} folded;

static void folded_free(void *data) {
  folded *f = data;
  br_release(f->weight);
  br_release(f->bias);
  br_free(f);
}

/* The key of folded weights: everything that they depend on. */
static void fold_key(const br_call *first, const br_call *then, int64_t *key) {
  const br_tensor *from[] = {first->in[BIAS], then->in[NORM_WEIGHT], then->in[NORM_BIAS],
                             then->in[MEAN], then->in[VAR]};
  *key++ = 2; /* forward.c uses other first numbers */
  memcpy(key++, &then->arg[EPS].f, sizeof *key);
  for (int i = 0; i < 4; i++)
    *key++ = i < first->in[WEIGHT]->ndim ? first->in[WEIGHT]->shape[i] : 0;
  for (int i = 0; i < 5; i++, key += 3) {
    if (!from[i]) continue;
    key[0] = from[i]->storage->id;
    key[1] = from[i]->storage->version;
    key[2] = from[i]->data - (char *)from[i]->storage->data;
  }
}

static double at(const br_tensor *t, int64_t i, double otherwise) {
  return t ? br_get_double(t, i) : otherwise;
}

/* Folds batch_norm((x w + b)) into one weight and bias, in double. */
static folded *fold(const br_call *first, const br_call *then) {
  br_tensor *w = first->in[WEIGHT];
  int64_t outputs = w->shape[0], each = outputs ? w->numel / outputs : 0;
  folded *f = br_alloc_zero(sizeof *f);
  if (!f) return NULL;
  f->weight = br_tensor_new(w->dtype, w->ndim, w->shape, BR_CONTIGUOUS);
  f->bias = br_tensor_new(w->dtype, 1, w->shape, BR_CONTIGUOUS);
  if (!f->weight || !f->bias) {
    folded_free(f);
    return NULL;
  }
  for (int64_t o = 0; o < outputs; o++) {
    double deviation = sqrt(br_get_double(then->in[VAR], o) + then->arg[EPS].f);
    double scale = at(then->in[NORM_WEIGHT], o, 1) / deviation;
    double shift = at(first->in[BIAS], o, 0) - br_get_double(then->in[MEAN], o);
    br_put_double(f->bias, o, shift * scale + at(then->in[NORM_BIAS], o, 0));
    for (int64_t i = o * each; i < (o + 1) * each; i++)
      br_put_double(f->weight, i, br_get_double(w, i) * scale);
  }
  return f;
}

/* Whether the norm's channels are the outputs, and fold can read all tensors in place. */
static bool can_fold(const br_call *first, const br_call *then) {
  bool plain = by_output(first) && br_is_contiguous(first->in[WEIGHT]);
  if (first->in[BIAS]) plain = plain && br_is_contiguous(first->in[BIAS]);
  for (int i = NORM_WEIGHT; i <= VAR; i++)
    if (then->in[i]) plain = plain && br_is_contiguous(then->in[i]);
  return plain && !then->arg[TRAINING].i && !then->arg[NORM_ACTIVATION].given;
}

/* Returns the folded weight and bias, retained. They stay with the weight until one of
   their sources changes. */
static bool folded_tensors(const br_call *first, const br_call *then, br_tensor **weight,
                           br_tensor **bias) {
  int64_t key[BR_DERIVED_KEY] = {0};
  fold_key(first, then, key);
  folded *kept = br_derived_find(first->in[WEIGHT], key);
  folded *f = kept ? kept : fold(first, then);
  if (!f) return false;
  *weight = br_retain(f->weight);
  *bias = br_retain(f->bias);
  if (!kept && !br_derived_keep(first->in[WEIGHT], key, f, folded_free)) folded_free(f);
  return true;
}

/* Folding rounds differently from the two calls. It happens only when nothing is recorded
   at all, so that a network gives the same bits whether it is frozen or not. */
static bool norm(br_call *first, br_call *then) {
  br_tensor *weight, *bias;
  if (then->recording || is_recorded(first, then) || !can_fold(first, then)) return false;
  if (!folded_tensors(first, then, &weight, &bias)) return false;
  swap(&first->in[WEIGHT], &weight);
  swap(&first->in[BIAS], &bias);
  br_release(weight);
  br_release(bias);
  return true;
}

/* ---- epilogues and the other rules ---- */

/* An elementwise operator of one tensor, which changes neither shape nor type. */
static bool activation(br_call *first, br_call *then, const br_op *family,
                       const char *name) {
  if (then->out[0]->dtype != first->out[0]->dtype) return false;
  if (is_recorded(first, then) && then->op->grad[0] <= BR_GRAD_DY) return false;
  become(first, family, name, SLOPE + 1);
  br_epilogue_set(first, then->op, then->arg[0].f);
  return true;
}

static bool conv_activation(br_call *first, br_call *then) {
  return activation(first, then, br_conv_ops, "conv2d_activation");
}

static bool linear_activation(br_call *first, br_call *then) {
  return activation(first, then, br_linear_ops, "linear_activation");
}

/* One slope for each output, or one for all. */
static bool slope(br_call *first, br_call *then, const br_op *family, const char *name) {
  br_tensor *s = then->in[1];
  if (is_recorded(first, then) || s->dtype != first->out[0]->dtype) return false;
  if (s->numel > 1 && !by_output(first)) return false;
  const int64_t *outputs = &first->in[WEIGHT]->shape[0];
  br_tensor *each = s->numel == *outputs ? br_retain(s) : br_view_expand(s, 1, outputs);
  if (!each) return false;
  become(first, family, name, SLOPE + 1);
  first->in[SLOPE] = each;
  return true;
}

static bool conv_slope(br_call *first, br_call *then) {
  return slope(first, then, br_conv_ops, "conv2d_activation");
}

static bool linear_slope(br_call *first, br_call *then) {
  return slope(first, then, br_linear_ops, "linear_activation");
}

static bool conv_pool(br_call *first, br_call *then) {
  if (is_recorded(first, then)) return false;
  become(first, br_conv_pool_ops, "conv2d_max_pool2d", SLOPE + 1);
  memcpy(first->arg + POOL_AT, then->arg, POOL_ARGS * sizeof *then->arg);
  return true;
}

/* |tanh(x)|, the activation of TCDCN, from its two calls. */
static bool abs_of_tanh(br_call *first, br_call *then) {
  (void)then;
  if (!first->activation || first->activation->kernel != K(tanh)) return false;
  br_epilogue_set(first, find(br_elementwise_ops, "abs_tanh"), 0);
  return true;
}

static bool norm_relu(br_call *first, br_call *then) {
  (void)then;
  if (first->arg[NORM_ACTIVATION].given) return false;
  first->arg[NORM_ACTIVATION] = (br_arg){.given = true, .s = "relu"};
  return true;
}

/* ---- the table ---- */

#define ACTIVATION NULL /* any operator that br_is_activation accepts */

static const struct br_rule {
  const char *name, *first, *then;
  bool (*rewrite)(br_call *first, br_call *then);
} rules[] = {
    {"conv2d_norm", "conv2d", "batch_norm", norm},
    {"linear_norm", "linear", "batch_norm", norm},
    {"conv2d_activation", "conv2d", ACTIVATION, conv_activation},
    {"linear_activation", "linear", ACTIVATION, linear_activation},
    {"conv2d_prelu", "conv2d", "prelu", conv_slope},
    {"linear_prelu", "linear", "prelu", linear_slope},
    {"conv2d_abs_tanh", "conv2d_activation", "abs", abs_of_tanh},
    {"conv2d_max_pool2d", "conv2d", "max_pool2d", conv_pool},
    {"conv2d_max_pool2d", "conv2d_activation", "max_pool2d", conv_pool},
    {"batch_norm_relu", "batch_norm", "relu", norm_relu},
};

enum { RULES = sizeof rules / sizeof *rules };

static bool is(const br_op *op, const char *name) {
  return name ? *op->name == *name && strcmp(op->name, name) == 0 : br_is_activation(op);
}

const br_rule *br_fuse_rule(const br_op *first, const br_op *then) {
  for (int i = 0; i < RULES; i++)
    if (is(first, rules[i].first) && (!then || is(then, rules[i].then))) return &rules[i];
  return NULL;
}

bool br_fuse(const br_rule *rule, br_call *first, br_call *then) {
  if (!rule->rewrite(first, then)) return false;
  first->rule = rule->name;
  first->recorded = is_recorded(first, then);
  swap(&first->out[0], &then->out[0]);
  return true;
}
