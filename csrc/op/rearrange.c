/* Rearrangements: flip, roll, repeat_ and pad. Every index of a result's dimension
   shows one index of the same dimension of x, or nothing. Only this rule differs
   between the operators. A dimension consists of runs, which are copied or added whole.
   No memory but the result is used. */
#include "op/op.h"

#include <string.h>

#include "base/threads.h"

enum {
  GRAIN = 16384, /* elements that more than one thread is worth */
  LONG = 64      /* memcpy pays from this many bytes on */
};

typedef enum mode { CONSTANT, REFLECT, REPLICATE, CIRCULAR, FLIP, MODES = FLIP } mode;

/* The rule of a dimension. Index i of the result shows index first + (i - before) of x,
   if that is among the n indices from `first` on. If not, the mode decides. */
typedef struct rule {
  mode mode;
  int64_t first, before, n;
} rule;

typedef rule rules[BR_MAX_DIM];

/* Checks the arguments and gives each dimension its size and rule. */
typedef br_status find_rules(br_call *c, int64_t *shape, rule *r);

/* n indices of x from `from` on, `step` (1, -1 or 0) apart. If `from` is negative, the
   run shows nothing. */
typedef struct run {
  int64_t from, step, len;
} run;

static run run_of(int64_t from, int64_t step, int64_t len) {
  return (run){from, step, len};
}

/* The run that begins at index i of the result. Its end may lie beyond the result's
   end. */
static run run_at(const rule *r, int64_t i) {
  int64_t at = i - r->before, n = r->n, past = at - n;
  if (r->mode == FLIP) return run_of(r->first + n - 1 - at, -1, n - at);
  if (at >= 0 && at < n)
    return n == 1 && r->mode == CIRCULAR ? run_of(r->first, 0, BR_MANY)
                                         : run_of(r->first + at, 1, n - at);
  int64_t rest = at < 0 ? -at : BR_MANY; /* how many are left before x begins, or all */
  switch (r->mode) {
  case REFLECT: return run_of(r->first + (at < 0 ? -at : n - 2 - past), -1, rest);
  case REPLICATE: return run_of(r->first + (at < 0 ? 0 : n - 1), 0, rest);
  case CIRCULAR: {
    int64_t turned = (at % n + n) % n;
    return n == 1 ? run_of(r->first, 0, BR_MANY)
                  : run_of(r->first + turned, 1, n - turned);
  }
  default: return run_of(-1, 0, rest);
  }
}

static int64_t source_of(const rule *r, int64_t i) {
  int64_t at = i - r->before;
  return at >= 0 && at < r->n && r->mode != FLIP ? r->first + at : run_at(r, i).from;
}

/* The dimensions of the result in memory order. The innermost ones that are shown
   unchanged, and are contiguous in x too, form a block. Rows run along the dimension
   around them. */
typedef struct walk {
  int rows_ndim, order[BR_MAX_DIM];
  int64_t rows, inner; /* blocks of a row */
  int64_t step;        /* step between blocks in x */
  int64_t block, size; /* elements of a block; bytes of an element */
  const rule *rule;    /* by dimension */
} walk;

static bool is_plain(const rule *r, int64_t size) {
  return r->mode == CONSTANT && r->before == 0 && r->n == size;
}

static walk walk_of(const br_tensor *y, const br_tensor *x, const rule *r) {
  walk w = {.rows_ndim = y->ndim - 1, .block = 1, .size = br_dtype_size(y->dtype)};
  br_memory_order(y, ~0u, w.order);
  w.rule = r;
  for (; w.rows_ndim > 0; w.rows_ndim--) {
    int d = w.order[w.rows_ndim], up = w.order[w.rows_ndim - 1];
    int64_t next = w.block * y->shape[d];
    bool runs = x->stride[d] == w.block || y->shape[d] == 1;
    if (!is_plain(&r[d], y->shape[d]) || !runs || next < 1 || x->stride[up] % next != 0)
      break;
    w.block = next;
  }
  int last = w.order[w.rows_ndim];
  w.inner = y->shape[last];
  w.step = x->stride[last];
  w.rows = w.inner > 0 ? y->numel / w.block / w.inner : 0;
  return w;
}

