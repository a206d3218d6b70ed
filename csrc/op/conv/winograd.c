/* Winograd convolution, forward and for the gradient of its input. A group's tiles are
   taken in blocks. A block's transformed inputs V [place][tile][cg] and products M
   [place][tile][og] stay in cache during the three steps: transform, multiply,
   transform back.

   If the transformed weights fit the cache, each thread takes blocks of its own.
   Otherwise all threads share each block, so that each weight is read once. */
#include "op/conv/winograd.h"

#include <stdatomic.h>

#include "base/threads.h"

enum {
  MIN_TILES = 4, /* transforming the weights does not pay for fewer */
  MIN_GRAD_TILES = 16,
  MIN_CHANNELS = 16,        /* one vector of the widest instruction set */
  OWN_WEIGHTS = 1536 << 10, /* bytes of weights that one thread may read alone */
  OWN_BLOCK = 512 << 10,    /* bytes of V and M beside those weights */
  SHARED_BLOCK = 16 << 20,  /* the same if all threads share a block */
  STAY = 1 << 20,           /* bytes of weights that stay in cache beside blocks */
  BAND = 4                  /* blocks in a band, if there are many */
};

/* The transforms pay if multiplications become this many times fewer. */
static const double GAIN = 1.5;

typedef struct job {
  const br_winograd *p;
  const char *x, *u, *bias, *zeros;
  char *y;
  int64_t panels, block; /* panels of a group; tiles of a block */
  atomic_bool *doubt;    /* set if a result is not reliable */
} job;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static br_winograd plan(const br_conv *g) {
  int64_t tile = g->kh + BR_SIZE - 1;
  return (br_winograd){.k = br_kernels_of(g->dtype),
                       .tile = (int)tile,
                       .places = (int)(tile * tile),
                       .area = g->kh * g->kw,
                       .n = g->n,
                       .groups = g->groups};
}

static br_winograd cut(br_winograd p) {
  p.down = ceil_div(p.oh, BR_SIZE);
  p.across = ceil_div(p.ow, BR_SIZE);
  p.tiles = p.n * p.down * p.across;
  return p;
}

br_winograd br_winograd_forward_plan(const br_conv *g) {
  br_winograd p = plan(g);
  p.h = g->h, p.w = g->w, p.c = g->c, p.cg = g->cg;
  p.oh = g->oh, p.ow = g->ow, p.o = g->o, p.og = g->og;
  p.ph = g->ph, p.pw = g->pw;
  p.after = g->after;
  return cut(p);
}

br_winograd br_winograd_input_plan(const br_conv *g) {
  br_winograd p = plan(g);
  p.h = g->oh, p.w = g->ow, p.c = g->o, p.cg = g->og;
  p.oh = g->h, p.ow = g->w, p.o = g->c, p.og = g->cg;
  p.ph = g->kh - 1 - g->ph, p.pw = g->kw - 1 - g->pw;
  return cut(p);
}

static atomic_bool allowed = true;

bool br_set_winograd(bool on) { return atomic_exchange(&allowed, on); }

static bool wins(const br_conv *g, int64_t min_tiles) {
  if (!atomic_load(&allowed) || !br_kernels_of(g->dtype)->winograd_input) return false;
  if (g->kh != g->kw || (g->kh != 3 && g->kh != 5)) return false;
  if (g->sh != 1 || g->sw != 1 || g->dh != 1 || g->dw != 1 || g->folded) return false;
  if (g->cg < MIN_CHANNELS || g->og < MIN_CHANNELS) return false;
  if (g->ph >= g->kh || g->pw >= g->kw) return false;
  br_winograd p = br_winograd_forward_plan(g);
  double plain = (double)(g->oh * g->ow * g->kh * g->kw);
  return p.tiles >= min_tiles && plain > GAIN * (double)(p.down * p.across * p.places);
}

bool br_winograd_wins(const br_conv *g) { return wins(g, MIN_TILES); }
bool br_winograd_wins_weights(const br_conv *g) { return wins(g, MIN_GRAD_TILES); }

/* The first row and column of a tile's outputs, and its image. */
static int64_t place_of(const br_winograd *p, int64_t tile, int64_t *oy, int64_t *ox) {
  int64_t plane = p->down * p->across, rest = tile % plane;
  *oy = rest / p->across * BR_SIZE;
  *ox = rest % p->across * BR_SIZE;
  return tile / plane;
}

