/* Copies: to other types, formats and shapes, and of several tensors into one. */
#include "op/op.h"

#include <string.h>

#include "base/threads.h"

enum {
  PART = 64,   /* pixels and channels of a block */
  LONG = 1024, /* pixels of a block of a colour image */
  COLOURS = 4
};

/* Whether an image's rows can be joined into one row of pixels: channels are innermost,
   or in planes. */
static bool channels_inside(const br_tensor *t) {
  return t->stride[1] == 1 && t->stride[3] == t->shape[1];
}

static bool planes(const br_tensor *t) { return t->stride[3] == 1; }

/* Whether a copy changes only the format of images, not their values. */
static bool changes_format(const br_tensor *dst, const br_tensor *src) {
  if (dst->dtype != src->dtype || dst->ndim != 4 || !br_same_shape(dst, src))
    return false;
  if (br_dtype_size(dst->dtype) < 4 || dst->storage == src->storage) return false;
  if (dst->shape[1] < 2 || dst->shape[3] < 2 || dst->numel == 0) return false;
  return (channels_inside(dst) && planes(src)) || (planes(dst) && channels_inside(src));
}

/* Whether a whole image can be copied as one row. */
static bool rows_join(const br_tensor *t) {
  return t->stride[2] == t->shape[3] * t->stride[3];
}

/* A copy of images of c channels to the other format. `inside`: the source has its
   channels innermost. `plane`: the step between channels on the side that has
   planes. */
typedef struct turn {
  int64_t size, c, plane;
  bool inside;
} turn;

/* Copies a block of pixels and channels from x to y. Each pixel, or each channel, is a
   row on one of the two sides. */
static void turn_block(const turn *t, int64_t pixels, int64_t channels, const char *x,
                       char *y) {
  const void *from[PART];
  void *to[PART];
  const int64_t size = t->size, c = t->c, plane = t->plane;
  const bool inside = t->inside;
  const br_kernels *k = br_kernels_of(size == 4 ? BR_F32 : BR_F64);
  int64_t rows = inside ? pixels : channels, columns = inside ? channels : pixels;
  for (int64_t i = 0; i < rows; i++) from[i] = x + i * (inside ? c : plane) * size;
  if (!inside && c <= COLOURS) {
    k->interleave(rows, columns, from, y);
    return;
  }
  for (int64_t i = 0; i < columns; i++) to[i] = y + i * (inside ? plane : c) * size;
  k->transpose(rows, columns, from, to);
}

static void change_format(br_tensor *dst, const br_tensor *src) {
  int64_t size = br_dtype_size(dst->dtype), c = dst->shape[1], h = dst->shape[2];
  bool whole = rows_join(dst) && rows_join(src), inside = channels_inside(src);
  int64_t width = whole ? h * dst->shape[3] : dst->shape[3], down = whole ? 1 : h;
  int64_t plane = inside ? dst->stride[1] : src->stride[1];
  const turn t = {size, c, plane, inside};
  int64_t part = !inside && c <= COLOURS ? LONG : PART;
  int64_t across = (width + part - 1) / part, deep = (c + PART - 1) / PART;
  int64_t units = dst->shape[0] * down * across * deep;
  int64_t grain = part == LONG ? 32768 : 4096; /* worth another thread */
#pragma omp parallel for schedule(static)                                                \
    num_threads(br_threads()) if (dst->numel > grain && units > 1)
  for (int64_t u = 0; u < units; u++) {
    if (br_stopped()) continue;
    int64_t channel = u % deep * PART, pixel = u / deep % across * part;
    int64_t row = u / deep / across % down, n = u / deep / across / down;
    int64_t in_inside = pixel * c + channel, in_planes = channel * plane + pixel;
    const char *x = src->data + (n * src->stride[0] + row * src->stride[2] +
                                 (inside ? in_inside : in_planes)) *
                                    size;
    char *y = dst->data + (n * dst->stride[0] + row * dst->stride[2] +
                           (inside ? in_planes : in_inside)) *
                              size;
    turn_block(&t, width - pixel < part ? width - pixel : part,
               c - channel < PART ? c - channel : PART, x, y);
  }
}

