/* Losses: cross-entropy and mean squared error. */
#include "op/op.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

typedef enum reduction { NONE, SUM, MEAN } reduction;

static br_status read_reduction(br_call *c, const br_arg *arg, reduction *out) {
  static const char *const names[] = {"none", "sum", "mean"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(arg->s, names[i]) == 0) {
      *out = (reduction)i;
      return BR_OK;
    }
  }
  return br_bad(c, "reduction must be \"mean\", \"sum\" or \"none\", not \"%s\"", arg->s);
}

/* ---- mean squared error ---- */

static br_status mse_infer(br_call *c) {
  const br_tensor *x = c->in[0], *y = c->in[1], *mask = c->in[2];
  reduction how = MEAN;
  int ndim = 0;
  int64_t shape[BR_MAX_DIM];
  br_status status = read_reduction(c, &c->arg[0], &how);
  if (status) return status;
  if (!br_same_shape(x, y))
    return br_bad(c, "input %s and target %s must have the same shape", br_shape_of(x),
                  br_shape_of(y));
  if (mask && (!br_broadcast(x->ndim, x->shape, mask->ndim, mask->shape, &ndim, shape) ||
               ndim != x->ndim || memcmp(shape, x->shape, (size_t)ndim * sizeof *shape)))
    return br_bad(c, "mask %s does not broadcast to %s", br_shape_of(mask),
                  br_shape_of(x));
  c->compute = br_promote(2, c->in);
  if (!br_dtype_is_float(c->compute)) return br_need_float(c, x, "input");
  c->state[0] = how;
  return how == NONE ? br_out_like(c, 0, x, c->compute)
                     : br_out(c, 0, c->compute, 0, NULL, BR_CONTIGUOUS);
}

/* t where the mask is true, else zero; without a mask t itself. Takes over t. */
static br_tensor *masked(br_tensor *t, br_tensor *mask) {
  if (!mask || !t) return t;
  br_tensor *in[2] = {t, mask};
  br_tensor *kept = br_map_new(K(where_grad_a), t, t->dtype, 2, in, NULL);
  br_release(t);
  return kept;
}

/* Counts the elements of x that the mask leaves. */
static br_status valid_count(br_call *c, double *count) {
  const br_tensor *x = c->in[0];
  *count = (double)x->numel;
  if (!c->in[2]) return BR_OK;
  br_tensor *wide = br_view_expand(c->in[2], x->ndim, x->shape);
  br_tensor *truth = wide ? br_tensor_new(BR_BOOL, x->ndim, x->shape, BR_CONTIGUOUS)
                          : NULL;
  br_status status = truth ? br_copy(truth, wide) : BR_ENOMEM;
  if (!status) {
    br_sum total = {.i = 0};
    br_kernels_of(BR_BOOL)->sum(truth->numel, truth->data, &total);
    *count = (double)total.i;
  }
  br_release(wide);
  br_release(truth);
  return status;
}

/* The mean over no elements is exactly 0. */
static double mean_factor(double count) { return count > 0 ? 1 / count : 0; }

static br_status mse_forward(br_call *c) {
  double count = 0, factor = 1;
  br_tensor *e = br_map_new(K(squared_error), c->in[0], c->compute, 2, c->in, NULL);
  br_status status = BR_OK;
  e = masked(e, c->in[2]);
  if (e && c->state[0] == NONE) {
    status = br_copy(c->out[0], e);
  } else if (e) {
    if (c->state[0] == MEAN) {
      status = valid_count(c, &count);
      factor = mean_factor(count);
    }
    br_tensor *sum = status ? NULL : br_sum_to(e, 0, NULL);
    if (!status)
      status = sum ? br_map(K(add_grad), c->compute, c->out[0], 1, &sum, &factor)
                   : BR_ENOMEM;
    br_release(sum);
  }
  br_release(e);
  return e ? status : BR_ENOMEM;
}

