/* The size and spread of lanes of values: norms, the logarithm of a sum of exponentials,
   variance and standard deviation.

   A lane is gone through in one or two passes, in blocks whose bounds depend on the shape
   alone and whose sums are combined in order, so that the thread count changes no bit.
   Sums are in double. Where the squares of float64 leave its range, the lane is measured
   once more in a wider type. */
#include "op/op.h"

#include <math.h>

#include "base/threads.h"

enum { GRAIN = 16384 };
enum { DENSE = 16384, SIDE_BY_SIDE = 256, APART = 2048 }; /* values of a block */
enum { MANY = 64 };                                       /* lanes of a unit, at most */
enum { NORM_P, NORM_DIM, NORM_KEEP };
enum { LSE_DIM, LSE_KEEP };
enum { VAR_DIM, VAR_KEEP, UNBIASED };

typedef struct job job;

/* The results of a pass over a block: its own, and a second sum. */
typedef struct part {
  long double own, more;
} part;

/* The results of the passes over a lane: a is joined in the first, b in the second, and c
   adds up what the last one gave besides. */
typedef struct lane {
  long double a, b, c;
  bool wide;
} lane;

typedef enum join { ADD, MOST, LEAST } join;

/* How a lane is measured. */
typedef struct measure {
  int passes;
  join how[2];
  bool squares; /* which may leave the range of float64 */
  /* adds n values to what a block has given so far */
  void (*step)(const job *j, int pass, int64_t n, const void *x, const lane *l, part *to);
  double (*result)(const job *j, const lane *l);
  /* what the gradient wants of it, if that is not the result alone */
  void (*save)(const job *j, const lane *l, double *first, double *second);
} measure;

struct job {
  const measure *m;
  br_lanes_at at;
  const br_kernels *k;
  br_dtype dtype;
  double p;            /* of a norm */
  double divisor;      /* of a variance */
  const double *given; /* b of each lane, where one pass needs it, or NULL */
  int64_t block, blocks, together;
  /* where results go: into a tensor's data, and what is saved; may be left out */
  char *y;
  double *first, *second;
};

/* ---- the passes ---- */

static void job_open(br_call *c, job *j) {
  br_tensor *x = c->in[0];
  int order[BR_MAX_DIM], kept = br_kept_first(x, (unsigned)c->state[0], order);
  br_lanes_find(&j->at, x, x->ndim, order, kept);
  j->k = br_kernels_of(x->dtype);
  j->dtype = x->dtype;
  j->block = j->at.dense ? DENSE : j->at.side ? SIDE_BY_SIDE : APART;
  j->blocks = (j->at.length + j->block - 1) / j->block;
  if (j->blocks <= 1) {
    j->blocks = 1;
    j->block = j->at.length;
    j->together = j->at.dense ? MANY : BR_LANES_TOGETHER;
  } else {
    j->together = j->at.side ? BR_LANES_TOGETHER : 1;
  }
}

/* Bytes for the values of a unit, which is so many lanes of a block. */
static size_t room_of(const job *j) {
  return j->at.dense ? 1 : (size_t)(j->together * j->block * j->at.size);
}

static int64_t groups_of(const job *j) {
  return (j->at.lanes + j->together - 1) / j->together;
}

/* Unit u: its first lane and value, and how many of each. */
typedef struct unit {
  int64_t lane, lanes, from, n, block;
} unit;

static unit unit_of(const job *j, int64_t u) {
  unit at = {.lane = u / j->blocks * j->together, .block = u % j->blocks};
  at.from = at.block * j->block;
  at.lanes = j->at.lanes - at.lane < j->together ? j->at.lanes - at.lane : j->together;
  at.n = j->at.length - at.from < j->block ? j->at.length - at.from : j->block;
  return at;
}

static long double start_of(join how) {
  return how == ADD ? 0 : how == MOST ? -(long double)INFINITY : (long double)INFINITY;
}

static void join_part(join how, long double one, long double *all) {
  if (how == ADD)
    *all += one;
  else if (isnan(one) || (how == MOST ? one > *all : one < *all))
    *all = one;
}