br_status br_copy(br_tensor *dst, br_tensor *src) {
  if (changes_format(dst, src)) {
    change_format(dst, src);
    return BR_OK;
  }
  return br_map(K(copy), dst->dtype, dst, 1, &src, NULL);
}

br_tensor *br_as(br_tensor *src, br_dtype dtype, br_format format) {
  bool right = format == BR_CHANNELS_LAST && src->ndim == 4 ? br_is_channels_last(src)
                                                            : br_is_contiguous(src);
  if (right && src->dtype == dtype) return br_retain(src);
  br_tensor *t = br_tensor_new(dtype, src->ndim, src->shape, format);
  if (t && br_copy(t, src) != BR_OK) {
    br_release(t);
    t = NULL;
  }
  return t;
}

br_status br_fill(br_tensor *t, const br_arg *value) {
  double number = br_kernel_number(t->dtype, value);
  return br_map(K(fill), t->dtype, t, 0, NULL, &number);
}

br_tensor *br_contiguous(br_tensor *src) { return br_as(src, src->dtype, BR_CONTIGUOUS); }

br_tensor *br_reshaped(br_tensor *src, int ndim, const int64_t *shape) {
  int64_t stride[BR_MAX_DIM];
  if (br_reshape_strides(src, ndim, shape, stride))
    return br_tensor_view(src, ndim, shape, stride, 0);
  br_tensor *flat = br_contiguous(src);
  if (!flat) return NULL;
  br_reshape_strides(flat, ndim, shape, stride);
  br_tensor *t = br_tensor_view(flat, ndim, shape, stride, 0);
  br_release(flat);
  return t;
}

/* ---- rows ---- */

static br_status copy_forward(br_call *c) { return br_copy(c->out[0], c->in[0]); }

/* The engine brings dy to x's type and shape. */
static br_status copy_backward(br_call *c) {
  return c->need[0] ? br_dx_take(c, 0, br_retain(c->dy[0])) : BR_OK;
}

static br_status clone_infer(br_call *c) {
  return br_out_like(c, 0, c->in[0], c->in[0]->dtype);
}

/* Only bool and integers change values. bool becomes "is not 0", and an integer type
   drops the fraction. */
static br_status to_infer(br_call *c) {
  br_dtype dtype = (br_dtype)c->arg[0].i;
  const char *wrong = dtype == BR_BOOL ? NULL : br_misfits(dtype, c->in[0], true);
  if (wrong) return br_bad(c, "%s", wrong);
  return br_out_like(c, 0, c->in[0], dtype);
}

static br_status contiguous_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
}

static br_status channels_last_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  br_status status = br_need_dims(c, x, "x", 4);
  return status ? status : br_out(c, 0, x->dtype, 4, x->shape, BR_CHANNELS_LAST);
}

/* The call overwrites the first argument, so no gradient goes back to it. */
static br_status copy_into_infer(br_call *c) {
  int ndim;
  int64_t shape[BR_MAX_DIM];
  const br_tensor *to = c->in[0], *from = c->in[1];
  if (!br_broadcast(to->ndim, to->shape, from->ndim, from->shape, &ndim, shape) ||
      ndim != to->ndim || memcmp(shape, to->shape, (size_t)ndim * sizeof *shape) != 0)
    return br_bad(c, "shape %s does not broadcast to %s", br_shape_of(from),
                  br_shape_of(to));
  const char *wrong = br_misfits(to->dtype, c->in[1], false);
  if (wrong) return br_bad(c, "%s", wrong);
  return br_out_like(c, 0, to, to->dtype);
}

static br_status copy_into_forward(br_call *c) { return br_copy(c->out[0], c->in[1]); }

static br_status copy_into_backward(br_call *c) {
  return c->need[1] ? br_dx_take(c, 1, br_retain(c->dy[0])) : BR_OK;
}

