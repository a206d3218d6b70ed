/* Small linear systems: a (..., n, n), one matrix after the other, in double. infer
   computes the factors, because a matrix without factors is an error. */
#include "op/op.h"

#include <string.h>

static double *doubles(const br_tensor *t) { return (double *)(void *)t->data; }

static br_status need_square(br_call *c, const br_tensor *a) {
  br_status status = br_need_float(c, a, "a");
  if (status) return status;
  if (a->ndim >= 2 && a->shape[a->ndim - 1] == a->shape[a->ndim - 2])
    return br_blas_threads(1) ? BR_OK : BR_ENOMEM;
  return br_bad(c, "a must have the shape (..., n, n), not %s", br_shape_of(a));
}

/* A view with the last two dimensions exchanged. */
static br_tensor *turned(br_tensor *t) {
  int order[BR_MAX_DIM];
  for (int d = 0; d < t->ndim; d++) order[d] = d;
  order[t->ndim - 1] = t->ndim - 2;
  order[t->ndim - 2] = t->ndim - 1;
  return br_view_permute(t, order);
}

/* A copy of t in double, expanded to the batch. `transposed`: columns are
   contiguous. */
static br_tensor *copied(br_tensor *t, int ndim, const int64_t *batch, bool transposed) {
  int64_t shape[BR_MAX_DIM];
  memcpy(shape, batch, sizeof shape);
  for (int d = 1; d <= 2; d++) shape[ndim - d] = t->shape[t->ndim - d];
  br_tensor *wide = br_view_expand(t, ndim, shape), *view = NULL, *copy = NULL;
  if (wide) view = transposed ? turned(wide) : br_retain(wide);
  if (view) copy = br_tensor_new(BR_F64, ndim, view->shape, BR_CONTIGUOUS);
  if (copy && br_copy(copy, view) != BR_OK) {
    br_release(copy);
    copy = NULL;
  }
  br_release(wide);
  br_release(view);
  return copy;
}

static br_tensor *copied_plain(br_tensor *t, bool transposed) {
  return copied(t, t->ndim, t->shape, transposed);
}

static int64_t matrices(const br_tensor *t) {
  int64_t n = 1;
  for (int d = 0; d < t->ndim - 2; d++) n *= t->shape[d];
  return n;
}

/* ---- solve and inverse: a x = b, where b is the identity for the inverse ---- */

/* saved[0]: the factors of each a of the batch; saved[1]: its pivots */
static br_status factor(br_call *c, int ndim, const int64_t *batch) {
  int64_t n = c->in[0]->shape[c->in[0]->ndim - 1];
  c->saved[0] = copied(c->in[0], ndim, batch, true);
  if (!c->saved[0]) return BR_ENOMEM;
  int64_t count = matrices(c->saved[0]), rows[2] = {count, n};
  c->saved[1] = br_tensor_new(BR_I32, 2, rows, BR_CONTIGUOUS);
  if (!c->saved[1]) return BR_ENOMEM;
  for (int64_t r = 0; r < count && !br_stopped(); r++) {
    int32_t *pivot = (int32_t *)(void *)c->saved[1]->data + r * n;
    if (br_lu(n, doubles(c->saved[0]) + r * n * n, pivot) != 0)
      return br_bad(c, "matrix %lld of the %lld of shape (%lld, %lld) is singular",
                    (long long)r + 1, (long long)count, (long long)n, (long long)n);
  }
  return BR_OK;
}

/* Replaces each b, given as rows (..., k, n), by the solution. */
static void solve_each(const br_call *c, bool transposed, br_tensor *b) {
  int64_t n = b->shape[b->ndim - 1], k = b->shape[b->ndim - 2];
  for (int64_t r = 0; r < matrices(b) && !br_stopped(); r++)
    br_lu_solve(transposed, n, k, doubles(c->saved[0]) + r * n * n,
                (const int32_t *)(const void *)c->saved[1]->data + r * n,
                doubles(b) + r * n * k);
}

/* Adds the dimension of size 1 that turns a vector into a matrix. */
static br_tensor *as_matrix(const br_call *c, br_tensor *t) {
  if (!c->state[0]) return br_retain(t);
  int64_t shape[BR_MAX_DIM];
  memcpy(shape, t->shape, sizeof shape);
  shape[t->ndim] = 1;
  return br_reshaped(t, t->ndim + 1, shape);
}

