/* Batch normalisation (Ioffe and Szegedy 2015) over all but the second dimension.

   Statistics are taken in blocks of rows and combined in order, in double; the
   normalisation itself is one multiply-add per element. */
#include "op/op.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

enum { WEIGHT = 1, BIAS, MEAN, VAR };         /* inputs */
enum { TRAINING, MOMENTUM, EPS, ACTIVATION }; /* arguments */
enum {
  ROWS = 256,    /* of a block */
  CHANNELS = 64, /* at a time when sums are added up */
  LINE = 16,     /* channels; a chunk's are a multiple of it */
  PIECES = 8,    /* about as many are wanted */
  SOME = 64      /* channels at a time of what is done once for each */
};

/* x (n, c, ...) as rows of c channels: (n,c,l) as images of one row. */
static br_tensor *as_rows(br_tensor *x, br_dtype dtype) {
  int64_t shape[4] = {x->ndim > 0 ? x->shape[0] : 1, x->ndim > 1 ? x->shape[1] : 1, 1, 1};
  int64_t stride[4] = {x->stride[0], x->stride[1], 1, 1};
  for (int d = 2; d < x->ndim; d++) {
    shape[d + 4 - x->ndim] = x->shape[d];
    stride[d + 4 - x->ndim] = x->stride[d];
  }
  br_tensor *view = br_tensor_view(x, 4, shape, stride, 0);
  br_tensor *rows = view ? br_as(view, dtype, BR_CHANNELS_LAST) : NULL;
  br_release(view);
  return rows;
}

static br_status check_channels(br_call *c, int i, const char *name) {
  const br_tensor *t = c->in[i], *x = c->in[0];
  if (!t) return BR_OK;
  if (t->ndim == 1 && t->shape[0] == x->shape[1] && t->dtype == x->dtype) return BR_OK;
  return br_bad(c, "%s must be %s of shape (%lld), one for each channel of %s, not %s %s",
                name, br_dtype_name(x->dtype), (long long)x->shape[1], br_shape_of(x),
                br_dtype_name(t->dtype), br_shape_of(t));
}

static br_status norm_infer(br_call *c) {
  static const char *const names[] = {"x", "weight", "bias", "running_mean",
                                      "running_var"};
  const br_tensor *x = c->in[0];
  br_status status = br_need_float(c, x, "x");
  if (status) return status;
  if (x->ndim < 2 || x->ndim > 4)
    return br_bad(c, "x must have shape (n,c), (n,c,l) or (n,c,h,w), not %s",
                  br_shape_of(x));
  for (int i = WEIGHT; i <= VAR && !status; i++) status = check_channels(c, i, names[i]);
  if (status) return status;
  if (c->arg[ACTIVATION].given && strcmp(c->arg[ACTIVATION].s, "relu") != 0)
    return br_bad(c, "activation must be \"relu\" or left out, not \"%s\"",
                  c->arg[ACTIVATION].s);
  bool training = c->arg[TRAINING].i != 0;
  if (!training && !(c->in[MEAN] && c->in[VAR]))
    return br_bad(c, "without training, running_mean and running_var must be given");
  int64_t rows = x->shape[1] ? x->numel / x->shape[1] : 0;
  if (training && rows < 2)
    return br_bad(c, "training wants more than one value for each channel, input is %s",
                  br_shape_of(x));
  /* Mean and 1 / deviation of each channel; when training, the sum of squared deviations.
   */
  for (int i = 0; i < (training ? 3 : 2); i++) {
    c->saved[i] = br_tensor_new(BR_F64, 1, x->shape + 1, BR_CONTIGUOUS);
    if (!c->saved[i]) return BR_ENOMEM;
  }
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CHANNELS_LAST);
}

static double *doubles(br_tensor *t) { return (double *)(void *)t->data; }

/* The work cut into blocks of rows, and where those are few, these into chunks of
   channels. Sums depend on the blocks alone. */
typedef struct grid {
  int64_t n, c, blocks, chunks, lines;
  bool parallel;
} grid;

static grid cut(const br_tensor *rows) {
  grid g = {.c = rows->shape[1]};
  g.n = rows->numel / (g.c ? g.c : 1);
  g.blocks = (g.n + ROWS - 1) / ROWS;
  int64_t wanted = g.blocks > 0 ? (PIECES + g.blocks - 1) / g.blocks : 1;
  g.lines = (g.c + LINE - 1) / LINE;
  g.chunks = g.lines < 4 * wanted ? g.lines / 4 : wanted;
  if (g.chunks < 1) g.chunks = 1;
  g.parallel = rows->numel > 16384;
  return g;
}

/* Piece `i`: its first row and channel, and how many of each. */
typedef struct piece {
  int64_t row, rows, channel, channels, at; /* at: of its first element */
} piece;