static br_status fill_infer(br_call *c) {
  const char *wrong = br_misfit(c->in[0]->dtype, &c->arg[0]);
  if (wrong) return br_bad(c, "%s", wrong);
  return br_out_like(c, 0, c->in[0], c->in[0]->dtype);
}

static br_status fill_forward(br_call *c) { return br_fill(c->out[0], &c->arg[0]); }

static br_status fill_backward(br_call *c) {
  (void)c;
  return BR_OK;
}

/* ---- cat and stack ---- */

static br_status same_sizes(br_call *c, int skip) {
  const br_tensor *x = c->in[0];
  for (int i = 1; i < c->nin; i++) {
    const br_tensor *t = c->in[i];
    bool same = t->ndim == x->ndim;
    for (int d = 0; same && d < x->ndim; d++)
      same = d == skip || t->shape[d] == x->shape[d];
    if (!same)
      return br_bad(c, "tensor %d has shape %s, but the first has %s", i + 1,
                    br_shape_of(t), br_shape_of(x));
  }
  return BR_OK;
}

static br_status cat_infer(br_call *c) {
  int dim = 0;
  int64_t shape[BR_MAX_DIM];
  if (c->nin == 0) return br_bad(c, "wants at least one tensor");
  const br_tensor *x = c->in[0];
  if (x->ndim == 0)
    return br_bad(c, "0-dimensional tensors cannot be joined; stack them");
  br_status status = br_dim(c, &c->arg[0], x->ndim, &dim);
  if (!status) status = same_sizes(c, dim);
  if (status) return status;
  memcpy(shape, x->shape, sizeof shape);
  shape[dim] = 0;
  for (int i = 0; i < c->nin; i++) shape[dim] += c->in[i]->shape[dim];
  c->arg[0].i = dim;
  br_format format = br_is_channels_last(x) && !br_is_contiguous(x) ? BR_CHANNELS_LAST
                                                                    : BR_CONTIGUOUS;
  return br_out(c, 0, br_promote(c->nin, c->in), x->ndim, shape, format);
}

/* Joins maps along their innermost channels, pixel by pixel, so that the result is
   written in order. */
static bool cat_pixels(br_call *c) {
  br_tensor *y = c->out[0];
  if (c->arg[0].i != 1 || y->ndim != 4 || y->numel == 0 || !br_is_channels_last(y))
    return false;
  for (int i = 0; i < c->nin; i++)
    if (c->in[i]->dtype != y->dtype || c->in[i]->numel == 0 ||
        !br_is_channels_last(c->in[i]))
      return false;
  int64_t size = br_dtype_size(y->dtype), width = y->shape[1] * size;
  int64_t pixels = y->numel / y->shape[1];
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (y->numel > 16384)
  for (int64_t first = 0; first < pixels; first += PART) {
    if (br_stopped()) continue;
    int64_t last = first + PART < pixels ? first + PART : pixels;
    for (int64_t p = first; p < last; p++) {
      char *to = y->data + p * width;
      for (int i = 0; i < c->nin; i++) {
        int64_t part = c->in[i]->shape[1] * size;
        memcpy(to, c->in[i]->data + p * part, (size_t)part);
        to += part;
      }
    }
  }
  return true;
}

static br_status cat_forward(br_call *c) {
  int dim = (int)c->arg[0].i;
  int64_t at = 0;
  if (cat_pixels(c)) return BR_OK;
  for (int i = 0; i < c->nin; i++) {
    int64_t size = c->in[i]->shape[dim];
    br_tensor *part = br_view_narrow(c->out[0], dim, at, size, 1);
    br_status status = part ? br_copy(part, c->in[i]) : BR_ENOMEM;
    br_release(part);
    if (status) return status;
    at += size;
  }
  return BR_OK;
}

static br_status cat_backward(br_call *c) {
  int dim = (int)c->arg[0].i;
  int64_t at = 0;
  for (int i = 0; i < c->nin; i++) {
    int64_t size = c->in[i]->shape[dim];
    if (c->need[i] &&
        br_dx_take(c, i, br_view_narrow(c->dy[0], dim, at, size, 1)) != BR_OK)
      return BR_ENOMEM;
    at += size;
  }
  return BR_OK;
}

