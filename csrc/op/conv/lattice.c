/* A convolution, or the gradient of its input, as an indirect matrix product. Each
   output pixel of a tile is a row. Its values are read tap by tap, through a pointer to
   a run of channels. A tap outside the image points at zeros.

   Both are the same product over a lattice of output pixels. Forward, the lattice is
   the whole output. For the input's gradient with stride s, each of the input's s * s
   phases is a lattice, because all pixels of a phase meet the same taps. */
#include "op/conv/lattice.h"

#include "base/threads.h"

enum { TILES = 16, TABLE = 4096 }; /* tiles of a block; pointers in its table */

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void widen(int64_t *low, int64_t *high, int64_t to) {
  if (to < *low) *low = to;
  if (to > *high) *high = to;
}

void br_lattice_taps(br_lattice *l) {
  l->pointers = l->tap_step ? 1 : l->taps;
  l->low_y = l->high_y = l->taps > 0 ? l->ty[0] : 0;
  l->low_x = l->high_x = l->taps > 0 ? l->tx[0] : 0;
  for (int64_t t = 0; t < l->taps; t++) {
    widen(&l->low_y, &l->high_y, l->ty[t]);
    widen(&l->low_x, &l->high_x, l->tx[t]);
    l->offset[t] = (l->ty[t] * l->in_w + l->tx[t]) * l->in_c * l->k->size;
  }
  l->first_in = l->low_x < 0 ? ceil_div(-l->low_x, l->sx) : 0;
  l->end_in = l->in_w > l->high_x ? ceil_div(l->in_w - l->high_x, l->sx) : 0;
}

/* The pointers of one pixel, some of whose taps may be outside the image. */
static void point_edge(const br_lattice *l, const char *centre, int64_t y, int64_t x,
                       const void **rows) {
  for (int64_t t = 0; t < l->taps; t++) {
    int64_t ty = y + l->ty[t], tx = x + l->tx[t];
    bool there = ty >= 0 && ty < l->in_h && tx >= 0 && tx < l->in_w;
    rows[t * l->k->mr] = there ? centre + l->offset[t] : l->zeros;
  }
}

/* An output pixel: image, row and column. */
typedef struct place {
  int64_t n, qy, qx;
} place;

/* The pointers of m pixels of a row, from `at` on. */
static void point_row(const br_lattice *l, const place *at, int64_t m, const void **rows,
                      char **out) {
  const int64_t n = at->n, qy = at->qy, qx = at->qx;
  int64_t size = l->k->size, mr = l->k->mr, y = qy * l->sy, end = qx + m;
  int64_t step = l->sx * l->in_c * size, out_step = l->xstep * l->out_c * size;
  int64_t oy = l->y0 + qy * l->ystep, ox = l->x0 + qx * l->xstep;
  const char *centre = l->in + (n * l->in_h + y - l->in_first) * l->in_w * l->in_c * size;
  char *to = l->out + ((n * l->out_h + oy) * l->out_w + ox) * l->out_c * size;
  for (int64_t i = 0; i < m; i++) out[i] = to + i * out_step;
  bool inside = y + l->low_y >= 0 && y + l->high_y < l->in_h;
  int64_t a = inside && l->first_in > qx ? l->first_in
                                         : qx; /* pixels with all taps inside */
  int64_t b = inside && l->end_in < end ? l->end_in : end;
  if (!inside || a > b) a = b = end;
  for (int64_t q = qx; q < a; q++)
    point_edge(l, centre + q * step, y, q * l->sx, rows + (q - qx));
  for (int64_t t = 0; t < l->pointers; t++) {
    const char *from = centre + l->offset[t] + a * step;
    const void **row = rows + t * mr + (a - qx);
    for (int64_t i = 0; i < b - a; i++) row[i] = from + i * step;
  }
  for (int64_t q = b; q < end; q++)
    point_edge(l, centre + q * step, y, q * l->sx, rows + (q - qx));
}

static place place_of(const br_lattice *l, int64_t pixel) {
  int64_t row = pixel / l->qw;
  return (place){row / l->qh, row % l->qh, pixel % l->qw};
}

/* Sets the pointers of m output pixels from `at` on: rows[tap * mr + i], out[i]. Moves
   `at` to the pixel after them. */
static void point(const br_lattice *l, place *at, int m, const void **rows, char **out) {
  for (int i = 0; i < m;) { /* a row of pixels at a time */
    int64_t count = l->qw - at->qx < m - i ? l->qw - at->qx : m - i;
    point_row(l, at, count, rows + i, out + i);
    i += (int)count;
    at->qx += count;
    if (at->qx < l->qw) continue;
    at->qx = 0;
    if (++at->qy < l->qh) continue;
    at->qy = 0;
    at->n++;
  }
}

