/* Operators with an index (counted from 1; negative from the end) for every element.
   The index replaces the element's place along one dimension; its places along the
   others stay. All inputs are read in place, part of a row at a time. The only memory
   taken is the result and, for sums, some of its lanes in double. */
#include "op/op.h"

#include <string.h>

enum { CHUNK = 512, COLUMNS = 16 };

/* ---- where an index points ---- */

/* The rows of the index along its last dimension, visited in order. */
typedef struct rows {
  const br_tensor *index;
  int dim, last;
  int64_t place[BR_MAX_DIM];
} rows;

static rows rows_of(const br_call *c, const br_tensor *index) {
  return (rows){.index = index, .dim = (int)c->arg[0].i, .last = index->ndim - 1};
}

/* Moves to the next row. Returns false after the last one. `lanes`: skips the dimension
   of the index. */
static bool next_row(rows *r, bool lanes) {
  for (int d = r->last - 1; d >= 0; d--) {
    if (lanes && d == r->dim) continue;
    if (++r->place[d] < r->index->shape[d]) return true;
    r->place[d] = 0;
  }
  return false;
}

/* Where the row begins in t. Along the dimension of the index this is its own place
   (`own`) or place 0. */
static int64_t start_in(const rows *r, const br_tensor *t, bool own) {
  int64_t at = 0;
  for (int d = 0; d < r->last; d++)
    if (own || d != r->dim) at += r->place[d] * t->stride[d];
  return at;
}

static char *element(const br_tensor *t, int64_t at) {
  return t->data + at * br_dtype_size(t->dtype);
}

static void load_row(const rows *r, const br_tensor *t, br_dtype dtype, int64_t first,
                     int64_t n, void *to) {
  int64_t step = t->stride[r->last], at = start_in(r, t, true) + first * step;
  br_kernels_of(dtype)->load[t->dtype](n, to, element(t, at), step);
}

/* Computes the places in t that elements first .. first+n-1 of the row point to, from
   0. */
static void targets(const rows *r, const br_tensor *t, int64_t first, int64_t n,
                    int64_t *to) {
  int64_t size = t->shape[r->dim], step = t->stride[r->dim];
  int64_t along = r->dim == r->last ? 0 : t->stride[r->last];
  int64_t base = start_in(r, t, false) + first * along;
  load_row(r, r->index, BR_I64, first, n, to);
  for (int64_t i = 0; i < n; i++)
    to[i] = base + i * along + (to[i] > 0 ? to[i] - 1 : size + to[i]) * step;
}

static int64_t chunk_of(int64_t row, int64_t first) {
  return row - first < CHUNK ? row - first : CHUNK;
}

/* The index must have as many dimensions as x. Except along `dim`, it must not be longer
   than x. */
static br_status check_index(br_call *c, const br_tensor *index) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  if (br_dtype_is_float(index->dtype) || index->dtype == BR_BOOL)
    return br_bad(c, "index must hold integers, not %s; to(\"int64\") converts",
                  br_dtype_name(index->dtype));
  if (x->ndim == 0) return br_bad(c, "x has no dimensions to choose from");
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (!status) status = br_need_dims(c, index, "index", x->ndim);
  if (status) return status;
  for (int d = 0; d < x->ndim; d++)
    if (d != dim && index->shape[d] > x->shape[d])
      return br_bad(c, "index %s has more elements in dimension %d than x %s",
                    br_shape_of(index), d + 1, br_shape_of(x));
  c->arg[0].i = dim;
  return BR_OK;
}

static br_status read_index(br_call *c, const br_tensor *index) {
  int64_t value[CHUNK], size, row;
  br_status status = check_index(c, index);
  if (status || index->numel == 0) return status;
  rows r = rows_of(c, index);
  size = c->in[0]->shape[r.dim];
  row = index->shape[r.last];
  do
    for (int64_t first = 0; first < row && !br_stopped(); first += CHUNK) {
      int64_t n = chunk_of(row, first);
      load_row(&r, index, BR_I64, first, n, value);
      for (int64_t i = 0; i < n; i++)
        if (value[i] == 0 || value[i] > size || value[i] < -size)
          return br_bad(c, "there is no index %lld in dimension %d of %s",
                        (long long)value[i], r.dim + 1, br_shape_of(c->in[0]));
    }
  while (!br_stopped() && next_row(&r, false));
  return BR_OK;
}

/* ---- moving elements ---- */

static void move(int64_t size, const char *from, char *to) {
  if (size == 4)
    memcpy(to, from, 4);
  else if (size == 8)
    memcpy(to, from, 8);
  else
    *to = *from;
}

typedef enum way { GATHER, SCATTER, CLEAR } way;

/* For each element of the index, moves a value between the element's place in `own` and
   the place in `t` that it points to. `own` is walked along the index's dimensions. CLEAR
   puts zeros into `t`. */
