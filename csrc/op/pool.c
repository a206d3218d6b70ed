/* Max and average pooling of images (n,c,h,w), channels-last inside. Windows have a size
   and a stride, or (adaptive) divide the image evenly into a given number of them. */
#include "op/pool.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

enum {
  KERNEL,
  STRIDE,
  PADDING,
  CEIL_MODE,
  LAST
}; /* LAST: dilation or count_include_pad */

enum {
  GRAIN = 8192,    /* values that more than one thread is worth */
  VECTOR = 64,     /* bytes of the widest */
  SHORT_LINE = 64, /* columns of padding that any image may have */
  PIECE = 256      /* pixels of a window at a time */
};

typedef enum kind { MAX = 1, ADAPTIVE = 2 } kind; /* neither: the plain average */

static br_status check_window(br_call *c, const br_arg *a, bool dilated) {
  br_status status = br_need_within(c, &a[KERNEL], "kernel", 1, BR_MOST);
  if (!status) status = br_need_within(c, &a[STRIDE], "stride", 1, BR_MOST);
  if (!status && dilated) status = br_need_within(c, &a[LAST], "dilation", 1, BR_MOST);
  for (int i = 0; i < 2 && !status; i++)
    if (a[PADDING].v[i] < 0 || a[PADDING].v[i] > a[KERNEL].v[i] / 2)
      status = br_bad(c, "padding must be from 0 to half the kernel %s, not %s",
                      br_arg_text(&a[KERNEL]), br_arg_text(&a[PADDING]));
  return status;
}

/* With ceil_mode the last window may hang over, but must begin inside the input or the
   padding before it (as in PyTorch). */
static br_status output_size(br_call *c, const br_arg *a, int i, const int64_t *shape,
                             int64_t dilation, int64_t *out) {
  int64_t stride = a[STRIDE].v[i], size = shape[2 + i], pad = a[PADDING].v[i];
  int64_t span = br_size_span(a[KERNEL].v[i], dilation), wide = size + 2 * pad;
  *out = br_size_places(wide, span, stride);
  if (a[CEIL_MODE].i && span - wide < stride) {
    *out = br_size_places(wide + stride - 1, span, stride);
    if ((*out - 1) * stride >= size + pad) --*out;
  }
  if (*out < 1)
    return br_bad(c, "the window spans %lld pixels, more than the %lld of the input %s",
                  (long long)span, (long long)wide, br_shape_text(4, shape));
  return BR_OK;
}

/* Window i of `count` spans from floor(i size / count) to ceil((i + 1) size / count). */
static int64_t first_of(int64_t i, int64_t size, int64_t count) {
  return i * size / count;
}

static int64_t last_of(int64_t i, int64_t size, int64_t count) {
  return ((i + 1) * size + count - 1) / count;
}

static br_status measure_adaptive(br_call *c, br_window *win) {
  const br_tensor *x = c->in[0];
  const int64_t *size = c->arg[0].v;
  br_status status = br_need_within(c, &c->arg[0], "size", 1, BR_MOST);
  if (status) return status;
  if (x->shape[2] < 1 || x->shape[3] < 1)
    return br_bad(c, "x has no pixels: %s", br_shape_of(x));
  *win = (br_window){.n = x->shape[0],
                     .c = x->shape[1],
                     .h = x->shape[2],
                     .w = x->shape[3],
                     .oh = size[0],
                     .ow = size[1],
                     .kh = x->shape[2] / size[0] + 2,
                     .kw = x->shape[3] / size[1] + 2,
                     .dh = 1,
                     .dw = 1,
                     .adaptive = true};
  return BR_OK;
}

/* a: from KERNEL to LAST */
static br_status measure_fixed(br_call *c, br_arg *a, bool dilated, const int64_t *shape,
                               br_window *win) {
  if (!a[STRIDE].given) a[STRIDE] = a[KERNEL]; /* windows side by side */
  br_status status = check_window(c, a, dilated);
  if (status) return status;
  *win = (br_window){.n = shape[0],
                     .c = shape[1],
                     .h = shape[2],
                     .w = shape[3],
                     .kh = a[KERNEL].v[0],
                     .kw = a[KERNEL].v[1],
                     .sh = a[STRIDE].v[0],
                     .sw = a[STRIDE].v[1],
                     .ph = a[PADDING].v[0],
                     .pw = a[PADDING].v[1],
                     .dh = dilated ? a[LAST].v[0] : 1,
                     .dw = dilated ? a[LAST].v[1] : 1};
  status = output_size(c, a, 0, shape, win->dh, &win->oh);
  return status ? status : output_size(c, a, 1, shape, win->dw, &win->ow);
}

