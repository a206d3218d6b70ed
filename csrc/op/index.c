/* Selection by a tensor of indices (counted from 1; negative from the end). */
#include "op/op.h"

#include <string.h>

/* Sees x as [outer][size][inner] around a dimension. */
static void around(const br_tensor *x, int dim, int64_t *outer, int64_t *inner) {
  *outer = *inner = 1;
  for (int d = 0; d < dim; d++) *outer *= x->shape[d];
  for (int d = dim + 1; d < x->ndim; d++) *inner *= x->shape[d];
}

enum { CHUNK = 512, PIECE = 1 << 16 };

/* Loads indices first .. first+n-1 as the user gave them. */
static void load_indices(const br_tensor *index, int64_t first, int64_t n, int64_t *to) {
  int64_t step = index->stride[0];
  const char *from = index->data + first * step * br_dtype_size(index->dtype);
  br_kernels_of(BR_I64)->load[index->dtype](n, to, from, step);
}

/* Reads the same indices, counted from 0. */
static void read_indices(const br_call *c, int64_t first, int64_t n, int64_t *to) {
  int64_t size = c->in[0]->shape[c->arg[0].i];
  load_indices(c->in[1], first, n, to);
  for (int64_t i = 0; i < n; i++) to[i] = to[i] > 0 ? to[i] - 1 : size + to[i];
}

static int64_t chunk_of(const br_tensor *index, int64_t first) {
  return index->numel - first < CHUNK ? index->numel - first : CHUNK;
}

static br_status check_indices(br_call *c) {
  const br_tensor *index = c->in[1];
  int64_t v[CHUNK], size = c->in[0]->shape[c->arg[0].i];
  for (int64_t first = 0; first < index->numel && !br_stopped(); first += CHUNK) {
    int64_t n = chunk_of(index, first);
    load_indices(index, first, n, v);
    for (int64_t i = 0; i < n; i++)
      if (v[i] == 0 || v[i] > size || v[i] < -size)
        return br_bad(c, "there is no index %lld in dimension %d of %s", (long long)v[i],
                      (int)c->arg[0].i + 1, br_shape_of(c->in[0]));
  }
  return BR_OK;
}

static br_status select_infer(br_call *c) {
  const br_tensor *x = c->in[0], *index = c->in[1];
  int dim = 0;
  int64_t shape[BR_MAX_DIM];
  if (x->ndim == 0) return br_bad(c, "x has no dimensions to select from");
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (!status) status = br_need_dims(c, index, "index", 1);
  if (status) return status;
  if (br_dtype_is_float(index->dtype) || index->dtype == BR_BOOL)
    return br_bad(c, "index must hold integers, not %s; to(\"int64\") converts",
                  br_dtype_name(index->dtype));
  c->arg[0].i = dim;
  status = check_indices(c);
  if (status) return status;
  memcpy(shape, x->shape, sizeof shape);
  shape[dim] = index->numel;
  return br_out(c, 0, x->dtype, x->ndim, shape, BR_CONTIGUOUS);
}

/* Reads x in place if its slices follow one another in memory. Otherwise each slice is
   copied alone, so that x need not be. */
static br_status select_slices(br_call *c, br_tensor *x) {
  int dim = (int)c->arg[0].i;
  br_status status = BR_OK;
  for (int64_t i = 0; i < c->in[1]->numel && !status && !br_stopped(); i++) {
    int64_t at;
    read_indices(c, i, 1, &at);
    br_tensor *from = br_view_select(x, dim, at);
    br_tensor *to = br_view_select(c->out[0], dim, i);
    status = from && to ? br_copy(to, from) : BR_ENOMEM;
    br_release(from);
    br_release(to);
  }
  return status;
}

enum { LARGE_SLICE = 256 }; /* in elements; such a slice is copied alone */

static br_status select_forward(br_call *c) {
  int dim = (int)c->arg[0].i;
  int64_t outer, inner, size = c->in[0]->shape[dim], count = c->in[1]->numel;
  if (!br_is_contiguous(c->in[0]) && c->out[0]->numel / count >= LARGE_SLICE)
    return select_slices(c, c->in[0]);
  br_tensor *x = br_contiguous(c->in[0]);
  if (!x) return BR_ENOMEM;
  around(x, dim, &outer, &inner);
  size_t bytes = (size_t)(inner * br_dtype_size(x->dtype));
  int64_t at[CHUNK];
  for (int64_t first = 0; first < count; first += CHUNK) {
    int64_t n = chunk_of(c->in[1], first);
    read_indices(c, first, n, at);
    for (int64_t o = 0; o < outer && !br_stopped(); o++)
      for (int64_t i = 0; i < n; i++)
        memcpy(c->out[0]->data + (size_t)(o * count + first + i) * bytes,
               x->data + (size_t)(o * size + at[i]) * bytes, bytes);
  }
  br_release(x);
  return BR_OK;
}