static bool leaves_range(const job *j, const lane *l) {
  long double v = j->m->passes == 1 ? l->a : l->b;
  return j->m->squares && j->dtype == BR_F64 && !l->wide && !isnan(l->a) &&
         !(v > 1e-280L && v < 1e300L);
}

static void hand_out(const job *j, int64_t lane_at, const lane *l) {
  br_sum y = {.f = j->m->result(j, l)};
  if (j->y) j->k->put(1, &y, 1, j->y + lane_at * j->at.size);
  if (j->first) j->first[lane_at] = y.f;
  if (j->second) j->m->save(j, l, &j->first[lane_at], &j->second[lane_at]);
}

/* Lanes of a block at most, measured and handed out one by one. */
static void measure_short(const job *j, char *scratch, size_t apart, int threads) {
  int64_t groups = groups_of(j);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int64_t u = 0; u < groups; u++) {
    unit at = unit_of(j, u);
    const char *x = br_lanes_get(&j->at, at.lane, at.lanes, 0, j->at.length,
                                 scratch + (size_t)br_thread_index() * apart);
    for (int64_t i = 0; i < at.lanes; i++, x += j->at.length * j->at.size) {
      lane l = {.b = j->given ? (long double)j->given[at.lane + i] : 0};
      do {
        l.wide = l.wide || leaves_range(j, &l);
        for (int pass = 0; pass < j->m->passes; pass++) {
          part all = {.own = start_of(j->m->how[pass])};
          j->m->step(j, pass, j->at.length, x, &l, &all);
          *(pass ? &l.b : &l.a) = all.own;
          l.c = all.more;
        }
      } while (leaves_range(j, &l));
      hand_out(j, at.lane + i, &l);
    }
  }
}

static void pass_over_blocks(const job *j, int pass, const lane *l, part *parts,
                             char *scratch, size_t apart, int threads) {
  int64_t units = groups_of(j) * j->blocks;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int64_t u = 0; u < units; u++) {
    unit at = unit_of(j, u);
    const char *x = br_lanes_get(&j->at, at.lane, at.lanes, at.from, at.n,
                                 scratch + (size_t)br_thread_index() * apart);
    for (int64_t i = 0; i < at.lanes; i++) {
      part *to = &parts[(at.lane + i) * j->blocks + at.block];
      *to = (part){.own = start_of(j->m->how[pass])};
      j->m->step(j, pass, at.n, x + i * at.n * j->at.size, &l[at.lane + i], to);
    }
  }
}

/* Longer ones. */
static br_status measure_long(const job *j, char *scratch, size_t apart, int threads) {
  int64_t lanes = j->at.lanes;
  part *parts = br_alloc((size_t)(lanes * j->blocks) * sizeof *parts + 1);
  lane *l = br_alloc_zero((size_t)lanes * sizeof *l + 1);
  bool there = parts && l, again = there;
  for (int64_t i = 0; i < lanes && there && j->given; i++)
    l[i].b = (long double)j->given[i];
  while (again) {
    again = false;
    for (int pass = 0; pass < j->m->passes; pass++) {
      pass_over_blocks(j, pass, l, parts, scratch, apart, threads);
      for (int64_t i = 0; i < lanes; i++) {
        part all = {.own = start_of(j->m->how[pass])};
        for (int64_t b = 0; b < j->blocks; b++) {
          join_part(j->m->how[pass], parts[i * j->blocks + b].own, &all.own);
          all.more += parts[i * j->blocks + b].more;
        }
        *(pass ? &l[i].b : &l[i].a) = all.own;
        l[i].c = all.more;
      }
    }
    for (int64_t i = 0; i < lanes; i++)
      if (leaves_range(j, &l[i])) l[i].wide = again = true;
  }
  for (int64_t i = 0; i < lanes && there; i++) hand_out(j, i, &l[i]);
  br_free(parts);
  br_free(l);
  return there ? BR_OK : BR_ENOMEM;
}

