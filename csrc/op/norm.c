/* Batch normalisation (Ioffe and Szegedy 2015) over all dimensions but the second.

   Statistics are computed in double, in blocks of rows that are combined in order. The
   normalisation itself is one subtraction and one multiply-add for each element. */
#include "op/moments.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

enum { WEIGHT = 1, BIAS, MEAN, VAR };         /* inputs */
enum { TRAINING, MOMENTUM, EPS, ACTIVATION }; /* arguments */
enum { SOME = 64 };     /* channels at a time, for work done once for each channel */
enum { FEW_ROWS = 16 }; /* a gradient of so few rows is a small part of dy */

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
    return br_bad(c,
                  "training wants more than one value for each channel, input is %s: "
                  "a larger batch (drop_last = true), or net:eval()",
                  br_shape_of(x));
  /* Mean and 1 / deviation of each channel. Training sums squared deviations. */
  for (int i = 0; i < (training ? 3 : 2); i++) {
    c->saved[i] = br_tensor_new(BR_F64, 1, x->shape + 1, BR_CONTIGUOUS);
    if (!c->saved[i]) return BR_ENOMEM;
  }
  return br_out(c, 0, x->dtype, x->ndim, x->shape, BR_CHANNELS_LAST);
}

static double *doubles(br_tensor *t) { return (double *)(void *)t->data; }

/* The values at .. at+n-1, n <= SOME, of a tensor with one value for each channel. When
   the tensor is NULL, every value is `missing`. */
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

/* running = (1 - momentum) running + momentum now, for some channels. */
static void move_running(br_tensor *t, int64_t at, int64_t n, double momentum,
                         const double *now) {
  double running[SOME];
  if (!t) return;
  read_some(t, at, n, 0, running);
  for (int64_t j = 0; j < n; j++) running[j] = (1 - momentum) * running[j] + now[j];
  write_some(t, at, n, running);
}

/* Updates the running statistics. The running variance divides by n - 1. */
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
  for (int i = MEAN; i <= VAR; i++)
    if (c->in[i]) c->in[i]->storage->version++;
}

/* The factors that turn x into y. */
typedef struct factors {
  br_tensor *packed; /* of each channel: centres, then scales, then shifts */
  br_norm_line f;    /* pointers to these three */
  br_wide_norm wide;
  bool is_wide;
  double *room; /* the weights and biases of `wide` */
} factors;

static void factors_free(factors *f) {
  br_release(f->packed);
  br_free(f->room);
}

/* Whether the type would lose digits if it multiplied with the factor. */
static int leaves(br_dtype dtype, double factor) {
  const double size = fabs(factor), limit = dtype == BR_F32 ? 1e30 : 1e150;
  return (size > limit) | ((size > 0) & (size < 1 / limit));
}

static br_status factors_of(br_call *c, factors *f) {
  const br_tensor *x = c->in[0];
  const double *mean = doubles(c->saved[0]), *invstd = doubles(c->saved[1]);
  int64_t channels = x->shape[1], three = 3 * channels, size = br_dtype_size(x->dtype);
  *f = (factors){.packed = br_tensor_new(x->dtype, 1, &three, BR_CONTIGUOUS)};
  if (!f->packed) return BR_ENOMEM;
  const char *data = f->packed->data;
  f->f = (br_norm_line){data, data + channels * size, data + 2 * channels * size};
  for (int64_t at = 0; at < channels; at += SOME) {
    double scale[SOME], shift[SOME], centre[SOME];
    int odd = 0;
    int64_t some = channels - at < SOME ? channels - at : SOME;
    read_some(c->in[WEIGHT], at, some, 1, scale);
    read_some(c->in[BIAS], at, some, 0, shift);
    write_some(f->packed, at, some, mean + at);
    read_some(f->packed, at, some, 0, centre);
    for (int64_t j = 0; j < some; j++) {
      scale[j] *= invstd[at + j];
      double lacking = isfinite(mean[at + j]) ? mean[at + j] - centre[j] : 0;
      shift[j] -= lacking * scale[j];
      odd |= leaves(x->dtype, scale[j]) | leaves(x->dtype, invstd[at + j]);
    }
    f->is_wide |= odd;
    write_some(f->packed, channels + at, some, scale);
    write_some(f->packed, 2 * channels + at, some, shift);
  }
  return BR_OK;
}

