/* Reading and writing by tensors of indices (from 1, negative from the end) and by masks.

   The dimensions that the keys name are moved to the front and merged into one, so that
   the keys choose a list of rows. In the result, the chosen dimensions stand where the
   keys' dimensions were, if these are neighbours; else they come first. */
#include <string.h>

#include "grad/grad.h"

typedef struct choice {
  br_tensor *at;         /* the rows chosen, int64, counted from 1 */
  int order[BR_MAX_DIM]; /* x's dimensions: first the keys', then the others */
  int named;             /* how many dimensions the keys name */
  int64_t rows;          /* how many rows there are to choose from */
  int ndim;              /* the result: the keys' shape, then the rest of x's shape */
  int64_t shape[BR_MAX_DIM];
  int back[BR_MAX_DIM]; /* the order that puts the result's dimensions in their places */
} choice;

static int width(const br_tensor *key) { return key->dtype == BR_BOOL ? key->ndim : 1; }

/* The places where a mask is true, counted from 0. */
static br_tensor *true_places(br_tensor *mask) {
  br_tensor *flat = br_contiguous(mask), *at = NULL;
  br_sum count = {.i = 0};
  if (flat) {
    br_kernels_of(BR_BOOL)->sum(flat->numel, flat->data, &count);
    at = br_tensor_new(BR_I64, 1, &count.i, BR_CONTIGUOUS);
  }
  const bool *yes = flat ? (const bool *)(const void *)flat->data : NULL;
  int64_t *to = at ? (int64_t *)(void *)at->data : NULL;
  for (int64_t i = 0, k = 0; at && k < count.i; i++)
    if (yes[i]) to[k++] = i;
  br_release(flat);
  return at;
}

static br_tensor *mask_places(const br_tensor *x, const br_pick *p) {
  const br_tensor *mask = p->key;
  if (memcmp(mask->shape, x->shape + p->dim, (size_t)mask->ndim * sizeof *x->shape) !=
      0) {
    br_fail(BR_EINVAL, "index: the mask %s does not fit the dimensions %d to %d of %s",
            br_shape_of(mask), p->dim + 1, p->dim + mask->ndim, br_shape_of(x));
    return NULL;
  }
  return true_places(p->key);
}

static br_tensor *index_places(const br_tensor *x, const br_pick *p) {
  br_tensor *at = br_tensor_new(BR_I64, p->key->ndim, p->key->shape, BR_CONTIGUOUS);
  br_status status = at ? br_copy(at, p->key) : BR_ENOMEM;
  int64_t *v = at ? (int64_t *)(void *)at->data : NULL, size = x->shape[p->dim];
  for (int64_t i = 0; !status && i < at->numel; i++) {
    if (v[i] == 0 || v[i] > size || v[i] < -size)
      status = br_fail(BR_EINVAL, "index: there is no index %lld in dimension %d of %s",
                       (long long)v[i], p->dim + 1, br_shape_of(x));
    v[i] = v[i] > 0 ? v[i] - 1 : size + v[i];
  }
  if (!status) return at;
  br_release(at);
  return NULL;
}

/* Takes over `own`, the places that one more key chooses among `size`, and combines them
   with c->at. */
static br_status combine(choice *c, br_tensor *own, int64_t size) {
  br_tensor *part[2] = {c->at, own}, *all[2] = {NULL, NULL};
  int ndim = own->ndim;
  int64_t shape[BR_MAX_DIM];
  memcpy(shape, own->shape, sizeof shape);
  br_status status = BR_OK;
  if (c->at &&
      !br_broadcast(c->at->ndim, c->at->shape, own->ndim, own->shape, &ndim, shape))
    status = br_fail(BR_EINVAL, "index: the indices %s and %s do not broadcast",
                     br_shape_of(c->at), br_shape_of(own));
  for (int i = 0; i < 2 && !status; i++) {
    if (!part[i]) continue;
    br_tensor *wide = br_view_expand(part[i], ndim, shape);
    all[i] = wide ? br_contiguous(wide) : NULL;
    if (!all[i]) status = BR_ENOMEM;
    br_release(wide);
  }
  br_tensor *sum = status ? NULL : br_tensor_new(BR_I64, ndim, shape, BR_CONTIGUOUS);
  if (!sum && !status) status = BR_ENOMEM;
  const int64_t *a = all[0] ? (const int64_t *)(const void *)all[0]->data : NULL;
  const int64_t *b = all[1] ? (const int64_t *)(const void *)all[1]->data : NULL;
  for (int64_t i = 0; !status && i < sum->numel; i++)
    ((int64_t *)(void *)sum->data)[i] = (a ? a[i] * size : 0) + b[i];
  br_release(c->at);
  br_release(own);
  br_release(all[0]);
  br_release(all[1]);
  c->at = sum;
  return status;
}

