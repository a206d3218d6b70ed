/* Max and average pooling of images (n,c,h,w), channels-last inside. Windows have a size
   and a stride, or (adaptive) divide the image evenly into a given number of them. */
#include "op/pool.h"

#include <string.h>

#include "base/threads.h"

typedef enum kind { MAX = 1, ADAPTIVE = 2 } kind; /* neither: average of fixed windows */

static br_status measure(br_call *c, kind what, br_window *win) {
  const br_tensor *x = c->in[0];
  br_status status = br_need_dims(c, x, "x", 4);
  if (!status) status = br_need_float(c, x, "x");
  if (status) return status;
  return what & ADAPTIVE ? br_pool_measure_adaptive(c, win)
                         : br_pool_measure(c, c->arg, what & MAX, x->shape, win);
}

/* The divisor of an average: the pixels of the window, with or without the padding. */
static double divisor(const br_window *win, int64_t inside, bool count_pad, int64_t oy,
                      int64_t ox) {
  if (!count_pad) return (double)inside;
  int64_t y0 = oy * win->sh - win->ph, x0 = ox * win->sw - win->pw;
  int64_t y1 = y0 + win->kh, x1 = x0 + win->kw;
  if (y1 > win->h + win->ph) y1 = win->h + win->ph;
  if (x1 > win->w + win->pw) x1 = win->w + win->pw;
  return (double)(y1 - y0) * (double)(x1 - x0);
}

/* Whether one byte can hold every place of a window, and one more value for "none". */
static bool small(const br_window *win) { return br_pool_most(win) < 256; }

/* separate: no pixel is in two windows. covering: also, every pixel is in one. */
static bool separate(const br_window *win) {
  return !win->adaptive && win->sh >= win->kh && win->sw >= win->kw && win->dh == 1 &&
         win->dw == 1;
}

static bool covering(const br_window *win) {
  return separate(win) && win->sh == win->kh && win->sw == win->kw &&
         win->oh * win->sh - win->ph >= win->h && win->ow * win->sw - win->pw >= win->w;
}

static br_status pool_infer(br_call *c, kind what) {
  br_window win = {0};
  br_status status = measure(c, what, &win);
  if (status) return status;
  int64_t shape[4] = {win.n, win.c, win.oh, win.ow};
  status = br_out(c, 0, c->in[0]->dtype, 4, shape, BR_CHANNELS_LAST);
  if (status || !(what & MAX) || !c->recorded) return status;
  c->saved[0] = br_tensor_new(small(&win) ? BR_U8 : BR_I32, 4, shape,
                              BR_CHANNELS_LAST); /* which pixel won */
  return c->saved[0] ? BR_OK : BR_ENOMEM;
}

static br_status max_infer(br_call *c) { return pool_infer(c, MAX); }
static br_status avg_infer(br_call *c) { return pool_infer(c, 0); }
static br_status adaptive_max_infer(br_call *c) { return pool_infer(c, MAX | ADAPTIVE); }
static br_status adaptive_avg_infer(br_call *c) { return pool_infer(c, ADAPTIVE); }

/* Pools the output row by row. The threads share the rows. */
static br_status pool_rows(br_call *c, kind what, const br_window *win, br_tensor *x) {
  bool max = what & MAX;
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t size = k->size;
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)br_piece_room(win), &apart);
  if (!room) return BR_ENOMEM;
  char *places = c->saved[0] ? c->saved[0]->data : NULL;
  bool count_pad = what == 0 && c->arg[BR_POOL_LAST].i;
#pragma omp parallel num_threads(br_threads()) if (x->numel > BR_POOL_GRAIN)
  {
    const br_piece p = br_piece_in(win, room + (size_t)br_thread_index() * apart);
#pragma omp for schedule(static) nowait
    for (int64_t row = 0; row < win->n * win->oh; row++) {
      if (br_stopped()) continue;
      int64_t n = row / win->oh, oy = row % win->oh;
      char *image = x->data + n * win->h * win->w * win->c * size;
      const br_picture im = {k, image, 0, win->w, win->c};
      for (int64_t ox = 0; ox < win->ow && !br_stopped(); ox++) {
        int64_t at = (row * win->ow + ox) * win->c;
        br_region r = br_pool_region(win, oy, ox);
        char *y = c->out[0]->data + at * size;
        if (max && places && small(win)) {
          int64_t count = br_pool_look(&im, &r, p.pixel);
          k->max_pool_small(count, (const void *const *)p.pixel, win->c, y,
                            (uint8_t *)places + at);
        } else if (max) {
          br_pool_largest(&im, &r, &p, y, places ? (int32_t *)(void *)places + at : NULL);
        } else {
          double scale = 1 / divisor(win, r.rows * r.columns, count_pad, oy, ox);
          br_pool_average(&im, &r, scale, &p, y);
        }
      }
    }
  }
  br_scratch_give(room);
  return BR_OK;
}

static br_status pool_forward(br_call *c, kind what) {
  br_window win = {0};
  measure(c, what, &win);
  br_tensor *x = br_as(c->in[0], c->in[0]->dtype, BR_CHANNELS_LAST);
  if (!x) return BR_ENOMEM;
  br_status status = what == MAX && !c->saved[0]
                         ? br_max_pool(&win, br_kernels_of(x->dtype), x, c->out[0]->data)
                         : pool_rows(c, what, &win, x);
  br_release(x);
  return status;
}

