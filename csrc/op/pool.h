/* Pooling: windows over images (n,c,h,w), which are stored channels-last, and the pixels
   in the windows. */
#ifndef BR_POOL_H
#define BR_POOL_H

#include "op/op.h"

typedef struct br_window {
  int64_t n, c, h, w, oh, ow;
  int64_t kh, kw, sh, sw, ph, pw, dh, dw; /* adaptive: kh, kw of the largest window */
  bool adaptive;
} br_window;

enum {
  BR_POOL_GRAIN = 8192, /* fewer values are not worth a second thread */
  BR_POOL_PIECE = 256   /* pixels of a window that are read at a time */
};

/* ---- windows (pool_window.c) ---- */

/* The arguments of a pooling operator, in order; the last is dilation or
   count_include_pad. */
enum { BR_POOL_KERNEL, BR_POOL_STRIDE, BR_POOL_PADDING, BR_POOL_CEIL, BR_POOL_LAST };

/* Computes the windows over images of `shape` (n,c,h,w) from the arguments at `a`. */
br_status br_pool_measure(br_call *c, br_arg *a, bool dilated, const int64_t *shape,
                          br_window *win);
/* Computes windows that divide the image evenly; arg[0] is how many, (oh, ow). */
br_status br_pool_measure_adaptive(br_call *c, br_window *win);

/* The pixels of a window that lie inside the image: rows y, y + dy, ...; columns alike.
 */
typedef struct br_region {
  int64_t y, dy, rows, x, dx, columns;
} br_region;

br_region br_pool_region(const br_window *win, int64_t oy, int64_t ox);

/* An image (h,w,c); its row `first` is at `data`. */
typedef struct br_picture {
  const br_kernels *k;
  char *data;
  int64_t first, w, c;
} br_picture;

/* The pixel at a place in the region; places count row by row. */
char *br_pool_pixel(const br_picture *im, const br_region *r, int64_t place);
/* Fills `pixel` with pointers to all pixels. Returns how many there are. */
int64_t br_pool_look(const br_picture *im, const br_region *r, void **pixel);
/* The most pixels that a window can have. */
int64_t br_pool_most(const br_window *win);

/* ---- the pixels of a window, a piece at a time (pool_piece.c) ---- */

/* A thread's memory for a window: pointers to the pixels of a piece, sums in double,
   values and places. */
typedef struct br_piece {
  void **pixel;
  double *sum;   /* (c) */
  void *value;   /* (c) */
  int32_t *best; /* (c) */
} br_piece;

int64_t br_piece_room(const br_window *win);
br_piece br_piece_in(const br_window *win, char *room);
/* How many pointers there is room for. */
int64_t br_piece_pointers(const br_window *win);

/* y (c) = `scale` times the sum over the window's pixels. */
void br_pool_average(const br_picture *im, const br_region *r, double scale,
                     const br_piece *p, void *y);
/* y (c) = the largest values; NaN counts as the largest. `places` (c) gets their
   places, unless it is NULL. */
void br_pool_largest(const br_picture *im, const br_region *r, const br_piece *p, void *y,
                     int32_t *places);

/* ---- the largest values without places (pool_max.c) ---- */

/* Row oy of the largest value of each window, y (ow,c). `room` has br_max_pool_room
   bytes, and is prepared once for all rows. */
int64_t br_max_pool_room(const br_window *win, const br_kernels *k);
void br_max_pool_start(const br_window *win, const br_kernels *k, char *room);
void br_max_pool_row(const br_window *win, const br_picture *im, int64_t oy, char *room,
                     char *y);
/* Computes all rows, from x (n,c,h,w) channels-last. */
br_status br_max_pool(const br_window *win, const br_kernels *k, br_tensor *x, char *y);

#endif