void br_winograd_inputs(const br_winograd *p, const char *x, const char *zeros,
                        int64_t tile, const void **pixel) {
  int64_t oy, ox, n = place_of(p, tile, &oy, &ox), bytes = p->c * p->k->size;
  for (int64_t i = 0, iy = oy - p->ph; i < p->tile; i++, iy++) {
    const char *row = x + ((n * p->h + iy) * p->w + ox - p->pw) * bytes;
    bool inside = iy >= 0 && iy < p->h;
    for (int64_t j = 0, ix = ox - p->pw; j < p->tile; j++, ix++)
      *pixel++ = inside && ix >= 0 && ix < p->w ? row + j * bytes : zeros;
  }
}

void br_winograd_outputs(const br_winograd *p, char *y, char *outside, int64_t tile,
                         void **pixel) {
  int64_t oy, ox, n = place_of(p, tile, &oy, &ox), bytes = p->o * p->k->size;
  for (int64_t i = 0; i < BR_SIZE; i++) {
    char *row = y + ((n * p->oh + oy + i) * p->ow + ox) * bytes;
    for (int64_t j = 0; j < BR_SIZE; j++)
      *pixel++ = oy + i < p->oh && ox + j < p->ow ? row + j * bytes : outside;
  }
}

static void transform(const job *j, int64_t g, int64_t tile, char *v) {
  const br_winograd *p = j->p;
  const void *pixel[BR_MAX_PLACES];
  br_winograd_inputs(p, j->x + g * p->cg * p->k->size, j->zeros, tile, pixel);
  p->k->winograd_input(p->tile, p->cg, pixel, v, j->block * p->cg);
}

/* Multiplies one place of a block's tiles for one panel of outputs; `unit` counts both.
   The panels of a place follow each other while its V is in the cache. */
static void multiply(const job *j, int64_t g, int64_t unit, int64_t tiles, const char *v,
                     char *m) {
  const br_winograd *p = j->p;
  const br_kernels *k = p->k;
  int64_t size = k->size, place = unit / j->panels, panel = unit % j->panels;
  const char *u = j->u +
                  ((g * j->panels + panel) * p->places + place) * p->cg * k->nr * size;
  int64_t width = smaller(k->nr, p->og - panel * k->nr);
  v += place * j->block * p->cg * size;
  m += (place * j->block * p->og + panel * k->nr) * size;
  if (2 * width > k->nr) {
    k->panel(&(br_slim_product){.m = tiles,
                                .n = width,
                                .k = p->cg,
                                .a = v,
                                .lda = p->cg,
                                .b = u,
                                .ldb = k->nr,
                                .y = m,
                                .ldy = p->og});
    return;
  }
  for (int64_t t = 0; t < tiles; t += k->mr) { /* few lanes: half of them would be idle */
    static const br_finish nothing = {0};
    const void *row[BR_GEMM_MAX_MR];
    void *y[BR_GEMM_MAX_MR];
    int rows = (int)smaller(k->mr, tiles - t);
    for (int i = 0; i < rows; i++) {
      row[i] = v + (t + i) * p->cg * size;
      y[i] = m + (t + i) * p->og * size;
    }
    k->gemm(&(br_tile){.m = rows,
                       .k = width,
                       .taps = 1,
                       .c = p->cg,
                       .rows = row,
                       .w = u,
                       .finish = &nothing,
                       .y = y});
  }
}

/* Transforms outputs first .. last-1 of a group back. */
static void transform_back(const job *j, int64_t g, int64_t tile, int64_t first,
                           int64_t last, const char *m) {
  const br_winograd *p = j->p;
  int64_t at = (g * p->og + first) * p->k->size;
  void *pixel[BR_SIZE * BR_SIZE];
  br_winograd_outputs(p, j->y + at, NULL, tile, pixel);
  const br_finish finish = {.bias = j->bias ? j->bias + at : NULL,
                            .slope = p->after.slope ? p->after.slope + at : NULL,
                            .relu = p->after.relu};
  if (!p->k->winograd_output(p->tile, last - first, m + first * p->k->size,
                             j->block * p->og, &finish, pixel))
    atomic_store_explicit(j->doubt, true, memory_order_relaxed);
  if (!p->after.map) return;
  for (int i = 0; i < BR_SIZE * BR_SIZE; i += BR_SIZE) { /* a row of them; those within
                                                             the output come first */
    int n = 0;
    while (n < BR_SIZE && pixel[i + n]) n++;
    if (n && last - first == p->o)
      br_epilogue_run(&p->after, n * p->o, pixel[i]);
    else
      while (n--) br_epilogue_run(&p->after, last - first, pixel[i + n]);
  }
}

