/* Convolution, activation and maximum pooling in one pass, for evaluation. Each thread
   computes a few rows of the convolution and pools them while they are in its cache.
   The whole map between the two never exists. If the input is a colour or grey image in
   planes, its rows are also converted to channels-last as they are needed. */
#include <string.h>

#include "base/threads.h"
#include "op/conv/conv.h"
#include "op/pool.h"

enum { POOL = 4, ACTIVATION = 9 }; /* places of arguments; conv2d's come before POOL */
enum { SLOPE = 3 };
enum {
  BAND = 48 << 10, /* bytes of a map too small to be cut into bands */
  SMALL = 64 << 10 /* of a map that is not worth it */
};

typedef struct job {
  br_conv g;
  br_window win;
  br_epilogue last; /* what is applied to pooled values */
  const br_kernels *k;
  br_conv_rows *rows;
  const br_tensor *x;
  bool by_rows;      /* x does not have the layout that the convolution reads */
  int64_t band;      /* rows of the result at a time */
  int64_t map_row;   /* bytes of a row of the map between the two */
  int64_t image_row; /* bytes of a row of the image in that layout */
  int64_t map_at, image_at, pool_at, bytes; /* places in a thread's memory */
  char *y;
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* The first row of the map that is needed for row a of the result, and the end of the
   rows for rows before b. */
static int64_t first_row(const br_window *w, int64_t a) {
  return smaller(larger(a * w->sh - w->ph, 0), w->h);
}

static int64_t end_row(const br_window *w, int64_t b) {
  return smaller((b - 1) * w->sh - w->ph + (w->kh - 1) * w->dh + 1, w->h);
}

static int64_t span_of(const br_window *w, int64_t rows) {
  return (rows - 1) * w->sh + (w->kh - 1) * w->dh + 1;
}

/* Whether x's rows can be converted one by one: channels are in planes or innermost. */
static bool has_rows(const br_conv *g, const br_tensor *x) {
  bool inside = x->stride[1] == 1 && x->stride[3] == x->shape[1];
  return g->folded && x->dtype == g->dtype && (x->stride[3] == 1 || inside);
}

/* Converts rows first .. last-1 of the padded image n. */
static void bring_rows(const job *j, int64_t n, int64_t first, int64_t last, char *to) {
  const br_conv *g = &j->g;
  int64_t size = j->k->size, pixel = g->c * size, before = g->pw * pixel;
  int64_t after = j->image_row - before - g->w * pixel;
  for (int64_t row = first; row < last; row++, to += j->image_row) {
    int64_t y = row - g->ph;
    if (y < 0 || y >= g->h) {
      memset(to, 0, (size_t)j->image_row);
      continue;
    }
    const char *from = j->x->data + (n * j->x->stride[0] + y * j->x->stride[2]) * size;
    memset(to, 0, (size_t)before);
    if (g->c == 1 || j->x->stride[3] != 1) {
      memcpy(to + before, from, (size_t)(g->w * pixel));
    } else {
      const void *plane[4];
      for (int64_t c = 0; c < g->c; c++) plane[c] = from + c * j->x->stride[1] * size;
      j->k->interleave(g->c, g->w, plane, to + before);
    }
    memset(to + before + g->w * pixel, 0, (size_t)after);
  }
}

/* Computes rows first .. last-1 of the map of image n. */
static void convolve(const job *j, int64_t n, int64_t first, int64_t last, char *to,
                     char *room) {
  const br_conv *g = &j->g;
  if (first >= last) return;
  int64_t begin = first * g->sh, end = (last - 1) * g->sh + (g->kh - 1) * g->dh + 1;
  char *image = room + j->image_at;
  if (j->by_rows)
    bring_rows(j, n, begin, end, image);
  else
    image = j->x->data + n * (g->folded ? g->tall : g->h) * j->image_row;
  br_conv_rows_run(j->rows,
                   &(br_conv_band){image, j->by_rows ? begin : 0, first, last, to}, room);
}

/* Computes rows a .. b-1 of the result, counted over all images. Keeps the rows of the
   map that the next band needs too. */
static void run(const job *j, int64_t a, int64_t b, char *room) {
  const br_window *w = &j->win;
  char *map = room + j->map_at;
  int64_t have = 0, end = 0, in = -1; /* rows have .. end-1 of image `in` are in map */
  br_max_pool_start(w, j->k, room + j->pool_at);
  for (int64_t at = a, next; at < b && !br_stopped(); at = next) {
    int64_t n = at / w->oh, row = at % w->oh;
    next = smaller(smaller(at + j->band, b), (n + 1) * w->oh);
    int64_t first = first_row(w, row), last = end_row(w, row + next - at);
    int64_t kept = n == in && end > first ? end - first : 0;
    if (kept)
      memmove(map, map + (first - have) * j->map_row, (size_t)(kept * j->map_row));
    convolve(j, n, first + kept, last, map + kept * j->map_row, room);
    have = first, end = larger(last, first + kept), in = n;
    const br_picture rows = {j->k, map, first, w->w, w->c};
    for (int64_t i = at; i < next; i++) {
      char *to = j->y + i * w->ow * w->c * j->k->size;
      br_max_pool_row(w, &rows, row + i - at, room + j->pool_at, to);
      if (j->last.map) br_epilogue_run(&j->last, w->ow * w->c, to);
    }
  }
}

static void lay_out(job *j) {
  const br_conv *g = &j->g;
  j->map_row = g->ow * g->o * j->k->size;
  j->image_row = (g->folded ? g->wide : g->w) * g->c * j->k->size;
  int64_t rows = BAND / larger(j->map_row, 1);
  j->band = larger(1, (rows - span_of(&j->win, 1)) / j->win.sh + 1);
  int64_t map_rows = smaller(span_of(&j->win, j->band), j->win.h);
  int64_t image_rows = (map_rows - 1) * g->sh + (g->kh - 1) * g->dh + 1;
  j->map_at = (br_conv_rows_room(j->rows) + 63) & ~(int64_t)63;
  j->image_at = (j->map_at + map_rows * j->map_row + 63) & ~(int64_t)63;
  j->pool_at = j->image_at + (j->by_rows ? image_rows * j->image_row : 0);
  j->pool_at = (j->pool_at + 63) & ~(int64_t)63;
  j->bytes = j->pool_at + br_max_pool_room(&j->win, j->k);
}

static br_status run_bands(job *j, br_tensor *w, br_tensor *bias, bool keep) {
  j->rows = br_conv_rows_new(&j->g, w, bias, keep);
  if (!j->rows) return BR_ENOMEM;
  lay_out(j);
  int64_t total = j->win.n * j->win.oh;
  int threads = br_threads_for((double)(j->g.n * j->g.oh * j->g.ow) * (double)j->g.o *
                               (double)(j->g.kh * j->g.kw * j->g.cg));
  size_t apart;
  char *room = br_scratch_take(threads, (size_t)j->bytes, &apart);
  if (room) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int i = 0; i < threads; i++)
      run(j, total * i / threads, total * (i + 1) / threads,
          room + (size_t)br_thread_index() * apart);
  }
  br_conv_rows_free(j->rows);
  br_scratch_give(room);
  return room ? BR_OK : BR_ENOMEM;
}

