/* Rearrangements: every index of a dimension of the result shows one index of that
   dimension of x, or none. flip, roll, repeat_ and pad differ in this map alone.

   saved[0] holds the maps of all dimensions, one after the other; -1 shows nothing. */
#include "op/op.h"

#include <string.h>

#include "base/threads.h"

enum { GRAIN = 16384 };

/* Makes the output and room for its maps, which the caller fills. */
static br_status maps_new(br_call *c, const int64_t *shape, int64_t **map) {
  const br_tensor *x = c->in[0];
  int64_t total = 0, numel;
  if (!br_count(x->ndim, shape, &numel))
    return br_bad(c, "the shape %s is too large", br_shape_text(x->ndim, shape));
  for (int d = 0; d < x->ndim; d++) total += shape[d];
  br_format format = br_is_channels_last(x) && !br_is_contiguous(x) ? BR_CHANNELS_LAST
                                                                    : BR_CONTIGUOUS;
  br_status status = br_out(c, 0, x->dtype, x->ndim, shape, format);
  if (status) return status;
  c->saved[0] = br_tensor_new(BR_I64, 1, &total, BR_CONTIGUOUS);
  if (!c->saved[0]) return BR_ENOMEM;
  *map = (int64_t *)(void *)c->saved[0]->data;
  return BR_OK;
}

/* One row of the result along its innermost dimension. */
static void show_row(int64_t n, int64_t size, const char *x, const int64_t *at,
                     int64_t step, const char *value, char *y) {
  if (size == 4) {
    const float *from = (const float *)(const void *)x;
    float none, *to = (float *)(void *)y;
    memcpy(&none, value, sizeof none);
    for (int64_t j = 0; j < n; j++) to[j] = at[j] < 0 ? none : from[at[j] * step];
  } else {
    for (int64_t j = 0; j < n; j++, y += size)
      memcpy(y, at[j] < 0 ? value : x + at[j] * step * size, (size_t)size);
  }
}

static void add_row(br_dtype dtype, int64_t n, const char *dy, const int64_t *at,
                    int64_t step, char *dx) {
  if (dtype == BR_F32) {
    const float *from = (const float *)(const void *)dy;
    float *to = (float *)(void *)dx;
    for (int64_t j = 0; j < n; j++)
      if (at[j] >= 0) to[at[j] * step] += from[j];
  } else {
    const double *from = (const double *)(const void *)dy;
    double *to = (double *)(void *)dx;
    for (int64_t j = 0; j < n; j++)
      if (at[j] >= 0) to[at[j] * step] += from[j];
  }
}

/* The result's dimensions as they lie, and where row `r` of them starts in x: -1 when it
   shows nothing. */
typedef struct walk {
  int ndim, order[BR_MAX_DIM];
  int64_t rows, inner, step;
  const int64_t *map[BR_MAX_DIM]; /* by dimension */
} walk;

static void walk_init(const br_call *c, const br_tensor *y, const br_tensor *x, walk *w) {
  const int64_t *map = (const int64_t *)(const void *)c->saved[0]->data;
  w->ndim = y->ndim;
  br_memory_order(y, ~0u, w->order);
  for (int d = 0; d < y->ndim; d++) {
    w->map[d] = map;
    map += y->shape[d];
  }
  int last = w->order[y->ndim - 1];
  w->inner = y->shape[last];
  w->step = x->stride[last];
  w->rows = w->inner > 0 ? y->numel / w->inner : 0;
}

static int64_t row_start(const walk *w, const br_tensor *y, const br_tensor *x,
                         int64_t r) {
  int64_t start = 0;
  for (int i = w->ndim - 2; i >= 0; i--) {
    int d = w->order[i];
    int64_t at = w->map[d][r % y->shape[d]];
    if (at < 0) return -1;
    start += at * x->stride[d];
    r /= y->shape[d];
  }
  return start;
}