static piece piece_of(const grid *g, int64_t i) {
  int64_t row = i / g->chunks * ROWS, chunk = i % g->chunks;
  int64_t channel = chunk * g->lines / g->chunks * LINE;
  int64_t end = (chunk + 1) * g->lines / g->chunks * LINE;
  return (piece){.row = row,
                 .rows = g->n - row < ROWS ? g->n - row : ROWS,
                 .channel = channel,
                 .channels = (end < g->c ? end : g->c) - channel,
                 .at = row * g->c + channel};
}

/* Mean and sum of squared deviations of each channel, blocks combined in order (Chan,
   Golub and LeVeque 1979). */
static br_status statistics(const br_tensor *rows, double *mean, double *m2) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const grid g = cut(rows);
  double *part = br_alloc((size_t)(2 * g.blocks * g.c) * sizeof *part + 1);
  if (!part) return BR_ENOMEM;
#pragma omp parallel num_threads(br_threads()) if (g.parallel)
  {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
      piece p = piece_of(&g, i);
      double *sums = part + p.row / ROWS * 2 * g.c + p.channel;
      k->moments(p.rows, p.channels, g.c, rows->data + p.at * k->size, sums, sums + g.c);
    }
#pragma omp for schedule(static) nowait
    for (int64_t first = 0; first < g.c; first += CHANNELS) {
      int64_t last = first + CHANNELS < g.c ? first + CHANNELS : g.c;
      for (int64_t j = first; j < last; j++) mean[j] = m2[j] = 0;
      for (int64_t b = 0; b < g.blocks; b++) {
        const double *sums = part + 2 * b * g.c, before = (double)(b * ROWS);
        double len = (double)(g.n - b * ROWS < ROWS ? g.n - b * ROWS : ROWS);
        double all = before + len;
        for (int64_t j = first; j < last; j++) {
          double delta = sums[j] - mean[j];
          mean[j] += delta * len / all;
          m2[j] += sums[g.c + j] + delta * delta * before * len / all;
        }
      }
    }
  }
  br_free(part);
  return BR_OK;
}

/* Values at .. at+n-1, n <= SOME, of a tensor with one for each channel, which may be
   NULL: `missing` then. */
static void read_some(const br_tensor *t, int64_t at, int64_t n, double missing,
                      double *to) {
  for (int64_t j = 0; j < n && !t; j++) to[j] = missing;
  if (!t) return;
  const char *from = t->data + at * t->stride[0] * br_dtype_size(t->dtype);
  br_kernels_of(BR_F64)->load[t->dtype](n, to, from, t->stride[0]);
}

static void write_some(br_tensor *t, int64_t at, int64_t n, const double *from) {
  double room[SOME]; /* converted */
  const br_kernels *k = br_kernels_of(t->dtype);
  k->load[BR_F64](n, room, from, 1);
  k->store(n, room, t->data + at * t->stride[0] * k->size, t->stride[0]);
}

/* running = (1 - momentum) running + now, of some channels. */
static void move_running(br_tensor *t, int64_t at, int64_t n, double momentum,
                         const double *now) {
  double running[SOME];
  if (!t) return;
  read_some(t, at, n, 0, running);
  for (int64_t j = 0; j < n; j++) running[j] = (1 - momentum) * running[j] + now[j];
  write_some(t, at, n, running);
}

/* The running statistics follow, the variance over n - 1. */
static void norm_finish(br_call *c) {
  if (!c->arg[TRAINING].i) return;
  const double *mean = doubles(c->saved[0]), *m2 = doubles(c->saved[2]);
  double momentum = c->arg[MOMENTUM].f;
  int64_t channels = c->in[0]->shape[1], n = channels ? c->in[0]->numel / channels : 0;
  for (int64_t at = 0; at < channels; at += SOME) {
    double of_mean[SOME], of_var[SOME];
    int64_t some = channels - at < SOME ? channels - at : SOME;
    for (int64_t j = 0; j < some; j++) {
      of_mean[j] = momentum * mean[at + j];
      of_var[j] = momentum * m2[at + j] / (double)(n - 1);
    }
    move_running(c->in[MEAN], at, some, momentum, of_mean);
    move_running(c->in[VAR], at, some, momentum, of_var);
  }
}

/* Of each channel the factor, then of each the offset, that make y of x; NULL when there
   is no memory. */
