/* Matrix products over OpenBLAS. A product is cut into blocks by its shape alone and each
   block is one single-threaded call, so that results do not depend on the number of
   threads. */
#include "op/matmul.h"

#include <string.h>

#include "base/threads.h"

/* The last two dimensions of t as a matrix; false if neither is contiguous. */
static bool as_matrix(const br_tensor *t, br_matrix *m) {
  int64_t rows = t->shape[t->ndim - 2], columns = t->shape[t->ndim - 1];
  int64_t down = t->stride[t->ndim - 2], across = t->stride[t->ndim - 1];
  m->data = t->data;
  if ((across == 1 || columns <= 1) && (down >= columns || rows <= 1)) {
    m->transposed = false;
    m->ld = rows <= 1 || down < columns ? columns : down;
    return true;
  }
  m->transposed = true;
  m->ld = columns <= 1 ? rows : across;
  return (down == 1 || rows <= 1) && (across >= rows || columns <= 1);
}

/* t itself (retained) or a contiguous copy, so that as_matrix holds. */
static br_tensor *for_blas(br_tensor *t, br_matrix *m) {
  if (as_matrix(t, m)) return br_retain(t);
  br_tensor *copy = br_contiguous(t);
  if (copy) as_matrix(copy, m);
  return copy;
}

#define LONG_WORK 5e8 /* multiply-adds: some hundredths of a second */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Halves the longer side of a block until there are enough blocks for the threads, and
   none takes longer than some hundredths of a second. */
static void choose_blocks(int64_t m, int64_t n, int64_t k, int64_t *bm, int64_t *bn) {
  *bm = m;
  *bn = n;
  for (;;) {
    double work = (double)*bm * (double)*bn * (double)k;
    bool few = ((m + *bm - 1) / *bm) * ((n + *bn - 1) / *bn) < 16;
    if ((!few || work <= 1e6) && work <= LONG_WORK) break;
    if (*bm <= 64 && *bn <= 64) break;
    int64_t *side = *bm > *bn ? bm : bn;
    *side = (*side / 2 + 31) & ~(int64_t)31;
  }
}

/* `count` products like `one`; the steps lead from one product's operands to the
   next. */
typedef struct batch {
  br_blas_product one;
  int64_t count, a_step[BR_MAX_DIM], b_step[BR_MAX_DIM], shape[BR_MAX_DIM];
  int ndim;
} batch;

/* The part of a matrix that begins at element `at`. */
static br_matrix from(const br_matrix *a, int64_t at, int64_t size) {
  return (br_matrix){(const char *)a->data + at * size, a->ld, a->transposed};
}

static br_status run_products(const batch *bt) {
  const br_blas_product *all = &bt->one;
  int64_t bm, bn, m = all->m, n = all->n, size = br_dtype_size(all->dtype);
  if (m == 0 || n == 0 || bt->count == 0) return BR_OK;
  choose_blocks(m, n, all->k, &bm, &bn);
  int64_t mb = (m + bm - 1) / bm, nb = (n + bn - 1) / bn, units = bt->count * mb * nb;
  double work = (double)bt->count * (double)m * (double)n * (double)all->k;
  int threads = br_blas_threads(units > 1 && work > 3e4 ? br_threads() : 1);
  if (threads == 0) return BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int64_t u = 0; u < units; u++) {
    if (br_stopped()) continue;
    int64_t z = u / (mb * nb), i = u / nb % mb * bm, j = u % nb * bn;
    int64_t a_at = all->a.transposed ? i : i * all->a.ld;
    int64_t b_at = all->b.transposed ? j * all->b.ld : j;
    int64_t rest = z;
    for (int d = bt->ndim - 1; d >= 0; d--) {
      a_at += rest % bt->shape[d] * bt->a_step[d];
      b_at += rest % bt->shape[d] * bt->b_step[d];
      rest /= bt->shape[d];
    }
    br_blas_product block = *all;
    block.m = smaller(bm, m - i);
    block.n = smaller(bn, n - j);
    block.a = from(&all->a, a_at, size);
    block.b = from(&all->b, b_at, size);
    block.c = (char *)all->c + ((z * m + i) * n + j) * size;
    br_gemm(&block);
  }
  return BR_OK;
}