br_status br_max_pool_measure(br_call *c, br_arg *a, const int64_t *shape,
                              br_window *win) {
  return measure_fixed(c, a, true, shape, win);
}

static br_status measure(br_call *c, kind what, br_window *win) {
  const br_tensor *x = c->in[0];
  br_status status = br_need_dims(c, x, "x", 4);
  if (!status) status = br_need_float(c, x, "x");
  if (status) return status;
  return what & ADAPTIVE ? measure_adaptive(c, win)
                         : measure_fixed(c, c->arg, what & MAX, x->shape, win);
}

/* The pixels of a window that lie inside the image: rows y, y + dy, ... and so columns.
 */
typedef struct region {
  int64_t y, dy, rows, x, dx, columns;
} region;

/* Returns the first of a window's `kernel` pixels, `step` apart from `at` on, that lies
   among `size`, and sets *count to how many do. */
static int64_t inside(int64_t at, int64_t kernel, int64_t step, int64_t size,
                      int64_t *count) {
  int64_t first = at >= 0 ? at : at + (-at + step - 1) / step * step;
  int64_t end = at + (kernel - 1) * step + 1;
  if (end > size) end = size;
  *count = first < end ? (end - first + step - 1) / step : 0;
  return first;
}

static region region_of(const br_window *win, int64_t oy, int64_t ox) {
  region r = {.dy = win->dh, .dx = win->dw};
  if (win->adaptive) {
    r.y = first_of(oy, win->h, win->oh);
    r.x = first_of(ox, win->w, win->ow);
    r.rows = last_of(oy, win->h, win->oh) - r.y;
    r.columns = last_of(ox, win->w, win->ow) - r.x;
  } else {
    r.y = inside(oy * win->sh - win->ph, win->kh, win->dh, win->h, &r.rows);
    r.x = inside(ox * win->sw - win->pw, win->kw, win->dw, win->w, &r.columns);
  }
  return r;
}

/* An image, of which row `first` is at `data`, and the bytes of its pixels. */
typedef struct picture {
  char *data;
  int64_t first, w, bytes;
} picture;

static char *pixel_at(const picture *im, const region *r, int64_t place) {
  int64_t y = r->y + place / r->columns * r->dy, x = r->x + place % r->columns * r->dx;
  return im->data + ((y - im->first) * im->w + x) * im->bytes;
}

/* Pointers to all pixels. */
static int64_t look(const picture *im, const region *r, void **pixel) {
  int64_t count = 0, step = r->dx * im->bytes;
  for (int64_t i = 0; i < r->rows; i++) {
    char *at = im->data + ((r->y + i * r->dy - im->first) * im->w + r->x) * im->bytes;
    for (int64_t j = 0; j < r->columns; j++) pixel[count++] = at + j * step;
  }
  return count;
}

/* Pointers to n pixels from the one in place `from` on. */
static void look_from(const picture *im, const region *r, int64_t from, int64_t n,
                      void **pixel) {
  for (int64_t i = 0; i < n; i++) pixel[i] = pixel_at(im, r, from + i);
}

/* The most that a window can have of them. */
static int64_t most_pixels(const br_window *win) {
  int64_t rows = br_size_places(win->h, 1, win->dh);
  int64_t columns = br_size_places(win->w, 1, win->dw);
  if (rows > win->kh) rows = win->kh;
  if (columns > win->kw) columns = win->kw;
  return rows * columns;
}

/* The divisor of an average: the window's pixels inside, or those of the padding too. */
static double divisor(const br_window *win, int64_t inside, bool count_pad, int64_t oy,
                      int64_t ox) {
  if (!count_pad) return (double)inside;
  int64_t y0 = oy * win->sh - win->ph, x0 = ox * win->sw - win->pw;
  int64_t y1 = y0 + win->kh, x1 = x0 + win->kw;
  if (y1 > win->h + win->ph) y1 = win->h + win->ph;
  if (x1 > win->w + win->pw) x1 = win->w + win->pw;
  return (double)(y1 - y0) * (double)(x1 - x0);
}