static const rule *row_rule(const walk *w) { return &w->rule[w->order[w->rows_ndim]]; }

/* Where row `row` begins in x; -1 if it shows nothing. */
static int64_t row_start(const walk *w, const br_tensor *y, const br_tensor *x,
                         int64_t row) {
  int64_t start = 0;
  for (int i = w->rows_ndim - 1; i >= 0; i--) {
    int d = w->order[i];
    int64_t at = source_of(&w->rule[d], row % y->shape[d]);
    if (at < 0) return -1;
    start += at * x->stride[d];
    row /= y->shape[d];
  }
  return start;
}

/* ---- forward ---- */

/* Copies n elements that are `step` apart in x. With a size known to the compiler, each
   memcpy becomes a single move. */
static void copy_run(int64_t n, int64_t size, int64_t step, const char *x, char *y) {
  if (step == 1 && n * size >= LONG) {
    memcpy(y, x, (size_t)(n * size));
  } else if (size == 4) {
    for (int64_t j = 0; j < n; j++) memcpy(y + 4 * j, x + 4 * j * step, 4);
  } else if (size == 8) {
    for (int64_t j = 0; j < n; j++) memcpy(y + 8 * j, x + 8 * j * step, 8);
  } else {
    for (int64_t j = 0; j < n; j++) y[j] = x[j * step];
  }
}

/* Copies n blocks. */
static void copy_blocks(const walk *w, int64_t n, int64_t step, const char *x, char *y) {
  if (w->block == 1 || step == w->block) {
    copy_run(n * w->block, w->size, w->block == 1 ? step : 1, x, y);
    return;
  }
  for (int64_t j = 0; j < n; j++)
    copy_run(w->block, w->size, 1, x + j * step * w->size, y + j * w->block * w->size);
}

/* Fills elements at .. end of a row by repeating the elements one or more periods
   earlier. */
static void copy_periods(char *row, int64_t size, int64_t at, int64_t end) {
  for (int64_t n; at < end; at += n) {
    n = at < end - at ? at : end - at;
    copy_run(n, size, 1, row, row + at * size);
  }
}

/* Fills a row of the result. */
static void show_row(const walk *w, const char *x, const char *none, char *y) {
  const rule *r = row_rule(w);
  bool turns = r->mode == CIRCULAR && r->n > 1;
  int64_t n = w->inner, bytes = w->block * w->size;
  for (int64_t i = 0; i < n;) {
    if (turns && i >= r->n) {
      copy_periods(y, w->size, r->n * w->block, n * w->block);
      return;
    }
    run a = run_at(r, i);
    if (a.len > n - i) a.len = n - i;
    if (a.from < 0)
      copy_run(a.len * w->block, w->size, 0, none, y + i * bytes);
    else
      copy_blocks(w, a.len, a.step * w->step, x + a.from * w->step * w->size,
                  y + i * bytes);
    i += a.len;
  }
}

static br_status infer(br_call *c, find_rules *find) {
  const br_tensor *x = c->in[0];
  int64_t shape[BR_MAX_DIM], numel;
  rules r;
  br_status status = find(c, shape, r);
  if (status) return status;
  if (!br_count(x->ndim, shape, &numel))
    return br_bad(c, "the shape %s is too large", br_shape_text(x->ndim, shape));
  br_format format = br_is_channels_last(x) && !br_is_contiguous(x) ? BR_CHANNELS_LAST
                                                                    : BR_CONTIGUOUS;
  return br_out(c, 0, x->dtype, x->ndim, shape, format);
}