/* Convolution and pooling one after the other. */
static br_status run_apart(const job *j, br_tensor *source, br_tensor *w, br_tensor *bias,
                           bool keep) {
  const br_conv *g = &j->g;
  int64_t shape[4] = {g->n, g->o, g->oh, g->ow};
  br_tensor *map = br_tensor_new(g->dtype, 4, shape, BR_CHANNELS_LAST);
  br_status status = map ? br_conv_forward(g, source, w, bias, keep, map) : BR_ENOMEM;
  if (!status) status = br_max_pool(&j->win, j->k, map, j->y);
  if (!status)
    br_epilogue_rows(&j->last, j->k, j->win.n * j->win.oh * j->win.ow, j->win.c, j->y);
  br_release(map);
  return status;
}

/* Activations that rise with x, or with |x|. The largest input of a window gives the
   largest result, so only that one needs the activation. If it rises with |x|, pooling
   compares the values of `before`. */
static const struct {
  size_t whole, before, last;
} rising[] = {{K(tanh), 0, K(tanh)},
              {K(abs_tanh), K(abs), K(tanh)},
              {K(sigmoid), 0, K(sigmoid)},
              {K(softplus), 0, K(softplus)},
              {K(exp), 0, K(exp)}};

/* Whether every window has a pixel inside the image; others have no largest value. */
static bool all_see(const br_window *w) {
  bool padded = w->ph > 0 || w->pw > 0, apart = w->dh > 1 || w->dw > 1;
  return !padded || !apart;
}