/* The same factors in double. */
static br_status factors_widen(br_call *c, factors *f) {
  int64_t channels = c->in[0]->shape[1];
  f->room = br_alloc((size_t)(2 * channels + 1) * sizeof *f->room);
  if (!f->room) return BR_ENOMEM;
  for (int64_t at = 0; at < channels; at += SOME) {
    int64_t some = channels - at < SOME ? channels - at : SOME;
    read_some(c->in[WEIGHT], at, some, 1, f->room + at);
    read_some(c->in[BIAS], at, some, 0, f->room + channels + at);
  }
  f->wide = (br_wide_norm){doubles(c->saved[0]), doubles(c->saved[1]), f->room,
                           f->room + channels};
  f->is_wide = true;
  return BR_OK;
}

static br_norm_line affine_at(const factors *f, int64_t channel, int64_t size) {
  int64_t at = channel * size;
  return (br_norm_line){(const char *)f->f.centre + at, (const char *)f->f.scale + at,
                        (const char *)f->f.shift + at};
}

static br_wide_norm wide_at(const factors *f, int64_t channel) {
  const br_wide_norm *w = &f->wide;
  return (br_wide_norm){w->mean + channel, w->invstd + channel, w->weight + channel,
                        w->bias + channel};
}

static void apply(const br_tensor *rows, const factors *f, bool relu, char *y) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const br_norm_grid g = br_norm_cut(rows);
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (g.parallel)
  for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
    if (br_stopped()) continue;
    br_norm_piece p = br_norm_piece_of(&g, i);
    int64_t at = p.at * k->size;
    const br_norm_rows r = {.rows = p.rows,
                            .c = p.channels,
                            .ld = g.c,
                            .x = rows->data + at,
                            .out = y + at,
                            .relu = relu};
    if (f->is_wide) {
      const br_wide_norm w = wide_at(f, p.channel);
      k->affine_wide(&r, &w);
    } else {
      const br_norm_line a = affine_at(f, p.channel, k->size);
      k->affine(&r, &a);
    }
  }
}

/* Computes 1 / deviation; in training from the mean and m2, which it measures. */
static br_status measure(br_call *c, const br_tensor *rows) {
  double *mean = doubles(c->saved[0]), *invstd = doubles(c->saved[1]),
         eps = c->arg[EPS].f;
  int64_t channels = rows->shape[1], n = channels ? rows->numel / channels : 0;
  if (c->arg[TRAINING].i) {
    double *m2 = doubles(c->saved[2]);
    br_status status = br_moments(rows, mean, m2);
    if (status) return status;
    for (int64_t j = 0; j < channels; j++) invstd[j] = m2[j] / (double)n;
  } else {
    for (int64_t at = 0; at < channels; at += SOME) {
      int64_t some = channels - at < SOME ? channels - at : SOME;
      read_some(c->in[MEAN], at, some, 0, mean + at);
      read_some(c->in[VAR], at, some, 1, invstd + at);
    }
  }
  for (int64_t j = 0; j < channels; j++) {
    double var = invstd[j] + eps;
    invstd[j] = var == 0 ? 0 : 1 / sqrt(var);
  }
  if (c->arg[TRAINING].i && rows->dtype == BR_F64)
    br_moments_wide(rows, eps, mean, doubles(c->saved[2]), invstd);
  return BR_OK;
}

static br_status norm_forward(br_call *c) {
  br_tensor *x = c->in[0], *rows = as_rows(x, x->dtype), *out = NULL;
  factors f = {0};
  br_status status = rows ? measure(c, rows) : BR_ENOMEM;
  if (!status) status = factors_of(c, &f);
  if (!status && f.is_wide) status = factors_widen(c, &f);
  if (!status) out = x->ndim == 3 ? br_tensor_like(rows, x->dtype) : br_retain(c->out[0]);
  if (!status && !out) status = BR_ENOMEM;
  if (!status) apply(rows, &f, c->arg[ACTIVATION].given, out->data);
  if (!status && x->ndim == 3) { /* back from (n,c,1,l) */
    br_tensor *flat = br_reshaped(out, 3, x->shape);
    status = flat ? br_copy(c->out[0], flat) : BR_ENOMEM;
    br_release(flat);
  }
  br_release(rows);
  br_release(out);
  factors_free(&f);
  return status;
}

/* Sums dy and dy (x - mean) over the rows; the second is divided by the deviation if
   `wide`. Blocks are combined in order. */
