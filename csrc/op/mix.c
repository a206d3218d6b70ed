/* mix: stacked columns, which lie side by side along the channels, become weighted
   sums, one for each column. With `toward`, the weights draw each column towards the
   others; equal columns then stay unchanged to the bit.

   The work goes over rows of pixels, each of t columns of c channels. Sums over rows
   are in double, in blocks whose number does not depend on the threads, and are
   combined in order.
   blocks whose number does not depend on the threads, combined in order, in double. */
#include "op/op.h"

#include <string.h>

#include "base/threads.h"

enum { ROWS = 256, BLOCKS = 64, GRAIN = 16384 };

/* x (n, t*c) or (n, t*c, h, w), alpha (t,t) or (t,t,c) -> y like x */
static br_status mix_infer(br_call *c) {
  const br_tensor *x = c->in[0], *a = c->in[1];
  br_status status = br_need_float(c, x, "x");
  if (status) return status;
  if (x->ndim != 2 && x->ndim != 4)
    return br_bad(c, "x must have shape (n,c) or (n,c,h,w), not %s", br_shape_of(x));
  if ((a->ndim != 2 && a->ndim != 3) || a->shape[0] != a->shape[1] || a->shape[0] < 1)
    return br_bad(c, "alpha must have shape (t,t) or (t,t,c), not %s", br_shape_of(a));
  if (a->dtype != x->dtype)
    return br_bad(c, "alpha must be %s, as x is, not %s", br_dtype_name(x->dtype),
                  br_dtype_name(a->dtype));
  int64_t t = a->shape[0];
  if (x->shape[1] % t || (a->ndim == 3 && a->shape[2] * t != x->shape[1]))
    return br_bad(c, "alpha %s does not fit the %lld channels of x %s", br_shape_of(a),
                  (long long)x->shape[1], br_shape_of(x));
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CHANNELS_LAST);
}

static br_tensor *as_rows(br_tensor *x, br_dtype dtype) {
  return br_as(x, dtype, x->ndim == 4 ? BR_CHANNELS_LAST : BR_CONTIGUOUS);
}

static bool is_toward(const br_call *c) { return c->arg[0].i != 0; }

/* alpha as (t,t,c), transposed in its first two dimensions if `turned`. */
static br_tensor *full(br_tensor *a, int64_t c, bool turned) {
  int64_t t = a->shape[0], shape[3] = {t, t, c};
  int64_t stride[3] = {a->stride[0], a->stride[1], a->ndim == 3 ? a->stride[2] : 0};
  if (turned) {
    stride[0] = a->stride[1];
    stride[1] = a->stride[0];
  }
  br_tensor *view = br_tensor_view(a, 3, shape, stride, 0);
  br_tensor *whole = view ? br_contiguous(view) : NULL;
  br_release(view);
  return whole;
}

/* alpha^T (t,t,c) of the plain mix that has the same gradient as the call. */
static br_tensor *turned_alpha(const br_call *call) {
  br_tensor *a = call->in[1];
  int64_t t = a->shape[0], c = call->in[0]->shape[1] / t;
  if (!is_toward(call)) return full(a, c, true);
  br_tensor *all = full(a, c, false); /* may be the user's own: not to be changed */
  br_tensor *plain = all ? br_tensor_like(all, all->dtype) : NULL, *turned = NULL;
  if (plain) {
    const br_kernels *k = br_kernels_of(plain->dtype);
    memcpy(plain->data, all->data, (size_t)all->numel * k->size);
    k->mix_diagonal(t, c, plain->data);
    turned = full(plain, c, true);
  }
  br_release(all);
  br_release(plain);
  return turned;
}

/* y = alpha x, or with `toward` x + alpha (x_j - x_i); both are rows of pixels. */
static void run(const br_tensor *x, const br_tensor *alpha, br_tensor *y, bool toward) {
  const br_kernels *k = br_kernels_of(x->dtype);
  void (*mix)(int64_t, int64_t, int64_t, const void *, const void *,
              void *) = toward ? k->mix_toward : k->mix;
  int64_t t = alpha->shape[0], c = alpha->shape[2], width = t * c;
  int64_t n = width ? x->numel / width : 0;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > GRAIN)
  for (int64_t first = 0; first < n; first += ROWS) {
    if (br_stopped()) continue;
    int64_t len = n - first < ROWS ? n - first : ROWS, at = first * width * k->size;
    mix(len, t, c, x->data + at, alpha->data, y->data + at);
  }
}

static br_status mix_forward(br_call *c) {
  int64_t channels = c->in[0]->shape[1] / c->in[1]->shape[0];
  br_tensor *rows = as_rows(c->in[0], c->in[0]->dtype);
  br_tensor *alpha = full(c->in[1], channels, false);
  br_status status = rows && alpha ? BR_OK : BR_ENOMEM;
  if (!status) run(rows, alpha, c->out[0], is_toward(c));
  br_release(rows);
  br_release(alpha);
  return status;
}