br_status br_multiply(br_tensor *a, br_tensor *b, double beta, br_tensor *out) {
  const int64_t *shape = out->shape + out->ndim - 2;
  batch bt = {.count = 1, .ndim = out->ndim - 2};
  bt.one = (br_blas_product){.dtype = out->dtype,
                             .m = shape[0],
                             .n = shape[1],
                             .k = a->shape[a->ndim - 1],
                             .alpha = 1,
                             .beta = beta,
                             .c = out->data,
                             .ldc = shape[1]};
  br_tensor *ta = for_blas(a, &bt.one.a), *tb = for_blas(b, &bt.one.b);
  br_status status = ta && tb ? BR_OK : BR_ENOMEM;
  if (!status) {
    for (int d = 0; d < bt.ndim; d++) {
      int da = d - (out->ndim - a->ndim), db = d - (out->ndim - b->ndim);
      bt.shape[d] = out->shape[d];
      bt.count *= out->shape[d];
      bt.a_step[d] = da < 0 || ta->shape[da] == 1 ? 0 : ta->stride[da];
      bt.b_step[d] = db < 0 || tb->shape[db] == 1 ? 0 : tb->stride[db];
    }
    status = run_products(&bt);
  }
  br_release(ta);
  br_release(tb);
  return status;
}

br_tensor *br_product(br_tensor *a, br_tensor *b) {
  int ndim;
  int64_t shape[BR_MAX_DIM];
  br_broadcast(a->ndim - 2, a->shape, b->ndim - 2, b->shape, &ndim, shape);
  shape[ndim] = a->shape[a->ndim - 2];
  shape[ndim + 1] = b->shape[b->ndim - 1];
  br_tensor *out = br_tensor_new(a->dtype, ndim + 2, shape, BR_CONTIGUOUS);
  if (out && br_multiply(a, b, 0, out) != BR_OK) {
    br_release(out);
    out = NULL;
  }
  return out;
}

br_tensor *br_transposed(br_tensor *t) {
  int order[BR_MAX_DIM];
  for (int d = 0; d < t->ndim; d++) order[d] = d;
  order[t->ndim - 2] = t->ndim - 1;
  order[t->ndim - 1] = t->ndim - 2;
  return br_view_permute(t, order);
}

/* A vector becomes a row (for a) or a column (for b). */
static br_tensor *at_least_2d(br_tensor *t, bool row) {
  if (t->ndim > 1) return br_retain(t);
  int64_t shape[2] = {row ? 1 : t->shape[0], row ? t->shape[0] : 1};
  int64_t stride[2] = {row ? t->shape[0] : t->stride[0], row ? t->stride[0] : 1};
  return br_tensor_view(t, 2, shape, stride, 0);
}

br_status br_same_float(br_call *c, const br_tensor *a, const br_tensor *b,
                        const char *a_name, const char *b_name) {
  br_status status = br_need_float(c, a, a_name);
  if (!status && a->dtype != b->dtype)
    return br_bad(c, "%s is %s and %s is %s; convert one with to()", a_name,
                  br_dtype_name(a->dtype), b_name, br_dtype_name(b->dtype));
  return status;
}