/* [group][panel][place][c][nr] from [group][panel][tap][c][nr] */
char *br_winograd_weights(const br_winograd *p, const char *packed) {
  const br_kernels *k = p->k;
  int64_t panels = br_conv_panels(p->og, k);
  int64_t run = p->cg * k->nr, area = p->area;
  int64_t units = p->groups * panels * p->cg;
  char *u = br_alloc((size_t)(p->groups * panels * p->places * run * k->size));
  if (!u) return NULL;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (units > 16)
  for (int64_t i = 0; i < units; i++) {
    if (br_stopped()) continue;
    int64_t panel = i / p->cg, row = i % p->cg * k->nr;
    k->winograd_weight(p->tile, k->nr, packed + (panel * area * run + row) * k->size, run,
                       u + (panel * p->places * run + row) * k->size, run);
  }
  return u;
}

static int threads_for(const br_winograd *p) {
  return br_threads_for((double)(p->tiles * p->places) * (double)(p->c * p->og));
}

/* A thread's block. Its transformed tiles stay for the next shares, which have other
   outputs. */
typedef struct own_block {
  char *v, *m;
  int64_t g, first; /* whose tiles are in v */
} own_block;

/* A share of the work: tiles first .. last-1 of a group, and panels p0 .. p1-1 of its
   outputs. */
typedef struct share {
  int64_t g, first, last, p0, p1;
} share;

/* Runs all three steps for a share. */
static void run_block(const job *j, const share *s, own_block *own) {
  const int64_t g = s->g, first = s->first, last = s->last, p0 = s->p0, p1 = s->p1;
  const br_winograd *p = j->p;
  int64_t tiles = last - first, size = p->k->size;
  int64_t nr = p->k->nr, end = smaller(p1 * nr, p->og);
  if (own->g != g || own->first != first)
    for (int64_t t = 0; t < tiles; t++)
      transform(j, g, first + t, own->v + t * p->cg * size);
  own->g = g, own->first = first;
  for (int64_t place = 0; place < p->places; place++)
    for (int64_t panel = p0; panel < p1; panel++)
      multiply(j, g, place * j->panels + panel, tiles, own->v, own->m);
  for (int64_t t = 0; t < tiles; t++)
    transform_back(j, g, first + t, p0 * nr, end, own->m + t * p->og * size);
}

/* How the work is cut if threads take blocks of their own: into bands of blocks, then
   groups, then parts of the outputs. */
typedef struct cut_up {
  int64_t blocks, bands; /* blocks of all tiles; equal bands of blocks */
  int64_t parts;         /* of the panels of a group */
} cut_up;

/* Chooses how to cut. Blocks of tiles let a thread find the images that it wrote in its
   own cache. If the weights would not stay in cache, each thread gets a band of blocks.
   The outputs are also cut: into single panels if fresh weights are larger than the
   images, or into fewer parts if there are too few tiles. Then the last panel must fill
   half of its lanes. */
static cut_up cut_work(const job *j, bool fresh) {
  const br_winograd *p = j->p;
  int threads = threads_for(p);
  int64_t nr = p->k->nr, rest = p->og % nr, most = ceil_div(p->tiles, p->k->mr);
  int64_t least = ceil_div(p->tiles, j->block);
  int64_t weights = p->groups * p->places * p->cg * j->panels * nr;
  int64_t images = p->n * (p->h * p->w * p->c + p->oh * p->ow * p->o);
  int64_t banded = br_blocks_for(least, most, 1, threads);
  cut_up c = {br_blocks_for(least, most, p->groups, threads), 1, 1};
  bool few = p->groups * c.blocks < threads, heavy = fresh && weights > images;
  if ((few || heavy) && (rest == 0 || 2 * rest >= nr)) {
    c.parts = heavy && threads > 1
                  ? j->panels
                  : br_blocks_for(1, j->panels, p->groups * least, threads);
    c.blocks = br_blocks_for(least, most, p->groups * c.parts, threads);
  } else if (banded % threads == 0 && weights * p->k->size > STAY) {
    int64_t many = ceil_div(banded, BAND * threads) * BAND * threads;
    bool enough = banded >= 2 * BAND * threads && many <= most;
    c.blocks = enough ? many : banded;
    c.bands = enough ? many / BAND : threads;
  } else {
    c.bands = c.blocks;
  }
  return c;
}