/* dx = alpha^T dy */
static br_status input_grad(br_call *c, const br_tensor *dy, const br_tensor *rows) {
  br_tensor *dx = br_tensor_like(rows, rows->dtype), *alpha = turned_alpha(c);
  br_status status = dx && alpha ? BR_OK : BR_ENOMEM;
  if (!status) run(dy, alpha, dx, false);
  br_release(alpha);
  if (!status) return br_dx_take(c, 0, dx);
  br_release(dx);
  return status;
}

/* Adds the blocks' sums, in order, into `all` (t,t,c). */
static br_status block_sums(const br_tensor *dy, const br_tensor *x, int64_t t, int64_t c,
                            double *all) {
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t width = t * c, n = width ? x->numel / width : 0, size = t * width;
  int64_t len = (n + BLOCKS - 1) / BLOCKS, pieces = (len + ROWS - 1) / ROWS;
  int64_t count = len ? (n + len - 1) / len : 0;
  double *sums = br_alloc_zero((size_t)(count * size) * sizeof *sums + 1);
  char *part = br_alloc((size_t)(count * size * k->size) + 1);
  br_status status = sums && part ? BR_OK : BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (x->numel > GRAIN)
  for (int64_t b = 0; b < (status ? 0 : count); b++) {
    if (br_stopped()) continue;
    char *own = part + b * size * k->size;
    for (int64_t p = 0; p < pieces; p++) {
      int64_t first = b * len + p * ROWS, end = (b + 1) * len < n ? (b + 1) * len : n;
      int64_t rows = end - first < ROWS ? end - first : ROWS;
      if (rows <= 0) break;
      int64_t at = first * width * k->size;
      k->mix_sums(rows, t, c, dy->data + at, x->data + at, own);
      if (x->dtype == BR_F64)
        for (int64_t i = 0; i < size; i++)
          sums[b * size + i] += ((double *)(void *)own)[i];
      else
        for (int64_t i = 0; i < size; i++)
          sums[b * size + i] += (double)((float *)(void *)own)[i];
    }
  }
  for (int64_t b = 0; b < (status ? 0 : count); b++)
    for (int64_t i = 0; i < size; i++) all[i] += sums[b * size + i];
  br_free(sums);
  br_free(part);
  return status;
}

/* dalpha[i][j] = sum dy[i] x[j], or sum dy[i] (x[j] - x[i]) with `toward`. If alpha is
   (t,t), the sum goes over the channels too. */
static br_status alpha_grad(br_call *call, const br_tensor *dy, const br_tensor *x) {
  const br_tensor *alpha = call->in[1];
  int64_t t = alpha->shape[0], c = x->shape[1] / t;
  br_sum *sums = br_alloc((size_t)(t * t * c) * sizeof *sums + 1);
  double *all = br_alloc_zero((size_t)(t * t * c) * sizeof *all + 1);
  br_tensor *d = br_tensor_new(x->dtype, alpha->ndim, alpha->shape, BR_CONTIGUOUS);
  br_status status = sums && all && d ? block_sums(dy, x, t, c, all) : BR_ENOMEM;
  for (int64_t i = 0; i < (status ? 0 : t * t); i++) {
    const double *own = all + (i / t * t + i / t) * c;
    double total = 0;
    for (int64_t k = 0; k < c; k++) {
      double sum = is_toward(call) ? all[i * c + k] - own[k] : all[i * c + k];
      sums[i * c + k].f = sum;
      total += sum;
    }
    if (alpha->ndim == 2)
      sums[i].f = total; /* i <= i c: a value is read before it is overwritten */
  }
  if (!status) br_kernels_of(x->dtype)->put(d->numel, sums, 1, d->data);
  br_free(sums);
  br_free(all);
  if (!status) return br_dx_take(call, 1, d);
  br_release(d);
  return status;
}

static br_status mix_backward(br_call *c) {
  br_dtype dtype = c->in[0]->dtype;
  br_tensor *rows = as_rows(c->in[0], dtype), *dy = as_rows(c->dy[0], dtype);
  br_status status = rows && dy ? BR_OK : BR_ENOMEM;
  if (!status && c->need[0]) status = input_grad(c, dy, rows);
  if (!status && c->need[1]) status = alpha_grad(c, dy, rows);
  br_release(rows);
  br_release(dy);
  return status;
}

/* clang-format off */
const br_op br_mix_ops[] = {
    {.name = "mix", .args = "x:t alpha:t toward:b=false",
     .doc = "mixes t stacked columns, x (n, t*c) or (n, t*c, h, w): y_i = sum_j alpha_ij x_j. alpha is (t,t), or (t,t,c) with weights for each channel. With toward, y_i = x_i + sum_j alpha_ij (x_j - x_i); equal columns then stay unchanged to the bit",
     .usage = "F.mix(images:narrow(2, 1, 2), braid.eye(2))",
     .infer = mix_infer, .forward = mix_forward, .backward = mix_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1), .flags = BR_NO_METHOD},
    {0},
};
/* clang-format on */
