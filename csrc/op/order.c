/* Operators on the order of the values along a dimension: sort, topk, median.

   Values are compared as int64 keys that keep their order: exact for every type, with NaN
   above all. Equal values stay in the order they had. */
#include "op/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"

enum {
  GRAIN = 16384, /* a second thread pays from this many elements on */
  RUN = 32768,   /* entries that are sorted at once, and steps between looks at a stop */
  FEW = 8        /* up to 1 / FEW of a lane is found by a heap */
};

typedef struct entry {
  int64_t key, at;
} entry;

static int by_rising(const void *a, const void *b) {
  const entry *p = a, *q = b;
  if (p->key != q->key) return p->key < q->key ? -1 : 1;
  return p->at < q->at ? -1 : p->at > q->at;
}

static int by_falling(const void *a, const void *b) {
  const entry *p = a, *q = b;
  if (p->key != q->key) return p->key > q->key ? -1 : 1;
  return p->at < q->at ? -1 : p->at > q->at;
}

/* Doubles sort as their bits do, once the bits of negative ones are inverted. */
static int64_t key_of(double x) {
  int64_t bits;
  if (isnan(x)) return INT64_MAX;
  x += 0.0; /* -0 is 0 */
  memcpy(&bits, &x, sizeof bits);
  return bits < 0 ? (int64_t)(~(uint64_t)bits | 1ull << 63) : bits;
}

/* ---- lanes ---- */

/* state[0]: the mask of the lanes' dimensions; state[1]: how many values of each lane
   to keep. */
unsigned br_walk_mask(const br_call *c) { return (unsigned)c->state[0]; }

static int64_t lane_length(const br_call *c) {
  int64_t n = 1;
  for (int d = 0; d < c->in[0]->ndim; d++)
    if (br_walk_mask(c) & 1u << d) n *= c->in[0]->shape[d];
  return n;
}

bool br_walk_make(const br_call *c, br_tensor *x, unsigned mask, br_walk *l) {
  bool single = (mask & (mask - 1)) == 0;
  *l = (br_walk){.x = single ? br_retain(x) : br_contiguous(x),
                 .count = 1,
                 .n = lane_length(c),
                 .step = 1};
  if (!l->x) return false;
  for (int d = 0; d < x->ndim; d++) {
    if (mask & 1u << d) {
      if (single) l->step = x->stride[d];
      continue;
    }
    l->shape[l->ndim] = x->shape[d];
    l->stride[l->ndim++] = l->x->stride[d];
    l->count *= x->shape[d];
  }
  return true;
}

int64_t br_walk_start(const br_walk *l, int64_t r) {
  int64_t at = 0;
  for (int d = l->ndim - 1; d >= 0; d--) {
    at += r % l->shape[d] * l->stride[d];
    r /= l->shape[d];
  }
  return at;
}

/* Element i as a key. */
int64_t br_order_key(const br_tensor *t, int64_t i) {
  switch (t->dtype) {
  case BR_F32:
  case BR_F64: return key_of(br_get_double(t, i));
  case BR_I64: return ((const int64_t *)(const void *)t->data)[i];
  default: return (int64_t)br_get_double(t, i);
  }
}

/* A result's lanes: `kept` elements `step` apart. The lanes of values and of places
   have the same layout. */
static br_walk result_lanes(const br_call *c, br_tensor *out) {
  br_walk l = {.x = out, .count = 1, .n = (int64_t)c->state[1]};
  bool whole = out->ndim == c->in[0]->ndim;
  for (int d = 0, o = 0; d < c->in[0]->ndim; d++) {
    if (br_walk_mask(c) & 1u << d) {
      if (whole) l.step = out->stride[o++];
      continue;
    }
    l.shape[l.ndim] = out->shape[o];
    l.stride[l.ndim++] = out->stride[o++];
  }
  return l;
}

/* Resolves one dimension. A tensor without dimensions is taken whole. */
br_status br_one_dim(br_call *c, const br_arg *arg, int *dim) {
  br_tensor *x = c->in[0];
  *dim = 0;
  c->state[0] = 1;
  if (x->ndim == 0 && (arg->i == 0 || arg->i == -1)) return BR_OK;
  br_status status = br_dim(c, arg, x->ndim, dim);
  c->state[0] = 1u << *dim;
  return status;
}

/* ---- the order of a lane ---- */

/* The work to be done on each lane. */
typedef struct job {
  br_call *c;
  br_walk from, to;
  bool falling, middle, real;
} job;

