/* conv_transpose2d is the input gradient of a convolution y (n,o,oh,ow) -> x (n,c,h,w).
   So its forward pass is that input gradient, and its gradient for x is the convolution
   of dy. For the weights, x and dy exchange their roles. */
#include "op/conv/conv.h"

enum { STRIDE, PADDING, OUTPUT_PADDING, GROUPS, DILATION };

static br_status check_arguments(br_call *c) {
  const br_arg *a = c->arg;
  br_status status = br_need_within(c, &a[STRIDE], "stride", 1, BR_MAX_SIZE);
  if (!status) status = br_need_within(c, &a[DILATION], "dilation", 1, BR_MAX_SIZE);
  if (!status) status = br_need_within(c, &a[PADDING], "padding", 0, BR_MAX_SIZE);
  for (int i = 0; i < 2 && !status; i++) {
    int64_t extra = a[OUTPUT_PADDING].v[i];
    if (extra < 0 || (extra >= a[STRIDE].v[i] && extra >= a[DILATION].v[i]))
      status = br_bad(c,
                      "output_padding must be below the stride or the dilation, not %s",
                      br_arg_text(&a[OUTPUT_PADDING]));
  }
  return status;
}

static br_status output_size(br_call *c, int i, int64_t size, int64_t kernel,
                             int64_t *out) {
  const br_arg *a = c->arg;
  if (kernel < 1) return br_bad(c, "the kernel %s is empty", br_shape_of(c->in[1]));
  int64_t span = br_size_span(kernel, a[DILATION].v[i]);
  int64_t whole = br_size_add(br_size_cover(size, span, a[STRIDE].v[i]),
                              a[OUTPUT_PADDING].v[i]);
  *out = whole - 2 * a[PADDING].v[i];
  if (size < 1 || *out < 1)
    return br_bad(c, "input %s leaves an output of %lld pixels (padding %s)",
                  br_shape_of(c->in[0]), (long long)(size < 1 ? 0 : *out),
                  br_arg_text(&a[PADDING]));
  return BR_OK;
}

/* x (n,c,h,w), weight (c,o/groups,kh,kw). x takes the place of a convolution's
   output. */
static br_status geometry(br_call *c, br_conv *g) {
  const br_tensor *x = c->in[0], *w = c->in[1];
  const br_arg *a = c->arg;
  int64_t groups = a[GROUPS].i;
  br_status status = check_arguments(c);
  if (status) return status;
  if (groups < 1 || x->shape[1] % groups != 0)
    return br_bad(c, "groups = %lld must divide the %lld input channels",
                  (long long)groups, (long long)x->shape[1]);
  if (w->shape[0] != x->shape[1])
    return br_bad(c, "weight expects %lld channels, input %s has %lld",
                  (long long)w->shape[0], br_shape_of(x), (long long)x->shape[1]);
  *g = (br_conv){.dtype = x->dtype,
                 .n = x->shape[0],
                 .c = br_size_mul(w->shape[1], groups),
                 .o = x->shape[1],
                 .oh = x->shape[2],
                 .ow = x->shape[3],
                 .kh = w->shape[2],
                 .kw = w->shape[3],
                 .sh = a[STRIDE].v[0],
                 .sw = a[STRIDE].v[1],
                 .ph = a[PADDING].v[0],
                 .pw = a[PADDING].v[1],
                 .dh = a[DILATION].v[0],
                 .dw = a[DILATION].v[1],
                 .groups = groups,
                 .cg = w->shape[1],
                 .og = x->shape[1] / groups};
  status = output_size(c, 0, g->oh, g->kh, &g->h);
  if (!status) status = output_size(c, 1, g->ow, g->kw, &g->w);
  if (!status) br_conv_plan(g);
  return status;
}

static br_status transpose_infer(br_call *c) {
  br_conv g;
  br_status status = br_conv_check(c);
  if (!status) status = geometry(c, &g);
  if (!status) status = br_conv_check_bias(c, g.c);
  if (status) return status;
  int64_t shape[4] = {g.n, g.c, g.h, g.w};
  return br_out(c, 0, g.dtype, 4, shape, BR_CHANNELS_LAST);
}

static br_status transpose_forward(br_call *c) {
  br_conv g;
  br_status status = geometry(c, &g);
  if (status) return status;
  br_tensor *x = br_as(c->in[0], g.dtype, BR_CHANNELS_LAST), *w = br_contiguous(c->in[1]);
  br_tensor *bias = c->in[2] ? br_contiguous(c->in[2]) : NULL;
  status = x && w && (bias || !c->in[2]) ? br_conv_input_grad(&g, x, w, bias, c->out[0])
                                         : BR_ENOMEM;
  br_release(x);
  br_release(w);
  br_release(bias);
  return status;
}

static br_status input_grad(br_call *c, const br_conv *g, br_tensor *source) {
  br_tensor *w = br_contiguous(c->in[1]);
  br_tensor *dx = br_tensor_new(g->dtype, 4, c->in[0]->shape, BR_CHANNELS_LAST);
  br_status status = br_dx_take(c, 0, dx);
  if (!status) status = w ? br_conv_forward(g, source, w, NULL, false, dx) : BR_ENOMEM;
  br_release(w);
  return status;
}

static br_status weight_grad(br_call *c, const br_conv *g, br_tensor *source) {
  br_tensor *x = br_as(c->in[0], g->dtype, BR_CHANNELS_LAST);
  br_tensor *dw = br_tensor_new(g->dtype, 4, c->in[1]->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 1, dw);
  if (!status) status = x ? br_conv_weight_grad(g, source, x, dw) : BR_ENOMEM;
  br_release(x);
  return status;
}

static br_status transpose_backward(br_call *c) {
  br_conv g;
  br_status status = geometry(c, &g);
  if (status) return status;
  br_tensor *source = br_conv_source(&g, c->dy[0]);
  if (!source) return BR_ENOMEM;
  if (c->need[0]) status = input_grad(c, &g, source);
  if (!status && c->need[1]) status = weight_grad(c, &g, source);
  if (!status && c->in[2] && c->need[2]) status = br_conv_bias_grad(c, c->dy[0]);
  br_release(source);
  return status;
}

/* clang-format off */
const br_op br_conv_transpose_ops[] = {
    {.name = "conv_transpose2d",
     .args = "x:t weight:t bias:t? stride:p=1 padding:p=0 output_padding:p=0 groups:i=1 dilation:p=1",
     .doc = "x (n,c,h,w), weight (c,o/groups,kh,kw), bias (o) -> (n,o,oh,ow); it computes the input's gradient of a conv2d",
     .usage = "F.conv_transpose2d(images, braid.randn(3, 16, 2, 2), {stride = 2})",
     .infer = transpose_infer, .forward = transpose_forward,
     .backward = transpose_backward, .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1)},
    {0},
};
/* clang-format on */
