/* Winograd convolution towards the weights. In a group and for each place, the product
   over tiles of the transformed inputs V [place][tile][cg] with the transformed output
   gradients Q [place][panel][tile][nr] is summed up; the sums [group][panel][place][cg]
   [nr], transformed, are the gradient. All threads take the same block of tiles and share
   out the places and panels, so that every sum runs in the order of the tiles. */
#include <string.h>

#include "base/threads.h"
#include "op/winograd.h"

enum { BLOCK = 4 << 20 }; /* bytes of V and Q */

typedef struct job {
  const br_winograd *p;
  const char *x;
  char *dy, *zeros; /* only read */
  int64_t panels, block;
  char *v, *q, *sums;
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void transform(const job *j, int64_t g, int64_t tile, int64_t at) {
  const br_winograd *p = j->p;
  const br_kernels *k = p->k;
  const void *pixel[BR_MAX_PLACES];
  void *out[BR_SIZE * BR_SIZE];
  br_winograd_inputs(p, j->x + g * p->cg * k->size, j->zeros, tile, pixel);
  k->winograd_input(p->tile, p->cg, pixel, j->v + at * p->cg * k->size, j->block * p->cg);
  br_winograd_outputs(p, j->dy + g * p->og * k->size, j->zeros, tile, out);
  int64_t panel_step = j->block * k->nr;
  k->winograd_spread(p->tile, p->og, (const void *const *)out,
                     j->q + at * k->nr * k->size, j->panels * panel_step, panel_step);
}

/* `unit` counts panel and place. */
static void multiply(const job *j, int64_t g, int64_t unit, int64_t tiles, bool fresh) {
  const br_winograd *p = j->p;
  const br_kernels *k = p->k;
  int64_t place = unit % p->places, panel = unit / p->places, nr = k->nr, size = k->size;
  int64_t width = smaller(nr, p->og - panel * nr);
  char *sum = j->sums + (g * j->panels * p->places + unit) * p->cg * nr * size;
  if (fresh) memset(sum, 0, (size_t)(p->cg * nr * size));
  const char *v = j->v + place * j->block * p->cg * size;
  br_run run = {.b = j->q + (place * j->panels + panel) * j->block * nr * size,
                .len = tiles};
  int64_t blocks = (p->cg + k->mr - 1) / k->mr, each = (p->cg + blocks - 1) / blocks;
  for (int64_t i = 0; i < p->cg; i += each) {
    run.a = v + i * size;
    k->gemm_grad((int)smaller(each, p->cg - i), width, 1, &run, p->cg,
                 sum + i * nr * size);
  }
}

br_status br_winograd_weight_grad(const br_winograd *p, const char *x, char *dy,
                                  char *packed) {
  const br_kernels *k = p->k;
  job j = {.p = p, .x = x, .dy = dy, .panels = br_conv_panels(p->og, k)};
  int64_t parts = p->groups * j.panels, run = p->cg * k->nr;
  int64_t each = p->places * (p->cg + j.panels * k->nr) * k->size;
  j.block = smaller(BLOCK / each < 64 ? 64 : BLOCK / each, p->tiles);
  int64_t blocks = (p->tiles + j.block - 1) / j.block;
  int64_t widest = p->cg > p->og ? p->cg : p->og;
  char *zeros = br_alloc_zero((size_t)(widest * k->size));
  j.v = br_alloc((size_t)(j.block * each));
  j.sums = br_alloc((size_t)(parts * p->places * run * k->size));
  br_status status = zeros && j.v && j.sums ? BR_OK : BR_ENOMEM;
  j.zeros = zeros;
  if (status) goto done;
  j.q = j.v + j.block * p->places * p->cg * k->size;
#pragma omp parallel num_threads(br_threads())
  {
    for (int64_t b = 0; b < p->groups * blocks; b++) {
      int64_t g = b / blocks, first = b % blocks * j.block;
      int64_t tiles = smaller(j.block, p->tiles - first);
#pragma omp for schedule(static)
      for (int64_t t = 0; t < tiles; t++) transform(&j, g, first + t, t);
#pragma omp for schedule(static)
      for (int64_t u = 0; u < j.panels * p->places; u++)
        multiply(&j, g, u, tiles, first == 0);
    }
#pragma omp for schedule(static)
    for (int64_t i = 0; i < parts * p->cg; i++) {
      int64_t part = i / p->cg, row = i % p->cg * k->nr;
      k->winograd_weight_grad(p->tile, k->nr,
                              j.sums + (part * p->places * run + row) * k->size, run,
                              packed + (part * p->area * run + row) * k->size, run);
    }
  }
done:
  br_free(zeros);
  br_free(j.v);
  br_free(j.sums);
  return status;
}