static void move_all(const br_call *c, way what, const br_tensor *own, br_tensor *t) {
  const br_tensor *index = c->in[1];
  int64_t at[CHUNK], size = br_dtype_size(t->dtype);
  static const char zeros[8] = {0};
  if (index->numel == 0) return;
  rows r = rows_of(c, index);
  int64_t row = index->shape[r.last];
  do
    for (int64_t first = 0; first < row && !br_stopped(); first += CHUNK) {
      int64_t n = chunk_of(row, first), step = own ? own->stride[r.last] * size : 0;
      char *mine = own ? element(own, start_in(&r, own, true)) + first * step : NULL;
      targets(&r, t, first, n, at);
      for (int64_t i = 0; i < n; i++) {
        char *there = t->data + at[i] * size;
        if (what == GATHER)
          move(size, there, mine + i * step);
        else
          move(size, what == CLEAR ? zeros : mine + i * step, there);
      }
    }
  while (!br_stopped() && next_row(&r, false));
}

/* ---- gather ---- */

static br_status gather_infer(br_call *c) {
  br_status status = read_index(c, c->in[1]);
  if (status) return status;
  return br_out(c, 0, c->in[0]->dtype, c->in[1]->ndim, c->in[1]->shape, BR_CONTIGUOUS);
}

static br_status gather_forward(br_call *c) {
  move_all(c, GATHER, c->out[0], c->in[0]);
  return BR_OK;
}

/* ---- sums ---- */

/* Lanes of a tensor along the dimension of an index, for some columns of its last
   dimension, in double or int64. */
typedef struct lanes {
  br_dtype wide;
  int64_t size, columns; /* of the buffer: [size][columns] */
  void *value;
} lanes;

/* Copies columns first .. first+n-1 of t's lanes to the buffer, or back. */
static void move_lanes(const rows *r, const lanes *l, br_tensor *t, int64_t first,
                       int64_t n, bool back) {
  int64_t step = t->stride[r->dim], along = t->stride[r->last];
  int64_t at = start_in(r, t, false) + (r->dim == r->last ? 0 : first * along);
  const br_kernels *k = br_kernels_of(l->wide), *own = br_kernels_of(t->dtype);
  double value[1];
  for (int64_t j = 0; j < l->size && !br_stopped(); j++)
    for (int64_t i = 0; i < n; i++) {
      char *place = element(t, at + j * step + i * along);
      char *wide = (char *)l->value + (j * l->columns + i) * k->size;
      if (back) {
        own->load[l->wide](1, value, wide, 1);
        move(own->size, (const char *)value, place);
      } else {
        k->load[t->dtype](1, wide, place, 1);
      }
    }
}

/* Adds elements first .. first+n-1 of a row of src to the lanes. */
static void add_chunk(const rows *r, const lanes *l, const br_tensor *src, int64_t first,
                      int64_t n) {
  int64_t at[CHUNK], from[CHUNK]; /* from: double or int64 */
  load_row(r, r->index, BR_I64, first, n, at);
  load_row(r, src, l->wide, first, n, from);
  for (int64_t i = 0; i < n; i++) {
    int64_t j = at[i] > 0 ? at[i] - 1 : l->size + at[i];
    int64_t to = j * l->columns + (r->dim == r->last ? 0 : i);
    if (l->wide == BR_F64)
      ((double *)l->value)[to] += ((const double *)(const void *)from)[i];
    else
      ((uint64_t *)l->value)[to] += ((const uint64_t *)(const void *)from)[i];
  }
}

/* Adds src to out at the places that the index gives, in the order of the index. */
static br_status add_all(const br_call *c, const br_tensor *src, br_tensor *out) {
  const br_tensor *index = c->in[1];
  if (index->numel == 0) return BR_OK;
  rows r = rows_of(c, index);
  bool inner = r.dim == r.last;
  int64_t row = index->shape[r.last], most = inner ? CHUNK : COLUMNS;
  lanes l = {.wide = br_dtype_is_float(out->dtype) ? BR_F64 : BR_I64,
             .size = out->shape[r.dim],
             .columns = inner           ? 1
                        : row < COLUMNS ? row
                                        : COLUMNS};
  l.value = br_alloc((size_t)(l.size * l.columns) * 8 + 1);
  if (!l.value) return BR_ENOMEM;
  do {
    for (int64_t first = 0, n; first < row && !br_stopped(); first += n) {
      n = row - first < most ? row - first : most;
      if (!inner || first == 0) move_lanes(&r, &l, out, first, inner ? 1 : n, false);
      for (int64_t j = 0; j < (inner ? 1 : index->shape[r.dim]); j++) {
        if (!inner) r.place[r.dim] = j;
        add_chunk(&r, &l, src, first, n);
      }
      if (!inner) r.place[r.dim] = 0;
      if (!inner || first + n == row) move_lanes(&r, &l, out, first, inner ? 1 : n, true);
    }
  } while (!br_stopped() && next_row(&r, true));
  br_free(l.value);
  return BR_OK;
}

/* An element that was gathered several times gets the sum of its gradients. */
static br_status gather_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  return status ? status : add_all(c, c->dy[0], dx);
}

/* ---- scatter ---- */

/* The part of src that the index covers, in memory that out does not share. If src is a
   number, it serves for all elements. */