static br_status max_forward(br_call *c) { return pool_forward(c, MAX); }
static br_status avg_forward(br_call *c) { return pool_forward(c, 0); }
static br_status adaptive_max_forward(br_call *c) {
  return pool_forward(c, MAX | ADAPTIVE);
}
static br_status adaptive_avg_forward(br_call *c) { return pool_forward(c, ADAPTIVE); }

static void add_to_all(const br_picture *im, const br_region *r, double share,
                       const char *dy) {
  for (int64_t i = 0; i < r->rows * r->columns; i++)
    im->k->axpy(im->c, share, dy, br_pool_pixel(im, r, i));
}

static void add_to_best(const br_picture *im, const br_region *r, const char *dy,
                        const int32_t *best) {
  const int64_t size = im->k->size;
  for (int64_t j = 0; j < im->c; j++)
    if (best[j] >= 0)
      im->k->axpy(1, 1, dy + j * size, br_pool_pixel(im, r, best[j]) + j * size);
}

/* Each thread takes whole images, because windows may overlap within an image. */
static br_status pool_backward(br_call *c, kind what) {
  br_window win = {0};
  bool max = what & MAX;
  if (!c->need[0]) return BR_OK;
  measure(c, what, &win);
  const br_kernels *k = br_kernels_of(c->dy[0]->dtype);
  int64_t size = k->size;
  br_tensor *dy = br_as(c->dy[0], c->dy[0]->dtype, BR_CHANNELS_LAST);
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)br_piece_room(&win), &apart);
  br_tensor *dx = br_tensor_new(c->dy[0]->dtype, 4, c->in[0]->shape, BR_CHANNELS_LAST);
  br_status status = br_dx_take(c, 0, dx);
  if (!dy || !room) status = BR_ENOMEM;
  if (status) goto done;
  bool count_pad = what == 0 && c->arg[BR_POOL_LAST].i;
#pragma omp parallel num_threads(br_threads()) if (dx->numel > BR_POOL_GRAIN)
  {
    void **pixel = (void *)(room + (size_t)br_thread_index() * apart);
#pragma omp for schedule(static) nowait
    for (int64_t n = 0; n < win.n; n++) {
      if (br_stopped()) continue;
      int64_t bytes = win.h * win.w * win.c * size;
      const br_picture im = {k, dx->data + n * bytes, 0, win.w, win.c};
      if (!(max && small(&win) && covering(&win))) memset(im.data, 0, (size_t)bytes);
      for (int64_t p = 0; p < win.oh * win.ow && !br_stopped(); p++) {
        int64_t oy = p / win.ow, ox = p % win.ow, at = (n * win.oh * win.ow + p) * win.c;
        br_region r = br_pool_region(&win, oy, ox);
        const char *from = dy->data + at * size;
        if (max && small(&win)) {
          k->max_pool_small_grad(br_pool_look(&im, &r, pixel), pixel, win.c, from,
                                 (const uint8_t *)c->saved[0]->data + at,
                                 !separate(&win));
        } else if (max) {
          add_to_best(&im, &r, from,
                      (const int32_t *)(const void *)c->saved[0]->data + at);
        } else {
          double share = 1 / divisor(&win, r.rows * r.columns, count_pad, oy, ox);
          add_to_all(&im, &r, share, from);
        }
      }
    }
  }
done:
  br_release(dy);
  br_scratch_give(room);
  return status;
}

static br_status max_backward(br_call *c) { return pool_backward(c, MAX); }
static br_status avg_backward(br_call *c) { return pool_backward(c, 0); }
static br_status adaptive_max_backward(br_call *c) {
  return pool_backward(c, MAX | ADAPTIVE);
}
static br_status adaptive_avg_backward(br_call *c) { return pool_backward(c, ADAPTIVE); }

/* clang-format off */
const br_op br_pool_ops[] = {
    {.name = "max_pool2d",
     .args = "x:t kernel:p stride:p? padding:p=0 ceil_mode:b=false dilation:p=1",
     .doc = "the largest value of each window, x (n,c,h,w) -> (n,c,oh,ow); without a stride, windows lie side by side",
     .usage = "images:max_pool2d(2)   images:max_pool2d(3, {stride = 2, padding = 1})",
     .infer = max_infer, .forward = max_forward, .backward = max_backward},
    {.name = "avg_pool2d",
     .args = "x:t kernel:p stride:p? padding:p=0 ceil_mode:b=false count_include_pad:b=true",
     .doc = "the mean of each window, x (n,c,h,w) -> (n,c,oh,ow); without a stride, windows lie side by side",
     .usage = "images:avg_pool2d(2)",
     .infer = avg_infer, .forward = avg_forward, .backward = avg_backward},
    {.name = "adaptive_max_pool2d", .args = "x:t size:p",
     .doc = "the largest value in each of oh x ow windows that divide the image evenly, x (n,c,h,w) -> (n,c,oh,ow)",
     .usage = "images:adaptive_max_pool2d(4)",
     .infer = adaptive_max_infer, .forward = adaptive_max_forward,
     .backward = adaptive_max_backward},
    {.name = "adaptive_avg_pool2d", .args = "x:t size:p",
     .doc = "the mean in each of oh x ow windows that divide the image evenly, x (n,c,h,w) -> (n,c,oh,ow)",
     .usage = "images:adaptive_avg_pool2d({4, 2})",
     .infer = adaptive_avg_infer, .forward = adaptive_avg_forward,
     .backward = adaptive_avg_backward},
    {0},
};
/* clang-format on */
