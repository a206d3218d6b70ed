/* conv2d: its arguments, its geometry and its rows, with and without an activation
   after it. The work is in forward.c, input_grad.c and grad.c (gradient of the
   weights). */
#include "op/conv/conv.h"

#include <string.h>

enum { STRIDE, PADDING, DILATION, GROUPS, ACTIVATION };
enum { SLOPE = 3 };
enum { FOLD_CHANNELS = 4, FOLD_VALUES = 64, FOLD_PADDING = 16 };

static br_status check_arguments(br_call *c, br_conv *g) {
  const br_arg *a = c->arg;
  br_status status = br_need_within(c, &a[STRIDE], "stride", 1, BR_MAX_SIZE);
  if (!status) status = br_need_within(c, &a[DILATION], "dilation", 1, BR_MAX_SIZE);
  if (!status && !a[PADDING].s)
    status = br_need_within(c, &a[PADDING], "padding", 0, BR_MAX_SIZE);
  if (status) return status;
  if (g->groups < 1 || g->c % g->groups != 0 || g->o % g->groups != 0)
    return br_bad(c,
                  "groups = %lld must divide the %lld input and the %lld output channels",
                  (long long)g->groups, (long long)g->c, (long long)g->o);
  if (c->in[1]->shape[1] != g->cg)
    return br_bad(c, "weight expects %lld channels, input %s has %lld",
                  (long long)br_size_mul(c->in[1]->shape[1], g->groups),
                  br_shape_of(c->in[0]), (long long)g->c);
  return BR_OK;
}

/* Output size along one dimension, and the padding before it. */
static br_status output_size(br_call *c, int i, int64_t size, int64_t kernel,
                             int64_t *pad, int64_t *out) {
  const br_arg *a = c->arg;
  int64_t span = br_size_span(kernel, a[DILATION].v[i]);
  if (kernel < 1) return br_bad(c, "the kernel %s is empty", br_shape_of(c->in[1]));
  if (a[PADDING].s) {
    if (strcmp(a[PADDING].s, "same") != 0)
      return br_bad(c, "padding must be a number, a pair or \"same\", not \"%s\"",
                    a[PADDING].s);
    if (a[STRIDE].v[i] != 1) return br_bad(c, "padding \"same\" needs stride 1");
    *pad = (span - 1) / 2;
    *out = size;
    return BR_OK;
  }
  *pad = a[PADDING].v[i];
  *out = br_size_places(size + 2 * *pad, span, a[STRIDE].v[i]);
  if (*out > 0) return BR_OK;
  return br_bad(c,
                "the kernel spans %lld pixels, more than the %lld of the padded input %s",
                (long long)span, (long long)(size + 2 * *pad), br_shape_of(c->in[0]));
}