static br_status mse_backward(br_call *c) {
  double count = 0, factor = 2;
  if (c->state[0] == MEAN) {
    if (valid_count(c, &count) != BR_OK) return BR_ENOMEM;
    factor = 2 * mean_factor(count);
  }
  for (int i = 0; i < 2; i++) {
    if (!c->need[i]) continue;
    br_tensor *in[3] = {c->dy[0], c->in[i], c->in[1 - i]};
    br_tensor *dx = br_map_new(K(squared_error_grad), c->in[0], c->compute, 3, in,
                               &factor);
    if (br_dx_take(c, i, masked(dx, c->in[2])) != BR_OK) return BR_ENOMEM;
  }
  return BR_OK;
}

/* ---- cross-entropy ---- */

enum { REDUCTION, SMOOTHING, IGNORE };

static br_status check_targets(br_call *c, br_tensor *target, int64_t classes) {
  br_tensor *flat = br_as(target, BR_I64, BR_CONTIGUOUS);
  if (!flat) return BR_ENOMEM;
  const int64_t *at = (const int64_t *)(const void *)flat->data;
  br_status status = BR_OK;
  for (int64_t i = 0; i < flat->numel && !status; i++) {
    if ((at[i] >= 1 && at[i] <= classes) || at[i] == c->arg[IGNORE].i) continue;
    const char *hint = at[i] ? ""
                             : "; labels count from 1 (counted from 0? add 1; if 0 marks "
                               "a missing label, say {ignore = 0})";
    status = br_bad(c, "target %lld at place %lld is not one of the classes 1 to %lld%s",
                    (long long)at[i], (long long)i + 1, (long long)classes, hint);
  }
  br_release(flat);
  return status;
}

static br_status check_weights(br_call *c, br_tensor *weight) {
  br_tensor *flat = br_as(weight, BR_F64, BR_CONTIGUOUS);
  br_status status = flat ? BR_OK : BR_ENOMEM;
  for (int64_t i = 0; !status && i < flat->numel; i++) {
    double w = br_get_double(flat, i);
    if (!(w >= 0) || !isfinite(w))
      status = br_bad(c, "weight must hold finite numbers from 0, not %g", w);
  }
  br_release(flat);
  return status;
}

/* x (n,c,...), target (n,...): class labels from 1; `ignore` marks a missing one. */
static br_status ce_infer(br_call *c) {
  const br_tensor *x = c->in[0], *t = c->in[1], *w = c->in[2];
  reduction how = MEAN;
  br_status status = br_need_float(c, x, "x");
  if (!status) status = read_reduction(c, &c->arg[REDUCTION], &how);
  if (status) return status;
  c->state[0] = how;
  if (x->ndim < 2)
    return br_bad(c, "x must have shape (n, classes, ...), not %s", br_shape_of(x));
  int64_t shape[BR_MAX_DIM] = {x->shape[0]};
  for (int d = 2; d < x->ndim; d++) shape[d - 1] = x->shape[d];
  if (t->ndim != x->ndim - 1 ||
      memcmp(t->shape, shape, (size_t)t->ndim * sizeof *shape) != 0)
    return br_bad(c, "target must have shape %s for x %s, not %s",
                  br_shape_text(x->ndim - 1, shape), br_shape_of(x), br_shape_of(t));
  if (br_dtype_is_float(t->dtype))
    return br_bad(
        c,
        "target must hold class labels (integers from 1), not %s; to(\"int64\") converts",
        br_dtype_name(t->dtype));
  if (w && (w->ndim != 1 || w->shape[0] != x->shape[1]))
    return br_bad(c, "weight must have shape (%lld), not %s", (long long)x->shape[1],
                  br_shape_of(w));
  status = w ? check_weights(c, c->in[2]) : BR_OK;
  if (status) return status;
  status = check_targets(c, c->in[1], x->shape[1]);
  if (status) return status;
  return br_out(c, 0, x->dtype, how == NONE ? t->ndim : 0, shape, BR_CONTIGUOUS);
}

