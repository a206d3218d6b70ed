/* Windows of pooling: a size and a stride, or an even (adaptive) division of the image.
 */
#include "op/pool.h"

static br_status check_window(br_call *c, const br_arg *a, bool dilated) {
  br_status status = br_need_within(c, &a[BR_POOL_KERNEL], "kernel", 1, BR_MAX_SIZE);
  if (!status) status = br_need_within(c, &a[BR_POOL_STRIDE], "stride", 1, BR_MAX_SIZE);
  if (!status && dilated)
    status = br_need_within(c, &a[BR_POOL_LAST], "dilation", 1, BR_MAX_SIZE);
  for (int i = 0; i < 2 && !status; i++)
    if (a[BR_POOL_PADDING].v[i] < 0 ||
        a[BR_POOL_PADDING].v[i] > a[BR_POOL_KERNEL].v[i] / 2)
      status = br_bad(c, "padding must be from 0 to half the kernel %s, not %s",
                      br_arg_text(&a[BR_POOL_KERNEL]), br_arg_text(&a[BR_POOL_PADDING]));
  return status;
}

/* With ceil_mode the last window may hang over, but must begin inside the input or the
   padding before it (as in PyTorch). */
static br_status output_size(br_call *c, const br_arg *a, int i, const int64_t *shape,
                             int64_t dilation, int64_t *out) {
  int64_t stride = a[BR_POOL_STRIDE].v[i], size = shape[2 + i],
          pad = a[BR_POOL_PADDING].v[i];
  int64_t span = br_size_span(a[BR_POOL_KERNEL].v[i], dilation), wide = size + 2 * pad;
  *out = br_size_places(wide, span, stride);
  if (a[BR_POOL_CEIL].i && span - wide < stride) {
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

br_status br_pool_measure_adaptive(br_call *c, br_window *win) {
  const br_tensor *x = c->in[0];
  const int64_t *size = c->arg[0].v;
  br_status status = br_need_within(c, &c->arg[0], "size", 1, BR_MAX_SIZE);
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

br_status br_pool_measure(br_call *c, br_arg *a, bool dilated, const int64_t *shape,
                          br_window *win) {
  if (!a[BR_POOL_STRIDE].given)
    a[BR_POOL_STRIDE] = a[BR_POOL_KERNEL]; /* windows side by side */
  br_status status = check_window(c, a, dilated);
  if (status) return status;
  *win = (br_window){.n = shape[0],
                     .c = shape[1],
                     .h = shape[2],
                     .w = shape[3],
                     .kh = a[BR_POOL_KERNEL].v[0],
                     .kw = a[BR_POOL_KERNEL].v[1],
                     .sh = a[BR_POOL_STRIDE].v[0],
                     .sw = a[BR_POOL_STRIDE].v[1],
                     .ph = a[BR_POOL_PADDING].v[0],
                     .pw = a[BR_POOL_PADDING].v[1],
                     .dh = dilated ? a[BR_POOL_LAST].v[0] : 1,
                     .dw = dilated ? a[BR_POOL_LAST].v[1] : 1};
  status = output_size(c, a, 0, shape, win->dh, &win->oh);
  return status ? status : output_size(c, a, 1, shape, win->dw, &win->ow);
}

/* A window has `kernel` pixels, `step` apart, the first at `at`. Returns the first one
   that lies within 0 .. size-1, and sets *count to the number that do. */
static int64_t inside(int64_t at, int64_t kernel, int64_t step, int64_t size,
                      int64_t *count) {
  int64_t first = at >= 0 ? at : at + (-at + step - 1) / step * step;
  int64_t end = at + (kernel - 1) * step + 1;
  if (end > size) end = size;
  *count = first < end ? (end - first + step - 1) / step : 0;
  return first;
}

br_region br_pool_region(const br_window *win, int64_t oy, int64_t ox) {
  br_region r = {.dy = win->dh, .dx = win->dw};
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

char *br_pool_pixel(const br_picture *im, const br_region *r, int64_t place) {
  int64_t bytes = im->c * im->k->size;
  int64_t y = r->y + place / r->columns * r->dy, x = r->x + place % r->columns * r->dx;
  return im->data + ((y - im->first) * im->w + x) * bytes;
}

int64_t br_pool_look(const br_picture *im, const br_region *r, void **pixel) {
  int64_t count = 0, bytes = im->c * im->k->size, step = r->dx * bytes;
  for (int64_t i = 0; i < r->rows; i++) {
    char *at = im->data + ((r->y + i * r->dy - im->first) * im->w + r->x) * bytes;
    for (int64_t j = 0; j < r->columns; j++) pixel[count++] = at + j * step;
  }
  return count;
}

int64_t br_pool_most(const br_window *win) {
  int64_t rows = br_size_places(win->h, 1, win->dh);
  int64_t columns = br_size_places(win->w, 1, win->dw);
  if (rows > win->kh) rows = win->kh;
  if (columns > win->kw) columns = win->kw;
  return rows * columns;
}
