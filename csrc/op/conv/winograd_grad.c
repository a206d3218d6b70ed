/* Gradient of a Winograd convolution's weights. For each group and place it is a
   product over tiles: transformed inputs V [place][tile][cg] with transformed output
   gradients Q [place][panel][tile][nr]. The sums [group][panel][place][cg][nr] are then
   transformed back.

   If the sums fit the cache, a group's tiles are cut into slices; their number depends
   on the shape alone. Each slice belongs to one thread and has its own sums, so that
   they stay in that thread's cache. Sums of slices are added in order. If the sums do
   not fit, all threads share each block of tiles, by places and panels. So do they for
   the last groups, if there is not one for each thread. */
#include <stdatomic.h>
#include <string.h>

#include "base/threads.h"
#include "op/conv/winograd.h"

enum {
  SHARED_BLOCK = 4 << 20, /* bytes of V and Q if all threads share a block */
  OWN_BLOCK = 1 << 20,    /* the same for one thread */
  OWN_SUMS = 2560 << 10,  /* bytes of a group's sums for one thread */
  SLICES = 8,             /* of all groups together, about */
  SLICE_TILES = 32        /* tiles of a slice, at least */
};

typedef struct job {
  const br_winograd *p;
  const char *x;
  char *dy, *zeros; /* only read */
  int64_t panels, block;
  int64_t slices, group_bytes; /* bytes of a group's sums */
  char *sums;                  /* [slice][group]... */
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Transforms tile `tile` of group g to place `at` of a block's V and Q. */
static void transform(const job *j, int64_t g, int64_t tile, int64_t at, char *v,
                      char *q) {
  const br_winograd *p = j->p;
  const br_kernels *k = p->k;
  const void *pixel[BR_MAX_PLACES];
  void *out[BR_SIZE * BR_SIZE];
  br_winograd_inputs(p, j->x + g * p->cg * k->size, j->zeros, tile, pixel);
  k->winograd_input(p->tile, p->cg, pixel, v + at * p->cg * k->size, j->block * p->cg);
  br_winograd_outputs(p, j->dy + g * p->og * k->size, j->zeros, tile, out);
  int64_t panel_step = j->block * k->nr;
  k->winograd_spread(p->tile, p->og, (const void *const *)out, q + at * k->nr * k->size,
                     j->panels * panel_step, panel_step);
}

/* A block's transformed tiles, and its group's sums; `fresh` if they are the first. */
typedef struct tiles_of {
  int64_t tiles;
  bool fresh;
  const char *v, *q;
  char *sums;
} tiles_of;

/* Adds the products of one place and one panel of outputs to the sums; `unit` counts
   places and panels. */
static void multiply(const job *j, int64_t unit, const tiles_of *of) {
  const br_winograd *p = j->p;
  const br_kernels *k = p->k;
  int64_t place = unit / j->panels, panel = unit % j->panels, nr = k->nr, size = k->size;
  int64_t width = smaller(nr, p->og - panel * nr);
  char *sum = of->sums + (panel * p->places + place) * p->cg * nr * size;
  if (of->fresh) memset(sum, 0, (size_t)(p->cg * nr * size));
  const char *v = of->v + place * j->block * p->cg * size;
  br_run run = {.b = of->q + unit * j->block * nr * size, .len = of->tiles};
  int64_t blocks = ceil_div(p->cg, k->mr), each = ceil_div(p->cg, blocks);
  for (int64_t i = 0; i < p->cg; i += each) {
    run.a = v + i * size;
    k->gemm_grad(&(br_grad_tile){.m = (int)smaller(each, p->cg - i),
                                 .k = width,
                                 .runs = 1,
                                 .run = &run,
                                 .step = p->cg,
                                 .dw = sum + i * nr * size});
  }
}

/* Called by all threads of a region. Each thread sums its own slices of the first
   `groups` groups. */
static void sum_slices(const job *j, int64_t groups, char *v, char *q) {
  const br_winograd *p = j->p;
  int64_t per = ceil_div(p->tiles, j->slices);
#pragma omp for schedule(static)
  for (int64_t i = 0; i < groups * j->slices; i++) {
    if (br_stopped()) continue;
    int64_t g = i % groups, slice = i / groups, begin = slice * per;
    int64_t end = smaller(begin + per, p->tiles);
    char *sums = j->sums + (slice * p->groups + g) * j->group_bytes;
    if (begin >= end) memset(sums, 0, (size_t)j->group_bytes);
    for (int64_t first = begin; first < end; first += j->block) {
      int64_t tiles = smaller(j->block, end - first);
      for (int64_t t = 0; t < tiles; t++) transform(j, g, first + t, t, v, q);
      const tiles_of of = {tiles, first == begin, v, q, sums};
      for (int64_t u = 0; u < j->panels * p->places; u++) multiply(j, u, &of);
    }
  }
  int64_t parts = p->groups * j->panels * p->places,
          bytes = p->cg * p->k->nr * p->k->size;
#pragma omp for schedule(static)
  for (int64_t i = 0; i < parts; i++)
    if (!br_stopped())
      for (int64_t slice = 1; slice < j->slices; slice++)
        p->k->axpy(bytes / p->k->size, 1, j->sums + (slice * parts + i) * bytes,
                   j->sums + i * bytes);
}

/* Sums the groups from `from` on; all threads share each block. */
static void sum_blocks(const job *j, int64_t from, char *v, char *q) {
  const br_winograd *p = j->p;
  int64_t blocks = ceil_div(p->tiles, j->block);
  for (int64_t b = from * blocks; b < p->groups * blocks; b++) {
    int64_t g = b / blocks, first = b % blocks * j->block;
    int64_t tiles = smaller(j->block, p->tiles - first);
#pragma omp for schedule(static)
    for (int64_t t = 0; t < tiles; t++)
      if (!br_stopped()) transform(j, g, first + t, t, v, q);
#pragma omp for schedule(static)
    for (int64_t u = 0; u < j->panels * p->places; u++)
      if (!br_stopped())
        multiply(j, u,
                 &(tiles_of){tiles, first == 0, v, q, j->sums + g * j->group_bytes});
  }
}

br_status br_winograd_weight_grad(const br_winograd *p, const char *x, char *dy,
                                  char *packed, bool *sound) {
  const br_kernels *k = p->k;
  job j = {.p = p, .x = x, .dy = dy, .panels = br_conv_panels(p->og, k)};
  int64_t parts = p->groups * j.panels, run = p->cg * k->nr;
  j.group_bytes = j.panels * p->places * run * k->size;
  bool own = j.group_bytes <= OWN_SUMS;
  j.slices = own ? smaller(ceil_div(SLICES, p->groups), p->tiles / SLICE_TILES) : 1;
  if (j.slices < 1) j.slices = 1;
  if (j.slices == 1) own = own && p->groups >= br_threads(); /* gives the same sums */
  int64_t each = p->places * (p->cg + j.panels * k->nr) * k->size;
  int64_t fit = own                        ? OWN_BLOCK / each
                : SHARED_BLOCK / each < 64 ? 64
                                           : SHARED_BLOCK / each;
  j.block = smaller(fit < 8 ? 8 : fit, ceil_div(p->tiles, j.slices));
  /* How many groups have threads of their own. With slices all groups have; without, as
     many as divide evenly among the threads. */
  int64_t threads = br_threads(), rest = j.slices == 1 ? p->groups % threads : 0;
  int64_t alone = own ? p->groups - rest : 0;
  int64_t widest = p->cg > p->og ? p->cg : p->og;
  char *zeros = br_alloc_zero((size_t)(widest * k->size));
  size_t apart = 0; /* distance of the threads' blocks; 0 if they share one */
  char *scratch = own ? br_scratch_take(br_threads(), (size_t)(j.block * each), &apart)
                      : br_alloc((size_t)(j.block * each));
  j.sums = br_alloc((size_t)(j.slices * p->groups * j.group_bytes));
  atomic_bool doubt = false;
  br_status status = zeros && scratch && j.sums ? BR_OK : BR_ENOMEM;
  j.zeros = zeros;
  if (status) goto done;
#pragma omp parallel num_threads(br_threads())
  {
    char *v = scratch + (size_t)br_thread_index() * apart;
    int64_t v_bytes = j.block * p->places * p->cg * k->size;
    if (alone) sum_slices(&j, alone, v, v + v_bytes);
    if (alone < p->groups) sum_blocks(&j, alone, scratch, scratch + v_bytes);
#pragma omp for schedule(static) nowait
    for (int64_t i = 0; i < parts * p->cg; i++) {
      if (br_stopped()) continue;
      int64_t part = i / p->cg, row = i % p->cg * k->nr;
      const char *sum = j.sums + (part * p->places * run + row) * k->size;
      if (!k->winograd_weight_grad(p->tile, k->nr, sum, run,
                                   packed + (part * p->area * run + row) * k->size, run))
        atomic_store_explicit(&doubt, true, memory_order_relaxed);
    }
  }
  *sound = !atomic_load(&doubt);
done:
  br_free(zeros);
  (own ? br_scratch_give : br_free)(scratch);
  br_free(j.sums);
  return status;
}