static br_status gradient_sums(const br_tensor *dy, const br_tensor *rows,
                               const double *mean, const factors *f, bool relu,
                               double *sums) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const br_norm_grid g = br_norm_cut(rows);
  double *part = br_alloc_zero((size_t)(2 * g.blocks * g.c) * sizeof *part + 1);
  if (!part) return BR_ENOMEM;
#pragma omp parallel num_threads(br_threads()) if (g.parallel)
  {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
      if (br_stopped()) continue;
      br_norm_piece p = br_norm_piece_of(&g, i);
      const br_norm_rows r = {.rows = p.rows,
                              .c = p.channels,
                              .ld = g.c,
                              .x = rows->data + p.at * k->size,
                              .dy = dy->data + p.at * k->size,
                              .relu = relu};
      double *sum = part + p.row / BR_NORM_ROWS * 2 * g.c + p.channel;
      if (f->is_wide) {
        const br_wide_norm w = wide_at(f, p.channel);
        k->norm_sums_wide(&r, &w, sum, sum + g.c);
      } else {
        const br_norm_line a = affine_at(f, p.channel, k->size);
        k->norm_sums(&r, mean + p.channel, &a, sum, sum + g.c);
      }
    }
#pragma omp for schedule(static) nowait
    for (int64_t first = 0; first < 2 * g.c; first += BR_NORM_CHANNELS) {
      int64_t last = first + BR_NORM_CHANNELS < 2 * g.c ? first + BR_NORM_CHANNELS
                                                        : 2 * g.c;
      for (int64_t j = first; j < last; j++) sums[j] = 0;
      for (int64_t b = 0; b < g.blocks && !br_stopped(); b++)
        for (int64_t j = first; j < last; j++) sums[j] += part[2 * b * g.c + j];
    }
  }
  br_free(part);
  return BR_OK;
}

/* The gradient of x. Let u = w / deviation. In training, dx = u (dy - mean dy - (x -
   mean) sum(dy (x - mean)) / (n var)), written as a dy + b (x - centre) + d. Outside
   training the statistics are constants, and dx = u dy. */
typedef struct slope {
  const factors *f;
  br_norm_slope s;
  const double *mean_dy, *mean_dev; /* of dy and dy (x - mean) / deviation; if wide */
  char *packed;
  bool fits;
} slope;

static br_status slope_of(br_call *c, const factors *f, double *sums, slope *s) {
  const double *mean = doubles(c->saved[0]), *invstd = doubles(c->saved[1]);
  const br_tensor *x = c->in[0];
  const br_kernels *k = br_kernels_of(x->dtype);
  int64_t channels = x->shape[1], n = x->numel / (channels ? channels : 1);
  double training = c->arg[TRAINING].i ? 1 / (double)n : 0;
  double *v = br_alloc((size_t)(3 * channels + 1) * sizeof *v);
  *s = (slope){.f = f, .fits = true};
  s->packed = br_alloc((size_t)(3 * channels * k->size) + 1);
  br_status status = v && s->packed ? BR_OK : BR_ENOMEM;
  for (int64_t at = 0; at < channels && !status; at += SOME) {
    double u[SOME], centre[SOME];
    int odd = 0;
    int64_t some = channels - at < SOME ? channels - at : SOME;
    read_some(c->in[WEIGHT], at, some, 1, u);
    read_some(f->packed, at, some, 0, centre);
    for (int64_t j = at; j < at + some; j++) {
      double a = u[j - at] * invstd[j];
      double b = -a * invstd[j] * (invstd[j] * sums[channels + j]) * training;
      double lacking = isfinite(mean[j]) ? mean[j] - centre[j - at] : 0;
      v[j] = a;
      v[channels + j] = b;
      v[2 * channels + j] = -a * sums[j] * training - b * lacking;
      odd |= leaves(x->dtype, a) | leaves(x->dtype, b);
    }
    s->fits &= !odd;
  }
  if (!status) k->load[BR_F64](3 * channels, s->packed, v, 1);
  br_free(v);
  const char *data = s->packed;
  int64_t bytes = channels * k->size;
  s->s = (br_norm_slope){data, data + bytes, data + 2 * bytes};
  return status;
}