static void divide(job *j, const br_op *activation) {
  for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
    if (activation->kernel != rising[i].whole || !all_see(&j->win)) continue;
    size_t before = rising[i].before;
    j->last.map = br_kernel_at(j->k, rising[i].last);
    j->g.after.map = before ? br_kernel_at(j->k, before) : NULL;
  }
}

static br_status geometry(br_call *c, job *j) {
  br_status status = br_conv_geometry(c, &j->g);
  if (status) return status;
  int64_t map[4] = {j->g.n, j->g.o, j->g.oh, j->g.ow};
  return br_pool_measure(c, c->arg + POOL, true, map, &j->win);
}

static br_status infer(br_call *c) {
  job j = {0};
  br_status status = br_conv_check(c);
  if (!status) status = geometry(c, &j);
  if (!status) status = br_conv_check_bias(c, j.g.o);
  if (!status) status = br_conv_check_slope(c);
  if (!status) status = br_epilogue_read(c, ACTIVATION);
  if (status) return status;
  int64_t shape[4] = {j.win.n, j.win.c, j.win.oh, j.win.ow};
  return br_out(c, 0, j.g.dtype, 4, shape, BR_CHANNELS_LAST);
}

static br_status forward(br_call *c) {
  job j = {.x = c->in[0]};
  br_status status = geometry(c, &j);
  if (status) return status;
  j.k = br_kernels_of(j.g.dtype);
  j.y = c->out[0]->data;
  int64_t map_bytes = j.g.n * j.g.o * j.g.oh * j.g.ow * j.k->size;
  bool bands = br_conv_has_rows(&j.g) && map_bytes > SMALL;
  j.by_rows = bands && has_rows(&j.g, j.x);
  br_tensor *source = j.by_rows ? NULL : br_conv_source(&j.g, c->in[0]);
  br_tensor *w = br_contiguous(c->in[1]);
  br_tensor *bias = c->in[2] ? br_contiguous(c->in[2]) : NULL;
  br_tensor *slope = c->in[SLOPE] ? br_contiguous(c->in[SLOPE]) : NULL;
  if ((!source && !j.by_rows) || !w || (c->in[2] && !bias) || (c->in[SLOPE] && !slope)) {
    status = BR_ENOMEM;
  } else {
    br_tensor *sums;
    br_epilogue_start(c, slope, &j.g.after, &sums); /* keeps nothing, so it cannot fail */
    if (c->activation) divide(&j, c->activation);
    if (source) j.x = source;
    status = bands ? run_bands(&j, w, bias, !c->recorded)
                   : run_apart(&j, source, w, bias, !c->recorded);
  }
  br_release(source);
  br_release(w);
  br_release(bias);
  br_release(slope);
  return status;
}

/* clang-format off */
const br_op br_conv_pool_ops[] = {
    {.name = "conv2d_max_pool2d",
     .args = "x:t weight:t bias:t? slope:t? stride:p=1 padding:P=0 dilation:p=1 groups:i=1 kernel:p=1 pool_stride:p? pool_padding:p=0 ceil_mode:b=false pool_dilation:p=1 activation:s? number:f=0",
     .doc = "conv2d, then the elementwise operator named `activation` or prelu with slope, then max_pool2d; without gradients",
     .infer = infer, .forward = forward, .flags = BR_HIDDEN},
    {0},
};
/* clang-format on */