static br_status show(br_call *c, find_rules *find, const br_arg *value) {
  br_tensor *x = c->in[0], *y = c->out[0];
  int64_t size = br_dtype_size(x->dtype), shape[BR_MAX_DIM];
  rules r;
  if (y->numel == 0) return BR_OK;
  if (y->ndim == 0) return br_copy(y, x);
  br_status status = find(c, shape, r);
  br_tensor *none = br_tensor_new(x->dtype, 0, NULL, BR_CONTIGUOUS);
  if (!status) status = none ? br_fill(none, value) : BR_ENOMEM;
  if (status) {
    br_release(none);
    return status;
  }
  walk w = walk_of(y, x, r);
  int64_t row_size = w.inner * w.block;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (y->numel > GRAIN)
  for (int64_t row = 0; row < w.rows; row++) {
    if (br_stopped()) continue;
    int64_t start = row_start(&w, y, x, row);
    char *to = y->data + row * row_size * size;
    if (start >= 0)
      show_row(&w, x->data + start * size, none->data, to);
    else
      copy_run(row_size, size, 0, none->data, to);
  }
  br_release(none);
  return BR_OK;
}

/* ---- backward ---- */

static void add_run(br_dtype dtype, int64_t n, int64_t step, const char *dy, char *dx) {
  if (dtype == BR_F32) {
    const float *from = (const float *)(const void *)dy;
    float *to = (float *)(void *)dx;
    for (int64_t j = 0; j < n; j++) to[j * step] += from[j];
  } else {
    const double *from = (const double *)(const void *)dy;
    double *to = (double *)(void *)dx;
    for (int64_t j = 0; j < n; j++) to[j * step] += from[j];
  }
}

/* The inverse of show_row: adds a row of dy to dx. */
static void add_row(const walk *w, br_dtype dtype, const char *dy, char *dx) {
  const rule *r = row_rule(w);
  int64_t n = w->inner, bytes = w->block * w->size;
  for (int64_t i = 0; i < n;) {
    run a = run_at(r, i);
    if (a.len > n - i) a.len = n - i;
    const char *from = dy + i * bytes;
    char *to = dx + a.from * w->step * w->size;
    int64_t step = a.step * w->step;
    i += a.len;
    if (a.from < 0) continue;
    if (w->block == 1 || step == w->block) {
      add_run(dtype, a.len * w->block, w->block == 1 ? step : 1, from, to);
      continue;
    }
    for (int64_t j = 0; j < a.len; j++)
      add_run(dtype, w->block, 1, from + j * bytes, to + j * step * w->size);
  }
}

/* An element that appears several times gets the sum of its gradients, in the order of
   dy. So one thread does it. */
static br_status gather(br_call *c, find_rules *find) {
  if (!c->need[0]) return BR_OK;
  const br_tensor *x = c->in[0];
  int64_t shape[BR_MAX_DIM];
  rules r;
  if (x->ndim == 0) return br_dx_take(c, 0, br_retain(c->dy[0]));
  br_tensor *dy = br_contiguous(c->dy[0]);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  if (!status) status = find(c, shape, r);
  if (!status && dy && dy->numel > 0) {
    walk w = walk_of(dy, dx, r);
    for (int64_t row = 0; row < w.rows; row++) {
      int64_t start = row_start(&w, dy, dx, row);
      if (start >= 0)
        add_row(&w, dy->dtype, dy->data + row * w.inner * w.block * w.size,
                dx->data + start * w.size);
    }
  }
  br_release(dy);
  return dy ? status : BR_ENOMEM;
}

/* ---- the rules ---- */

static br_status flip_rules(br_call *c, int64_t *shape, rule *r) {
  const br_tensor *x = c->in[0];
  unsigned mask;
  br_status status = br_dims(c, &c->arg[0], x->ndim, &mask);
  if (status) return status;
  if (c->arg[0].n == 0) mask = 0;
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d];
    r[d] = (rule){.mode = mask & 1u << d ? FLIP : CONSTANT, .n = shape[d]};
  }
  return BR_OK;
}