static br_status stack_infer(br_call *c) {
  int dim = 0;
  int64_t shape[BR_MAX_DIM];
  if (c->nin == 0) return br_bad(c, "wants at least one tensor");
  const br_tensor *x = c->in[0];
  if (x->ndim == BR_MAX_DIM)
    return br_bad(c, "the result would have too many dimensions");
  br_status status = br_dim(c, &c->arg[0], x->ndim + 1, &dim);
  if (!status) status = same_sizes(c, -1);
  if (status) return status;
  for (int d = 0, from = 0; d <= x->ndim; d++)
    shape[d] = d == dim ? c->nin : x->shape[from++];
  c->arg[0].i = dim;
  return br_out(c, 0, br_promote(c->nin, c->in), x->ndim + 1, shape, BR_CONTIGUOUS);
}

static br_status stack_forward(br_call *c) {
  for (int i = 0; i < c->nin; i++) {
    br_tensor *part = br_view_select(c->out[0], (int)c->arg[0].i, i);
    br_status status = part ? br_copy(part, c->in[i]) : BR_ENOMEM;
    br_release(part);
    if (status) return status;
  }
  return BR_OK;
}

static br_status stack_backward(br_call *c) {
  for (int i = 0; i < c->nin; i++)
    if (c->need[i] &&
        br_dx_take(c, i, br_view_select(c->dy[0], (int)c->arg[0].i, i)) != BR_OK)
      return BR_ENOMEM;
  return BR_OK;
}

/* clang-format off */
const br_op br_copy_ops[] = {
    {.name = "clone", .args = "x:t", .doc = "a copy of x with the same memory format",
     .usage = "x:clone()",
     .infer = clone_infer, .forward = copy_forward, .backward = copy_backward},
    {.name = "to", .args = "x:t dtype:y",
     .doc = "x converted to another element type. An integer type drops the fraction, and raises an error for NaN and values outside its range; bool is true where x is not 0",
     .usage = "x:to(\"int64\")",
     .infer = to_infer, .forward = copy_forward, .backward = copy_backward},
    {.name = "contiguous_copy", .args = "x:t",
     .doc = "a copy of x, last dimension innermost", .infer = contiguous_infer,
     .forward = copy_forward, .backward = copy_backward, .flags = BR_HIDDEN},
    {.name = "channels_last", .args = "x:t",
     .doc = "a copy of the images x (n,c,h,w), channels innermost",
     .usage = "images:channels_last():memory_format()",
     .infer = channels_last_infer, .forward = copy_forward, .backward = copy_backward},
    {.name = "copy", .args = "x:t y:n",
     .doc = "writes the values of y into x, whose type must be able to hold them",
     .usage = "x:copy_(y)",
     .infer = copy_into_infer, .forward = copy_into_forward,
     .backward = copy_into_backward, .flags = BR_IN_PLACE | BR_HIDDEN},
    {.name = "fill", .args = "x:t value:v",
     .doc = "writes the value into every element of x, whose type must be able to hold it",
     .usage = "x:fill_(7)",
     .infer = fill_infer, .forward = fill_forward, .backward = fill_backward,
     .flags = BR_IN_PLACE | BR_HIDDEN},
    {.name = "cat", .args = "tensors:l dim:d=0",
     .doc = "joins tensors along an existing dimension",
     .usage = "braid.cat({x, y}, 1)", .infer = cat_infer,
     .forward = cat_forward, .backward = cat_backward, .flags = BR_NO_METHOD},
    {.name = "stack", .args = "tensors:l dim:d=0",
     .doc = "joins tensors along a new dimension",
     .usage = "braid.stack({x, y}, 1)", .infer = stack_infer,
     .forward = stack_forward, .backward = stack_backward, .flags = BR_NO_METHOD},
    {0},
};
/* clang-format on */
