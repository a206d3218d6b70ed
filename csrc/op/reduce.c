/* Reductions over any dimensions.

   A tensor is read as [outer][reduce][inner]: in place if its memory allows, else
   through a copy with the reduced dimensions innermost. Sums run in blocks whose bounds
   depend on the shape alone, and are combined in order. So the thread count changes no
   bit. */
#include "op/reduce.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

enum {
  BLOCK = 16384,
  ROWS = 64,      /* rows of a block, at least; sums are held in double */
  COLUMNS = 4096, /* columns at a time */
  PIECE = 256     /* values read at a time from lanes that are not contiguous */
};

int br_kept_first(const br_tensor *x, unsigned mask, int *order) {
  int kept = br_memory_order(x, ~mask, order);
  for (int d = 0, to = kept; d < x->ndim; d++)
    if (mask & 1u << d) order[to++] = d;
  return kept;
}

/* Plans to read x in place, if its kept dimensions lie around one block of reduced
   ones. */
static bool plan_in_place(const br_tensor *x, unsigned mask, br_plan *p) {
  br_iter it;
  br_tensor *alone = p->x;
  int stage = 0;
  br_iter_init(&it, 1, &alone);
  if (!br_iter_dense(&it, 0)) return false;
  int order[BR_MAX_DIM];
  br_kept_first(x, 0, order); /* all dimensions by stride */
  p->outer = p->reduce = p->inner = 1;
  for (int i = 0; i < x->ndim; i++) {
    int d = order[i];
    if (x->shape[d] == 1) continue;
    bool reduced = mask & 1u << d;
    if (stage == 0 && reduced) stage = 1;
    if (stage == 1 && !reduced) stage = 2;
    if (stage == 2 && reduced) return false;
    *(stage == 0 ? &p->outer : stage == 1 ? &p->reduce : &p->inner) *= x->shape[d];
  }
  return true;
}

br_status br_plan_make(br_tensor *x, unsigned mask, bool rows, br_plan *p) {
  int order[BR_MAX_DIM], kept = br_kept_first(x, mask, order);
  p->x = x;
  if (!rows && plan_in_place(x, mask, p)) {
    br_retain(x);
    return BR_OK;
  }
  br_tensor *turned = br_view_permute(x, order);
  p->x = turned ? br_contiguous(turned) : NULL;
  br_release(turned);
  p->outer = p->reduce = p->inner = 1;
  for (int i = 0; i < x->ndim; i++)
    *(i < kept ? &p->outer : &p->reduce) *= x->shape[order[i]];
  return p->x ? BR_OK : BR_ENOMEM;
}

/* Sums, each multiplied by `times`. out's elements in memory order are the plan's
   [outer][inner]. */
static br_status sum_each(br_tensor *x, unsigned mask, double scale, int64_t times,
                          br_tensor *out) {
  br_plan p;
  if (br_plan_make(x, mask, false, &p) != BR_OK) return BR_ENOMEM;
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t rows = BLOCK / p.inner > ROWS ? BLOCK / p.inner : ROWS;
  int64_t pieces = (p.inner + COLUMNS - 1) / COLUMNS;
  int64_t blocks = p.reduce > rows ? (p.reduce + rows - 1) / rows : 1;
  int64_t units = p.outer * blocks, kept = p.outer * p.inner;
  br_sum *acc = br_alloc_zero((size_t)(units * p.inner) * sizeof *acc + 1);
  if (!acc) {
    br_release(p.x);
    return BR_ENOMEM;
  }
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > BLOCK)
  for (int64_t i = 0; i < units * pieces; i++) {
    if (br_stopped()) continue;
    int64_t u = i / pieces, column = i % pieces * COLUMNS;
    int64_t columns = p.inner - column < COLUMNS ? p.inner - column : COLUMNS;
    int64_t o = u / blocks, first = u % blocks * rows;
    int64_t len = p.reduce - first < rows ? p.reduce - first : rows;
    const char *from = p.x->data + ((o * p.reduce + first) * p.inner + column) * k->size;
    if (p.inner == 1)
      k->sum(len, from, acc + u);
    else
      k->sum_columns(len, columns, p.inner, from, acc + u * p.inner + column);
  }
  bool real = br_dtype_is_float(x->dtype);
  for (int64_t o = 0; o < p.outer; o++) {
    br_sum *to = acc + o * p.inner; /* stays behind what is still to be read */
    const br_sum *from = acc + o * blocks * p.inner;
    for (int64_t j = 0; j < p.inner; j++) {
      br_sum total = from[j];
      for (int64_t b = 1; b < blocks; b++) {
        if (real)
          total.f += from[b * p.inner + j].f;
        else
          total.i += from[b * p.inner + j].i;
      }
      if (real)
        total.f *= (double)times;
      else
        total.i = (int64_t)((uint64_t)total.i * (uint64_t)times);
      to[j] = total;
    }
  }
  br_kernels_of(out->dtype)->put(kept, acc, scale, out->data);
  br_free(acc);
  br_release(p.x);
  return BR_OK;
}