static br_status flip_infer(br_call *c) { return infer(c, flip_rules); }
static br_status flip_forward(br_call *c) { return show(c, flip_rules, &(br_arg){0}); }
static br_status flip_backward(br_call *c) { return gather(c, flip_rules); }

/* roll without dims works on flat x: see roll in Lua. */
static br_status roll_rules(br_call *c, int64_t *shape, rule *r) {
  const br_tensor *x = c->in[0];
  const br_arg *shifts = &c->arg[0], *dims = &c->arg[1];
  if (dims->n != shifts->n)
    return br_bad(c, "shifts has %d entries and dims %d; they go in pairs", shifts->n,
                  dims->n);
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d];
    r[d] = (rule){.mode = CIRCULAR, .n = shape[d]};
  }
  for (int i = 0; i < dims->n; i++) {
    int d = 0;
    br_arg one = {.i = dims->v[i]};
    br_status status = br_dim(c, &one, x->ndim, &d);
    if (status) return status;
    int64_t n = shape[d];
    if (n > 0) r[d].before = ((r[d].before + shifts->v[i] % n) % n + n) % n;
  }
  return BR_OK;
}

static br_status roll_infer(br_call *c) { return infer(c, roll_rules); }
static br_status roll_forward(br_call *c) { return show(c, roll_rules, &(br_arg){0}); }
static br_status roll_backward(br_call *c) { return gather(c, roll_rules); }

/* The numbers of times are as many as the dimensions. repeat_ in Lua adds the
   dimensions that x lacks. */
static br_status repeat_rules(br_call *c, int64_t *shape, rule *r) {
  const br_tensor *x = c->in[0];
  const br_arg *times = &c->arg[0];
  if (times->n != x->ndim)
    return br_bad(c, "%s has %d dimensions, times names %d", br_shape_of(x), x->ndim,
                  times->n);
  for (int d = 0; d < x->ndim; d++) {
    if (times->v[d] < 0)
      return br_bad(c, "times must not be negative, not %s", br_arg_text(times));
    shape[d] = br_size_mul(x->shape[d], times->v[d]);
    if (shape[d] == BR_MANY)
      return br_bad(c, "times %s is too large for %s", br_arg_text(times),
                    br_shape_of(x));
    r[d] = (rule){.mode = CIRCULAR, .n = x->shape[d]};
  }
  return BR_OK;
}

static br_status repeat_infer(br_call *c) { return infer(c, repeat_rules); }
static br_status repeat_forward(br_call *c) {
  return show(c, repeat_rules, &(br_arg){0});
}
static br_status repeat_backward(br_call *c) { return gather(c, repeat_rules); }

/* ---- padding ---- */

enum { PAD, MODE, VALUE };

static br_status pad_mode(br_call *c, mode *m) {
  static const char *const names[] = {"constant", "reflect", "replicate", "circular"};
  for (*m = CONSTANT; *m < MODES; ++*m)
    if (strcmp(names[*m], c->arg[MODE].s) == 0) return BR_OK;
  return br_bad(c,
                "mode must be \"constant\", \"reflect\", \"replicate\" or "
                "\"circular\", not \"%s\"",
                c->arg[MODE].s);
}

/* The largest padding of a side, as far as x has values for it. */
static int64_t most_padding(mode m, int64_t n) {
  return m == REFLECT ? n - 1 : m == CIRCULAR ? n : n > 0 || m == CONSTANT ? BR_MANY : 0;
}

/* If one side is cut and the other padded, the cut comes first, as in PyTorch. The
   order makes no difference for constants. */
