/* Linear layers: y (..., out) = x (..., in) w (out, in)^T + b (out).

   With few rows of x the work is to bring the weights from memory: then each direction
   reads or writes them once, in blocks that depend on shapes alone, and OpenBLAS, which
   copies them first, serves the rest. */
#include "op/matmul.h"

#include <string.h>

#include "base/threads.h"

enum {
  OUTPUTS = 48,  /* of a unit of forward, a multiple of every dot_rows tile */
  COLUMNS = 512, /* of a unit of backward, a multiple of every nr */
  DEPTH = 128,   /* rows of the weights that are packed at a time */
  GRAIN = 30000  /* multiplications worth a second thread */
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static br_status linear_infer(br_call *c) {
  const br_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
  int64_t shape[BR_MAX_DIM];
  br_status status = br_same_float(c, x, w, "x", "weight");
  if (!status) status = br_need_dims(c, w, "weight", 2);
  if (!status && b) status = br_same_float(c, b, w, "bias", "weight");
  if (status) return status;
  if (x->ndim == 0 || x->shape[x->ndim - 1] != w->shape[1])
    return br_bad(c, "weight expects %lld features, input %s has %lld",
                  (long long)w->shape[1], br_shape_of(x),
                  (long long)(x->ndim ? x->shape[x->ndim - 1] : 0));
  if (b && (b->ndim != 1 || b->shape[0] != w->shape[0]))
    return br_bad(c, "bias must have shape (%lld), not %s", (long long)w->shape[0],
                  br_shape_of(b));
  memcpy(shape, x->shape, sizeof shape);
  shape[x->ndim - 1] = w->shape[0];
  return br_out(c, 0, x->dtype, x->ndim, shape, BR_CONTIGUOUS);
}

/* All but the last dimension merged into rows. */
static br_tensor *as_rows(br_tensor *t) {
  int64_t last = t->shape[t->ndim - 1];
  int64_t shape[2] = {1, last};
  for (int d = 0; d < t->ndim - 1; d++) shape[0] *= t->shape[d];
  return br_reshaped(t, 2, shape);
}

/* A product (rows,in) by (out,in), all contiguous. */
typedef struct product {
  int64_t m, n, k; /* rows, outputs, inputs */
  const br_kernels *kernels;
} product;

static product product_of(const br_tensor *x, const br_tensor *w) {
  return (product){x->shape[0], w->shape[0], w->shape[1], br_kernels_of(w->dtype)};
}

static bool parallel(const product *p) {
  return (double)p->m * (double)p->n * (double)p->k > GRAIN;
}

/* Inputs taken at a time: as many as leave that part of x in the second cache. */
static int64_t depth_of(const product *p) {
  int64_t room = 262144 / p->kernels->size / (p->m ? p->m : 1);
  return room < 512 ? 512 : room > 16384 ? 16384 : room & ~(int64_t)63;
}

static void few_forward(const product *p, const char *x, const char *w, const char *b,
                        char *y) {
  int64_t size = p->kernels->size, depth = depth_of(p);
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (parallel(p))
  for (int64_t j = 0; j < p->n; j += OUTPUTS) {
    int64_t n = smaller(OUTPUTS, p->n - j);
    for (int64_t i = 0; i < p->m; i++) {
      char *to = y + (i * p->n + j) * size;
      if (b)
        memcpy(to, b + j * size, (size_t)(n * size));
      else
        memset(to, 0, (size_t)(n * size));
    }
    for (int64_t c = 0; c < p->k; c += depth)
      p->kernels->dot_rows(p->m, n, smaller(depth, p->k - c), x + c * size, p->k,
                           w + (j * p->k + c) * size, p->k, y + j * size, p->n);
  }
}

/* dx (m,k) = dy (m,n) w (n,k), for `columns` of its columns. One tile of rows reads the
   weights where they lie, a few at a time; for more they are packed. */
static void unit_dx(const product *p, const char *dy, const char *w, int64_t columns,
                    char *room, char *dx) {
  const br_kernels *k = p->kernels;
  bool direct = p->m <= k->mr;
  int64_t depth = direct ? DEPTH / 8 : DEPTH;
  for (int64_t j = 0; j < p->n; j += depth) {
    int64_t rows = smaller(depth, p->n - j);
    const char *from = w + j * p->k * k->size;
    int64_t whole = direct ? columns / k->nr * k->nr : 0;
    for (int64_t c = 0; c < whole; c += k->nr)
      k->panel(p->m, k->nr, rows, dy + j * k->size, p->n, from + c * k->size, p->k, j > 0,
               dx + c * k->size, p->k);
    if (whole < columns)
      k->pack(rows, columns - whole, from + whole * k->size, p->k, room);
    for (int64_t c = whole; c < columns; c += k->nr)
      k->panel(p->m, smaller(k->nr, columns - c), rows, dy + j * k->size, p->n,
               room + (c - whole) * rows * k->size, k->nr, j > 0, dx + c * k->size, p->k);
  }
  for (int64_t i = 0; i < (p->n ? 0 : p->m); i++)
    memset(dx + i * p->k * k->size, 0, (size_t)(columns * k->size));
}

/* dw (n,k) = dy^T (n,m) x (m,k), for `columns` of its columns; t is dy^T. */
static void unit_dw(const product *p, const char *t, const char *x, int64_t columns,
                    char *room, char *dw) {
  const br_kernels *k = p->kernels;
  k->pack(p->m, columns, x, p->k, room);
  for (int64_t j = 0; j < p->n; j += k->mr)
    for (int64_t c = 0; c < columns; c += k->nr)
      k->panel(smaller(k->mr, p->n - j), smaller(k->nr, columns - c), p->m,
               t + j * p->m * k->size, p->m, room + c * p->m * k->size, k->nr, false,
               dw + (j * p->k + c) * k->size, p->k);
}

/* One of the two: d is dx or dw, `other` w or x, and a dy or dy^T. */
static br_status few_backward(const product *p, bool weights, const char *a,
                              const char *other, char *d) {
  int64_t size = p->kernels->size, deep = weights ? p->m : DEPTH;
  int64_t unit = p->k > 8 * COLUMNS ? COLUMNS : 64;
  int64_t bytes = (deep * unit * size + 63) & ~(int64_t)63;
  char *room = br_alloc((size_t)(bytes * br_threads()));
  if (!room) return BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (parallel(p))
  for (int64_t c = 0; c < p->k; c += unit)
    (weights ? unit_dw : unit_dx)(p, a, other + c * size, smaller(unit, p->k - c),
                                  room + br_thread_index() * bytes, d + c * size);
  br_free(room);
  return BR_OK;
}

/* Where streaming wins, by measurement: of weights that outgrow the caches, and forward,
   whose blocks of x stay, also of smaller ones. */
typedef enum direction { FORWARD, INPUT, WEIGHT } direction;

static bool few(const br_tensor *rows, const br_tensor *w, direction which) {
  int64_t m = rows->shape[0], size = w->numel;
  if (!br_is_contiguous(w)) return false;
  if (which == FORWARD) return m <= 96 && size >= (m >= 32 ? 200000 : 1000000);
  return which == INPUT ? m <= 64 && size >= 2000000 : m <= 96 && size >= 5000000;
}

static br_status linear_forward(br_call *c) {
  br_tensor *w = c->in[1], *b = c->in[2];
  br_tensor *rows = as_rows(c->in[0]), *y = as_rows(c->out[0]), *x = NULL, *bias = NULL;
  br_status status = rows && y ? BR_OK : BR_ENOMEM;
  if (!status && few(rows, w, FORWARD)) {
    x = br_contiguous(rows);
    bias = b ? br_contiguous(b) : NULL;
    if (!x || (b && !bias)) status = BR_ENOMEM;
    product p = product_of(rows, w);
    if (!status) few_forward(&p, x->data, w->data, bias ? bias->data : NULL, y->data);
  } else if (!status) {
    br_tensor *wt = br_transposed(w);
    if (b) status = br_copy(y, b);
    if (!wt) status = BR_ENOMEM;
    if (!status) status = br_multiply(rows, wt, b ? 1 : 0, y);
    br_release(wt);
  }
  br_release(rows);
  br_release(x);
  br_release(bias);
  br_release(y);
  return status;
}

/* The gradient of rows (m,k), NULL on failure. */
static br_tensor *rows_grad(br_tensor *dy, br_tensor *w) {
  if (!few(dy, w, INPUT)) return br_product(dy, w);
  int64_t shape[2] = {dy->shape[0], w->shape[1]};
  br_tensor *dx = br_tensor_new(w->dtype, 2, shape, BR_CONTIGUOUS);
  product p = product_of(dy, w);
  if (!dx || few_backward(&p, false, dy->data, w->data, dx->data) == BR_OK) return dx;
  br_release(dx);
  return NULL;
}

static br_tensor *weight_grad(br_tensor *dy, br_tensor *x, br_tensor *w) {
  br_tensor *turned = br_transposed(dy), *t = NULL, *dw = NULL;
  if (turned && few(dy, w, WEIGHT)) {
    product p = product_of(dy, w);
    t = br_contiguous(turned);
    dw = t ? br_tensor_new(w->dtype, 2, w->shape, BR_CONTIGUOUS) : NULL;
    if (dw && few_backward(&p, true, t->data, x->data, dw->data) != BR_OK) {
      br_release(dw);
      dw = NULL;
    }
  } else if (turned) {
    dw = br_product(turned, x);
  }
  br_release(turned);
  br_release(t);
  return dw;
}

static br_status linear_backward(br_call *c) {
  br_tensor *w = c->in[1], *flat = as_rows(c->in[0]), *x = NULL, *dy = NULL, *dx = NULL;
  br_tensor *arrived = as_rows(c->dy[0]);
  if (flat) x = br_contiguous(flat);
  if (arrived) dy = br_contiguous(arrived);
  br_status status = x && dy ? BR_OK : BR_ENOMEM;
  if (!status && c->need[0]) {
    dx = rows_grad(dy, w);
    status = br_dx_take(c, 0,
                        dx ? br_reshaped(dx, c->in[0]->ndim, c->in[0]->shape) : NULL);
  }
  if (!status && c->need[1]) status = br_dx_take(c, 1, weight_grad(dy, x, w));
  if (!status && c->in[2] && c->need[2])
    status = br_dx_take(c, 2, br_sum_to(dy, 1, c->in[2]->shape));
  br_release(flat);
  br_release(arrived);
  br_release(x);
  br_release(dy);
  br_release(dx);
  return status;
}

/* clang-format off */
const br_op br_linear_ops[] = {
  {"linear", "x:t weight:t bias:t?", "x (..., in) weight (out, in)^T + bias (out) -> (..., out)",
   linear_infer, linear_forward, linear_backward, BR_KEEP_IN(0) | BR_KEEP_IN(1), 0, 0, {0}},
  {0}};
/* clang-format on */