/* Writes out result i of a lane: element `at` of lane r. */
static void hand_out(const job *j, int64_t from, int64_t to, int64_t i, int64_t at) {
  const br_tensor *x = j->from.x;
  size_t size = (size_t)br_dtype_size(x->dtype);
  int64_t place = to + i * j->to.step;
  memcpy(j->c->out[0]->data + (size_t)place * size,
         x->data + (size_t)(from + at * j->from.step) * size, size);
  if (j->c->nout > 1) ((int64_t *)(void *)j->c->out[1]->data)[place] = at + 1;
}

typedef int order_of(const void *a, const void *b);

/* Merges sorted entries a and b into `to`, unless it is stopped. */
static void merge(const entry *a, int64_t na, const entry *b, int64_t nb, entry *to,
                  order_of *order) {
  for (int64_t i = 0, k = 0; i + k < na + nb;) {
    if ((i + k) % RUN == 0 && br_stopped()) return;
    const bool left = k == nb || (i < na && order(a + i, b + k) <= 0);
    *to++ = left ? a[i++] : b[k++];
  }
}

/* Sorts n entries, which have room for n more behind them if there are more than RUN.
   Returns where they are then; if the work is stopped, they are undefined. */
static entry *sorted(entry *e, int64_t n, order_of *order) {
  entry *from = e, *to = e + n;
  for (int64_t at = 0; at < n && !br_stopped(); at += RUN)
    qsort(e + at, (size_t)(n - at < RUN ? n - at : RUN), sizeof *e, order);
  for (int64_t run = RUN; run < n; run *= 2) {
    for (int64_t at = 0; at < n; at += 2 * run) {
      const int64_t rest = n - at, na = rest < run ? rest : run;
      const int64_t nb = rest - na < run ? rest - na : run;
      merge(from + at, na, from + at + na, nb, to + at, order);
    }
    entry *was = from;
    from = to;
    to = was;
  }
  return from;
}

static void sort_lane(const job *j, int64_t r, entry *e) {
  int64_t n = j->from.n, from = br_walk_start(&j->from, r), to = br_walk_start(&j->to, r);
  for (int64_t i = 0; i < n && !br_stopped(); i++)
    e[i] = (entry){.key = br_order_key(j->from.x, from + i * j->from.step), .at = i};
  e = sorted(e, n, j->falling ? by_falling : by_rising);
  if (br_stopped()) return;
  if (j->middle) { /* any NaN is the median */
    bool nan = j->real && e[n - 1].key == INT64_MAX;
    hand_out(j, from, to, 0, e[nan ? n - 1 : (n - 1) / 2].at);
    return;
  }
  for (int64_t i = 0; i < j->to.n && !br_stopped(); i++)
    hand_out(j, from, to, i, e[i].at);
}

/* Restores a heap of a lane's first few entries. Its root is the last of them in
   order. */
static void sink(entry *e, int64_t n, order_of *order) {
  for (int64_t at = 0, next; (next = 2 * at + 1) < n; at = next) {
    if (next + 1 < n && order(&e[next + 1], &e[next]) > 0) next++;
    if (order(&e[next], &e[at]) <= 0) return;
    entry moved = e[at];
    e[at] = e[next];
    e[next] = moved;
  }
}

static void first_of_lane(const job *j, int64_t r, entry *e) {
  int64_t from = br_walk_start(&j->from, r), to = br_walk_start(&j->to, r),
          kept = j->to.n;
  order_of *order = j->falling ? by_falling : by_rising;
  for (int64_t i = 0; i < j->from.n; i++) {
    if (i % RUN == 0 && br_stopped()) return;
    entry next = {.key = br_order_key(j->from.x, from + i * j->from.step), .at = i};
    if (i < kept) {
      e[i] = next;
      if (i == kept - 1) { /* the sorted entries, reversed, are such a heap */
        entry *first = sorted(e, kept, order);
        if (first != e) memcpy(e, first, (size_t)kept * sizeof *e);
        for (int64_t a = 0, b = kept - 1; a < b; a++, b--) {
          entry moved = e[a];
          e[a] = e[b];
          e[b] = moved;
        }
      }
    } else if (order(&next, e) < 0) {
      e[0] = next;
      sink(e, kept, order);
    }
  }
  e = sorted(e, kept, order);
  for (int64_t i = 0; i < kept && !br_stopped(); i++) hand_out(j, from, to, i, e[i].at);
}

enum { DIGIT = 16, DIGITS = 1 << DIGIT };