/* Whether a byte holds every place of a window, and one value for none. */
static bool small(const br_window *win) { return most_pixels(win) < 256; }

/* Whether every pixel lies in one window at most, and whether in one at least. */
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

/* The columns that a row of windows reaches over, those of the padding too. */
static int64_t reach(const br_window *win) {
  return br_size_cover(win->ow, br_size_span(win->kw, win->dw), win->sw);
}

/* Whether a row is found by way of a line: not where most of that would be padding. */
static bool has_line(const br_window *win) {
  return reach(win) <= 4 * win->w + SHORT_LINE;
}

/* ---- large windows, a piece at a time ---- */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* A thread's room: pointers to the pixels of a window, or of a piece of it; and what
   comes of a piece: sums in double, values, and places. */
static int64_t pointers(const br_window *win) { return smaller(most_pixels(win), PIECE); }

static int64_t rounded(int64_t bytes) { return (bytes + 63) & ~(int64_t)63; }

static int64_t pointers_bytes(const br_window *win) {
  return rounded(pointers(win) * (int64_t)sizeof(void *));
}

static int64_t room_bytes(const br_window *win) {
  int64_t each = win->c * (int64_t)(2 * sizeof(double) + sizeof(int32_t));
  return pointers_bytes(win) + (most_pixels(win) > PIECE ? rounded(each) : 0);
}

typedef struct piece {
  void **pixel;
  double *sum;   /* (c) */
  void *value;   /* (c) */
  int32_t *best; /* (c) */
} piece;

static piece piece_in(const br_window *win, char *room) {
  double *sum = (double *)(void *)(room + pointers_bytes(win));
  return (piece){.pixel = (void **)(void *)room,
                 .sum = sum,
                 .value = sum + win->c,
                 .best = (int32_t *)(void *)(sum + 2 * win->c)};
}

static double value_at(const br_kernels *k, const void *values, int64_t j) {
  return k->size == 4 ? (double)((const float *)values)[j] : ((const double *)values)[j];
}

static void put_at(const br_kernels *k, void *values, int64_t j, double v) {
  if (k->size == 4)
    ((float *)values)[j] = (float)v;
  else
    ((double *)values)[j] = v;
}

/* Sums of pieces add up in double: those of many values would drown what comes last. */
static void average_pieces(const br_kernels *k, const picture *im, const region *r,
                           int64_t c, double scale, const piece *p, void *y) {
  int64_t count = r->rows * r->columns;
  for (int64_t j = 0; j < c; j++) p->sum[j] = 0;
  for (int64_t from = 0; from < count; from += PIECE) {
    int64_t n = smaller(PIECE, count - from);
    look_from(im, r, from, n, p->pixel);
    k->avg_pool(n, (const void *const *)p->pixel, c, 1, p->value);
    for (int64_t j = 0; j < c; j++) p->sum[j] += value_at(k, p->value, j);
  }
  for (int64_t j = 0; j < c; j++) put_at(k, y, j, p->sum[j] * scale);
}

/* NaN wins, as within a piece. */
static void largest_pieces(const br_kernels *k, const picture *im, const region *r,
                           int64_t c, const piece *p, void *y, int32_t *places) {
  int64_t count = r->rows * r->columns;
  for (int64_t from = 0; from < count; from += PIECE) {
    int64_t n = smaller(PIECE, count - from);
    look_from(im, r, from, n, p->pixel);
    k->max_pool(n, (const void *const *)p->pixel, c, p->value, p->best);
    for (int64_t j = 0; j < c; j++) {
      double v = value_at(k, p->value, j);
      double so_far = from > 0 ? value_at(k, y, j) : 0;
      if (from > 0 && !(v > so_far || (v != v && so_far == so_far))) continue;
      put_at(k, y, j, v);
      if (places) places[j] = p->best[j] < 0 ? -1 : (int32_t)from + p->best[j];
    }
  }
}

static void largest(const br_kernels *k, const picture *im, const region *r, int64_t c,
                    const piece *p, void *y, int32_t *places) {
  if (r->rows * r->columns > PIECE) {
    largest_pieces(k, im, r, c, p, y, places);
    return;
  }
  int64_t count = look(im, r, p->pixel);
  k->max_pool(count, (const void *const *)p->pixel, c, y, places);
}

/* One row of the output, by way of the row `line`, the largest of its windows' rows
   between columns of -inf that stand for the padding. Whether it could be done: not where
   there are NaN, or windows without rows. */