static br_status rearrange(br_call *c, const br_arg *value) {
  br_tensor *x = c->in[0], *y = c->out[0];
  int64_t size = br_dtype_size(x->dtype);
  if (y->numel == 0) return BR_OK;
  if (y->ndim == 0) return br_copy(y, x);
  br_tensor *none = br_tensor_new(x->dtype, 0, NULL, BR_CONTIGUOUS);
  if (!none || br_fill(none, value) != BR_OK) {
    br_release(none);
    return BR_ENOMEM;
  }
  walk w;
  walk_init(c, y, x, &w);
  int last = w.order[y->ndim - 1];
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (y->numel > GRAIN)
  for (int64_t r = 0; r < w.rows; r++) {
    int64_t start = row_start(&w, y, x, r);
    char *to = y->data + r * w.inner * size;
    if (start >= 0)
      show_row(w.inner, size, x->data + start * size, w.map[last], w.step, none->data,
               to);
    else
      for (int64_t j = 0; j < w.inner; j++)
        memcpy(to + j * size, none->data, (size_t)size);
  }
  br_release(none);
  return BR_OK;
}

static br_status plain_forward(br_call *c) { return rearrange(c, &(br_arg){0}); }

/* What is shown more than once gets the sum, in the order of dy: one thread. */
static br_status rearrange_backward(br_call *c) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  if (x->ndim == 0) return br_dx_take(c, 0, br_retain(c->dy[0]));
  br_tensor *dy = br_contiguous(c->dy[0]);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!status && dy && dy->numel > 0) {
    walk w;
    walk_init(c, dy, dx, &w);
    int64_t size = br_dtype_size(dy->dtype);
    for (int64_t r = 0; r < w.rows; r++) {
      int64_t start = row_start(&w, dy, dx, r);
      if (start >= 0)
        add_row(dy->dtype, w.inner, dy->data + r * w.inner * size,
                w.map[w.order[x->ndim - 1]], w.step, dx->data + start * size);
    }
  }
  br_release(dy);
  return dy ? status : BR_ENOMEM;
}

/* ---- the maps ---- */

static br_status flip_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  unsigned mask;
  br_status status = br_dims(c, &c->arg[0], x->ndim, &mask);
  if (status) return status;
  if (c->arg[0].n == 0) mask = 0;
  int64_t *map = NULL;
  status = maps_new(c, x->shape, &map);
  if (status) return status;
  for (int d = 0; d < x->ndim; d++)
    for (int64_t i = 0; i < x->shape[d]; i++)
      *map++ = mask & 1u << d ? x->shape[d] - 1 - i : i;
  return BR_OK;
}

/* Without dims x is rolled as if it were flat: see roll in Lua. */
static br_status roll_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  const br_arg *shifts = &c->arg[0], *dims = &c->arg[1];
  int64_t shift[BR_MAX_DIM] = {0};
  if (dims->n != shifts->n)
    return br_bad(c, "shifts has %d entries and dims %d; they go in pairs", shifts->n,
                  dims->n);
  for (int i = 0; i < dims->n; i++) {
    int d = 0;
    br_arg one = {.i = dims->v[i]};
    br_status status = br_dim(c, &one, x->ndim, &d);
    if (status) return status;
    int64_t size = x->shape[d];
    if (size > 0) shift[d] = ((shift[d] + shifts->v[i] % size) % size + size) % size;
  }
  int64_t *map = NULL;
  br_status status = maps_new(c, x->shape, &map);
  if (status) return status;
  for (int d = 0; d < x->ndim; d++)
    for (int64_t i = 0; i < x->shape[d]; i++)
      *map++ = (i - shift[d] + x->shape[d]) % x->shape[d];
  return BR_OK;
}