/* A view of rows (..., k, n) in the shape that b had: (..., n, k), or (..., n) for a
   vector. */
static br_tensor *as_given(const br_call *c, br_tensor *rows) {
  if (c->state[0]) return br_view_select(rows, rows->ndim - 2, 0);
  return turned(rows);
}

static br_status solve_infer(br_call *c) {
  const br_tensor *a = c->in[0], *b = c->in[1];
  int64_t shape[BR_MAX_DIM], n;
  int ndim = 0;
  br_status status = need_square(c, a);
  if (status) return status;
  if (b->dtype != a->dtype)
    return br_bad(c, "b must be %s as a is, not %s", br_dtype_name(a->dtype),
                  br_dtype_name(b->dtype));
  bool vector = b->ndim == 1 ||
                (b->ndim == a->ndim - 1 &&
                 memcmp(a->shape, b->shape, (size_t)b->ndim * sizeof *b->shape) == 0);
  int rows = b->ndim - (vector ? 1 : 2), batch = rows;
  n = a->shape[a->ndim - 1];
  if (rows < 0 || b->shape[rows] != n ||
      !br_broadcast(a->ndim - 2, a->shape, batch, b->shape, &ndim, shape))
    return br_bad(c,
                  "b must have shape (..., n, k) or (..., n), and %s does not fit a %s",
                  br_shape_of(b), br_shape_of(a));
  if (ndim + 2 > BR_MAX_DIM)
    return br_bad(c, "the result would have too many dimensions");
  c->state[0] = vector;
  shape[ndim] = n;
  if (!vector) shape[ndim + 1] = b->shape[rows + 1];
  status = factor(c, ndim + 2, shape);
  return status ? status
                : br_out(c, 0, a->dtype, ndim + (vector ? 1 : 2), shape, BR_CONTIGUOUS);
}

static br_status solve_forward(br_call *c) {
  br_tensor *b = as_matrix(c, c->in[1]), *x = NULL, *y = NULL;
  if (b) x = copied(b, c->saved[0]->ndim, c->saved[0]->shape, true);
  if (x) {
    solve_each(c, false, x);
    y = as_given(c, x);
  }
  br_status status = y ? br_copy(c->out[0], y) : BR_ENOMEM;
  br_release(b);
  br_release(x);
  br_release(y);
  return status;
}

static br_status inverse_infer(br_call *c) {
  br_tensor *a = c->in[0];
  br_status status = need_square(c, a);
  if (!status) status = factor(c, a->ndim, a->shape);
  return status ? status : br_out(c, 0, a->dtype, a->ndim, a->shape, BR_CONTIGUOUS);
}

static br_status inverse_forward(br_call *c) {
  const br_tensor *a = c->in[0];
  int64_t n = a->shape[a->ndim - 1];
  br_tensor *x = br_tensor_zeros(BR_F64, a->ndim, a->shape, BR_CONTIGUOUS), *y = NULL;
  if (x) {
    for (int64_t r = 0; r < matrices(x); r++)
      for (int64_t i = 0; i < n; i++) doubles(x)[r * n * n + i * n + i] = 1;
    solve_each(c, false, x);
    y = turned(x);
  }
  br_status status = y ? br_copy(c->out[0], y) : BR_ENOMEM;
  br_release(x);
  br_release(y);
  return status;
}

/* db = a^-T dx;  da = -db x^T */
static br_status solve_backward(br_call *c) {
  int ndim = c->saved[0]->ndim;
  const int64_t *batch = c->saved[0]->shape;
  br_tensor *dy = as_matrix(c, c->dy[0]), *y = as_matrix(c, c->out[0]);
  br_tensor *db = dy ? copied(dy, ndim, batch, true) : NULL;
  br_tensor *x = y ? copied(y, ndim, batch, true) : NULL;
  br_status status = db && x ? BR_OK : BR_ENOMEM;
  if (!status) solve_each(c, true, db);
  if (!status && c->nin > 1 && c->need[1]) status = br_dx_take(c, 1, as_given(c, db));
  if (!status && c->need[0])
    status = br_dx_take(c, 0, br_tensor_zeros(BR_F64, ndim, batch, BR_CONTIGUOUS));
  if (!status && c->need[0]) {
    int64_t n = batch[ndim - 1], k = db->shape[ndim - 2];
    for (int64_t r = 0; r < matrices(db) && !br_stopped(); r++)
      br_gemm(&(br_blas_product){.dtype = BR_F64,
                                 .m = n,
                                 .n = n,
                                 .k = k,
                                 .alpha = -1,
                                 .a = {doubles(db) + r * n * k, n, .transposed = true},
                                 .b = {doubles(x) + r * n * k, n},
                                 .c = doubles(c->dx[0]) + r * n * n,
                                 .ldc = n});
  }
  br_release(dy);
  br_release(y);
  br_release(db);
  br_release(x);
  return status;
}

