/* Images read between their pixels: enlarged, reduced, or sampled along a grid. Every
   output pixel is a weighted sum of at most 2 x 2 pixels, channels-last. */
#include "op/op.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

enum { GRAIN = 4096 };

/* Two neighbours along one dimension, with their weights. A neighbour outside the image
   has weight 0. */
typedef struct place {
  int64_t at[2];
  double weight[2];
  bool inside[2];
  double slope; /* how fast the position moves with the grid's coordinate */
} place;

typedef struct job {
  const br_kernels *k;
  int64_t n, c, h, w, oh, ow;
  double scale_h, scale_w; /* resizing: input pixels between two outputs */
  const place *columns;    /* resizing: the places of a row's pixels, or NULL */
  const br_tensor *grid;   /* (n,oh,ow,2), each x and then y from -1 to 1; or NULL */
  bool align_corners, border, nearest;
} job;

static place between(double position, int64_t size, double slope) {
  /* Positions that no weight can reach, and NaN, go to -2. */
  if (!(position > -2 && position < (double)size + 1)) position = -2;
  double low = floor(position), rest = position - low;
  int64_t first = (int64_t)low;
  return (place){
      .at = {first, first + 1},
      .weight = {1 - rest, rest},
      .inside = {first >= 0 && first < size, first + 1 >= 0 && first + 1 < size},
      .slope = slope};
}

/* A coordinate of the grid; -1 and 1 are the centres of the outer pixels when corners are
   aligned, else their outer edges. */
static place on_grid(const job *j, double v, int64_t size) {
  double slope = (double)(j->align_corners ? size - 1 : size) / 2;
  double position = (v + 1) * slope - (j->align_corners ? 0 : 0.5);
  double last = (double)(size - 1);
  if (j->border && (position <= 0 || position >= last)) {
    position = position <= 0 ? 0 : last;
    slope = 0;
  }
  if (!j->nearest) return between(position, size, slope);
  place only = between(nearbyint(position), size, 0);
  only.inside[1] = false;
  return only;
}

/* The place of output i among `size` inputs; outputs are `scale` inputs apart. */
static place resized(const job *j, int64_t i, int64_t size, double scale) {
  double last = (double)(size - 1);
  if (j->nearest) {
    double at = floor((double)i * scale);
    return (place){.at = {at < last ? (int64_t)at : size - 1, 0},
                   .weight = {1, 0},
                   .inside = {true, false}};
  }
  double at = j->align_corners ? (double)i * scale : ((double)i + 0.5) * scale - 0.5;
  return between(at < 0 ? 0 : at > last ? last : at, size, 0);
}

/* Finds the place that pixel ox of a row reads. Without a grid, row_of has already set
   `y`. */
static void locate(const job *j, int64_t row, int64_t ox, place *y, place *x) {
  if (j->grid) {
    int64_t at = (row * j->ow + ox) * 2;
    *x = on_grid(j, br_get_double(j->grid, at), j->w);
    *y = on_grid(j, br_get_double(j->grid, at + 1), j->h);
  } else {
    *x = j->columns ? j->columns[ox] : resized(j, ox, j->w, j->scale_w);
  }
}

static place row_of(const job *j, int64_t row) {
  return j->grid ? (place){.slope = 0} : resized(j, row % j->oh, j->h, j->scale_h);
}

/* y = sum of weight * pixel */
static void gather(const job *j, const char *image, const place *py, const place *px,
                   char *y) {
  memset(y, 0, (size_t)(j->c * j->k->size));
  for (int a = 0; a < 2; a++)
    for (int b = 0; b < 2; b++) {
      if (!py->inside[a] || !px->inside[b]) continue;
      int64_t at = (py->at[a] * j->w + px->at[b]) * j->c * j->k->size;
      j->k->axpy(j->c, py->weight[a] * px->weight[b], image + at, y);
    }
}