static br_status read_keys(choice *c, const br_tensor *x, const br_pick *pick, int n) {
  br_status status = BR_OK;
  c->rows = 1;
  for (int i = 0; i < n && !status; i++) {
    const br_tensor *key = pick[i].key;
    bool mask = key->dtype == BR_BOOL;
    if (br_dtype_is_float(key->dtype))
      return br_fail(BR_EINVAL,
                     "index: a tensor of indices must hold integers or be a bool mask, "
                     "not %s",
                     br_dtype_name(key->dtype));
    int64_t size = 1;
    for (int d = 0; d < width(key); d++) size *= x->shape[pick[i].dim + d];
    br_tensor *own = mask ? mask_places(x, &pick[i]) : index_places(x, &pick[i]);
    status = own ? combine(c, own, size) : BR_ENOMEM;
    c->rows *= size;
  }
  for (int64_t i = 0; !status && i < c->at->numel; i++)
    ((int64_t *)(void *)c->at->data)[i]++;
  return status;
}

/* Fills c->order, the result's shape and c->back. */
static br_status lay_out(choice *c, const br_tensor *x, const br_pick *pick, int n) {
  unsigned named = 0;
  for (int i = 0; i < n; i++) named |= ((1u << width(pick[i].key)) - 1) << pick[i].dim;
  int k = 0, first = 0;
  while (first < x->ndim && !(named >> first & 1)) first++;
  if (named == 0) first = pick[0].dim; /* a mask without dimensions adds one */
  for (int d = 0; d < x->ndim; d++)
    if (named >> d & 1) c->order[k++] = d;
  c->named = k;
  for (int d = 0; d < x->ndim; d++)
    if (!(named >> d & 1)) c->order[k++] = d;
  bool neighbours = k == 0 || named == ((1u << c->named) - 1) << first;
  int chosen = c->at->ndim, left = x->ndim - c->named;
  if (chosen + left > BR_MAX_DIM)
    return br_fail(BR_EINVAL, "index: the result would have %d dimensions, more than %d",
                   chosen + left, BR_MAX_DIM);
  c->ndim = chosen + left;
  memcpy(c->shape, c->at->shape, sizeof c->shape);
  for (int d = 0; d < left; d++) c->shape[chosen + d] = x->shape[c->order[c->named + d]];
  /* A mask without dimensions names no dimension. The one that it adds stands where the
     mask does. */
  int before = c->named == 0 ? pick[0].dim : neighbours ? first : 0;
  for (int d = 0; d < c->ndim; d++)
    c->back[d] = d < before ? chosen + d : d < before + chosen ? d - before : d;
  return BR_OK;
}

static br_status choose(choice *c, const br_tensor *x, const br_pick *pick, int n) {
  memset(c, 0, sizeof *c);
  br_status status = read_keys(c, x, pick, n);
  return status ? status : lay_out(c, x, pick, n);
}

/* ---- reading ---- */

/* Takes over `t` and gives the operator's result, or NULL with a message. */
static br_tensor *applied(const char *name, br_tensor *t, br_tensor *other, int n,
                          const int64_t *v) {
  if (!t) return NULL;
  br_call c;
  br_call_init(&c, br_op_find(name), NULL, other ? 2 : 1);
  c.in[0] = t;
  c.in[1] = other;
  c.arg[0].given = true;
  c.arg[0].n = n;
  if (n) memcpy(c.arg[0].v, v, (size_t)n * sizeof *v);
  br_tensor *out = br_apply(&c) == BR_OK ? br_retain(c.out[0]) : NULL;
  br_call_clear(&c);
  br_release(t);
  return out;
}