/* ---- cholesky ---- */

/* saved[0]: l in double */
static br_status cholesky_infer(br_call *c) {
  br_tensor *a = c->in[0];
  br_status status = need_square(c, a);
  if (status) return status;
  int64_t n = a->shape[a->ndim - 1];
  c->saved[0] = copied_plain(a, false);
  if (!c->saved[0]) return BR_ENOMEM;
  for (int64_t r = 0; r < matrices(a) && !br_stopped(); r++) {
    double *l = doubles(c->saved[0]) + r * n * n;
    int64_t at = br_cholesky(n, l);
    if (at != 0)
      return br_bad(c,
                    "matrix %lld of the %lld of shape (%lld, %lld) is not positive "
                    "definite: its first %lld rows and columns are not",
                    (long long)r + 1, (long long)matrices(a), (long long)n, (long long)n,
                    (long long)at);
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = i + 1; j < n; j++) l[i * n + j] = 0;
  }
  return br_out(c, 0, a->dtype, a->ndim, a->shape, BR_CONTIGUOUS);
}

static br_status cholesky_forward(br_call *c) { return br_copy(c->out[0], c->saved[0]); }

/* Averages a matrix with its transpose, because changes of a are taken to be
   symmetric. */
static void symmetric(int64_t n, double *a) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++)
      a[i * n + j] = a[j * n + i] = (a[i * n + j] + a[j * n + i]) / 2;
}

/* to = a b, or a^T b, all (n,n) row by row. */
static void square_product(int64_t n, bool transposed, const double *a, const double *b,
                           double *to) {
  br_gemm(&(br_blas_product){.dtype = BR_F64,
                             .m = n,
                             .n = n,
                             .k = n,
                             .alpha = 1,
                             .a = {a, n, transposed},
                             .b = {b, n},
                             .c = to,
                             .ldc = n});
}

/* da = l^-T p l^-1, where p is the lower half of l^T dl with its diagonal halved
   (Murray, 2016, "Differentiation of the Cholesky decomposition"). */
static br_status cholesky_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *a = c->in[0];
  int64_t n = a->shape[a->ndim - 1];
  br_tensor *dl = copied_plain(c->dy[0], false);
  br_status status = br_dx_take(
      c, 0, br_tensor_zeros(BR_F64, a->ndim, a->shape, BR_CONTIGUOUS));
  if (!dl) status = BR_ENOMEM;
  for (int64_t r = 0; !status && r < matrices(a) && !br_stopped(); r++) {
    const double *l = doubles(c->saved[0]) + r * n * n;
    double *p = doubles(c->dx[0]) + r * n * n;
    square_product(n, true, l, doubles(dl) + r * n * n, p);
    for (int64_t i = 0; i < n; i++) {
      p[i * n + i] /= 2;
      for (int64_t j = i + 1; j < n; j++) p[i * n + j] = 0;
    }
    br_triangle_solve(false, true, n, l, p);
    br_triangle_solve(true, false, n, l, p);
    symmetric(n, p);
  }
  br_release(dl);
  return status;
}

/* ---- eigh ---- */

/* saved[0]: the eigenvectors as rows; saved[1]: the eigenvalues */
static br_status eigh_infer(br_call *c) {
  br_tensor *a = c->in[0];
  br_status status = need_square(c, a);
  if (status) return status;
  int64_t n = a->shape[a->ndim - 1];
  c->saved[0] = copied_plain(a, false);
  c->saved[1] = br_tensor_new(BR_F64, a->ndim - 1, a->shape, BR_CONTIGUOUS);
  double *room = br_alloc((size_t)br_eigh_room(n) * sizeof *room);
  if (!c->saved[0] || !c->saved[1] || !room) status = BR_ENOMEM;
  for (int64_t r = 0; !status && r < matrices(a) && !br_stopped(); r++) {
    if (br_eigh(n, doubles(c->saved[0]) + r * n * n, doubles(c->saved[1]) + r * n, room))
      status = br_bad(
          c,
          "matrix %lld of the %lld of shape (%lld, %lld) has no eigenvalues that can be found; does it hold NaN?",
          (long long)r + 1, (long long)matrices(a), (long long)n, (long long)n);
  }
  br_free(room);
  if (!status) status = br_out(c, 0, a->dtype, a->ndim - 1, a->shape, BR_CONTIGUOUS);
  return status ? status : br_out(c, 1, a->dtype, a->ndim, a->shape, BR_CONTIGUOUS);
}