static void input_grad(const br_tensor *dy, const br_tensor *rows, const slope *s,
                       bool relu, br_tensor *dx) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const br_norm_grid g = br_norm_cut(rows);
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (g.parallel)
  for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
    if (br_stopped()) continue;
    br_norm_piece p = br_norm_piece_of(&g, i);
    int64_t at = p.at * k->size, j = p.channel * k->size;
    const br_norm_rows r = {.rows = p.rows,
                            .c = p.channels,
                            .ld = g.c,
                            .x = rows->data + at,
                            .dy = dy->data + at,
                            .out = dx->data + at,
                            .relu = relu};
    if (s->f->is_wide) {
      const br_wide_norm w = wide_at(s->f, p.channel);
      k->norm_grad_wide(&r, &w, s->mean_dy + p.channel, s->mean_dev + p.channel);
    } else {
      const br_norm_line a = affine_at(s->f, p.channel, k->size);
      const br_norm_slope here = {(const char *)s->s.a + j, (const char *)s->s.b + j,
                                  (const char *)s->s.d + j};
      k->norm_grad(&r, &here, &a);
    }
  }
}

/* The gradients of weight and bias. */
static br_status affine_grads(br_call *c, bool wide, const double *sums) {
  const double *invstd = doubles(c->saved[1]);
  int64_t channels = c->in[0]->shape[1];
  br_status status = BR_OK;
  for (int i = WEIGHT; i <= BIAS && !status; i++) {
    if (!c->in[i] || !c->need[i]) continue;
    br_tensor *d = br_tensor_new(c->in[0]->dtype, 1, c->in[0]->shape + 1, BR_CONTIGUOUS);
    status = br_dx_take(c, i, d);
    for (int64_t at = 0; at < channels && !status; at += SOME) {
      double values[SOME];
      int64_t some = channels - at < SOME ? channels - at : SOME;
      for (int64_t j = 0; j < some; j++)
        values[j] = i == BIAS ? sums[at + j]
                              : sums[channels + at + j] * (wide ? 1 : invstd[at + j]);
      write_some(d, at, some, values);
    }
  }
  return status;
}

static br_status norm_backward(br_call *c) {
  br_tensor *x = c->in[0], *rows = as_rows(x, x->dtype),
            *dy = as_rows(c->dy[0], x->dtype), *dx = NULL;
  int64_t channels = x->shape[1], n = channels ? x->numel / channels : 0;
  double *sums = br_alloc((size_t)(2 * channels + 1) * sizeof *sums);
  bool relu = c->arg[ACTIVATION].given;
  factors f = {0};
  slope s = {0};
  br_status status = rows && dy && sums ? factors_of(c, &f) : BR_ENOMEM;
  f.is_wide |= n < FEW_ROWS && c->arg[TRAINING].i;
  if (!status && f.is_wide) status = factors_widen(c, &f);
  if (!status) status = gradient_sums(dy, rows, doubles(c->saved[0]), &f, relu, sums);
  if (!status && !f.is_wide) status = slope_of(c, &f, sums, &s);
  if (!status && !f.is_wide && !s.fits) { /* again, in double */
    status = factors_widen(c, &f);
    if (!status) status = gradient_sums(dy, rows, doubles(c->saved[0]), &f, relu, sums);
  }
  if (!status) status = affine_grads(c, f.is_wide, sums);
  if (!status && c->need[0]) {
    for (int64_t j = 0; j < 2 * channels && f.is_wide; j++)
      sums[j] *= c->arg[TRAINING].i ? 1 / (double)n : 0;
    s.f = &f, s.mean_dy = sums, s.mean_dev = sums + channels;
    dx = br_tensor_like(rows, x->dtype);
    if (dx) input_grad(dy, rows, &s, relu, dx);
    status = br_dx_take(c, 0, dx ? br_reshaped(dx, x->ndim, x->shape) : NULL);
  }
  br_release(rows);
  br_release(dy);
  br_release(dx);
  factors_free(&f);
  br_free(s.packed);
  br_free(sums);
  return status;
}

/* clang-format off */
const br_op br_norm_ops[] = {
    {.name = "batch_norm",
     .args = "x:t weight:t? bias:t? running_mean:t? running_var:t? training:b=false momentum:f=0.1[0,1] eps:f=1e-5(0,inf) activation:s?",
     .doc = "x (n,c,...) normalised for each channel: in training by the batch's statistics, which also update the running ones; otherwise by the running ones. With activation relu, max(y, 0)",
     .usage = "F.batch_norm(images, {training = true})",
     .infer = norm_infer, .forward = norm_forward, .backward = norm_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(WEIGHT) | BR_KEEP_IN(BIAS), .finish = norm_finish},
    {0},
};
/* clang-format on */