static br_status measure_lanes(const job *j) {
  int threads = j->at.frame.numel > GRAIN ? br_threads() : 1;
  size_t apart;
  char *scratch = br_scratch_take(threads, room_of(j), &apart);
  br_status status = scratch ? BR_OK : BR_ENOMEM;
  if (!status && j->blocks == 1)
    measure_short(j, scratch, apart, threads);
  else if (!status)
    status = measure_long(j, scratch, apart, threads);
  br_scratch_give(scratch);
  return status;
}

/* A double for each lane, in the order of the result. */
static br_status saved_lanes(br_call *c, int i, int64_t lanes, double **to) {
  if (!c->recorded) return BR_OK;
  c->saved[i] = br_tensor_new(BR_F64, 1, &lanes, BR_CONTIGUOUS);
  if (!c->saved[i]) return BR_ENOMEM;
  *to = (double *)(void *)c->saved[i]->data;
  return BR_OK;
}

static const double *saved(const br_call *c, int i) {
  return (const double *)(const void *)c->saved[i]->data;
}

static br_status run(br_call *c, job *j) {
  job_open(c, j);
  j->y = c->out[0]->data;
  br_status status = saved_lanes(c, 0, j->at.lanes, &j->first);
  if (!status && j->m->save) status = saved_lanes(c, 1, j->at.lanes, &j->second);
  return status ? status : measure_lanes(j);
}

/* ---- gradients ---- */

/* dx of n values of a lane whose result y and, if there, `other` were saved. */
typedef void slope_fn(const job *j, int64_t n, const void *x, double y, double other,
                      double dy, void *dx);

/* The values of t, one for each lane, in the lanes' order. */
static br_status lanes_of(const br_call *c, br_tensor *t, br_lanes_at *at,
                          br_tensor **held) {
  const br_tensor *x = c->in[0];
  int64_t shape[BR_MAX_DIM];
  int order[BR_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = c->state[0] & 1u << d ? 1 : x->shape[d];
  *held = br_reshaped(t, x->ndim, shape);
  if (!*held) return BR_ENOMEM;
  int kept = br_kept_first(x, (unsigned)c->state[0], order);
  br_lanes_find(at, *held, x->ndim, order, kept);
  return BR_OK;
}

static void slope_of_unit(const job *j, unit at, slope_fn *f, const double *y,
                          const double *other, const br_lanes_at *dy,
                          const br_lanes_at *dx, char *room) {
  double values[MANY];
  int64_t size = j->at.size, n = at.n;
  const double *g = br_iter_load(&dy->it, 1, BR_F64, at.lane, at.lanes, values);
  const char *x = br_lanes_get(&j->at, at.lane, at.lanes, at.from, n, room);
  char *to = br_lanes_room(dx, at.lane, at.from, room + (room_of(j) + 63) / 64 * 64);
  for (int64_t i = 0; i < at.lanes; i++)
    f(j, n, x + i * n * size, y[at.lane + i], other ? other[at.lane + i] : 0, g[i],
      to + i * n * size);
  br_lanes_put(dx, at.lane, at.lanes, at.from, n, to);
}

static br_status run_slope(br_call *c, job *j, slope_fn *f, const double *other) {
  br_tensor *x = c->in[0], *dx = br_tensor_like(x, x->dtype), *held = NULL;
  int order[BR_MAX_DIM], kept = br_kept_first(x, (unsigned)c->state[0], order);
  br_lanes_at to, dy;
  size_t apart;
  int threads = x->numel > GRAIN ? br_threads() : 1;
  br_status status = br_dx_take(c, 0, dx);
  if (!status) status = lanes_of(c, c->dy[0], &dy, &held);
  if (status || x->numel == 0) goto done;
  br_lanes_find(&to, dx, x->ndim, order, kept);
  size_t bytes = (room_of(j) + 63) / 64 * 64;
  char *scratch = br_scratch_take(threads, 2 * bytes, &apart);
  if (scratch) {
    const double *y = saved(c, 0);
    int64_t units = groups_of(j) * j->blocks;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t u = 0; u < units; u++)
      slope_of_unit(j, unit_of(j, u), f, y, other, &dy, &to,
                    scratch + (size_t)br_thread_index() * apart);
  } else {
    status = BR_ENOMEM;
  }
  br_scratch_give(scratch);
done:
  br_release(held);
  return status;
}