static br_status run_own_blocks(const job *j, cut_up c, int64_t bytes) {
  const br_winograd *p = j->p;
  int64_t per = c.blocks / c.bands, band = p->groups * c.parts * per;
  size_t apart;
  char *scratch = br_scratch_take(br_threads(), (size_t)bytes, &apart);
  if (!scratch) return BR_ENOMEM;
#pragma omp parallel num_threads(threads_for(p))
  {
    char *v = scratch + (size_t)br_thread_index() * apart;
    own_block own = {v, v + p->places * j->block * p->cg * p->k->size, -1, 0};
#pragma omp for schedule(static) nowait
    for (int64_t u = 0; u < c.bands * band; u++) {
      if (br_stopped()) continue;
      int64_t b = u / band * per + u % per, of_band = u % band / per;
      int64_t part = of_band % c.parts;
      const share s = {of_band / c.parts, b * p->tiles / c.blocks,
                       (b + 1) * p->tiles / c.blocks, part * j->panels / c.parts,
                       (part + 1) * j->panels / c.parts};
      run_block(j, &s, &own);
    }
  }
  br_scratch_give(scratch);
  return BR_OK;
}

static br_status run_shared_blocks(const job *j, int64_t bytes) {
  const br_winograd *p = j->p;
  int64_t size = p->k->size, blocks = ceil_div(p->tiles, j->block);
  char *v = br_alloc((size_t)bytes);
  if (!v) return BR_ENOMEM;
  char *m = v + p->places * j->block * p->cg * size;
#pragma omp parallel num_threads(threads_for(p))
  for (int64_t b = 0; b < p->groups * blocks; b++) {
    int64_t g = b / blocks, first = b % blocks * j->block;
    int64_t tiles = smaller(j->block, p->tiles - first);
#pragma omp for schedule(static)
    for (int64_t t = 0; t < tiles; t++)
      if (!br_stopped()) transform(j, g, first + t, v + t * p->cg * size);
#pragma omp for schedule(static)
    for (int64_t u = 0; u < j->panels * p->places; u++)
      if (!br_stopped()) multiply(j, g, u, tiles, v, m);
#pragma omp for schedule(static)
    for (int64_t t = 0; t < tiles; t++)
      if (!br_stopped()) transform_back(j, g, first + t, 0, p->og, m + t * p->og * size);
  }
  br_free(v);
  return BR_OK;
}

/* The number of tiles that fit `bytes`. Above one register tile it is a multiple of its
   rows. */
static int64_t tiles_in(const br_winograd *p, int64_t bytes) {
  int64_t mr = p->k->mr, each = p->places * (p->cg + p->og) * p->k->size;
  int64_t fit = bytes / each / mr * mr;
  return smaller(fit < mr ? mr : fit, ceil_div(p->tiles, mr) * mr);
}

br_status br_winograd_run(const br_winograd *p, const br_winograd_data *data,
                          bool *sound) {
  const br_kernels *k = p->k;
  atomic_bool doubt = false;
  job j = {.p = p,
           .x = data->x,
           .u = data->weights,
           .bias = data->bias,
           .y = data->y,
           .doubt = &doubt,
           .panels = br_conv_panels(p->og, k)};
  int64_t each = p->places * (p->cg + p->og) * k->size;
  int64_t through = j.panels * p->places * p->cg * k->nr * k->size;
  char *zeros = br_alloc_zero((size_t)(p->cg * k->size));
  if (!zeros) return BR_ENOMEM;
  j.zeros = zeros;
  br_status status;
  if (through <= OWN_WEIGHTS) {
    j.block = tiles_in(p, OWN_BLOCK);
    cut_up c = cut_work(&j, data->fresh);
    j.block = ceil_div(p->tiles, c.blocks);
    status = run_own_blocks(&j, c, j.block * each);
  } else {
    j.block = tiles_in(p, SHARED_BLOCK);
    status = run_shared_blocks(&j, j.block * each);
  }
  br_free(zeros);
  *sound = !atomic_load(&doubt);
  return status;
}