static bool max_by_line(const br_window *win, const br_kernels *k, const char *image,
                        int64_t first, int64_t oy, const void **row, char *line,
                        char *y) {
  int64_t rows = 0, pixel = win->c * k->size, width = reach(win) - win->pw;
  if (!has_line(win) || win->kh > pointers(win)) return false;
  for (int64_t i = 0; i < win->kh; i++) {
    int64_t at = oy * win->sh - win->ph + i * win->dh;
    if (at >= 0 && at < win->h) row[rows++] = image + (at - first) * win->w * pixel;
  }
  if (width > win->w) width = win->w;
  if (rows == 0 || width <= 0) return false;
  if (!k->max_of_rows(rows, width * win->c, row, line + win->pw * pixel)) return false;
  k->max_of_columns(win->ow, win->kw, win->sw * win->c, win->dw * win->c, win->c, line,
                    y);
  return true;
}

/* Room: that of a window, and a line with a vector's room behind it. */
int64_t br_max_pool_room(const br_window *win, const br_kernels *k) {
  int64_t line = has_line(win) ? reach(win) * win->c * k->size : 0;
  return room_bytes(win) + line + VECTOR;
}

void br_max_pool_start(const br_window *win, const br_kernels *k, char *room) {
  const double least = -(double)INFINITY;
  if (has_line(win)) k->fill(reach(win) * win->c, NULL, room + room_bytes(win), &least);
}

void br_max_pool_row(const br_window *win, const br_kernels *k, char *data, int64_t first,
                     int64_t oy, char *room, char *y) {
  const piece p = piece_in(win, room);
  if (max_by_line(win, k, data, first, oy, (void *)room, room + room_bytes(win), y))
    return;
  const picture im = {data, first, win->w, win->c * k->size};
  for (int64_t ox = 0; ox < win->ow; ox++, y += im.bytes) {
    region r = region_of(win, oy, ox);
    largest(k, &im, &r, win->c, &p, y, NULL);
  }
}

br_status br_max_pool(const br_window *win, const br_kernels *k, br_tensor *x, char *y) {
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)br_max_pool_room(win, k), &apart);
  if (!room) return BR_ENOMEM;
#pragma omp parallel num_threads(br_threads()) if (x->numel > GRAIN)
  {
    char *own = room + (size_t)br_thread_index() * apart;
    br_max_pool_start(win, k, own);
#pragma omp for schedule(static) nowait
    for (int64_t row = 0; row < win->n * win->oh; row++)
      br_max_pool_row(win, k,
                      x->data + row / win->oh * win->h * win->w * win->c * k->size, 0,
                      row % win->oh, own, y + row * win->ow * win->c * k->size);
  }
  br_scratch_give(room);
  return BR_OK;
}

/* One image row of the output after the other, shared among the threads. */
static br_status pool_rows(br_call *c, kind what, const br_window *win, br_tensor *x) {
  bool max = what & MAX;
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t size = k->size;
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)room_bytes(win), &apart);
  if (!room) return BR_ENOMEM;
  char *places = c->saved[0] ? c->saved[0]->data : NULL;
  bool count_pad = what == 0 && c->arg[LAST].i;