/* x as rows of classes: (n,c,...) -> (n,...,c), contiguous. */
static br_tensor *class_rows(br_tensor *x) {
  int order[BR_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) order[d] = d == 0 ? 0 : d + 1;
  order[x->ndim - 1] = 1;
  br_tensor *turned = br_view_permute(x, order);
  br_tensor *rows = turned ? br_contiguous(turned) : NULL;
  br_release(turned);
  return rows;
}

/* The values that forward and backward read. The loss of a row with label t is - sum_j
   share_j log p_j. share_j is smoothing / classes * weight_j; at t, (1 - smoothing)
   weight_t is added. */
typedef struct entropy {
  br_tensor *target, *weight; /* int64, and of x's type; contiguous; weight may be NULL */
  const br_kernels *k;
  double even, sharp;    /* smoothing / classes, 1 - smoothing */
  double weights, total; /* sum of the classes' weights, and of the labels' */
  int64_t rows, classes, ignore;
  bool parallel;
} entropy;

static double class_weight(const entropy *e, int64_t j) {
  return e->weight ? br_get_double(e->weight, j) : 1;
}

/* The label of a row, from 1; 0 where it is missing. */
static int64_t target_of(const entropy *e, int64_t row) {
  int64_t label = ((const int64_t *)(const void *)e->target->data)[row];
  return label == e->ignore ? 0 : label;
}

static br_status entropy_open(br_call *c, entropy *e) {
  const br_tensor *x = c->in[0];
  e->target = br_as(c->in[1], BR_I64, BR_CONTIGUOUS);
  e->weight = c->in[2] ? br_as(c->in[2], x->dtype, BR_CONTIGUOUS) : NULL;
  if (!e->target || (c->in[2] && !e->weight)) return BR_ENOMEM;
  e->k = br_kernels_of(x->dtype);
  e->classes = x->shape[1];
  e->rows = c->in[1]->numel;
  e->ignore = c->arg[IGNORE].i;
  e->even = e->classes ? c->arg[SMOOTHING].f / (double)e->classes : 0;
  e->sharp = 1 - c->arg[SMOOTHING].f;
  e->parallel = x->numel > 16384;
  for (int64_t j = 0; j < e->classes; j++) e->weights += class_weight(e, j);
  for (int64_t r = 0; r < e->rows; r++)
    if (target_of(e, r) > 0) e->total += class_weight(e, target_of(e, r) - 1);
  return BR_OK;
}

static void entropy_close(entropy *e) {
  br_release(e->target);
  br_release(e->weight);
}

/* The loss of a row. Writes the row's log probabilities to logp. */
static double row_loss(const entropy *e, int64_t row, const char *x, br_tensor *logp) {
  int64_t at = row * e->classes, target = target_of(e, row);
  char *out = logp->data + at * e->k->size;
  e->k->log_softmax(e->classes, x + at * e->k->size, out);
  if (target == 0) return 0;
  double loss = 0;
  if (e->sharp > 0)
    loss = -e->sharp * class_weight(e, target - 1) * br_get_double(logp, at + target - 1);
  br_sum all = {.f = 0};
  if (e->even > 0 && e->weight)
    e->k->dot(e->classes, out, e->weight->data, &all);
  else if (e->even > 0)
    e->k->sum(e->classes, out, &all);
  return loss - e->even * all.f;
}

static void put_double(const br_kernels *k, double value, char *out) {
  br_sum one = {.f = value};
  k->put(1, &one, 1, out);
}