/* Finds the element of the given rank in a long lane without storing its entries. It
   counts, digit by digit of the keys, how many are below. Equal elements keep their
   order. */
static int64_t select_place(const job *j, int64_t from, int64_t rank, int64_t *count) {
  uint64_t prefix = 0;
  for (int shift = 64 - DIGIT; shift >= 0; shift -= DIGIT) {
    memset(count, 0, DIGITS * sizeof *count);
    for (int64_t i = 0; i < j->from.n; i++) {
      if (i % RUN == 0 && br_stopped()) return 0;
      uint64_t key = (uint64_t)br_order_key(j->from.x, from + i * j->from.step) ^
                     1ull << 63;
      if (shift == 64 - DIGIT || key >> (shift + DIGIT) == prefix)
        count[key >> shift & (DIGITS - 1)]++;
    }
    uint64_t digit = 0;
    while (rank >= count[digit]) rank -= count[digit++];
    prefix = prefix << DIGIT | digit;
  }
  for (int64_t i = 0;; i++) {
    if (i % RUN == 0 && br_stopped()) return 0;
    uint64_t key = (uint64_t)br_order_key(j->from.x, from + i * j->from.step) ^ 1ull
                                                                                    << 63;
    if (key == prefix && rank-- == 0) return i;
  }
}

/* The place of the last NaN, or -1. */
static int64_t nan_place(const job *j, int64_t from) {
  for (int64_t i = j->from.n - 1; j->real && i >= 0 && !br_stopped(); i--)
    if (br_order_key(j->from.x, from + i * j->from.step) == INT64_MAX) return i;
  return -1;
}

static void middle_of_long(const job *j, int64_t r, int64_t *count) {
  int64_t from = br_walk_start(&j->from, r), at = nan_place(j, from);
  if (at < 0) at = select_place(j, from, (j->from.n - 1) / 2, count);
  hand_out(j, from, br_walk_start(&j->to, r), 0, at);
}

/* Sorts lanes. Each thread has memory for the entries of a lane, or for the counts if
   they take less. */
static br_status order_lanes(br_call *c, bool falling, bool middle) {
  job j = {.c = c,
           .to = result_lanes(c, c->out[0]),
           .falling = falling,
           .middle = middle,
           .real = br_dtype_is_float(c->in[0]->dtype)};
  if (!br_walk_make(c, c->in[0], br_walk_mask(c), &j.from)) return BR_ENOMEM;
  int64_t n = j.from.n, count = j.from.count;
  bool counted = middle && n > DIGITS, few = !middle && j.to.n <= n / FEW;
  int64_t kept = few ? j.to.n : n;
  size_t bytes = counted ? DIGITS * sizeof(int64_t)
                         : (size_t)(kept > RUN ? 2 * kept : kept) * sizeof(entry);
  int threads = c->in[0]->numel > GRAIN && count > 1 ? br_threads() : 1;
  char *room = br_alloc((size_t)threads * bytes + 1);
  if (room) {
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t r = 0; r < count; r++) {
      if (br_stopped()) continue;
      void *own = room + (size_t)br_thread_index() * bytes;
      if (counted)
        middle_of_long(&j, r, own);
      else if (few)
        first_of_lane(&j, r, own);
      else
        sort_lane(&j, r, own);
    }
  }
  br_free(room);
  br_release(j.from.x);
  return room ? BR_OK : BR_ENOMEM;
}

/* dy goes to the chosen values. Each value is chosen at most once. */
static br_status order_backward(br_call *c) {
  if (!c->need[0] || !c->dy[0]) return BR_OK;
  if (c->nout < 2) return br_share_backward(c); /* the median of all */
  const br_tensor *x = c->in[0], *where = c->out[1];
  br_tensor *dy = br_contiguous(c->dy[0]);
  br_tensor *dx = br_tensor_zeros(c->dy[0]->dtype, x->ndim, x->shape, BR_CONTIGUOUS);
  br_status status = br_dx_take(c, 0, dx);
  br_walk to = {0};
  if (!dy || (!status && !br_walk_make(c, dx, br_walk_mask(c), &to))) status = BR_ENOMEM;
  if (!status) {
    br_walk from = result_lanes(c, dy);
    size_t size = (size_t)br_dtype_size(dy->dtype);
    const int64_t *at = (const int64_t *)(const void *)where->data;
    for (int64_t r = 0; r < to.count; r++) {
      int64_t first = br_walk_start(&from, r), base = br_walk_start(&to, r);
      for (int64_t i = 0; i < from.n && !br_stopped(); i++) {
        int64_t place = first + i * from.step;
        int64_t chosen = at[place] - 1;
        memcpy(dx->data + (size_t)(base + chosen * to.step) * size,
               dy->data + (size_t)place * size, size);
      }
    }
  }
  br_release(dy);
  br_release(to.x);
  return status;
}