static br_tensor *factors_of(br_call *c) {
  const br_tensor *x = c->in[0];
  const double *mean = doubles(c->saved[0]), *invstd = doubles(c->saved[1]);
  int64_t channels = x->shape[1], twice = 2 * channels;
  br_tensor *factors = br_tensor_new(x->dtype, 1, &twice, BR_CONTIGUOUS);
  for (int64_t at = 0; at < channels && factors; at += SOME) {
    double scale[SOME], shift[SOME];
    int64_t some = channels - at < SOME ? channels - at : SOME;
    read_some(c->in[WEIGHT], at, some, 1, scale);
    read_some(c->in[BIAS], at, some, 0, shift);
    for (int64_t j = 0; j < some; j++) {
      scale[j] *= invstd[at + j];
      shift[j] -= mean[at + j] * scale[j];
    }
    write_some(factors, at, some, scale);
    write_some(factors, channels + at, some, shift);
  }
  return factors;
}

static void apply(const br_tensor *rows, const br_tensor *factors, bool relu, char *y) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const grid g = cut(rows);
  const char *scale = factors->data, *shift = scale + g.c * k->size;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (g.parallel)
  for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
    piece p = piece_of(&g, i);
    int64_t at = p.at * k->size, channel = p.channel * k->size;
    (relu ? k->affine_relu : k->affine)(p.rows, p.channels, g.c, rows->data + at,
                                        scale + channel, shift + channel, y + at);
  }
}

static br_status norm_forward(br_call *c) {
  br_tensor *x = c->in[0], *rows = as_rows(x, x->dtype), *out = NULL, *factors = NULL;
  double *mean = doubles(c->saved[0]), *invstd = doubles(c->saved[1]);
  int64_t channels = x->shape[1], n = channels ? x->numel / channels : 0;
  br_status status = rows ? BR_OK : BR_ENOMEM;
  if (!status && c->arg[TRAINING].i) {
    double *m2 = doubles(c->saved[2]);
    status = statistics(rows, mean, m2);
    for (int64_t j = 0; j < channels && !status; j++)
      invstd[j] = 1 / sqrt(m2[j] / (double)n + c->arg[EPS].f);
  } else if (!status) {
    for (int64_t at = 0; at < channels; at += SOME) {
      int64_t some = channels - at < SOME ? channels - at : SOME;
      read_some(c->in[MEAN], at, some, 0, mean + at);
      read_some(c->in[VAR], at, some, 1, invstd + at);
      for (int64_t j = at; j < at + some; j++)
        invstd[j] = 1 / sqrt(invstd[j] + c->arg[EPS].f);
    }
  }
  if (!status) factors = factors_of(c);
  if (!factors) status = BR_ENOMEM;
  if (!status) out = x->ndim == 3 ? br_tensor_like(rows, x->dtype) : br_retain(c->out[0]);
  if (!status && !out) status = BR_ENOMEM;
  if (!status) apply(rows, factors, c->arg[ACTIVATION].given, out->data);
  if (!status && x->ndim == 3) { /* back from (n,c,1,l) */
    br_tensor *flat = br_reshaped(out, 3, x->shape);
    status = flat ? br_copy(c->out[0], flat) : BR_ENOMEM;
    br_release(flat);
  }
  br_release(rows);
  br_release(out);
  br_release(factors);
  return status;
}

/* Sums over the rows of dy and of dy (x - mean), in blocks combined in order. */
static br_status gradient_sums(const br_tensor *dy, const br_tensor *rows,
                               const double *mean, const br_tensor *factors,
                               double *sums) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const grid g = cut(rows);
  const char *scale = factors ? factors->data : NULL;
  const char *shift = factors ? scale + g.c * k->size : NULL;
  double *part = br_alloc_zero((size_t)(2 * g.blocks * g.c) * sizeof *part + 1);
  if (!part) return BR_ENOMEM;
#pragma omp parallel num_threads(br_threads()) if (g.parallel)
  {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
      piece p = piece_of(&g, i);
      int64_t at = p.at * k->size, channel = p.channel * k->size;
      double *sum = part + p.row / ROWS * 2 * g.c + p.channel;
      if (factors)
        k->norm_sums_relu(p.rows, p.channels, g.c, dy->data + at, rows->data + at,
                          mean + p.channel, scale + channel, shift + channel, sum,
                          sum + g.c);
      else
        k->norm_sums(p.rows, p.channels, g.c, dy->data + at, rows->data + at,
                     mean + p.channel, sum, sum + g.c);
    }
#pragma omp for schedule(static) nowait
    for (int64_t first = 0; first < 2 * g.c; first += CHANNELS) {
      int64_t last = first + CHANNELS < 2 * g.c ? first + CHANNELS : 2 * g.c;
      for (int64_t j = first; j < last; j++) sums[j] = 0;
      for (int64_t b = 0; b < g.blocks; b++)
        for (int64_t j = first; j < last; j++) sums[j] += part[2 * b * g.c + j];
    }
  }
  br_free(part);
  return BR_OK;
}

/* With u = w / deviation: dx = u (dy - mean dy - (x - mean) sum(dy (x - mean)) / (n
   var)), put as a dy + b x + d; without training the statistics are constants and dx = u
   dy. */
