/* Rows of an arena of gradients (csrc/grad): their products with each other, and their
   weighted sum. Columns are summed in order, in chunks that depend on the shape only.
   So the numbers are the same on any number of threads. */
#include "base/threads.h"
#include "op/op.h"

#include <string.h>

enum { CHUNK = 1024, MAX_PARTS = 64 };

/* How many columns a part of the work has: a multiple of CHUNK, so that there are at most
   MAX_PARTS parts. */
static int64_t part_length(int64_t d) {
  int64_t chunks = (d + CHUNK - 1) / CHUNK;
  return (chunks + MAX_PARTS - 1) / MAX_PARTS * CHUNK;
}

static void to_doubles(const br_tensor *x, int64_t row, int64_t from, int64_t n,
                       double *out) {
  const int64_t at = row * x->shape[1] + from;
  if (x->dtype == BR_F64) {
    memcpy(out, (const double *)(const void *)x->data + at, (size_t)n * sizeof *out);
    return;
  }
  const float *in = (const float *)(const void *)x->data + at;
  for (int64_t i = 0; i < n; i++) out[i] = in[i];
}

/* sum (t,t) += x x^T over columns from .. to-1; buffer (t,CHUNK) */
static void add_products(const br_tensor *x, int64_t from, int64_t to, double *buffer,
                         double *sum) {
  const int64_t t = x->shape[0];
  for (; from < to; from += CHUNK) {
    int64_t n = to - from < CHUNK ? to - from : CHUNK;
    for (int64_t r = 0; r < t; r++) to_doubles(x, r, from, n, buffer + r * CHUNK);
    br_blas_product p = {.dtype = BR_F64,
                         .m = t,
                         .n = t,
                         .k = n,
                         .alpha = 1,
                         .beta = 1,
                         .a = {buffer, CHUNK, false},
                         .b = {buffer, CHUNK, true},
                         .c = sum,
                         .ldc = t};
    br_gemm(&p);
  }
}

static br_status gram_infer(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  if (!status) status = br_need_dims(c, c->in[0], "x", 2);
  if (status) return status;
  int64_t t = c->in[0]->shape[0], shape[2] = {t, t};
  return br_out(c, 0, BR_F64, 2, shape, BR_CONTIGUOUS);
}

/* Computes the products of each part (t,t) into `sums`. `buffer` is (t,CHUNK) for each
   thread. */
static void gram_parts(const br_tensor *x, int64_t parts, int threads, double *sums,
                       double *buffers) {
  const int64_t t = x->shape[0], d = x->shape[1], length = part_length(d);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int64_t p = 0; p < parts; p++) {
    if (br_stopped()) continue;
    int64_t from = p * length, to = from + length < d ? from + length : d;
    add_products(x, from, to, buffers + br_thread_index() * t * CHUNK, sums + p * t * t);
  }
}

static br_status gram_forward(br_call *c) {
  const int64_t t = c->in[0]->shape[0], d = c->in[0]->shape[1];
  const int64_t parts = d > 0 ? (d + part_length(d) - 1) / part_length(d) : 0;
  int threads = br_blas_threads(t * d > 32768 ? br_threads() : 1);
  if (threads == 0) return BR_ENOMEM;
  br_tensor *x = br_contiguous(c->in[0]);
  double *sums = br_alloc_zero((size_t)(parts * t * t) * sizeof *sums + 1);
  double *buffers = br_alloc((size_t)(threads * t * CHUNK) * sizeof *buffers + 1);
  double *out = (double *)(void *)c->out[0]->data;
  br_status status = x && sums && buffers ? BR_OK : BR_ENOMEM;
  if (!status) {
    gram_parts(x, parts, threads, sums, buffers);
    memset(out, 0, (size_t)(t * t) * sizeof *out);
    for (int64_t i = 0; i < parts * t * t; i++) out[i % (t * t)] += sums[i];
  }
  br_release(x);
  br_free(sums);
  br_free(buffers);
  return status;
}

static br_status weighted_infer(br_call *c) {
  const br_tensor *x = c->in[0], *w = c->in[1];
  br_status status = br_need_float(c, x, "x");
  if (!status) status = br_need_dims(c, x, "x", 2);
  if (status) return status;
  if (w->ndim != 1 || w->shape[0] != x->shape[0] || w->dtype != x->dtype)
    return br_bad(c, "weights must be %s (%lld), not %s %s", br_dtype_name(x->dtype),
                  (long long)x->shape[0], br_dtype_name(w->dtype), br_shape_of(w));
  return br_out(c, 0, x->dtype, 1, x->shape + 1, BR_CONTIGUOUS);
}

static br_status weighted_forward(br_call *c) {
  const int64_t t = c->in[0]->shape[0], d = c->in[0]->shape[1];
  const int64_t size = br_dtype_size(c->out[0]->dtype), units = (d + CHUNK - 1) / CHUNK;
  int threads = br_blas_threads(t * d > 32768 ? br_threads() : 1);
  if (threads == 0) return BR_ENOMEM;
  br_tensor *x = br_contiguous(c->in[0]), *w = br_contiguous(c->in[1]);
  if (x && w) {
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t u = 0; u < units; u++) {
      if (br_stopped()) continue;
      int64_t from = u * CHUNK, n = d - from < CHUNK ? d - from : CHUNK;
      br_blas_product p = {.dtype = x->dtype,
                           .m = 1,
                           .n = n,
                           .k = t,
                           .alpha = 1,
                           .a = {w->data, t, false},
                           .b = {x->data + from * size, d, false},
                           .c = c->out[0]->data + from * size,
                           .ldc = n};
      br_gemm(&p);
    }
  }
  br_status status = x && w ? BR_OK : BR_ENOMEM;
  br_release(x);
  br_release(w);
  return status;
}

/* clang-format off */
const br_op br_rows_ops[] = {
    {.name = "gram", .args = "x:t",
     .doc = "x x^T (t,t) of x (t,d), float64", .infer = gram_infer,
     .forward = gram_forward, .flags = BR_HIDDEN},
    {.name = "weighted_rows", .args = "x:t weights:t",
     .doc = "the weighted sum (d) of the rows of x (t,d)",
     .infer = weighted_infer, .forward = weighted_forward, .flags = BR_HIDDEN},
    {0},
};
/* clang-format on */
