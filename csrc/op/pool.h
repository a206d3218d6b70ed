/* Pooling: windows over an image, for those that pool as they go. */
#ifndef BR_POOL_H
#define BR_POOL_H

#include "op/op.h"

typedef struct br_window {
  int64_t n, c, h, w, oh, ow;
  int64_t kh, kw, sh, sw, ph, pw, dh, dw; /* adaptive: kh, kw of the largest, no more */
  bool adaptive;
} br_window;

/* Windows over images of shape (n,c,h,w), as the arguments of max_pool2d, in their order
   from `a` on, say. */
br_status br_max_pool_measure(br_call *c, br_arg *a, const int64_t *shape,
                              br_window *win);

/* Row oy of the largest of each window, y (ow,c), from an image (h,w,c) of which row
   `first` is at `image`. `room` has so many bytes, and was made ready for any rows. */
int64_t br_max_pool_room(const br_window *win, const br_kernels *k);
void br_max_pool_start(const br_window *win, const br_kernels *k, char *room);
void br_max_pool_row(const br_window *win, const br_kernels *k, char *image,
                     int64_t first, int64_t oy, char *room, char *y);
/* All of it, from x (n,c,h,w) channels-last. */
br_status br_max_pool(const br_window *win, const br_kernels *k, br_tensor *x, char *y);

#endif