static br_status matmul_infer(br_call *c) {
  const br_tensor *a = c->in[0], *b = c->in[1];
  br_status status = br_same_float(c, a, b, "a", "b");
  if (status) return status;
  if (a->ndim == 0 || b->ndim == 0)
    return br_bad(c, "a and b must have dimensions, not %s and %s", br_shape_of(a),
                  br_shape_of(b));
  int64_t inner = b->shape[b->ndim == 1 ? 0 : b->ndim - 2];
  int an = a->ndim > 2 ? a->ndim - 2 : 0, bn = b->ndim > 2 ? b->ndim - 2 : 0, ndim = 0;
  int64_t shape[BR_MAX_DIM];
  if (a->shape[a->ndim - 1] != inner)
    return br_bad(c, "%s times %s: the inner sizes %lld and %lld differ", br_shape_of(a),
                  br_shape_of(b), (long long)a->shape[a->ndim - 1], (long long)inner);
  if (!br_broadcast(an, a->shape, bn, b->shape, &ndim, shape))
    return br_bad(c, "the batches of %s and %s do not broadcast", br_shape_of(a),
                  br_shape_of(b));
  if (a->ndim > 1) shape[ndim++] = a->shape[a->ndim - 2];
  if (b->ndim > 1) shape[ndim++] = b->shape[b->ndim - 1];
  return br_out(c, 0, a->dtype, ndim, shape, BR_CONTIGUOUS);
}

/* `out` with the dimensions that br_multiply needs and vectors lack. */
static br_tensor *full_shape(br_tensor *out, const br_tensor *a, const br_tensor *b) {
  int ndim = 0;
  int64_t shape[BR_MAX_DIM];
  int batch_dims = out->ndim - (a->ndim > 1) - (b->ndim > 1);
  for (; ndim < batch_dims; ndim++) shape[ndim] = out->shape[ndim];
  shape[ndim++] = a->ndim > 1 ? a->shape[a->ndim - 2] : 1;
  shape[ndim++] = b->ndim > 1 ? b->shape[b->ndim - 1] : 1;
  return br_reshaped(out, ndim, shape);
}

static br_status matmul_forward(br_call *c) {
  br_tensor *a = at_least_2d(c->in[0], true), *b = at_least_2d(c->in[1], false);
  br_tensor *out = full_shape(c->out[0], c->in[0], c->in[1]);
  br_status status = a && b && out ? br_multiply(a, b, 0, out) : BR_ENOMEM;
  br_release(a);
  br_release(b);
  br_release(out);
  return status;
}

/* da = dy b^T, db = a^T dy. The engine sums over dimensions that were broadcast. */
static br_status matmul_backward(br_call *c) {
  br_tensor *a = at_least_2d(c->in[0], true), *b = at_least_2d(c->in[1], false);
  br_tensor *dy = full_shape(c->dy[0], c->in[0], c->in[1]);
  br_tensor *at = a ? br_transposed(a) : NULL, *bt = b ? br_transposed(b) : NULL;
  br_status status = dy && at && bt ? BR_OK : BR_ENOMEM;
  for (int i = 0; i < 2 && !status; i++) {
    if (!c->need[i]) continue;
    br_tensor *d = i == 0 ? br_product(dy, bt) : br_product(at, dy);
    br_tensor *flat = d;
    if (d && c->in[i]->ndim == 1) { /* a vector: sum the batch away and drop the 1 */
      int64_t full[2] = {i == 0 ? 1 : c->in[i]->shape[0],
                         i == 0 ? c->in[i]->shape[0] : 1};
      br_tensor *one = br_sum_to(d, 2, full);
      flat = one ? br_reshaped(one, 1, c->in[i]->shape) : NULL;
      br_release(one);
      br_release(d);
    }
    status = br_dx_take(c, i, flat);
  }
  br_release(a);
  br_release(b);
  br_release(at);
  br_release(bt);
  br_release(dy);
  return status;
}

/* clang-format off */
const br_op br_matmul_ops[] = {
    {.name = "matmul", .args = "a:t b:t",
     .doc = "matrix product (..., m, k) (..., k, n) -> (..., m, n); a vector is a row on the left, a column on the right",
     .usage = "x:matmul(y:t())",
     .infer = matmul_infer, .forward = matmul_forward, .backward = matmul_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1)},
    {0},
};
/* clang-format on */
