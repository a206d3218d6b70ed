/* Makes tensors, and answers questions about them. */
#include "tensor/tensor.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void storage_destroy(void *self) {
  br_storage *s = self;
  br_derived_clear(s);
  br_free(s->data);
  br_free(s);
}

static void tensor_destroy(void *self) {
  br_tensor *t = self;
  br_release(t->storage);
  br_release(t->var);
  br_free(t);
}

/* Owns `data` from now on. */
static br_storage *storage_new(void *data) {
  static atomic_int_least64_t last;
  br_storage *s = data ? br_alloc(sizeof *s) : NULL;
  if (!s) {
    br_free(data);
    return NULL;
  }
  br_ref_init(&s->ref, storage_destroy);
  s->id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
  s->data = data;
  s->version = s->derived_version = 0;
  s->derived = NULL;
  return s;
}

/* Owns one reference to `storage` from now on. It may be NULL only if `bare`. */
static br_tensor *wrap(br_storage *storage, bool bare, br_dtype dtype, int ndim,
                       const int64_t *shape, int64_t numel) {
  if (!storage && !bare) return NULL;
  br_tensor *t = br_alloc(sizeof *t);
  if (!t) {
    br_release(storage);
    return NULL;
  }
  br_ref_init(&t->ref, tensor_destroy);
  t->storage = storage;
  t->data = storage ? storage->data : NULL;
  t->var = NULL;
  t->dtype = dtype;
  t->ndim = ndim;
  t->number = false;
  t->numel = numel;
  for (int d = 0; d < ndim; d++) t->shape[d] = shape[d];
  return t;
}

/* The strides of a dense tensor. `order` lists its dimensions, outermost first. */
static void dense_strides(int ndim, const int64_t *shape, const int *order,
                          int64_t *stride) {
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    stride[order[i]] = step;
    step *= shape[order[i]] > 1 ? shape[order[i]] : 1;
  }
}

bool br_count(int ndim, const int64_t *shape, int64_t *numel) {
  int64_t n = 1, reach = 1; /* `reach` skips sizes of 0, because strides must fit too */
  for (int d = 0; d < ndim; d++) {
    if (shape[d] < 0 || __builtin_mul_overflow(n, shape[d], &n)) return false;
    if (shape[d] > 0 && __builtin_mul_overflow(reach, shape[d], &reach)) return false;
  }
  *numel = n;
  return reach <= INT64_MAX / 16;
}

static br_tensor *new_ordered(bool bare, br_dtype dtype, int ndim, const int64_t *shape,
                              const int *order) {
  int64_t numel;
  if (ndim > BR_MAX_DIM) {
    br_fail(BR_EINVAL, "a tensor has at most %d dimensions, not %d", BR_MAX_DIM, ndim);
    return NULL;
  }
  if (!br_count(ndim, shape, &numel)) {
    br_fail(BR_EINVAL,
            "%s is not a possible shape: a size is negative, or the product is too large",
            br_shape_text(ndim, shape));
    return NULL;
  }
  size_t bytes = (size_t)(numel * br_dtype_size(dtype));
  br_storage *storage = bare ? NULL : storage_new(br_alloc(bytes));
  br_tensor *t = wrap(storage, bare, dtype, ndim, shape, numel);
  if (t) dense_strides(ndim, shape, order, t->stride);
  return t;
}

static const int *order_of(br_format format, int ndim) {
  static const int plain[BR_MAX_DIM] = {0, 1, 2, 3, 4, 5, 6, 7};
  static const int last[4] = {0, 2, 3, 1};
  return format == BR_CHANNELS_LAST && ndim == 4 ? last : plain;
}

br_tensor *br_tensor_new(br_dtype dtype, int ndim, const int64_t *shape,
                         br_format format) {
  return new_ordered(false, dtype, ndim, shape, order_of(format, ndim));
}

br_tensor *br_tensor_bare(br_dtype dtype, int ndim, const int64_t *shape,
                          br_format format) {
  return new_ordered(true, dtype, ndim, shape, order_of(format, ndim));
}

br_status br_tensor_equip(br_tensor *bare) {
  bare->storage = storage_new(
      br_alloc((size_t)(bare->numel * br_dtype_size(bare->dtype))));
  if (!bare->storage) return BR_ENOMEM;
  bare->data = bare->storage->data;
  return BR_OK;
}

br_tensor *br_tensor_zeros(br_dtype dtype, int ndim, const int64_t *shape,
                           br_format format) {
  br_tensor *t = br_tensor_new(dtype, ndim, shape, format);
  if (t) memset(t->data, 0, (size_t)(t->numel * br_dtype_size(dtype)));
  return t;
}

int br_memory_order(const br_tensor *t, unsigned mask, int *order) {
  int n = 0, ones;
  for (int d = 0; d < t->ndim; d++)
    if (mask & 1u << d && t->shape[d] == 1) order[n++] = d;
  ones = n;
  for (int d = 0; d < t->ndim; d++) { /* insertion sort, stable */
    if (!(mask & 1u << d) || t->shape[d] == 1) continue;
    int at = n++;
    for (; at > ones && t->stride[order[at - 1]] < t->stride[d]; at--)
      order[at] = order[at - 1];
    order[at] = d;
  }
  return n;
}

static br_tensor *like(bool bare, const br_tensor *t, br_dtype dtype) {
  int order[BR_MAX_DIM];
  br_memory_order(t, (1u << t->ndim) - 1, order);
  return new_ordered(bare, dtype, t->ndim, t->shape, order);
}