br_status br_conv_geometry(br_call *c, br_conv *g) {
  const br_tensor *x = c->in[0], *w = c->in[1];
  const br_arg *a = c->arg;
  *g = (br_conv){.dtype = x->dtype,
                 .n = x->shape[0],
                 .c = x->shape[1],
                 .h = x->shape[2],
                 .w = x->shape[3],
                 .o = w->shape[0],
                 .kh = w->shape[2],
                 .kw = w->shape[3],
                 .sh = a[STRIDE].v[0],
                 .sw = a[STRIDE].v[1],
                 .dh = a[DILATION].v[0],
                 .dw = a[DILATION].v[1],
                 .groups = a[GROUPS].i};
  g->cg = g->groups > 0 ? g->c / g->groups : 0;
  g->og = g->groups > 0 ? g->o / g->groups : 0;
  br_status status = check_arguments(c, g);
  if (!status) status = output_size(c, 0, g->h, g->kh, &g->ph, &g->oh);
  if (!status) status = output_size(c, 1, g->w, g->kw, &g->pw, &g->ow);
  if (!status) br_conv_plan(g);
  return status;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* Whether the padded image is worth its memory: along no side is most of it padding. */
static bool pads_little(const br_conv *g) {
  return g->tall <= 2 * g->h + FOLD_PADDING && g->wide <= 2 * g->w + FOLD_PADDING;
}

void br_conv_plan(br_conv *g) {
  g->wide = larger(br_size_cover(g->ow, g->kw, g->sw), g->w + g->pw);
  g->tall = larger(br_size_cover(g->oh, br_size_span(g->kh, g->dh), g->sh), g->h + g->ph);
  g->folded = g->groups == 1 && g->dw == 1 && g->kw > 1 && g->c <= FOLD_CHANNELS &&
              g->kw <= FOLD_VALUES / larger(g->c, 1) && pads_little(g);
  g->taps_h = g->kh;
  g->taps_w = g->folded ? 1 : g->kw;
  g->run = g->folded ? g->kw * g->c : g->cg;
}

/* Clears the border around the h rows of w pixels that begin at row ph and column
   pw. */
static void clear_border(const br_conv *g, char *image) {
  size_t pixel = (size_t)(g->c * br_dtype_size(g->dtype)), row = (size_t)g->wide * pixel;
  size_t left = (size_t)g->pw * pixel, inside = (size_t)g->w * pixel;
  memset(image, 0, (size_t)g->ph * row);
  image += (size_t)g->ph * row;
  for (int64_t y = 0; y < g->h; y++, image += row) {
    memset(image, 0, left);
    memset(image + left + inside, 0, row - left - inside);
  }
  memset(image, 0, (size_t)(g->tall - g->ph - g->h) * row);
}

br_tensor *br_conv_source(const br_conv *g, br_tensor *x) {
  if (!g->folded || (g->wide == g->w && g->tall == g->h))
    return br_as(x, g->dtype, BR_CHANNELS_LAST);
  int64_t shape[4] = {g->n, g->c, g->tall, g->wide};
  br_tensor *padded = br_tensor_new(g->dtype, 4, shape, BR_CHANNELS_LAST);
  br_tensor *rows = padded ? br_view_narrow(padded, 2, g->ph, g->h, 1) : NULL;
  br_tensor *inner = rows ? br_view_narrow(rows, 3, g->pw, g->w, 1) : NULL;
  br_status status = inner ? br_copy(inner, x) : BR_ENOMEM;
  for (int64_t n = 0; n < g->n && !status; n++)
    clear_border(g,
                 padded->data + n * g->tall * g->wide * g->c * br_dtype_size(g->dtype));
  br_release(rows);
  br_release(inner);
  if (!status) return padded;
  br_release(padded);
  return NULL;
}

br_status br_conv_check(const br_call *c) {
  const br_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
  br_status status = br_need_float(c, x, "x");
  if (!status) status = br_need_dims(c, x, "x", 4);
  if (!status) status = br_need_dims(c, w, "weight", 4);
  if (!status && (w->dtype != x->dtype || (b && b->dtype != x->dtype)))
    return br_bad(c, "x is %s, weight %s: convert one with to()", br_dtype_name(x->dtype),
                  br_dtype_name(w->dtype));
  return status;
}

br_status br_conv_check_bias(const br_call *c, int64_t outputs) {
  const br_tensor *b = c->in[2];
  if (!b || (b->ndim == 1 && b->shape[0] == outputs)) return BR_OK;
  return br_bad(c, "bias must have shape (%lld), not %s", (long long)outputs,
                br_shape_of(b));
}

static br_status conv_infer(br_call *c) {
  br_conv g;
  br_status status = br_conv_check(c);
  if (!status) status = br_conv_geometry(c, &g);
  if (!status) status = br_conv_check_bias(c, g.o);
  if (status) return status;
  int64_t shape[4] = {g.n, g.o, g.oh, g.ow};
  return br_out(c, 0, g.dtype, 4, shape, BR_CHANNELS_LAST);
}

static br_status conv_forward(br_call *c) {
  br_conv g;
  br_tensor *sums;
  br_status status = br_conv_geometry(c, &g);
  if (status) return status;
  br_tensor *source = br_conv_source(&g, c->in[0]), *w = br_contiguous(c->in[1]);
  br_tensor *bias = c->in[2] ? br_contiguous(c->in[2]) : NULL;
  br_tensor *slope = c->nin > SLOPE && c->in[SLOPE] ? br_contiguous(c->in[SLOPE]) : NULL;
  bool all = source && w && (bias || !c->in[2]);
  if (!all || (!slope && c->nin > SLOPE && c->in[SLOPE])) status = BR_ENOMEM;
  if (!status) status = br_epilogue_start(c, slope, &g.after, &sums);
  if (!status) status = br_conv_forward(&g, source, w, bias, !c->recorded, sums);
  br_release(source);
  br_release(w);
  br_release(bias);
  br_release(slope);
  return status;
}

br_status br_conv_check_slope(const br_call *c) {
  const br_tensor *slope = c->in[SLOPE], *w = c->in[1];
  if (!slope) return BR_OK;
  if (slope->ndim == 1 && (w->ndim != 4 || slope->shape[0] == w->shape[0]) &&
      slope->dtype == c->in[0]->dtype)
    return BR_OK;
  return br_bad(c, "slope must have shape (%lld), of %s, not %s of %s",
                (long long)(w->ndim == 4 ? w->shape[0] : 0),
                br_dtype_name(c->in[0]->dtype), br_shape_of(slope),
                br_dtype_name(slope->dtype));
}

static br_status activation_infer(br_call *c) {
  br_status status = br_conv_check_slope(c);
  if (!status) status = br_epilogue_read(c, ACTIVATION);
  return status ? status : conv_infer(c);
}

static br_status input_grad(br_call *c, const br_conv *g, br_tensor *dy) {
  br_tensor *w = br_contiguous(c->in[1]);
  br_tensor *dx = br_tensor_new(g->dtype, 4, c->in[0]->shape, BR_CHANNELS_LAST);
  br_status status = br_dx_take(c, 0, dx);
  if (!status) status = w ? br_conv_input_grad(g, dy, w, NULL, dx) : BR_ENOMEM;
  br_release(w);
  return status;
}

static br_status weight_grad(br_call *c, const br_conv *g, br_tensor *dy) {
  br_tensor *source = br_conv_source(g, c->in[0]);
  br_tensor *dw = br_tensor_new(g->dtype, 4, c->in[1]->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 1, dw);
  if (!status) status = source ? br_conv_weight_grad(g, source, dy, dw) : BR_ENOMEM;
  br_release(source);
  return status;
}

br_status br_conv_bias_grad(br_call *c, br_tensor *dy) {
  int64_t shape[4] = {1, dy->shape[1], 1, 1};
  br_tensor *sum = br_sum_to(dy, 4, shape);
  br_status status = br_dx_take(c, 2, sum ? br_reshaped(sum, 1, shape + 1) : NULL);
  br_release(sum);
  return status;
}

static br_status conv_backward(br_call *c) {
  br_conv g;
  br_status status = br_conv_geometry(c, &g);
  if (status) return status;
  br_tensor *dy = br_as(c->dy[0], g.dtype, BR_CHANNELS_LAST);
  if (dy) status = br_epilogue_back(c, &dy);
  if (!dy || status) {
    br_release(dy);
    return BR_ENOMEM;
  }
  if (c->need[0]) status = input_grad(c, &g, dy);
  if (!status && c->need[1]) status = weight_grad(c, &g, dy);
  if (!status && c->in[2] && c->need[2]) status = br_conv_bias_grad(c, dy);
  br_release(dy);
  return status;
}

/* clang-format off */
const br_op br_conv_ops[] = {
    {.name = "conv2d",
     .args = "x:t weight:t bias:t? stride:p=1 padding:P=0 dilation:p=1 groups:i=1",
     .doc = "x (n,c,h,w), weight (o,c/groups,kh,kw), bias (o) -> (n,o,oh,ow)",
     .usage = "F.conv2d(images, braid.randn(16, 3, 3, 3), {padding = \"same\"})",
     .infer = conv_infer, .forward = conv_forward, .backward = conv_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1)},
    {.name = "conv2d_activation",
     .args = "x:t weight:t bias:t? slope:t? stride:p=1 padding:P=0 dilation:p=1 groups:i=1 activation:s? number:f=0",
     .doc = "conv2d, then the elementwise operator named `activation`, or prelu with slope (o), which gets no gradient here",
     .infer = activation_infer, .forward = conv_forward, .backward = conv_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1), .flags = BR_HIDDEN},
    {0},
};
/* clang-format on */
