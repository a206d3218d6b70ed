/* Convolution by Winograd's algorithm: 3x3 and 5x5 kernels of stride 1 in float32. The
   image is cut into tiles of 4 x 4 outputs. A tile's 6 x 6 or 8 x 8 transformed inputs
   meet the transformed weights in 36 or 64 matrix products over the channels; the plain
   algorithm needs 144 or 400. */
#ifndef BR_OP_CONV_WINOGRAD_H
#define BR_OP_CONV_WINOGRAD_H

#include "op/conv/conv.h"

enum { BR_SIZE = 4, BR_MAX_PLACES = 64 };

/* The fields are named for the forward pass. For the input's gradient, the image is
   dy. */
typedef struct br_winograd {
  const br_kernels *k;
  int tile, places;   /* side of a tile's inputs, and its square */
  int64_t area;       /* taps of a kernel */
  int64_t n, h, w, c; /* image, channels-last */
  int64_t oh, ow, o;  /* output, channels-last */
  int64_t ph, pw;     /* padding above and left */
  int64_t groups, cg, og;
  int64_t down, across, tiles; /* tiles of an image, and of all */
  br_epilogue after;           /* what is applied to y */
} br_winograd;

/* Whether this algorithm can compute a convolution and is faster. The second function
   asks for the gradient of the weights. */
bool br_winograd_wins(const br_conv *g);
bool br_winograd_wins_weights(const br_conv *g);
/* Allows this algorithm or forbids it. Returns the setting before. */
bool br_set_winograd(bool on);

br_winograd br_winograd_forward_plan(const br_conv *g);
br_winograd br_winograd_input_plan(const br_conv *g);

/* Transforms the weights that br_conv_pack made, with rows in the order (tap, channel).
   The result is from br_alloc. */
char *br_winograd_weights(const br_winograd *p, const char *packed);
/* y (n,o,oh,ow) from x and transformed weights. `fresh`: they were transformed for this
   run. bias (o) may be NULL. */
typedef struct br_winograd_data {
  const char *x, *weights;
  bool fresh;
  const char *bias;
  char *y;
} br_winograd_data;

/* *sound becomes false if results include NaN, infinities or very large numbers. These
   may have spoilt other results, so the caller must use the plain algorithm. */
br_status br_winograd_run(const br_winograd *p, const br_winograd_data *data,
                          bool *sound);
/* Rows (tap, channel) of the weight gradient in panels, for br_conv_unpack; *sound as
   above. */
br_status br_winograd_weight_grad(const br_winograd *p, const char *x, char *dy,
                                  char *packed, bool *sound);

/* Pointers to the inputs of a tile, `zeros` outside the image. */
void br_winograd_inputs(const br_winograd *p, const char *x, const char *zeros,
                        int64_t tile, const void **pixel);
/* Pointers to the outputs of a tile, `outside` beyond the output. */
void br_winograd_outputs(const br_winograd *p, char *y, char *outside, int64_t tile,
                         void **pixel);

#endif