static void multiply(const br_lattice *l, const br_lattice_block *b, const void **rows) {
  const int64_t g = b->group, first = b->first, last = b->last;
  char *out[TILES][BR_GEMM_MAX_MR];
  int count[TILES];
  int64_t mr = l->k->mr, nr = l->k->nr, size = l->k->size;
  place here = place_of(l, l->start + first * mr);
  for (int64_t t = first; t < last; t++) {
    int64_t rest = l->end - l->start - t * mr;
    count[t - first] = (int)(rest < mr ? rest : mr);
    point(l, &here, count[t - first], rows + (t - first) * l->pointers * mr,
          out[t - first]);
  }
  for (int64_t p = b->p0; p < b->p1; p++) {
    int64_t width = l->outputs - p * nr < nr ? l->outputs - p * nr : nr;
    int64_t at = g * l->outputs + p * nr;
    const char *w = l->w + (g * l->panels + p) * l->panel_bytes;
    int64_t column = (g * l->panels + p) * nr * size;
    const br_finish finish = {.bias = l->bias ? l->bias + column : NULL,
                              .slope = l->slope ? l->slope + column : NULL,
                              .relu = l->after.relu};
    void *y[BR_GEMM_MAX_MR];
    br_tile tile = {.k = width,
                    .taps = l->taps,
                    .c = l->run,
                    .offset = g * l->run,
                    .tap_step = l->tap_step,
                    .w = w,
                    .finish = &finish,
                    .y = y};
    for (int64_t t = first; t < last; t++) {
      int m = count[t - first];
      for (int i = 0; i < m; i++) y[i] = out[t - first][i] + at * size;
      tile.m = m;
      tile.rows = rows + (t - first) * l->pointers * mr;
      l->k->gemm(&tile);
    }
  }
}

/* Runs the epilogue over the block's sums, right after they have been stored. */
static void run_after(const br_lattice *l, const br_lattice_block *block) {
  const int64_t g = block->group, first = block->first, last = block->last;
  const int64_t p0 = block->p0, p1 = block->p1;
  int64_t nr = l->k->nr, size = l->k->size, channel = p0 * nr;
  int64_t a = l->start + first * l->k->mr, b = l->start + last * l->k->mr;
  int64_t channels = (p1 * nr < l->outputs ? p1 * nr : l->outputs) - channel;
  char *at = l->out + ((a + l->y0 * l->qw) * l->out_c + g * l->outputs + channel) * size;
  if (b > l->end) b = l->end;
  if (channels == l->out_c) {
    br_epilogue_run(&l->after, (b - a) * channels, at);
    return;
  }
  for (; a < b; a++, at += l->out_c * size) br_epilogue_run(&l->after, channels, at);
}

void br_lattice_run_block(const br_lattice *l, const br_lattice_block *b,
                          const void **rows) {
  multiply(l, b, rows);
  if (l->after.map) run_after(l, b);
}

int64_t br_lattice_tiles(const br_lattice *l) {
  int64_t per = l->taps > 0 ? TABLE / (l->pointers * l->k->mr) : TILES;
  return per < 1 ? 1 : per > TILES ? TILES : per;
}

int64_t br_lattice_pointers(const br_lattice *l, int64_t tiles) {
  return tiles * (l->pointers > 0 ? l->pointers : 1) * l->k->mr;
}

br_status br_lattice_run(br_lattice *l) {
  int64_t mr = l->k->mr;
  l->end = l->n * l->qh * l->qw;
  int64_t tiles = ceil_div(l->end, mr);
  if (tiles == 0 || l->outputs == 0) return BR_OK;
  br_lattice_taps(l);
  double work = (double)tiles * (double)mr * (double)(l->taps * l->run * l->outputs);
  int threads = br_threads_for(work * (double)l->groups);
  int64_t blocks = ceil_div(tiles, br_lattice_tiles(l));
  int64_t parts = blocks * l->groups >= 8 ? 1
                                          : l->panels; /* few pixels: cut the panels */
  blocks = br_blocks_for(blocks, tiles / 2, l->groups * parts, threads);
  l->tiles = ceil_div(tiles, blocks);
  size_t apart, bytes = (size_t)br_lattice_pointers(l, l->tiles) * sizeof(void *);
  char *scratch = br_scratch_take(threads, bytes, &apart);
  if (!scratch) return BR_ENOMEM;
  int64_t units = l->groups * blocks * parts;
#pragma omp parallel num_threads(threads) if (units > 1 && threads > 1)
  {
    const void **own = (void *)(scratch + (size_t)br_thread_index() * apart);
#pragma omp for schedule(static) nowait
    for (int64_t u = 0; u < units; u++) {
      if (br_stopped()) continue;
      int64_t part = u % parts, g = u / parts % l->groups, b = u / parts / l->groups;
      int64_t first = b * tiles / blocks, last = (b + 1) * tiles / blocks;
      const br_lattice_block block = {g, first, last, part * l->panels / parts,
                                      (part + 1) * l->panels / parts};
      br_lattice_run_block(l, &block, own);
    }
  }
  br_scratch_give(scratch);
  return BR_OK;
}