br_tensor *br_tensor_like(const br_tensor *t, br_dtype dtype) {
  return like(false, t, dtype);
}

br_tensor *br_tensor_bare_like(const br_tensor *t, br_dtype dtype) {
  return like(true, t, dtype);
}

br_tensor *br_tensor_view(br_tensor *t, int ndim, const int64_t *shape,
                          const int64_t *stride, int64_t offset) {
  int64_t numel = 1;
  if (!br_count(ndim, shape, &numel)) {
    br_fail(BR_EINVAL, "the shape %s is too large", br_shape_text(ndim, shape));
    return NULL;
  }
  br_tensor *v = wrap(br_retain(t->storage), true, t->dtype, ndim, shape, numel);
  if (!v) return NULL;
  for (int d = 0; d < ndim; d++) v->stride[d] = stride[d];
  v->data = t->data ? t->data + offset * br_dtype_size(t->dtype) : NULL;
  return v;
}

br_tensor *br_tensor_alias(br_tensor *t) {
  br_tensor *v = br_tensor_view(t, t->ndim, t->shape, t->stride, 0);
  if (v) v->number = t->number;
  return v;
}

br_tensor *br_tensor_shape_of(const br_tensor *t) {
  br_tensor *v = wrap(NULL, true, t->dtype, t->ndim, t->shape, t->numel);
  if (!v) return NULL;
  v->number = t->number;
  memcpy(v->stride, t->stride, sizeof v->stride);
  return v;
}

br_tensor *br_tensor_adopt(void *data, br_dtype dtype, int ndim, const int64_t *shape) {
  static const int plain[BR_MAX_DIM] = {0, 1, 2, 3, 4, 5, 6, 7};
  int64_t numel = 0;
  br_count(ndim, shape, &numel);
  br_tensor *t = wrap(storage_new(data), false, dtype, ndim, shape, numel);
  if (t) dense_strides(ndim, shape, plain, t->stride);
  return t;
}

static bool lies_in_order(const br_tensor *t, const int *order) {
  int64_t step = 1;
  if (t->numel == 0) return true; /* its strides do not matter */
  for (int i = t->ndim - 1; i >= 0; i--) {
    int64_t size = t->shape[order[i]];
    if (size > 1 && t->stride[order[i]] != step) return false;
    step *= size;
  }
  return true;
}

bool br_is_contiguous(const br_tensor *t) {
  static const int plain[BR_MAX_DIM] = {0, 1, 2, 3, 4, 5, 6, 7};
  return lies_in_order(t, plain);
}

bool br_is_channels_last(const br_tensor *t) {
  static const int last[4] = {0, 2, 3, 1};
  return t->ndim == 4 && lies_in_order(t, last);
}

bool br_same_shape(const br_tensor *a, const br_tensor *b) {
  if (a->ndim != b->ndim) return false;
  for (int d = 0; d < a->ndim; d++)
    if (a->shape[d] != b->shape[d]) return false;
  return true;
}

bool br_is_unexpanded(const br_tensor *t) {
  for (int d = 0; d < t->ndim; d++)
    if (t->shape[d] > 1 && t->stride[d] == 0) return false;
  return true;
}

bool br_is_exclusive(const br_tensor *t) {
  return atomic_load(&t->ref.count) == 1 && atomic_load(&t->storage->ref.count) == 1 &&
         br_is_unexpanded(t);
}

enum { TEXTS = 4, TEXT = 160 };

static char *text_room(void) {
  static _Thread_local char buffers[TEXTS][TEXT];
  static _Thread_local unsigned next;
  return buffers[next++ % TEXTS];
}

const char *br_number_text(int64_t number) {
  char *text = text_room();
  snprintf(text, TEXT, "%lld", (long long)number);
  return text;
}

const char *br_shape_text(int ndim, const int64_t *shape) {
  char *text = text_room();
  const size_t room = TEXT;
  size_t at = (size_t)snprintf(text, room, "(");
  for (int d = 0; d < ndim && at < room - 24; d++)
    at += (size_t)snprintf(text + at, room - at, d ? ", %lld" : "%lld",
                           (long long)shape[d]);
  snprintf(text + at, room - at, ")");
  return text;
}

const char *br_shape_of(const br_tensor *t) { return br_shape_text(t->ndim, t->shape); }

double br_get_double(const br_tensor *t, int64_t at) {
  switch (t->dtype) {
  case BR_F32: return (double)((const float *)(const void *)t->data)[at];
  case BR_F64: return ((const double *)(const void *)t->data)[at];
  case BR_I64: return (double)((const int64_t *)(const void *)t->data)[at];
  case BR_I32: return (double)((const int32_t *)(const void *)t->data)[at];
  default: return (double)((const uint8_t *)t->data)[at];
  }
}

void br_put_double(br_tensor *t, int64_t at, double value) {
  switch (t->dtype) {
  case BR_F32: ((float *)(void *)t->data)[at] = (float)value; break;
  case BR_F64: ((double *)(void *)t->data)[at] = value; break;
  case BR_I64: ((int64_t *)(void *)t->data)[at] = (int64_t)value; break;
  case BR_I32: ((int32_t *)(void *)t->data)[at] = (int32_t)value; break;
  case BR_U8: ((uint8_t *)t->data)[at] = (uint8_t)value; break;
  default: ((bool *)(void *)t->data)[at] = value != 0; break;
  }
}