#pragma omp parallel num_threads(br_threads()) if (x->numel > GRAIN)
  {
    const piece p = piece_in(win, room + (size_t)br_thread_index() * apart);
#pragma omp for schedule(static) nowait
    for (int64_t row = 0; row < win->n * win->oh; row++) {
      int64_t n = row / win->oh, oy = row % win->oh;
      const picture im = {x->data + n * win->h * win->w * win->c * size, 0, win->w,
                          win->c * size};
      for (int64_t ox = 0; ox < win->ow; ox++) {
        int64_t at = (row * win->ow + ox) * win->c;
        region r = region_of(win, oy, ox);
        char *y = c->out[0]->data + at * size;
        if (max && places && small(win)) {
          int64_t count = look(&im, &r, p.pixel);
          k->max_pool_small(count, (const void *const *)p.pixel, win->c, y,
                            (uint8_t *)places + at);
        } else if (max) {
          largest(k, &im, &r, win->c, &p, y,
                  places ? (int32_t *)(void *)places + at : NULL);
        } else {
          int64_t count = r.rows * r.columns;
          double scale = 1 / divisor(win, count, count_pad, oy, ox);
          if (count > PIECE)
            average_pieces(k, &im, &r, win->c, scale, &p, y);
          else
            k->avg_pool(look(&im, &r, p.pixel), (const void *const *)p.pixel, win->c,
                        scale, y);
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

static void add_to_all(const br_kernels *k, const picture *im, const region *r, int64_t c,
                       double share, const char *dy) {
  for (int64_t i = 0; i < r->rows; i++)
    for (int64_t j = 0; j < r->columns; j++)
      k->axpy(c, share, dy, pixel_at(im, r, i * r->columns + j));
}

static void add_to_best(const br_kernels *k, const picture *im, const region *r,
                        int64_t c, const char *dy, const int32_t *best) {
  for (int64_t j = 0; j < c; j++)
    if (best[j] >= 0)
      k->axpy(1, 1, dy + j * k->size, pixel_at(im, r, best[j]) + j * k->size);
}

/* Windows may overlap within an image, so that images are what threads share. */
static br_status pool_backward(br_call *c, kind what) {
  br_window win = {0};
  bool max = what & MAX;
  if (!c->need[0]) return BR_OK;
  measure(c, what, &win);
  const br_kernels *k = br_kernels_of(c->dy[0]->dtype);
  int64_t size = k->size;
  br_tensor *dy = br_as(c->dy[0], c->dy[0]->dtype, BR_CHANNELS_LAST);
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)room_bytes(&win), &apart);
  br_tensor *dx = br_tensor_new(c->dy[0]->dtype, 4, c->in[0]->shape, BR_CHANNELS_LAST);
  br_status status = br_dx_take(c, 0, dx);
  if (!dy || !room) status = BR_ENOMEM;
  if (status) goto done;
  bool count_pad = what == 0 && c->arg[LAST].i;
#pragma omp parallel num_threads(br_threads()) if (dx->numel > GRAIN)
  {
    void **pixel = (void *)(room + (size_t)br_thread_index() * apart);
#pragma omp for schedule(static) nowait
    for (int64_t n = 0; n < win.n; n++) {
      int64_t bytes = win.h * win.w * win.c * size;
      const picture im = {dx->data + n * bytes, 0, win.w, win.c * size};
      if (!(max && small(&win) && covering(&win))) memset(im.data, 0, (size_t)bytes);
      for (int64_t p = 0; p < win.oh * win.ow; p++) {
        int64_t oy = p / win.ow, ox = p % win.ow, at = (n * win.oh * win.ow + p) * win.c;
        region r = region_of(&win, oy, ox);
        const char *from = dy->data + at * size;
        if (max && small(&win)) {
          k->max_pool_small_grad(look(&im, &r, pixel), pixel, win.c, from,
                                 (const uint8_t *)c->saved[0]->data + at,
                                 !separate(&win));
        } else if (max) {
          add_to_best(k, &im, &r, win.c, from,
                      (const int32_t *)(const void *)c->saved[0]->data + at);
        } else {
          double share = 1 / divisor(&win, r.rows * r.columns, count_pad, oy, ox);
          add_to_all(k, &im, &r, win.c, share, from);
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
     .doc = "the largest of each window, x (n,c,h,w) -> (n,c,oh,ow); stride is the kernel's size unless given",
     .infer = max_infer, .forward = max_forward, .backward = max_backward},
    {.name = "avg_pool2d",
     .args = "x:t kernel:p stride:p? padding:p=0 ceil_mode:b=false count_include_pad:b=true",
     .doc = "the mean of each window, x (n,c,h,w) -> (n,c,oh,ow); stride is the kernel's size unless given",
     .infer = avg_infer, .forward = avg_forward, .backward = avg_backward},
    {.name = "adaptive_max_pool2d", .args = "x:t size:p",
     .doc = "the largest of each of oh x ow windows that cover the image evenly, x (n,c,h,w) -> (n,c,oh,ow)",
     .infer = adaptive_max_infer, .forward = adaptive_max_forward,
     .backward = adaptive_max_backward},
    {.name = "adaptive_avg_pool2d", .args = "x:t size:p",
     .doc = "the mean of each of oh x ow windows that cover the image evenly, x (n,c,h,w) -> (n,c,oh,ow)",
     .infer = adaptive_avg_infer, .forward = adaptive_avg_forward,
     .backward = adaptive_avg_backward},
    {0},
};
/* clang-format on */
