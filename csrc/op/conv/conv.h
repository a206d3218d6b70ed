/* Convolution: the geometry that its forward pass and its two gradients share. */
#ifndef BR_OP_CONV_CONV_H
#define BR_OP_CONV_CONV_H

#include "op/epilogue.h"

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
  int64_t tall, wide;          /* the padded image when folded */
  br_epilogue after;           /* forward: what y goes through */
} br_conv;

/* Decides how the taps are read, once the other fields are set: sets `folded` and the
   fields after it. */
void br_conv_plan(br_conv *g);

/* x channels-last, or padded to tall x wide when folded. The caller owns the result. */
br_tensor *br_conv_source(const br_conv *g, br_tensor *x);

/* The geometry of a call whose first inputs and arguments are those of conv2d. */
br_status br_conv_geometry(br_call *c, br_conv *g);
/* Checks the types and dimensions of a call's x, weight and bias, and the bias's size. */
br_status br_conv_check(const br_call *c);
br_status br_conv_check_bias(const br_call *c, int64_t outputs);
br_status br_conv_check_slope(const br_call *c); /* PReLU's slope: the fourth input */
br_status br_conv_bias_grad(br_call *c, br_tensor *dy);

/* With `keep` the packed weights may stay with their tensor for the next call. */
br_status br_conv_forward(const br_conv *g, br_tensor *source, br_tensor *w,
                          br_tensor *bias, bool keep, br_tensor *y);
/* dx (n,c,h,w) channels-last, from dy (n,o,oh,ow) channels-last. With a bias (c) added it
   is the transposed convolution. */
br_status br_conv_input_grad(const br_conv *g, br_tensor *dy, br_tensor *w,
                             br_tensor *bias, br_tensor *dx);
/* dw (o,cg,kh,kw) contiguous */
br_status br_conv_weight_grad(const br_conv *g, br_tensor *source, br_tensor *dy,
                              br_tensor *dw);

/* ---- forward, some rows at a time (forward.c) ---- */

/* Whether the convolution can be computed some rows at a time. */
bool br_conv_has_rows(const br_conv *g);
typedef struct br_conv_rows br_conv_rows;
br_conv_rows *br_conv_rows_new(const br_conv *g, br_tensor *w, br_tensor *bias,
                               bool keep);
void br_conv_rows_free(br_conv_rows *r);

/* Rows first .. last-1 of one image's output, written to `out`. The image has the
   layout of br_conv_source; its row in_first is at `in`. */
typedef struct br_conv_band {
  const char *in;
  int64_t in_first, first, last;
  char *out;
} br_conv_band;

/* How many bytes of memory br_conv_rows_run needs. Any thread may call it with memory
   of its own. */
int64_t br_conv_rows_room(const br_conv_rows *r);
void br_conv_rows_run(const br_conv_rows *r, const br_conv_band *band, char *room);

/* ---- few output pixels, large weights (few_pixels.c) ---- */

/* Whether few_pixels.c computes a convolution and both of its gradients. Then x, dy, y
   and dx are channels-last as above, and w and dw are contiguous. */
bool br_conv_is_few(const br_conv *g);
bool br_conv_is_few_weights(const br_conv *g);
br_status br_conv_few_forward(const br_conv *g, char *x, const char *w, const char *bias,
                              char *y);
br_status br_conv_few_input_grad(const br_conv *g, const char *dy, const char *w,
                                 char *dx);
br_status br_conv_few_weight_grad(const br_conv *g, char *x, const char *dy, char *dw);

/* ---- weights in panels (pack.c) ---- */

/* Where the elements of a weight are in memory, and to which rows of a panel they go.
   Element (group, output, o, q) is at group * group_step + output * output_step + o *
   outer_step + q, and goes to row row[q] + o. */
typedef struct br_packing {
  int64_t groups, group_step;
  int64_t outputs, output_step; /* of a group; each becomes a value of a panel's row */
  int64_t outer, outer_step;
  int64_t columns;
  const int64_t *row; /* where column q goes; a negative one is left out */
  int64_t rows;       /* how many rows a panel has */
} br_packing;

/* The packing for forward and for the gradient of the weights; `row` has room for run *
   taps. */
br_packing br_conv_packing(const br_conv *g, int64_t *row);
int64_t br_conv_panels(int64_t outputs, const br_kernels *k);
char *br_conv_pack(const br_packing *p, const br_kernels *k, const char *w);
/* Packs a bias of `outputs` values a group; `to` must hold zeros. */
void br_conv_pack_bias(int64_t groups, int64_t outputs, const br_kernels *k,
                       const char *bias, char *to);
/* The inverse of br_conv_pack, for packings where `outer` is 1 and no column is left
   out. */
void br_conv_unpack(const br_packing *p, const br_kernels *k, const char *packed,
                    char *w);

#endif