/* ---- what the operators share ---- */

static br_status measure_infer(br_call *c, int dim, int keepdim) {
  unsigned mask;
  br_status status = br_need_float(c, c->in[0], "x");
  if (!status) status = br_dims(c, &c->arg[dim], c->in[0]->ndim, &mask);
  if (status) return status;
  c->state[0] = mask;
  return br_reduced_out(c, 0, c->in[0]->dtype, mask, c->arg[keepdim].i);
}

static int64_t lane_length(const br_call *c) {
  int64_t n = 1;
  for (int d = 0; d < c->in[0]->ndim; d++)
    if (c->state[0] & 1u << d) n *= c->in[0]->shape[d];
  return n;
}

static void add_squares(const job *j, int64_t n, const void *x, long double about,
                        bool wide, long double *to) {
  br_sum sum = {.f = 0};
  if (wide) {
    j->k->squares_wide(n, x, about, to);
  } else {
    j->k->squares(n, x, (double)about, &sum);
    *to += (long double)sum.f;
  }
}

/* ---- norm ---- */

static void squares_step(const job *j, int pass, int64_t n, const void *x, const lane *l,
                         part *to) {
  (void)pass;
  add_squares(j, n, x, 0, l->wide, &to->own);
}

static double root_result(const job *j, const lane *l) {
  (void)j;
  return (double)sqrtl(l->a);
}

static void extreme_step(const job *j, int pass, int64_t n, const void *x, const lane *l,
                         part *to) {
  (void)pass, (void)l;
  double extreme = j->p < 0 ? (double)to->own : to->own > 0 ? (double)to->own : 0;
  j->k->abs_extreme(n, x, j->p < 0, &extreme);
  to->own = (long double)extreme;
}

static double first_result(const job *j, const lane *l) {
  (void)j;
  return (double)l->a;
}

static void sum_step(const job *j, int pass, int64_t n, const void *x, const lane *l,
                     part *to) {
  double sum = 0;
  (void)pass, (void)l;
  if (j->p == 1)
    j->k->abs_sum(n, x, &sum);
  else
    j->k->power_sum(n, x, 1, 0, &sum);
  to->own += (long double)sum;
}

static bool has_unit(const lane *l) { return l->a > 0 && isfinite(l->a); }

/* Powers are of parts of the largest, or least, so that they stay in range. */
static void power_step(const job *j, int pass, int64_t n, const void *x, const lane *l,
                       part *to) {
  double sum = 0;
  if (pass == 0) {
    extreme_step(j, pass, n, x, l, to);
  } else if (has_unit(l)) {
    j->k->power_sum(n, x, (double)l->a, j->p, &sum);
    to->own += (long double)sum;
  }
}

static double power_result(const job *j, const lane *l) {
  if (!has_unit(l)) return (double)l->a;
  return (double)(l->a * powl(l->b, 1 / (long double)j->p));
}

/* clang-format off */
static const measure two = {1, {ADD}, true, squares_step, root_result};
static const measure one_or_none = {1, {ADD}, false, sum_step, first_result};
static const measure most = {1, {MOST}, false, extreme_step, first_result};
static const measure least = {1, {LEAST}, false, extreme_step, first_result};
static const measure power = {2, {MOST, ADD}, false, power_step, power_result};
static const measure negative_power = {2, {LEAST, ADD}, false, power_step, power_result};
/* clang-format on */

static const measure *norm_measure(double p) {
  if (p == 2) return &two;
  if (p == 0 || p == 1) return &one_or_none;
  if (isinf(p)) return p > 0 ? &most : &least;
  return p > 0 ? &power : &negative_power;
}

static br_status norm_infer(br_call *c) {
  br_status status = measure_infer(c, NORM_DIM, NORM_KEEP);
  if (!status && c->arg[NORM_P].f < 0 && lane_length(c) == 0)
    return br_bad(c, "p must not be negative for the shape %s without elements, not %g",
                  br_shape_of(c->in[0]), c->arg[NORM_P].f);
  return status;
}

static br_status norm_forward(br_call *c) {
  job j = {.m = norm_measure(c->arg[NORM_P].f), .p = c->arg[NORM_P].f};
  return run(c, &j);
}