/* pixel += weight * dy */
static void scatter(const job *j, const char *dy, const place *py, const place *px,
                    char *image) {
  for (int a = 0; a < 2; a++)
    for (int b = 0; b < 2; b++) {
      if (!py->inside[a] || !px->inside[b]) continue;
      int64_t at = (py->at[a] * j->w + px->at[b]) * j->c * j->k->size;
      j->k->axpy(j->c, py->weight[a] * px->weight[b], dy, image + at);
    }
}

static br_status sample(const job *j, br_tensor *x_, br_tensor *y) {
  br_tensor *x = br_as(x_, x_->dtype, BR_CHANNELS_LAST);
  if (!x) return BR_ENOMEM;
  int64_t pixel = j->c * j->k->size, image = j->h * j->w * pixel;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (y->numel > GRAIN)
  for (int64_t row = 0; row < j->n * j->oh; row++) {
    if (br_stopped()) continue;
    place py = row_of(j, row), px;
    for (int64_t ox = 0; ox < j->ow; ox++) {
      locate(j, row, ox, &py, &px);
      const char *from = x->data + row / j->oh * image;
      char *to = y->data + (row * j->ow + ox) * pixel;
      if (j->nearest && !j->grid)
        memcpy(to, from + (py.at[0] * j->w + px.at[0]) * pixel, (size_t)pixel);
      else
        gather(j, from, &py, &px, to);
    }
  }
  br_release(x);
  return BR_OK;
}

/* Threads share the images, because outputs of one image may read the same pixel. */
static br_status input_grad(br_call *c, const job *j, br_tensor *dy) {
  br_tensor *dx = br_tensor_zeros(dy->dtype, 4, c->in[0]->shape, BR_CHANNELS_LAST);
  br_status status = br_dx_take(c, 0, dx);
  if (status) return status;
  int64_t image = j->h * j->w * j->c * j->k->size;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (dy->numel > GRAIN)
  for (int64_t n = 0; n < j->n; n++)
    for (int64_t row = n * j->oh; row < (n + 1) * j->oh && !br_stopped(); row++) {
      place py = row_of(j, row), px;
      for (int64_t ox = 0; ox < j->ow; ox++) {
        locate(j, row, ox, &py, &px);
        scatter(j, dy->data + (row * j->ow + ox) * j->c * j->k->size, &py, &px,
                dx->data + n * image);
      }
    }
  return BR_OK;
}

/* ---- resize_nearest, resize_bilinear ---- */

enum { SIZE, SCALE_H, SCALE_W, ALIGN };
enum {
  FEW_COLUMNS = 4096
}; /* for rows up to this long, places are computed once and kept */

static br_status check_pixels(br_call *c) {
  const br_tensor *x = c->in[0];
  br_status status = br_need_dims(c, x, "x", 4);
  if (!status && (x->shape[2] < 1 || x->shape[3] < 1))
    return br_bad(c, "x has no pixels: %s", br_shape_of(x));
  return status;
}

static br_status check_image(br_call *c) {
  br_status status = br_need_float(c, c->in[0], "x");
  return status ? status : check_pixels(c);
}

static br_status infer(br_call *c, bool nearest) {
  const br_tensor *x = c->in[0];
  const int64_t *size = c->arg[SIZE].v;
  br_status status = nearest ? check_pixels(c) : check_image(c);
  if (!status) status = br_need_within(c, &c->arg[SIZE], "size", 1, BR_MAX_SIZE);
  if (status) return status;
  int64_t shape[4] = {x->shape[0], x->shape[1], size[0], size[1]};
  return br_out(c, 0, x->dtype, 4, shape, BR_CHANNELS_LAST);
}