/* As many times as dimensions: repeat_ in Lua gives x the dimensions that are missing. */
static br_status repeat_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  const br_arg *times = &c->arg[0];
  int64_t shape[BR_MAX_DIM];
  if (times->n != x->ndim)
    return br_bad(c, "%s has %d dimensions, times names %d", br_shape_of(x), x->ndim,
                  times->n);
  for (int d = 0; d < x->ndim; d++) {
    if (times->v[d] < 0)
      return br_bad(c, "times must not be negative, not %lld", (long long)times->v[d]);
    if (__builtin_mul_overflow(x->shape[d], times->v[d], &shape[d]))
      return br_bad(c, "times %s is too large for %s", br_shape_text(times->n, times->v),
                    br_shape_of(x));
  }
  int64_t *map = NULL;
  br_status status = maps_new(c, shape, &map);
  if (status) return status;
  for (int d = 0; d < x->ndim; d++)
    for (int64_t i = 0; i < shape[d]; i++) *map++ = i % x->shape[d];
  return BR_OK;
}

/* ---- padding ---- */

enum { PAD, MODE, VALUE };
enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR, MODES };

/* Negative pads crop first; what is left, from `from` on and n long, is then padded.
   (Constants need no such care: whatever is outside of x is one.) */
static int64_t padded_index(int mode, int64_t i, int64_t from, int64_t n) {
  if (i >= 0 && i < n) return from + i;
  switch (mode) {
  case REFLECT: return from + (i < 0 ? -i : 2 * (n - 1) - i);
  case REPLICATE: return from + (i < 0 ? 0 : n - 1);
  case CIRCULAR: return from + (i < 0 ? i + n : i - n);
  default: return -1;
  }
}

static int64_t cropped(int mode, int64_t pad) {
  return pad < 0 && mode != CONSTANT ? -pad : 0;
}

/* Whether a dimension that has n elements after cropping has them for its pads. */
static br_status pad_fits(br_call *c, int mode, int d, int64_t n, int64_t before,
                          int64_t after) {
  int64_t most = before > after ? before : after;
  if (mode == CONSTANT || most <= 0) return BR_OK;
  int64_t limit = mode == REFLECT ? n - 1 : mode == CIRCULAR ? n : n > 0 ? most : 0;
  if (most <= limit) return BR_OK;
  return br_bad(c,
                "dimension %d of %s has too few elements for %lld more%s (mode \"%s\")",
                d + 1, br_shape_of(c->in[0]), (long long)most,
                before < 0 || after < 0 ? " after cropping" : "", c->arg[MODE].s);
}

/* pad: before and after of the last dimension, then of the one before it, ... */
static br_status pad_infer(br_call *c) {
  static const char *const modes[] = {"constant", "reflect", "replicate", "circular"};
  const br_tensor *x = c->in[0];
  const br_arg *pad = &c->arg[PAD];
  int64_t shape[BR_MAX_DIM], before[BR_MAX_DIM] = {0}, left[BR_MAX_DIM];
  int mode = 0;
  while (mode < MODES && strcmp(modes[mode], c->arg[MODE].s) != 0) mode++;
  if (mode == MODES)
    return br_bad(c,
                  "mode must be \"constant\", \"reflect\", \"replicate\" or "
                  "\"circular\", not \"%s\"",
                  c->arg[MODE].s);
  const char *wrong = br_misfit(x->dtype, &c->arg[VALUE]);
  if (wrong && mode == CONSTANT) return br_bad(c, "value: %s", wrong);
  if (pad->n % 2 || pad->n > 2 * x->ndim)
    return br_bad(c,
                  "pad must hold {before, after} of the last dimension, then of others; "
                  "%d entries do not suit the shape %s",
                  pad->n, br_shape_of(x));
  memcpy(shape, x->shape, sizeof shape);
  memcpy(left, x->shape, sizeof left);
  for (int i = 0; i < pad->n / 2; i++) {
    int d = x->ndim - 1 - i;
    int64_t after = pad->v[2 * i + 1];
    before[d] = pad->v[2 * i];
    if (__builtin_add_overflow(shape[d], before[d], &shape[d]) ||
        __builtin_add_overflow(shape[d], after, &shape[d]) || shape[d] < 0 ||
        (mode != CONSTANT && (before[d] < -left[d] || after < -left[d])))
      return br_bad(c, "dimension %d of %s cannot change by %lld and %lld", d + 1,
                    br_shape_of(x), (long long)before[d], (long long)after);
    left[d] -= cropped(mode, before[d]) + cropped(mode, after);
    br_status status = pad_fits(c, mode, d, left[d], before[d], after);
    if (status) return status;
  }
  int64_t *map = NULL;
  br_status status = maps_new(c, shape, &map);
  if (status) return status;
  for (int d = 0; d < x->ndim; d++) {
    int64_t from = cropped(mode, before[d]);
    for (int64_t i = 0; i < shape[d]; i++)
      *map++ = padded_index(mode, i - before[d] - from, from, left[d]);
  }
  return BR_OK;
}