static br_status eigh_forward(br_call *c) {
  br_tensor *vectors = turned(c->saved[0]);
  br_status status = vectors ? br_copy(c->out[1], vectors) : BR_ENOMEM;
  br_release(vectors);
  return status ? status : br_copy(c->out[0], c->saved[1]);
}

/* m = v^T dv, each element divided by the difference of its two eigenvalues; dw is the
   diagonal. `e` is v^T. */
static void eigh_inner(int64_t n, const double *e, const double *w, const double *dw,
                       const double *dv, double *m) {
  if (dv)
    square_product(n, false, e, dv, m);
  else
    memset(m, 0, (size_t)(n * n) * sizeof *m);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      if (i == j)
        m[i * n + j] = dw ? dw[i] : 0;
      else if (dv)
        m[i * n + j] /= w[j] - w[i];
    }
}

/* da = v m v^T */
static br_status eigh_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *a = c->in[0];
  int64_t n = a->shape[a->ndim - 1], square = n * n;
  br_tensor *dw = c->dy[0] ? br_as(c->dy[0], BR_F64, BR_CONTIGUOUS) : NULL;
  br_tensor *dv = c->dy[1] ? copied_plain(c->dy[1], false) : NULL;
  double *m = br_alloc((size_t)(2 * square) * sizeof *m + 1);
  br_status status = br_dx_take(
      c, 0, br_tensor_zeros(BR_F64, a->ndim, a->shape, BR_CONTIGUOUS));
  if (!m || (c->dy[0] && !dw) || (c->dy[1] && !dv)) status = BR_ENOMEM;
  for (int64_t r = 0; !status && r < matrices(a) && !br_stopped(); r++) {
    const double *e = doubles(c->saved[0]) + r * square;
    double *to = doubles(c->dx[0]) + r * square;
    eigh_inner(n, e, doubles(c->saved[1]) + r * n, dw ? doubles(dw) + r * n : NULL,
               dv ? doubles(dv) + r * square : NULL, m);
    square_product(n, false, m, e, m + square);
    square_product(n, true, e, m + square, to);
    symmetric(n, to);
  }
  br_release(dw);
  br_release(dv);
  br_free(m);
  return status;
}

/* clang-format off */
const br_op br_solve_ops[] = {
    {.name = "solve", .args = "a:t b:t",
     .doc = "the solution x of a x = b, a (..., n, n), b (..., n, k) or (..., n), in the shape of b",
     .usage = "F.solve(braid.eye(2) * 4, x)",
     .infer = solve_infer, .forward = solve_forward, .backward = solve_backward,
     .keep = BR_KEEP_OUT(0)},
    {.name = "inverse", .args = "a:t",
     .doc = "the inverse of a (..., n, n) -> (..., n, n)",
     .usage = "(braid.eye(2) * 4):inverse()", .infer = inverse_infer,
     .forward = inverse_forward, .backward = solve_backward, .keep = BR_KEEP_OUT(0)},
    {.name = "cholesky", .args = "a:t",
     .doc = "the lower triangular l (..., n, n) with a = l l^T, a (..., n, n) symmetric and positive definite; only the lower half of a is read",
     .usage = "(braid.eye(2) * 4):cholesky()",
     .infer = cholesky_infer, .forward = cholesky_forward, .backward = cholesky_backward},
    {.name = "eigh", .args = "a:t",
     .doc = "eigenvalues (..., n), smallest first, and eigenvectors (..., n, n), as columns, of a (..., n, n) symmetric; only the lower half of a is read",
     .usage = "local values, vectors = x:matmul(x:t()):eigh()",
     .infer = eigh_infer, .forward = eigh_forward, .backward = eigh_backward,
     .results = 2},
    {0},
};
/* clang-format on */