/* ---- sort and topk ---- */

static br_status two_outputs(br_call *c, int ndim, const int64_t *shape) {
  br_status status = br_out(c, 0, c->in[0]->dtype, ndim, shape, BR_CONTIGUOUS);
  return status ? status : br_out(c, 1, BR_I64, ndim, shape, BR_CONTIGUOUS);
}

static br_status sort_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim;
  br_status status = br_one_dim(c, &c->arg[0], &dim);
  if (status) return status;
  c->state[1] = (uint64_t)lane_length(c);
  return two_outputs(c, x->ndim, x->shape);
}

static br_status sort_forward(br_call *c) { return order_lanes(c, c->arg[1].i, false); }

/* arg: k, dim, largest */
static br_status topk_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int dim;
  int64_t shape[BR_MAX_DIM], k = c->arg[0].i;
  br_status status = br_one_dim(c, &c->arg[1], &dim);
  if (status) return status;
  if (k < 0 || k > lane_length(c))
    return br_bad(c, "k must be from 0 to the %lld of dimension %d of %s, not %lld",
                  (long long)lane_length(c), dim + 1, br_shape_of(x), (long long)k);
  memcpy(shape, x->shape, sizeof shape);
  if (x->ndim > 0) shape[dim] = k;
  c->state[1] = (uint64_t)k;
  return two_outputs(c, x->ndim, shape);
}

static br_status topk_forward(br_call *c) { return order_lanes(c, c->arg[2].i, false); }

/* ---- median ---- */

/* arg: dim, keepdim. Without a dimension it takes the median of all values and returns no
   place. */
static br_status median_infer(br_call *c) {
  const br_tensor *x = c->in[0];
  int64_t shape[BR_MAX_DIM];
  int n = 0, dim;
  bool single = c->arg[0].given;
  br_status status = BR_OK;
  if (single)
    status = br_one_dim(c, &c->arg[0], &dim);
  else
    c->state[0] = (1u << x->ndim) - 1;
  if (status) return status;
  if (lane_length(c) == 0)
    return br_bad(
        c,
        "there is nothing to choose from: the shape %s has a dimension without elements",
        br_shape_of(x));
  for (int d = 0; d < x->ndim; d++) {
    if (!(br_walk_mask(c) & 1u << d))
      shape[n++] = x->shape[d];
    else if (c->arg[1].i)
      shape[n++] = 1;
  }
  c->state[1] = 1;
  if (single) return two_outputs(c, n, shape);
  c->keep = BR_KEEP_IN(0) |
            BR_KEEP_OUT(0); /* to find the equals that share the gradient */
  return br_out(c, 0, x->dtype, n, shape, BR_CONTIGUOUS);
}

static br_status median_forward(br_call *c) { return order_lanes(c, false, true); }

/* clang-format off */
const br_op br_order_ops[] = {
    {.name = "sort", .args = "x:t dim:d=-1 descending:b=false",
     .doc = "sorts x (..., n, ...) along a dimension, smallest first -> values and indices (..., n, ...); equal values keep their order",
     .usage = "local sorted, indices = x:sort(2, {descending = true})",
     .infer = sort_infer, .forward = sort_forward, .backward = order_backward,
     .keep = BR_KEEP_OUT(1), .results = 2},
    {.name = "topk", .args = "x:t k:i dim:d=-1 largest:b=true",
     .doc = "the k largest (or smallest) values along a dimension, in order, x (..., n, ...) -> values and indices (..., k, ...)",
     .usage = "local values, indices = x:topk(2)",
     .infer = topk_infer, .forward = topk_forward, .backward = order_backward,
     .keep = BR_KEEP_OUT(1), .results = 2},
    {.name = "median", .args = "x:t dim:d? keepdim:b=false",
     .doc = "the lower median of all values, or along a dimension with its indices, x (..., n, ...) -> (..., ...)",
     .usage = "x:median()",
     .infer = median_infer, .forward = median_forward, .backward = order_backward,
     .keep = BR_KEEP_OUT(1), .results = 2},
    {0},
};
/* clang-format on */