static void norm_slope(const job *j, int64_t n, const void *x, double y, double share,
                       double dy, void *dx) {
  j->k->norm_slope(n, x, j->p, (long double)y, share > 0 ? share : 1, dy, dx);
}

/* How many of a lane are as large as an infinite norm says: they share its gradient. */
static void share_step(const job *j, int pass, int64_t n, const void *x, const lane *l,
                       part *to) {
  double count = 0;
  (void)pass;
  j->k->abs_count(n, x, (double)l->b, &count);
  to->own += (long double)count;
}

static const measure sharing = {1, {ADD}, false, share_step, first_result};

static br_status norm_backward(br_call *c) {
  job j = {.p = c->arg[NORM_P].f, .m = &sharing};
  if (!c->need[0]) return BR_OK;
  job_open(c, &j);
  if (!isinf(j.p)) return run_slope(c, &j, norm_slope, NULL);
  j.first = br_alloc((size_t)j.at.lanes * sizeof *j.first + 1);
  j.given = saved(c, 0);
  br_status status = j.first ? measure_lanes(&j) : BR_ENOMEM;
  if (!status) status = run_slope(c, &j, norm_slope, j.first);
  br_free(j.first);
  return status;
}

/* ---- logsumexp ---- */

static void exp_step(const job *j, int pass, int64_t n, const void *x, const lane *l,
                     part *to) {
  double sum = 0;
  br_best top = {.at = -1};
  if (pass == 0 && n > 0) {
    j->k->max(n, x, 0, &top);
    join_part(MOST, (long double)top.value.f, &to->own);
  } else if (pass == 1 && isfinite(l->a)) {
    j->k->exp_sum(n, x, (double)l->a, &sum);
    to->own += (long double)sum;
  }
}

static double log_result(const job *j, const lane *l) {
  (void)j;
  return isfinite(l->a) ? (double)l->a + log((double)l->b) : (double)l->a;
}

/* Apart, for their sum may have no digits left for the second. */
static void save_logs(const job *j, const lane *l, double *top, double *rest) {
  (void)j;
  *top = (double)l->a;
  *rest = isfinite(l->a) ? log((double)l->b) : 0;
}

static const measure exponentials = {2,        {MOST, ADD}, false,
                                     exp_step, log_result,  save_logs};

static br_status logsumexp_infer(br_call *c) {
  return measure_infer(c, LSE_DIM, LSE_KEEP);
}

static br_status logsumexp_forward(br_call *c) {
  job j = {.m = &exponentials};
  return run(c, &j);
}

static void logsumexp_slope(const job *j, int64_t n, const void *x, double top,
                            double rest, double dy, void *dx) {
  j->k->logsumexp_slope(n, x, top, rest, dy, dx);
}

static br_status logsumexp_backward(br_call *c) {
  job j = {.m = &exponentials};
  if (!c->need[0]) return BR_OK;
  job_open(c, &j);
  return run_slope(c, &j, logsumexp_slope, saved(c, 1));
}

/* ---- variance ---- */

/* The first pass gives a mean that is near; the second what it lacks, in c. */
static void deviations_step(const job *j, int pass, int64_t n, const void *x,
                            const lane *l, part *to) {
  br_sum sum = {.f = 0};
  double off = 0, squares = 0;
  if (pass == 0 && l->wide) {
    j->k->sum_wide(n, x, &to->own);
  } else if (pass == 0) {
    j->k->sum(n, x, &sum);
    to->own += (long double)sum.f;
  } else if (l->wide) {
    j->k->squares_wide(n, x, l->a / (long double)j->at.length, &to->own);
  } else {
    j->k->deviations(n, x, (double)(l->a / (long double)j->at.length), &off, &squares);
    to->own += (long double)squares;
    to->more += (long double)off;
  }
}

static long double square_of(const job *j, const lane *l) {
  return (l->b - l->c * (l->c / (long double)j->at.length)) / (long double)j->divisor;
}

static double variance_result(const job *j, const lane *l) {
  return j->divisor > 0 ? (double)square_of(j, l) : (double)NAN;
}