static br_status pad_forward(br_call *c) { return rearrange(c, &c->arg[VALUE]); }

/* ---- windows ---- */

/* arg: dim, size, step. x (..., n, ...) -> (..., count, ..., size) */
static br_status unfold_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = 0;
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM], size = c->arg[1].i, step = c->arg[2].i;
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (status) return status;
  if (x->ndim == BR_MAX_DIM)
    return br_bad(c, "the tensor has %d dimensions already", x->ndim);
  if (step < 1) return br_bad(c, "step must be at least 1, not %lld", (long long)step);
  if (size < 0 || size > x->shape[dim])
    return br_bad(c, "size must be from 0 to the %lld of dimension %d of %s, not %lld",
                  (long long)x->shape[dim], dim + 1, br_shape_of(x), (long long)size);
  memcpy(shape, x->shape, sizeof shape);
  memcpy(stride, x->stride, sizeof stride);
  shape[dim] = (x->shape[dim] - size) / step + 1;
  stride[dim] *= step;
  shape[x->ndim] = size;
  stride[x->ndim] = x->stride[dim];
  c->arg[0].i = dim;
  return br_out_take(c, 0, br_tensor_view(c->in[0], x->ndim + 1, shape, stride, 0));
}

static br_status unfold_forward(br_call *c) {
  (void)c;
  return BR_OK;
}

/* Windows may overlap: their gradients add up, one place of the window at a time. */
static br_status unfold_backward(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim = (int)c->arg[0].i;
  double one = 1;
  if (!c->need[0]) return BR_OK;
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  for (int64_t k = 0; !status && k < c->arg[1].i; k++) {
    br_tensor *from = br_view_select(c->dy[0], x->ndim, k);
    br_tensor *to = br_view_narrow(dx, dim, k, c->dy[0]->shape[dim], c->arg[2].i);
    br_tensor *in[2] = {to, from};
    status = from && to ? br_map(K(add), dx->dtype, to, 2, in, &one) : BR_ENOMEM;
    br_release(from);
    br_release(to);
  }
  return status;
}

/* clang-format off */
const br_op br_rearrange_ops[] = {
  {"flip", "x:t dims:D", "x (...) with the order of the dimensions named reversed -> (...)",
   flip_infer, plain_forward, rearrange_backward, 0, 0, 0, {0}},
  {"roll", "x:t shifts:I dims:D", "x (...) moved along each dimension, what falls off coming in again -> (...)",
   roll_infer, plain_forward, rearrange_backward, 0, 0, 0, {0}},
  {"repeat_", "x:t times:I", "x (s1, s2, ...) n1, n2, ... times over -> (n1 s1, n2 s2, ...)",
   repeat_infer, plain_forward, rearrange_backward, 0, 0, 0, {0}},
  {"pad", "x:t pad:I mode:s=constant value:v=0", "x (..., n) with {before, after} more elements, from the last dimension on -> (..., before + n + after); fewer if negative",
   pad_infer, pad_forward, rearrange_backward, 0, 0, 0, {0}},
  {"unfold", "x:t dim:d size:i step:i", "windows of a dimension, x (..., n, ...) -> (..., (n - size) // step + 1, ..., size), without a copy",
   unfold_infer, unfold_forward, unfold_backward, 0, BR_VIEW, 0, {0}},
  {0}};
/* clang-format on */