static br_status input_grad(br_call *c, const br_tensor *dy, const br_tensor *rows,
                            const double *sums, const br_tensor *factors, br_tensor *dx) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const double *mean = doubles(c->saved[0]), *invstd = doubles(c->saved[1]);
  int64_t channels = rows->shape[1], n = rows->numel / (channels ? channels : 1);
  double *f = br_alloc((size_t)(3 * channels + 1) * sizeof *f);
  char *packed = br_alloc((size_t)(3 * channels * k->size) + 1);
  br_status status = f && packed ? BR_OK : BR_ENOMEM;
  double training = c->arg[TRAINING].i ? 1 / (double)n : 0;
  for (int64_t at = 0; at < channels && !status; at += SOME) {
    double u[SOME];
    int64_t some = channels - at < SOME ? channels - at : SOME;
    read_some(c->in[WEIGHT], at, some, 1, u);
    for (int64_t j = at; j < at + some; j++) {
      double a = u[j - at] * invstd[j];
      double b = -a * invstd[j] * invstd[j] * sums[channels + j] * training;
      f[j] = a;
      f[channels + j] = b;
      f[2 * channels + j] = -a * sums[j] * training - b * mean[j];
    }
  }
  if (!status) k->load[BR_F64](3 * channels, packed, f, 1);
  const char *a = packed, *b = a + channels * k->size, *d = b + channels * k->size;
  const char *scale = factors ? factors->data : NULL;
  const char *shift = factors ? scale + channels * k->size : NULL;
  const grid g = cut(rows);
  int64_t pieces = status ? 0 : g.blocks * g.chunks;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (g.parallel)
  for (int64_t i = 0; i < pieces; i++) {
    piece p = piece_of(&g, i);
    int64_t at = p.at * k->size, j = p.channel * k->size;
    const char *dy_at = dy->data + at, *x = rows->data + at;
    if (factors)
      k->norm_grad_relu(p.rows, p.channels, channels, dy_at, x, a + j, b + j, d + j,
                        scale + j, shift + j, dx->data + at);
    else
      k->norm_grad(p.rows, p.channels, channels, dy_at, x, a + j, b + j, d + j,
                   dx->data + at);
  }
  br_free(f);
  br_free(packed);
  return status;
}

static br_status norm_backward(br_call *c) {
  br_tensor *x = c->in[0], *rows = as_rows(x, x->dtype),
            *dy = as_rows(c->dy[0], x->dtype);
  const double *invstd = doubles(c->saved[1]);
  int64_t channels = x->shape[1];
  double *sums = br_alloc((size_t)(2 * channels + 1) * sizeof *sums);
  bool relu = c->arg[ACTIVATION].given;
  br_tensor *dx = NULL, *factors = relu ? factors_of(c) : NULL;
  br_status status = rows && dy && sums && (factors || !relu) ? BR_OK : BR_ENOMEM;
  if (!status) status = gradient_sums(dy, rows, doubles(c->saved[0]), factors, sums);
  if (!status && c->need[0]) {
    dx = br_tensor_like(rows, x->dtype);
    status = dx ? input_grad(c, dy, rows, sums, factors, dx) : BR_ENOMEM;
    if (!status) status = br_dx_take(c, 0, br_reshaped(dx, x->ndim, x->shape));
  }
  for (int i = WEIGHT; i <= BIAS && !status; i++) {
    if (!c->in[i] || !c->need[i]) continue;
    br_tensor *d = br_tensor_new(x->dtype, 1, x->shape + 1, BR_CONTIGUOUS);
    status = br_dx_take(c, i, d);
    for (int64_t at = 0; at < channels && !status; at += SOME) {
      double values[SOME];
      int64_t some = channels - at < SOME ? channels - at : SOME;
      for (int64_t j = 0; j < some; j++)
        values[j] = i == BIAS ? sums[at + j] : sums[channels + at + j] * invstd[at + j];
      write_some(d, at, some, values);
    }
  }
  br_release(rows);
  br_release(dy);
  br_release(dx);
  br_release(factors);
  br_free(sums);
  return status;
}

/* clang-format off */
const br_op br_norm_ops[] = {
  {"batch_norm", "x:t weight:t? bias:t? running_mean:t? running_var:t? training:b=false momentum:f=0.1[0,1] eps:f=1e-5(0,inf) activation:s?",
   "x (n,c,...) normalised per channel, by its own statistics when training (the running ones follow), else by the running ones; with activation relu, only what is above 0",
   norm_infer, norm_forward, norm_backward, BR_KEEP_IN(0) | BR_KEEP_IN(WEIGHT) | BR_KEEP_IN(BIAS), 0, 0, {0}, 0, norm_finish},
  {0}};
/* clang-format on */