static br_tensor *source_of(const br_call *c, br_tensor *src, br_dtype dtype) {
  const br_tensor *index = c->in[1];
  int64_t stride[BR_MAX_DIM] = {0};
  bool own = src->dtype != dtype || src->storage == c->out[0]->storage;
  br_tensor *copy = own ? br_tensor_like(src, dtype) : br_retain(src);
  if (!copy || (own && br_copy(copy, src) != BR_OK)) {
    br_release(copy);
    return NULL;
  }
  br_tensor *part = br_tensor_view(copy, index->ndim, index->shape,
                                   src->ndim == 0 ? stride : copy->stride, 0);
  br_release(copy);
  return part;
}

static br_status scatter_infer(br_call *c) {
  const br_tensor *x = c->in[0], *index = c->in[1], *src = c->in[2];
  br_status status = read_index(c, index);
  if (status) return status;
  if (c->in_place && index->storage == x->storage)
    return br_bad(c, "index shares the memory of x, which is overwritten; clone() it");
  bool fits = src->ndim == index->ndim;
  for (int d = 0; fits && d < src->ndim; d++) fits = src->shape[d] >= index->shape[d];
  if (!fits && src->ndim > 0)
    return br_bad(c, "src %s must be as large as index %s in each dimension, or larger",
                  br_shape_of(src), br_shape_of(index));
  br_arg number = src->number ? br_number_of(src) : (br_arg){0};
  const char *wrong = src->number ? br_misfit(x->dtype, &number) : NULL;
  if (wrong) return br_bad(c, "src: %s", wrong);
  if (!src->number && src->dtype != x->dtype)
    return br_bad(c, "src must be %s as x is, not %s", br_dtype_name(x->dtype),
                  br_dtype_name(src->dtype));
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
}

/* Copies x into the result, unless it is there already. */
static br_status start_out(br_call *c) {
  return c->in_place ? BR_OK : br_copy(c->out[0], c->in[0]);
}

static br_status scatter_forward(br_call *c) {
  br_tensor *from = source_of(c, c->in[2], c->in[0]->dtype);
  br_status status = from ? start_out(c) : BR_ENOMEM;
  if (!status) move_all(c, SCATTER, from, c->out[0]);
  br_release(from);
  return status;
}

static br_status source_backward(br_call *c) {
  const br_tensor *src = c->in[2], *index = c->in[1];
  bool number = src->ndim == 0;
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, number ? index->ndim : src->ndim,
                                  number ? index->shape : src->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 2, dx);
  if (!status) move_all(c, GATHER, dx, c->dy[0]);
  return status;
}

/* Elements that the call has overwritten get no gradient. */
static br_status scatter_backward(br_call *c) {
  br_status status = c->need[2] ? source_backward(c) : BR_OK;
  if (status || !c->need[0]) return status;
  const br_tensor *dy = c->dy[0];
  br_tensor *dx = br_tensor_new(dy->dtype, dy->ndim, dy->shape, BR_CONTIGUOUS);
  status = br_dx_take(c, 0, dx);
  if (!status) status = br_copy(dx, c->dy[0]);
  if (!status) move_all(c, CLEAR, NULL, dx);
  return status;
}

/* ---- scatter_add ---- */

static br_status add_forward(br_call *c) {
  br_tensor *from = source_of(c, c->in[2], c->in[0]->dtype);
  br_status status = from ? start_out(c) : BR_ENOMEM;
  if (!status) status = add_all(c, from, c->out[0]);
  br_release(from);
  return status;
}

static br_status add_backward(br_call *c) {
  br_status status = c->need[2] ? source_backward(c) : BR_OK;
  if (!status && c->need[0]) status = br_dx_take(c, 0, br_retain(c->dy[0]));
  return status;
}

/* clang-format off */
const br_op br_scatter_ops[] = {
    {.name = "gather", .args = "x:t dim:d index:t",
     .doc = "the elements of x (..., n, ...) that index (..., k, ...) points to along a dimension -> (..., k, ...)",
     .usage = "x:gather(2, labels:unsqueeze(2))",
     .infer = gather_infer, .forward = gather_forward, .backward = gather_backward,
     .keep = BR_KEEP_IN(1)},
    {.name = "scatter", .args = "x:t dim:d index:t src:n",
     .doc = "x (..., n, ...) with src, a number or (..., k, ...), written to the places that index (..., k, ...) points to; the last of several counts -> (..., n, ...)",
     .usage = "braid.zeros(2, 3):scatter(2, labels:unsqueeze(2), 1)",
     .infer = scatter_infer, .forward = scatter_forward, .backward = scatter_backward,
     .keep = BR_KEEP_IN(1), .flags = BR_IN_PLACE},
    {.name = "scatter_add", .args = "x:t dim:d index:t src:n",
     .doc = "x (..., n, ...) with src, a number or (..., k, ...), added at the places that index (..., k, ...) points to -> (..., n, ...)",
     .usage = "x:scatter_add(2, labels:unsqueeze(2), 10)",
     .infer = scatter_infer, .forward = add_forward, .backward = add_backward,
     .keep = BR_KEEP_IN(1), .flags = BR_IN_PLACE},
    {0},
};
/* clang-format on */