static double deviation_result(const job *j, const lane *l) {
  return j->divisor > 0 ? (double)sqrtl(square_of(j, l)) : (double)NAN;
}

static void save_spread(const job *j, const lane *l, double *std, double *mean) {
  *std = deviation_result(j, l);
  *mean = (double)((l->a + l->c) / (long double)j->at.length);
}

static const measure variance = {
    2, {ADD, ADD}, true, deviations_step, variance_result, save_spread};
static const measure deviation = {
    2, {ADD, ADD}, true, deviations_step, deviation_result, save_spread};

/* n, or n - 1 where the mean comes from the same n values. */
static double freedom(const br_call *c) {
  double n = (double)lane_length(c) - (c->arg[UNBIASED].i ? 1 : 0);
  return n > 0 ? n : 0;
}

static br_status var_infer(br_call *c) { return measure_infer(c, VAR_DIM, VAR_KEEP); }

static br_status var_forward(br_call *c) {
  job j = {.m = &variance, .divisor = freedom(c)};
  return run(c, &j);
}

static br_status std_forward(br_call *c) {
  job j = {.m = &deviation, .divisor = freedom(c)};
  return run(c, &j);
}

/* (x - mean) f; the wide way where f or the differences could leave the range. */
static void deviations_slope(const job *j, int64_t n, const void *x, double std,
                             double mean, double f, void *dx) {
  const double limit = j->dtype == BR_F32 ? 1e30 : 1e150, size = fabs(f);
  bool wide = size > limit || size < 1 / limit || std > limit;
  (wide ? j->k->standardize_wide : j->k->standardize)(n, x, mean, f, dx);
}

static void var_slope(const job *j, int64_t n, const void *x, double std, double mean,
                      double dy, void *dx) {
  deviations_slope(j, n, x, std, mean, 2 * dy / j->divisor, dx);
}

/* Equal values have a deviation of 0 and a gradient of 0, as in PyTorch. */
static void std_slope(const job *j, int64_t n, const void *x, double std, double mean,
                      double dy, void *dx) {
  double f = std == 0 ? 0 : dy / j->divisor / std;
  deviations_slope(j, n, x, std, mean, f, dx);
}

static br_status spread_backward(br_call *c, slope_fn *f) {
  job j = {.m = &variance, .divisor = freedom(c)};
  if (!c->need[0]) return BR_OK;
  job_open(c, &j);
  return run_slope(c, &j, f, saved(c, 1));
}

static br_status var_backward(br_call *c) { return spread_backward(c, var_slope); }
static br_status std_backward(br_call *c) { return spread_backward(c, std_slope); }

/* clang-format off */
const br_op br_measure_ops[] = {
    {.name = "var", .args = "x:t dim:D? keepdim:b=false unbiased:b=true",
     .doc = "the variance, over n - 1 unless unbiased = false", .infer = var_infer,
     .forward = var_forward, .backward = var_backward, .keep = BR_KEEP_IN(0)},
    {.name = "std", .args = "x:t dim:D? keepdim:b=false unbiased:b=true",
     .doc = "the standard deviation, over n - 1 unless unbiased = false",
     .infer = var_infer, .forward = std_forward, .backward = std_backward,
     .keep = BR_KEEP_IN(0)},
    {.name = "norm", .args = "x:t p:f=2[-inf,inf] dim:D? keepdim:b=false",
     .doc = "(sum |x|^p)^(1/p) over the dimensions named, or all; p may be 0 (how many are not 0) or infinite (the largest |x|), x (..., n, ...) -> (..., ...)",
     .infer = norm_infer, .forward = norm_forward, .backward = norm_backward,
     .keep = BR_KEEP_IN(0)},
    {.name = "logsumexp", .args = "x:t dim:D? keepdim:b=false",
     .doc = "log sum e^x over the dimensions named, or all, without overflow, x (..., n, ...) -> (..., ...)",
     .infer = logsumexp_infer, .forward = logsumexp_forward,
     .backward = logsumexp_backward, .keep = BR_KEEP_IN(0)},
    {0},
};
/* clang-format on */