/* Makes a tensor for the sums of `few`, and a view of it, in out's shape, as the sums
   of x. */
static br_tensor *few_sums(br_tensor *few, const br_tensor *x, unsigned mask,
                           const br_tensor *out, br_tensor **view) {
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  int n = 0;
  for (int d = 0; d < x->ndim; d++) shape[d] = mask & 1u << d ? 1 : few->shape[d];
  br_tensor *frame = br_tensor_view(few, x->ndim, shape, few->stride, 0);
  br_tensor *sums = frame ? br_tensor_like(frame, out->dtype) : NULL;
  br_release(frame);
  for (int d = 0; d < x->ndim && sums; d++) {
    bool reduced = mask & 1u << d;
    if (reduced && out->ndim < x->ndim) continue;
    shape[n] = reduced ? 1 : x->shape[d];
    stride[n++] = br_repeats(x, d) ? 0 : sums->stride[d];
  }
  *view = sums ? br_tensor_view(sums, n, shape, stride, 0) : NULL;
  return sums;
}

static br_status run_sum(br_tensor *x, unsigned mask, double scale, br_tensor *out) {
  bool kept = br_repeat_count(x, ~mask) > 1;
  int64_t times = br_repeat_count(x, mask);
  if (out->numel == 0) return BR_OK;
  if (!kept && times == 1) return sum_each(x, mask, scale, 1, out);
  br_tensor *few = br_folded(x, ~0u), *view = NULL, *sums = NULL;
  br_status status = few ? BR_OK : BR_ENOMEM;
  if (!status && !kept) {
    status = sum_each(few, mask, scale, times, out);
  } else if (!status) {
    sums = few_sums(few, x, mask, out, &view);
    status = view ? sum_each(few, mask, scale, times, sums) : BR_ENOMEM;
    if (!status) status = br_copy(out, view);
  }
  br_release(few);
  br_release(view);
  br_release(sums);
  return status;
}

br_tensor *br_sum_to(br_tensor *t, int ndim, const int64_t *shape) {
  unsigned mask = 0;
  int extra = t->ndim - ndim;
  int64_t kept[BR_MAX_DIM], stride[BR_MAX_DIM];
  for (int d = 0; d < t->ndim; d++) {
    kept[d] = t->shape[d];
    bool reduced = d < extra || (shape[d - extra] == 1 && t->shape[d] != 1);
    if (reduced) mask |= 1u << d;
    if (reduced) kept[d] = 1;
    stride[d] = t->stride[d];
  }
  if (mask == 0) return br_retain(t);
  br_tensor *frame = br_tensor_view(t, t->ndim, kept, stride, 0);
  br_tensor *sum = frame ? br_tensor_like(frame, t->dtype) : NULL;
  br_tensor *out = NULL;
  if (sum && run_sum(t, mask, 1, sum) == BR_OK)
    out = br_tensor_view(sum, ndim, shape, sum->stride + extra, 0);
  br_release(frame);
  br_release(sum);
  return out;
}

/* ---- rows ---- */

/* Output i, with its dimensions in x's memory order. */
br_status br_reduced_out(br_call *c, int i, br_dtype dtype, unsigned mask, bool keepdim) {
  const br_tensor *x = c->in[0];
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = mask & 1u << d ? 1 : x->shape[d];
  br_tensor *frame = br_tensor_view(c->in[0], x->ndim, shape, x->stride, 0);
  br_tensor *full = frame ? br_tensor_like(frame, dtype) : NULL;
  br_release(frame);
  if (!full || keepdim) return br_out_take(c, i, full);
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (mask & 1u << d) continue;
    shape[n] = full->shape[d];
    stride[n++] = full->stride[d];
  }
  br_tensor *out = br_tensor_view(full, n, shape, stride, 0);
  br_release(full);
  return br_out_take(c, i, out);
}