static br_status pad_rule(br_call *c, mode m, int d, const int64_t pad[2], int64_t *size,
                          rule *r) {
  const int64_t n = c->in[0]->shape[d], before = pad[0], after = pad[1];
  int64_t most = before > after ? before : after;
  int64_t least = m == CONSTANT ? -(BR_MANY / 4) : -n;
  *r = (rule){.mode = m, .before = before, .n = n};
  *size = before < least || after < least ? -1
                                          : br_size_add(br_size_add(n, before), after);
  if (*size < 0 || *size == BR_MANY)
    return br_bad(c, "dimension %d of %s cannot change by %lld and %lld", d + 1,
                  br_shape_of(c->in[0]), (long long)before, (long long)after);
  if (m != CONSTANT) {
    r->first = before < 0 ? -before : 0;
    r->before = before > 0 ? before : 0;
    r->n = n - r->first - (after < 0 ? -after : 0);
  }
  if (most <= 0 || most <= most_padding(m, r->n)) return BR_OK;
  return br_bad(c,
                "dimension %d of %s has too few elements for %lld more%s (mode \"%s\")",
                d + 1, br_shape_of(c->in[0]), (long long)most,
                before < 0 || after < 0 ? " after cropping" : "", c->arg[MODE].s);
}

/* pad: before and after of the last dimension, then of the one before it, ... */
static br_status pad_rules(br_call *c, int64_t *shape, rule *r) {
  const br_tensor *x = c->in[0];
  const br_arg *pad = &c->arg[PAD];
  mode m = CONSTANT;
  br_status status = pad_mode(c, &m);
  if (status) return status;
  const char *wrong = br_misfit(x->dtype, &c->arg[VALUE]);
  if (wrong && m == CONSTANT) return br_bad(c, "value: %s", wrong);
  if (pad->n % 2 || pad->n > 2 * x->ndim)
    return br_bad(c,
                  "pad must hold {before, after} of the last dimension, then of others; "
                  "%d entries do not suit the shape %s",
                  pad->n, br_shape_of(x));
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d];
    r[d] = (rule){.mode = CONSTANT, .n = shape[d]};
  }
  for (int i = 0; i < pad->n / 2 && !status; i++) {
    int d = x->ndim - 1 - i;
    status = pad_rule(c, m, d, &pad->v[2 * i], &shape[d], &r[d]);
  }
  return status;
}

static br_status pad_infer(br_call *c) { return infer(c, pad_rules); }
static br_status pad_forward(br_call *c) { return show(c, pad_rules, &c->arg[VALUE]); }
static br_status pad_backward(br_call *c) { return gather(c, pad_rules); }

/* clang-format off */
const br_op br_rearrange_ops[] = {
    {.name = "flip", .args = "x:t dims:D",
     .doc = "x (...) with the order of the elements reversed along the named dimensions -> (...)",
     .usage = "images:flip(4)",
     .infer = flip_infer, .forward = flip_forward, .backward = flip_backward},
    {.name = "roll", .args = "x:t shifts:I dims:D",
     .doc = "x (...) with its elements moved along dimensions; those moved past the end come in at the beginning -> (...)",
     .usage = "x:roll(1, 2)",
     .infer = roll_infer, .forward = roll_forward, .backward = roll_backward},
    {.name = "repeat_", .args = "x:t times:I",
     .doc = "x (s1, s2, ...) repeated n1, n2, ... times along its dimensions -> (n1 s1, n2 s2, ...)",
     .usage = "x:repeat_(2, 1)",
     .infer = repeat_infer, .forward = repeat_forward, .backward = repeat_backward},
    {.name = "pad", .args = "x:t pad:I mode:s=constant value:v=0",
     .doc = "x (..., n) with elements added before and after, from the last dimension on -> (..., before + n + after); negative numbers remove elements",
     .usage = "x:pad({1, 1}, {value = 9})   images:pad({2, 2, 2, 2}, {mode = \"reflect\"})",
     .infer = pad_infer, .forward = pad_forward, .backward = pad_backward},
    {0},
};
/* clang-format on */