/* Rows chosen more than once add up. */
static br_status select_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  int dim = (int)c->arg[0].i;
  br_tensor *dy = br_contiguous(c->dy[0]);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, c->in[0]->ndim, c->in[0]->shape,
                                  BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!status && dy) {
    const br_kernels *k = br_kernels_of(dy->dtype);
    int64_t outer, inner, size = dx->shape[dim], count = c->in[1]->numel, at[CHUNK];
    around(dx, dim, &outer, &inner);
    for (int64_t first = 0; first < count; first += CHUNK) {
      int64_t n = chunk_of(c->in[1], first);
      read_indices(c, first, n, at);
      for (int64_t o = 0; o < outer && !br_stopped(); o++)
        for (int64_t i = 0; i < n; i++)
          k->axpy(inner, 1, dy->data + (o * count + first + i) * inner * k->size,
                  dx->data + (o * size + at[i]) * inner * k->size);
    }
  }
  br_release(dy);
  return dy ? status : BR_ENOMEM;
}

/* ---- masked_select: the elements where the mask holds, in order ---- */

/* The mask expanded to x and contiguous; the mask itself if it is so already. */
static br_tensor *whole_mask(const br_call *c) {
  br_tensor *wide = br_view_expand(c->in[1], c->in[0]->ndim, c->in[0]->shape);
  br_tensor *mask = wide ? br_as(wide, BR_BOOL, BR_CONTIGUOUS) : NULL;
  br_release(wide);
  return mask;
}

static br_status masked_infer(br_call *c) {
  const br_tensor *x = c->in[0], *mask = c->in[1];
  int ndim = 0;
  int64_t shape[BR_MAX_DIM];
  if (mask->dtype != BR_BOOL && mask->dtype != BR_U8)
    return br_bad(c, "the mask must be bool, not %s; x:ne(0) makes one",
                  br_dtype_name(mask->dtype));
  if (!br_broadcast(x->ndim, x->shape, mask->ndim, mask->shape, &ndim, shape) ||
      ndim != x->ndim || memcmp(shape, x->shape, (size_t)ndim * sizeof *shape) != 0)
    return br_bad(c, "the mask %s does not broadcast to %s", br_shape_of(mask),
                  br_shape_of(x));
  br_tensor *whole = whole_mask(c);
  if (!whole) return BR_ENOMEM;
  int64_t count = 0;
  for (int64_t first = 0; first < whole->numel && !br_stopped(); first += PIECE) {
    int64_t rest = whole->numel - first;
    br_sum held = {.i = 0};
    br_kernels_of(BR_BOOL)->sum(rest < PIECE ? rest : PIECE, whole->data + first, &held);
    count += held.i;
  }
  br_release(whole);
  return br_out(c, 0, x->dtype, 1, &count, BR_CONTIGUOUS);
}

/* Moves elements between x (all) and y (the chosen ones), in either direction. */
static void sift(const br_tensor *mask, size_t size, char *x, char *y, bool pick) {
  const bool *keep = (const bool *)(const void *)mask->data;
  for (int64_t i = 0; i < mask->numel; i++, x += size) {
    if (i % PIECE == 0 && br_stopped()) return;
    if (!keep[i]) continue;
    memcpy(pick ? y : x, pick ? x : y, size);
    y += size;
  }
}

static br_status masked_forward(br_call *c) {
  br_tensor *x = br_contiguous(c->in[0]), *mask = whole_mask(c);
  if (x && mask)
    sift(mask, (size_t)br_dtype_size(x->dtype), x->data, c->out[0]->data, true);
  br_status status = x && mask ? BR_OK : BR_ENOMEM;
  br_release(x);
  br_release(mask);
  return status;
}

static br_status masked_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  br_tensor *dy = br_contiguous(c->dy[0]), *mask = whole_mask(c);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!dy || !mask) status = BR_ENOMEM;
  if (!status) sift(mask, (size_t)br_dtype_size(dy->dtype), dx->data, dy->data, false);
  br_release(dy);
  br_release(mask);
  return status;
}

/* clang-format off */
const br_op br_index_ops[] = {
    {.name = "index_select", .args = "x:t dim:d index:t",
     .doc = "the slices along a dimension whose indices are in `index`",
     .usage = "x:index_select(2, braid.arange(2, 3))", .infer = select_infer,
     .forward = select_forward, .backward = select_backward, .keep = BR_KEEP_IN(1)},
    {.name = "masked_select", .args = "x:t mask:t",
     .doc = "the elements of x where mask is true, as a tensor of one dimension",
     .usage = "x:masked_select(x:gt(0))", .infer = masked_infer,
     .forward = masked_forward, .backward = masked_backward, .keep = BR_KEEP_IN(1)},
    {0},
};
/* clang-format on */