static br_status ce_forward(br_call *c) {
  entropy e = {0};
  br_tensor *x = class_rows(c->in[0]), *logp = NULL;
  br_status status = x ? entropy_open(c, &e) : BR_ENOMEM;
  if (!status) logp = br_tensor_new(x->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  double *loss = logp ? br_alloc((size_t)e.rows * sizeof *loss + 1) : NULL, sum = 0;
  if (!loss) status = BR_ENOMEM;
  if (!status) {
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (e.parallel)
    for (int64_t r = 0; r < e.rows; r++)
      if (!br_stopped()) loss[r] = row_loss(&e, r, x->data, logp);
    for (int64_t r = 0; r < e.rows; r++) sum += loss[r];
  }
  if (!status && c->state[0] == NONE)
    for (int64_t r = 0; r < e.rows; r++)
      put_double(e.k, loss[r], c->out[0]->data + r * e.k->size);
  else if (!status)
    put_double(e.k,
               c->state[0] == SUM ? sum
               : e.total > 0      ? sum / e.total
                                  : 0,
               c->out[0]->data);
  c->saved[0] = logp;
  br_free(loss);
  br_release(x);
  entropy_close(&e);
  return status;
}

/* d loss / dx_j = scale (p_j sum(share) - share_j), for a row. */
static void row_grad(const entropy *e, int64_t row, double scale, const br_tensor *logp,
                     br_tensor *dx) {
  int64_t at = row * e->classes, target = target_of(e, row);
  char *out = dx->data + at * e->k->size;
  if (target == 0 || scale == 0) {
    memset(out, 0, (size_t)(e->classes * e->k->size));
    return;
  }
  double own = e->sharp * class_weight(e, target - 1);
  e->k->entropy_grad(e->classes, logp->data + at * e->k->size,
                     scale * (own + e->even * e->weights), scale * e->even,
                     e->weight ? e->weight->data : NULL, out);
  /* the element of the label, from 1 - p if p is close to 1 */
  double log_p = br_get_double(logp, at + target - 1);
  double rest = 0;
  if (e->even > 0)
    rest = e->even * (exp(log_p) * e->weights - class_weight(e, target - 1));
  put_double(e->k, scale * (own * expm1(log_p) + rest), out + (target - 1) * e->k->size);
}

static br_status ce_backward(br_call *c) {
  entropy e = {0};
  br_tensor *logp = c->saved[0], *dy = NULL, *dx = NULL;
  if (!c->need[0]) return BR_OK;
  br_status status = entropy_open(c, &e);
  dy = br_contiguous(c->dy[0]);
  dx = br_tensor_new(logp->dtype, logp->ndim, logp->shape, BR_CONTIGUOUS);
  if (!dy || !dx) status = BR_ENOMEM;
  double mean = c->state[0] != MEAN ? 1 : e.total > 0 ? 1 / e.total : 0;
  if (!status) {
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (e.parallel)
    for (int64_t r = 0; r < e.rows; r++)
      if (!br_stopped())
        row_grad(&e, r, mean * br_get_double(dy, c->state[0] == NONE ? r : 0), logp, dx);
  }
  if (!status) { /* back to (n,c,...) */
    int order[BR_MAX_DIM];
    for (int d = 0; d < dx->ndim; d++) order[d] = d == 0 ? 0 : d - 1;
    order[1] = dx->ndim - 1;
    status = br_dx_take(c, 0, br_view_permute(dx, order));
  }
  br_release(dy);
  br_release(dx);
  entropy_close(&e);
  return status;
}

/* clang-format off */
const br_op br_loss_ops[] = {
    {.name = "mse", .args = "x:t target:t mask:t? reduction:s=mean",
     .doc = "(x - target)^2: its mean, its sum, or all values; elements where mask is false do not count",
     .infer = mse_infer, .forward = mse_forward, .backward = mse_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1) | BR_KEEP_IN(2)},
    {.name = "cross_entropy",
     .args = "x:t target:t weight:t? reduction:s=mean label_smoothing:f=0[0,1] ignore:i=-100",
     .doc = "-log softmax of x (n,c,...) at target (n,...), labels from 1: its mean, its sum, or all values; a label equal to `ignore` does not count",
     .infer = ce_infer, .forward = ce_forward, .backward = ce_backward,
     .keep = BR_KEEP_IN(1) | BR_KEEP_IN(2)},
    {0},
};
/* clang-format on */
