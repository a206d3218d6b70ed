/* Convolution: the geometry that its three directions share. */
#ifndef BR_CONV_H
#define BR_CONV_H

#include "op/op.h"

typedef struct br_conv {
  br_dtype dtype;
  int64_t n, c, h, w;     /* x (n,c,h,w) */
  int64_t o, oh, ow;      /* y (n,o,oh,ow) */
  int64_t kh, kw;         /* w (o, c/groups, kh, kw) */
  int64_t sh, sw, ph, pw; /* stride; padding above and left */
  int64_t dh, dw;         /* dilation */
  int64_t groups, cg, og; /* channels of a group, in and out */
  bool folded; /* few input channels: a kernel row is one tap of kw * c values */
  int64_t taps_h, taps_w, run; /* taps of a kernel, and the values of one */
  int64_t wide;                /* width of the padded rows when folded */
} br_conv;

/* Decides how the taps are read (the fields from `folded` on), once the rest is set. */
void br_conv_plan(br_conv *g);

/* x channels-last, or padded to `wide` when folded; each of the three is owned by the
 * caller. */
br_tensor *br_conv_source(const br_conv *g, br_tensor *x);

/* Types and dimensions of a call's x, weight and bias; the bias's size; and its gradient.
 */
br_status br_conv_check(const br_call *c);
br_status br_conv_check_bias(const br_call *c, int64_t outputs);
br_status br_conv_bias_grad(br_call *c, br_tensor *dy);

br_status br_conv_forward(const br_conv *g, br_tensor *source, br_tensor *w,
                          br_tensor *bias, br_tensor *y);
/* dx (n,c,h,w) channels-last, from dy (n,o,oh,ow) channels-last; a bias (c) that is added
   makes it the transposed convolution */
br_status br_conv_input_grad(const br_conv *g, br_tensor *dy, br_tensor *w,
                             br_tensor *bias, br_tensor *dx);
/* dw (o,cg,kh,kw) contiguous */
br_status br_conv_weight_grad(const br_conv *g, br_tensor *source, br_tensor *dy,
                              br_tensor *dw);

#endif