br_tensor *br_with_ones(const br_call *c, br_tensor *t) {
  int64_t shape[BR_MAX_DIM];
  unsigned mask = (unsigned)c->state[0];
  for (int d = 0; d < c->in[0]->ndim; d++)
    shape[d] = mask & 1u << d ? 1 : c->in[0]->shape[d];
  return br_reshaped(t, c->in[0]->ndim, shape);
}

/* A view of t, which has the result's shape, expanded to x's shape. */
static br_tensor *spread(const br_call *c, br_tensor *t) {
  br_tensor *ones = br_with_ones(c, t);
  br_tensor *wide = ones ? br_view_expand(ones, c->in[0]->ndim, c->in[0]->shape) : NULL;
  br_release(ones);
  return wide;
}

int64_t br_reduced_count(const br_call *c) {
  int64_t n = 1;
  for (int d = 0; d < c->in[0]->ndim; d++)
    if (c->state[0] & 1u << d) n *= c->in[0]->shape[d];
  return n;
}

static br_status masked_infer(br_call *c, br_dtype dtype) {
  unsigned mask;
  br_status status = br_dims(c, &c->arg[BR_REDUCE_DIM], c->in[0]->ndim, &mask);
  if (status) return status;
  c->state[0] = mask;
  return br_reduced_out(c, 0, dtype, mask, c->arg[BR_REDUCE_KEEPDIM].i);
}

static br_status sum_infer(br_call *c) {
  br_dtype d = c->in[0]->dtype;
  return masked_infer(c, br_dtype_is_float(d) ? d : BR_I64);
}

static br_status sum_forward(br_call *c) {
  return run_sum(c->in[0], (unsigned)c->state[0], 1, c->out[0]);
}

static br_status sum_backward(br_call *c) {
  return c->need[0] ? br_dx_take(c, 0, spread(c, c->dy[0])) : BR_OK;
}

static br_status float_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : masked_infer(c, c->in[0]->dtype);
}

static br_status mean_forward(br_call *c) {
  double n = (double)br_reduced_count(c);
  return run_sum(c->in[0], (unsigned)c->state[0], n > 0 ? 1 / n : (double)NAN, c->out[0]);
}

/* factor * dy, expanded to x's shape. */
static br_tensor *spread_scaled(const br_call *c, double factor) {
  br_tensor *dy = br_map_new(K(add_grad), c->dy[0], c->dy[0]->dtype, 1, c->dy, &factor);
  br_tensor *wide = dy ? spread(c, dy) : NULL;
  br_release(dy);
  return wide;
}

static br_status mean_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  return br_dx_take(c, 0, spread_scaled(c, 1 / (double)br_reduced_count(c)));
}

static br_status count_forward(br_call *c) {
  br_tensor *x = c->in[0], *few = br_folded(x, ~0u);
  br_tensor *own = few ? br_tensor_like(few, BR_BOOL) : NULL;
  br_status status = own ? br_copy(own, few) : BR_ENOMEM;
  br_tensor *truth = own ? br_unfolded(own, x) : NULL;
  if (!status)
    status = !truth ? BR_ENOMEM : run_sum(truth, (unsigned)c->state[0], 1, c->out[0]);
  br_release(few);
  br_release(own);
  br_release(truth);
  return status;
}

static br_status count_infer(br_call *c) { return masked_infer(c, BR_I64); }

/* ---- products ---- */

static br_status prod_forward(br_call *c) {
  br_plan p;
  if (br_plan_make(c->in[0], (unsigned)c->state[0], true, &p) != BR_OK) return BR_ENOMEM;
  const br_kernels *k = br_kernels_of(p.x->dtype), *ko = br_kernels_of(c->out[0]->dtype);
  for (int64_t r = 0; r < p.outer; r++) {
    br_sum acc;
    if (br_dtype_is_float(p.x->dtype))
      acc.f = 1;
    else
      acc.i = 1;
    for (int64_t i = 0; i < p.reduce && !br_stopped(); i += BLOCK) {
      int64_t n = p.reduce - i < BLOCK ? p.reduce - i : BLOCK;
      k->prod(n, p.x->data + (r * p.reduce + i) * k->size, &acc);
    }
    ko->put(1, &acc, 1, c->out[0]->data + r * ko->size);
  }
  br_release(p.x);
  return BR_OK;
}

/* dx_i = dy times the product of the other elements. The products come from both ends,
   without a division, so zeros do no harm. */