static br_status resize_job(br_call *c, bool nearest, job *j, place **room) {
  const br_tensor *x = c->in[0];
  *j = (job){.k = br_kernels_of(x->dtype),
             .n = x->shape[0],
             .c = x->shape[1],
             .h = x->shape[2],
             .w = x->shape[3],
             .oh = c->arg[SIZE].v[0],
             .ow = c->arg[SIZE].v[1],
             .scale_h = c->arg[SCALE_H].f,
             .scale_w = c->arg[SCALE_W].f,
             .nearest = nearest,
             .align_corners = !nearest && c->arg[ALIGN].i};
  *room = NULL;
  if (j->ow > FEW_COLUMNS) return BR_OK;
  place *p = br_alloc((size_t)j->ow * sizeof *p);
  *room = p;
  if (!p) return BR_ENOMEM;
  for (int64_t i = 0; i < j->ow; i++) p[i] = resized(j, i, j->w, j->scale_w);
  j->columns = p;
  return BR_OK;
}

static br_status forward(br_call *c, bool nearest) {
  job j;
  place *room;
  br_status status = resize_job(c, nearest, &j, &room);
  if (!status) status = sample(&j, c->in[0], c->out[0]);
  br_free(room);
  return status;
}

static br_status backward(br_call *c, bool nearest) {
  if (!c->need[0]) return BR_OK;
  job j;
  place *room;
  br_tensor *dy = br_as(c->dy[0], c->dy[0]->dtype, BR_CHANNELS_LAST);
  br_status status = resize_job(c, nearest, &j, &room);
  if (!status) status = dy ? input_grad(c, &j, dy) : BR_ENOMEM;
  br_release(dy);
  br_free(room);
  return status;
}

static br_status nearest_infer(br_call *c) { return infer(c, true); }
static br_status nearest_forward(br_call *c) { return forward(c, true); }
static br_status nearest_backward(br_call *c) { return backward(c, true); }
static br_status bilinear_infer(br_call *c) { return infer(c, false); }
static br_status bilinear_forward(br_call *c) { return forward(c, false); }
static br_status bilinear_backward(br_call *c) { return backward(c, false); }

/* ---- grid_sample ---- */

enum { MODE, PADDING_MODE, ALIGN_CORNERS };

static br_status grid_infer(br_call *c) {
  const br_tensor *x = c->in[0], *grid = c->in[1];
  const char *mode = c->arg[MODE].s, *padding = c->arg[PADDING_MODE].s;
  br_status status = check_image(c);
  if (!status) status = br_need_dims(c, grid, "grid", 4);
  if (status) return status;
  if (grid->shape[3] != 2 || grid->shape[0] != x->shape[0] || grid->dtype != x->dtype)
    return br_bad(c, "grid must be %s of shape (%lld, h, w, 2), not %s %s",
                  br_dtype_name(x->dtype), (long long)x->shape[0],
                  br_dtype_name(grid->dtype), br_shape_of(grid));
  if (strcmp(mode, "bilinear") != 0 && strcmp(mode, "nearest") != 0)
    return br_bad(c, "mode must be \"bilinear\" or \"nearest\", not \"%s\"", mode);
  if (strcmp(padding, "zeros") != 0 && strcmp(padding, "border") != 0)
    return br_bad(c, "padding_mode must be \"zeros\" or \"border\", not \"%s\"", padding);
  int64_t shape[4] = {x->shape[0], x->shape[1], grid->shape[1], grid->shape[2]};
  return br_out(c, 0, x->dtype, 4, shape, BR_CHANNELS_LAST);
}

/* The grid in the type of the work. The caller owns it. */
static br_tensor *grid_job(br_call *c, job *j) {
  const br_tensor *x = c->in[0];
  br_tensor *grid = br_contiguous(c->in[1]);
  if (!grid) return NULL;
  *j = (job){.k = br_kernels_of(x->dtype),
             .n = x->shape[0],
             .c = x->shape[1],
             .h = x->shape[2],
             .w = x->shape[3],
             .oh = grid->shape[1],
             .ow = grid->shape[2],
             .grid = grid,
             .align_corners = c->arg[ALIGN_CORNERS].i,
             .border = strcmp(c->arg[PADDING_MODE].s, "border") == 0,
             .nearest = strcmp(c->arg[MODE].s, "nearest") == 0};
  return grid;
}

