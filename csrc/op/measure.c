/* The passes over lanes of values, and their gradients.

   A lane takes one or two passes, in blocks whose bounds depend on the shape alone. The
   blocks' sums are combined in order, so that the thread count changes no bit. Sums are
   in double. If squares of float64 leave its range, the lane is measured once more in a
   wider type. */
#include "op/measure.h"

#include <math.h>

#include "base/threads.h"

enum { GRAIN = 16384 };
enum { DENSE = 16384, SIDE_BY_SIDE = 256, APART = 2048 }; /* values of a block */
enum { MANY = 64 };                                       /* lanes of a unit, at most */

/* ---- the passes ---- */

void br_measure_open(br_call *c, br_measuring *j) {
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

/* How many bytes the values of a unit take. A unit is some lanes of a block. */
static size_t room_of(const br_measuring *j) {
  return j->at.dense ? 1 : (size_t)(j->together * j->block * j->at.size);
}

static int64_t groups_of(const br_measuring *j) {
  return (j->at.lanes + j->together - 1) / j->together;
}

/* Unit u: its first lane and value, and how many of each. */
typedef struct unit {
  int64_t lane, lanes, from, n, block;
} unit;

static unit unit_of(const br_measuring *j, int64_t u) {
  unit at = {.lane = u / j->blocks * j->together, .block = u % j->blocks};
  at.from = at.block * j->block;
  at.lanes = j->at.lanes - at.lane < j->together ? j->at.lanes - at.lane : j->together;
  at.n = j->at.length - at.from < j->block ? j->at.length - at.from : j->block;
  return at;
}

static long double start_of(br_join how) {
  return how == BR_JOIN_ADD   ? 0
         : how == BR_JOIN_MAX ? -(long double)INFINITY
                              : (long double)INFINITY;
}

void br_join_part(br_join how, long double one, long double *all) {
  if (how == BR_JOIN_ADD)
    *all += one;
  else if (isnan(one) || (how == BR_JOIN_MAX ? one > *all : one < *all))
    *all = one;
}

static bool leaves_range(const br_measuring *j, const br_lane *l) {
  long double v = j->m->passes == 1 ? l->a : l->b;
  return j->m->squares && j->dtype == BR_F64 && !l->wide && !isnan(l->a) &&
         !(v > 1e-280L && v < 1e300L);
}

static void hand_out(const br_measuring *j, int64_t lane_at, const br_lane *l) {
  br_sum y = {.f = j->m->result(j, l)};
  if (j->y) j->k->put(1, &y, 1, j->y + lane_at * j->at.size);
  if (j->first) j->first[lane_at] = y.f;
  if (j->second) j->m->save(j, l, &j->first[lane_at], &j->second[lane_at]);
}

/* Memory for each thread, for the values of one unit. */
typedef struct rooms {
  char *scratch;
  size_t apart;
  int threads;
} rooms;

static char *room_in(const rooms *r) {
  return r->scratch + (size_t)br_thread_index() * r->apart;
}

/* Measures lanes that fit in a block; threads take them unit by unit. */
static void measure_short(const br_measuring *j, const rooms *r) {
  int64_t groups = groups_of(j);
#pragma omp parallel for schedule(static) num_threads(r->threads) if (r->threads > 1)
  for (int64_t u = 0; u < groups; u++) {
    if (br_stopped()) continue;
    unit at = unit_of(j, u);
    const char *x = br_lanes_get(&j->at, at.lane, at.lanes, 0, j->at.length, room_in(r));
    for (int64_t i = 0; i < at.lanes; i++, x += j->at.length * j->at.size) {
      br_lane l = {.b = j->given ? (long double)j->given[at.lane + i] : 0};
      do {
        l.wide = l.wide || leaves_range(j, &l);
        for (int pass = 0; pass < j->m->passes; pass++) {
          br_part_sum all = {.own = start_of(j->m->how[pass])};
          j->m->step(j, pass, j->at.length, x, &l, &all);
          *(pass ? &l.b : &l.a) = all.own;
          l.c = all.more;
        }
      } while (leaves_range(j, &l));
      hand_out(j, at.lane + i, &l);
    }
  }
}

static void pass_over_blocks(const br_measuring *j, int pass, const br_lane *l,
                             br_part_sum *parts, const rooms *r) {
  int64_t units = groups_of(j) * j->blocks;
#pragma omp parallel for schedule(static) num_threads(r->threads) if (r->threads > 1)
  for (int64_t u = 0; u < units; u++) {
    if (br_stopped()) continue;
    unit at = unit_of(j, u);
    const char *x = br_lanes_get(&j->at, at.lane, at.lanes, at.from, at.n, room_in(r));
    for (int64_t i = 0; i < at.lanes; i++) {
      br_part_sum *to = &parts[(at.lane + i) * j->blocks + at.block];
      *to = (br_part_sum){.own = start_of(j->m->how[pass])};
      j->m->step(j, pass, at.n, x + i * at.n * j->at.size, &l[at.lane + i], to);
    }
  }
}

/* Measures lanes that are longer than a block. */
static br_status measure_long(const br_measuring *j, const rooms *r) {
  int64_t lanes = j->at.lanes;
  br_part_sum *parts = br_alloc((size_t)(lanes * j->blocks) * sizeof *parts + 1);
  br_lane *l = br_alloc_zero((size_t)lanes * sizeof *l + 1);
  bool there = parts && l, again = there;
  for (int64_t i = 0; i < lanes && there && j->given; i++)
    l[i].b = (long double)j->given[i];
  while (again) {
    again = false;
    for (int pass = 0; pass < j->m->passes; pass++) {
      pass_over_blocks(j, pass, l, parts, r);
      for (int64_t i = 0; i < lanes; i++) {
        br_part_sum all = {.own = start_of(j->m->how[pass])};
        for (int64_t b = 0; b < j->blocks; b++) {
          br_join_part(j->m->how[pass], parts[i * j->blocks + b].own, &all.own);
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

br_status br_measure_lanes(const br_measuring *j) {
  rooms r = {.threads = j->at.frame.numel > GRAIN ? br_threads() : 1};
  r.scratch = br_scratch_take(r.threads, room_of(j), &r.apart);
  br_status status = r.scratch ? BR_OK : BR_ENOMEM;
  if (!status && j->blocks == 1)
    measure_short(j, &r);
  else if (!status)
    status = measure_long(j, &r);
  br_scratch_give(r.scratch);
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

const double *br_saved_lanes(const br_call *c, int i) {
  return (const double *)(const void *)c->saved[i]->data;
}

br_status br_measure_run(br_call *c, br_measuring *j) {
  br_measure_open(c, j);
  j->y = c->out[0]->data;
  br_status status = saved_lanes(c, 0, j->at.lanes, &j->first);
  if (!status && j->m->save) status = saved_lanes(c, 1, j->at.lanes, &j->second);
  return status ? status : br_measure_lanes(j);
}

/* ---- gradients ---- */

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

/* The gradient of all lanes: what the forward pass saved, and where dy and dx lie. */
typedef struct slope_run {
  br_slope_fn *f;
  const double *y, *other;
  br_lanes_at dy, dx;
} slope_run;

static void slope_of_unit(const br_measuring *j, unit at, const slope_run *run,
                          char *room) {
  double values[MANY];
  const int64_t step = at.n * j->at.size;
  const double *dy = br_iter_load(&run->dy.it, 1, BR_F64, at.lane, at.lanes, values);
  const char *x = br_lanes_get(&j->at, at.lane, at.lanes, at.from, at.n, room);
  char *to = br_lanes_room(&run->dx, at.lane, at.from,
                           room + (room_of(j) + 63) / 64 * 64);
  for (int64_t i = 0; i < at.lanes; i++) {
    const int64_t lane = at.lane + i;
    const br_slope s = {.n = at.n,
                        .x = x + i * step,
                        .y = run->y[lane],
                        .other = run->other ? run->other[lane] : 0,
                        .dy = dy[i],
                        .dx = to + i * step};
    run->f(j, &s);
  }
  br_lanes_put(&run->dx, at.lane, at.lanes, at.from, at.n, to);
}

br_status br_measure_slope(br_call *c, br_measuring *j, br_slope_fn *f,
                           const double *other) {
  br_tensor *x = c->in[0], *dx = br_tensor_like(x, x->dtype), *held = NULL;
  int order[BR_MAX_DIM], kept = br_kept_first(x, (unsigned)c->state[0], order);
  slope_run run = {.f = f, .y = br_saved_lanes(c, 0), .other = other};
  size_t apart;
  int threads = x->numel > GRAIN ? br_threads() : 1;
  br_status status = br_dx_take(c, 0, dx);
  if (!status) status = lanes_of(c, c->dy[0], &run.dy, &held);
  if (status || x->numel == 0) goto done;
  br_lanes_find(&run.dx, dx, x->ndim, order, kept);
  size_t bytes = (room_of(j) + 63) / 64 * 64;
  char *scratch = br_scratch_take(threads, 2 * bytes, &apart);
  if (scratch) {
    int64_t units = groups_of(j) * j->blocks;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int64_t u = 0; u < units; u++)
      if (!br_stopped())
        slope_of_unit(j, unit_of(j, u), &run,
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

br_status br_measure_infer(br_call *c, int dim, int keepdim) {
  unsigned mask;
  br_status status = br_need_float(c, c->in[0], "x");
  if (!status) status = br_dims(c, &c->arg[dim], c->in[0]->ndim, &mask);
  if (status) return status;
  c->state[0] = mask;
  return br_reduced_out(c, 0, c->in[0]->dtype, mask, c->arg[keepdim].i);
}

int64_t br_lane_length(const br_call *c) {
  int64_t n = 1;
  for (int d = 0; d < c->in[0]->ndim; d++)
    if (c->state[0] & 1u << d) n *= c->in[0]->shape[d];
  return n;
}