static br_status prod_backward(br_call *c) {
  br_tensor *x = NULL, *dy = NULL, *dx = NULL, *turned = NULL, *ones = NULL;
  br_status status = BR_ENOMEM;
  br_plan p = {0};
  if (!c->need[0]) return BR_OK;
  int order[BR_MAX_DIM], back[BR_MAX_DIM];
  br_kept_first(c->in[0], (unsigned)c->state[0], order);
  for (int d = 0; d < c->in[0]->ndim; d++) back[order[d]] = d;
  x = br_tensor_like(c->in[0], BR_F64);
  ones = br_with_ones(c, c->dy[0]);
  if (!x || !ones || br_copy(x, c->in[0]) != BR_OK) goto done;
  if (br_plan_make(x, (unsigned)c->state[0], true, &p) != BR_OK) goto done;
  turned = br_view_permute(ones, order);
  dy = turned ? br_as(turned, BR_F64, BR_CONTIGUOUS) : NULL;
  dx = br_tensor_new(BR_F64, p.x->ndim, p.x->shape, BR_CONTIGUOUS);
  if (!dy || !dx) goto done;
  for (int64_t r = 0; r < p.outer; r++) {
    const double *row = (const double *)(const void *)p.x->data + r * p.reduce;
    double *out = (double *)(void *)dx->data + r * p.reduce, after = 1;
    double before = ((const double *)(const void *)dy->data)[r];
    if (br_stopped()) break;
    for (int64_t i = 0; i < p.reduce; before *= row[i++]) out[i] = before;
    for (int64_t i = p.reduce - 1; i >= 0; after *= row[i--]) out[i] *= after;
  }
  status = br_dx_take(c, 0, br_view_permute(dx, back));
done:
  br_release(x);
  br_release(ones);
  br_release(turned);
  br_release(dy);
  br_release(dx);
  br_release(p.x);
  return status;
}

/* ---- truth ---- */

/* For uint8 the result is uint8, 0 or 1, as in PyTorch. */
static br_status truth_infer(br_call *c) {
  return masked_infer(c, c->in[0]->dtype == BR_U8 ? BR_U8 : BR_BOOL);
}

static br_status truth(br_call *c, bool any) {
  br_plan p;
  br_tensor *few = br_folded(c->in[0], (unsigned)c->state[0]);
  br_tensor *x = few ? br_tensor_like(few, BR_BOOL) : NULL;
  br_status status = x ? br_copy(x, few) : BR_ENOMEM;
  if (!status) status = br_plan_make(x, (unsigned)c->state[0], true, &p);
  if (!status) {
    bool *out = (bool *)(void *)c->out[0]->data;
    for (int64_t r = 0; r < p.outer; r++)
      out[r] = (memchr(p.x->data + r * p.reduce, any, (size_t)p.reduce) != NULL) == any;
    br_release(p.x);
  }
  br_release(few);
  br_release(x);
  return status;
}

static br_status any_forward(br_call *c) { return truth(c, true); }
static br_status all_forward(br_call *c) { return truth(c, false); }

/* clang-format off */
const br_op br_reduce_ops[] = {
    {.name = "sum", .args = "x:t dim:D? keepdim:b=false",
     .doc = "the sum over the named dimensions, or all; int64 for integers",
     .usage = "x:sum()   x:sum(2)   images:sum({3, 4}, {keepdim = true})",
     .infer = sum_infer, .forward = sum_forward, .backward = sum_backward},
    {.name = "mean", .args = "x:t dim:D? keepdim:b=false",
     .doc = "the mean over the named dimensions, or all",
     .usage = "images:mean{2, 3, 4}", .infer = float_infer,
     .forward = mean_forward, .backward = mean_backward},
    {.name = "prod", .args = "x:t dim:D? keepdim:b=false",
     .doc = "the product over the named dimensions, or all",
     .usage = "x:prod(2)", .infer = sum_infer,
     .forward = prod_forward, .backward = prod_backward, .keep = BR_KEEP_IN(0)},
    {.name = "count_nonzero", .args = "x:t dim:D? keepdim:b=false",
     .doc = "the number of elements that are not 0",
     .usage = "x:gt(0):count_nonzero()", .infer = count_infer,
     .forward = count_forward},
    {.name = "any", .args = "x:t dim:D? keepdim:b=false",
     .doc = "whether at least one element is not 0",
     .usage = "x:gt(5):any()", .infer = truth_infer,
     .forward = any_forward},
    {.name = "all", .args = "x:t dim:D? keepdim:b=false", .doc = "whether no element is 0",
     .usage = "x:isfinite():all()",
     .infer = truth_infer, .forward = all_forward},
    {0},
};
/* clang-format on */