static br_status grid_forward(br_call *c) {
  job j;
  br_tensor *grid = grid_job(c, &j);
  br_status status = grid ? sample(&j, c->in[0], c->out[0]) : BR_ENOMEM;
  br_release(grid);
  return status;
}

/* Adds the gradients for x and y of one place: the derivative of its weighted sum,
   times dy. */
static void place_grad(const job *j, const char *image, const char *dy, const place *py,
                       const place *px, double *to) {
  static const double sign[2] = {-1, 1};
  double along_x = 0, along_y = 0;
  for (int a = 0; a < 2; a++)
    for (int b = 0; b < 2; b++) {
      if (!py->inside[a] || !px->inside[b]) continue;
      br_sum dot = {.f = 0};
      int64_t at = (py->at[a] * j->w + px->at[b]) * j->c * j->k->size;
      j->k->dot(j->c, dy, image + at, &dot);
      along_x += dot.f * py->weight[a] * sign[b];
      along_y += dot.f * px->weight[b] * sign[a];
    }
  to[0] = along_x * px->slope;
  to[1] = along_y * py->slope;
}

static br_status grid_grad(br_call *c, const job *j, br_tensor *dy) {
  br_tensor *x = br_as(c->in[0], dy->dtype, BR_CHANNELS_LAST);
  br_tensor *d = br_tensor_new(dy->dtype, 4, c->in[1]->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 1, d);
  if (!x) status = BR_ENOMEM;
  if (!status) {
    int64_t image = j->h * j->w * j->c * j->k->size;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (dy->numel > GRAIN)
    for (int64_t p = 0; p < j->n * j->oh * j->ow; p++) {
      if (br_stopped()) continue;
      place py, px;
      double xy[2];
      locate(j, p / j->ow, p % j->ow, &py, &px);
      place_grad(j, x->data + p / (j->oh * j->ow) * image,
                 dy->data + p * j->c * j->k->size, &py, &px, xy);
      for (int i = 0; i < 2; i++) br_put_double(d, 2 * p + i, xy[i]);
    }
  }
  br_release(x);
  return status;
}

static br_status grid_backward(br_call *c) {
  job j;
  br_tensor *dy = br_as(c->dy[0], c->dy[0]->dtype, BR_CHANNELS_LAST);
  br_tensor *grid = grid_job(c, &j);
  br_status status = dy && grid ? BR_OK : BR_ENOMEM;
  if (!status && c->need[0]) status = input_grad(c, &j, dy);
  if (!status && c->need[1]) status = grid_grad(c, &j, dy);
  br_release(dy);
  br_release(grid);
  return status;
}

/* clang-format off */
const br_op br_resample_ops[] = {
    {.name = "resize_bilinear",
     .args = "x:t size:p scale_h:f[0,inf) scale_w:f[0,inf) align_corners:b=false",
     .doc = "x (n,c,h,w) resized to (oh,ow) by bilinear interpolation; outputs are `scale` pixels apart",
     .infer = bilinear_infer, .forward = bilinear_forward, .backward = bilinear_backward,
     .flags = BR_HIDDEN},
    {.name = "resize_nearest", .args = "x:t size:p scale_h:f[0,inf) scale_w:f[0,inf)",
     .doc = "x (n,c,h,w) of any type resized to (oh,ow): output i is pixel floor(i scale)",
     .infer = nearest_infer, .forward = nearest_forward, .backward = nearest_backward,
     .flags = BR_HIDDEN},
    {.name = "grid_sample",
     .args = "x:t grid:t mode:s=bilinear padding_mode:s=zeros align_corners:b=false",
     .doc = "x (n,c,h,w) read at the points of grid (n,oh,ow,2), each x and y from -1 to 1 -> (n,c,oh,ow)",
     .usage = "F.grid_sample(images, braid.rand(2, 4, 4, 2) * 2 - 1)",
     .infer = grid_infer, .forward = grid_forward, .backward = grid_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1)},
    {0},
};
/* clang-format on */