/* Takes over `t`. Permutes its dimensions if `order` asks for it. */
static br_tensor *permuted(br_tensor *t, const int *order) {
  int64_t v[BR_MAX_DIM];
  bool same = true;
  for (int d = 0; t && d < t->ndim; d++) {
    v[d] = order[d];
    same = same && order[d] == d;
  }
  return same ? t : applied("permute", t, NULL, t->ndim, v);
}

br_tensor *br_pick_read(br_tensor *x, const br_pick *pick, int n) {
  choice c;
  br_tensor *y = NULL, *flat = NULL;
  if (choose(&c, x, pick, n) != BR_OK) goto done;
  int64_t shape[BR_MAX_DIM + 1] = {c.rows};
  int left = x->ndim - c.named;
  for (int d = 0; d < left; d++) shape[d + 1] = x->shape[c.order[c.named + d]];
  flat = br_reshaped(c.at, 1, &c.at->numel);
  if (!flat) goto done;
  y = permuted(br_retain(x), c.order);
  y = applied("reshape", y, NULL, left + 1, shape);
  y = applied("index_select", y, flat, 0, NULL);
  y = applied("reshape", y, NULL, c.ndim, c.shape);
  if (y) y = permuted(y, c.back);
done:
  br_release(flat);
  br_release(c.at);
  return y;
}

/* ---- writing ---- */

/* Copies the value to memory of its own: a row for each chosen row. */
static br_tensor *value_rows(const choice *c, br_tensor *value, br_dtype dtype) {
  int64_t shape[BR_MAX_DIM], wide[BR_MAX_DIM];
  int order[BR_MAX_DIM], ndim = 0;
  for (int d = 0; d < c->ndim; d++) {
    shape[d] = c->shape[c->back[d]];
    order[c->back[d]] = d;
  }
  if (!br_broadcast(c->ndim, shape, value->ndim, value->shape, &ndim, wide) ||
      ndim != c->ndim || memcmp(wide, shape, (size_t)ndim * sizeof *shape) != 0) {
    br_fail(BR_EINVAL, "index: a value %s cannot be written into a part %s",
            br_shape_of(value), br_shape_text(c->ndim, shape));
    return NULL;
  }
  const char *wrong = br_misfits(dtype, value, false);
  if (wrong) {
    br_fail(BR_EINVAL, "index: %s", wrong);
    return NULL;
  }
  br_tensor *all = br_view_expand(value, ndim, shape);
  br_tensor *view = all ? br_view_permute(all, order) : NULL;
  br_tensor *rows = view ? br_tensor_new(dtype, ndim, c->shape, BR_CONTIGUOUS) : NULL;
  if (rows && br_copy(rows, view) != BR_OK) {
    br_release(rows);
    rows = NULL;
  }
  br_release(all);
  br_release(view);
  return rows;
}

br_status br_pick_write(br_tensor *x, const br_pick *pick, int n, br_tensor *value) {
  if (br_recording() && (x->var || value->var))
    return br_fail(BR_EINVAL,
                   "index: writing by a mask or by indices is not recorded for a "
                   "gradient; use where() or scatter()");
  for (int d = 0; d < x->ndim; d++)
    if (x->shape[d] > 1 && x->stride[d] == 0)
      return br_fail(BR_EINVAL, "index: cannot write into an expanded tensor %s",
                     br_shape_of(x));
  choice c;
  br_tensor *from = NULL, *view = NULL, *to = NULL;
  br_status status = choose(&c, x, pick, n);
  if (status) goto done;
  from = value_rows(&c, value, x->dtype);
  view = from ? br_view_permute(x, c.order) : NULL;
  to = view ? br_contiguous(view) : NULL;
  if (!to) {
    status = from ? BR_ENOMEM : BR_EINVAL;
    goto done;
  }
  const int64_t *at = (const int64_t *)(const void *)c.at->data;
  int64_t left = c.rows ? x->numel / c.rows : 0;
  size_t bytes = (size_t)(left * br_dtype_size(x->dtype));
  for (int64_t i = 0; i < c.at->numel; i++) /* the last value for a place counts */
    memcpy(to->data + (size_t)(at[i] - 1) * bytes, from->data + (size_t)i * bytes, bytes);
  if (to->data != view->data) status = br_copy(view, to);
  x->storage->version++;
done:
  br_release(from);
  br_release(view);
  br_release(to);
  br_release(c.at);
  return status;
}
