/* Convolution forward and towards its input: an indirect matrix product. Each output
   pixel of a tile is a row whose values are reached, tap by tap, through a pointer to a
   run of channels; a tap outside the image points at zeros.

   Both directions are the same product over a lattice of output pixels. Forward, the
   lattice is the whole output. Towards the input with stride s, it is each of the s * s
   phases of the input in turn, for in a phase every pixel meets the same taps. */
#include "op/conv/conv.h"

#include <string.h>

#include "base/threads.h"
#include "op/conv/winograd.h"

enum { TILES = 16, TABLE = 4096 }; /* tiles of a block; pointers in its table */

typedef struct lattice {
  const br_kernels *k;
  int64_t n, qh, qw;             /* output pixels: images, rows, columns */
  int64_t y0, ystep, x0, xstep;  /* and where row q and column q lie in the output */
  int64_t out_h, out_w, out_c;   /* the output, channels-last */
  int64_t in_h, in_w, in_c, run; /* the input, and the values read at a tap */
  int64_t in_first;              /* its row that is at `in` */
  int64_t sy, sx;                /* input rows and columns per step of q */
  int64_t taps, tap_step;        /* see the kernel gemm */
  int64_t pointers;              /* of a pixel: the taps, or 1 */
  const int64_t *ty, *tx;        /* offset of each tap, in input pixels */
  int64_t *offset;               /* and in bytes */
  int64_t low_y, high_y, low_x, high_x;      /* the smallest and largest of them */
  int64_t first_in, end_in;                  /* columns all of whose taps lie inside */
  int64_t groups, outputs;                   /* outputs of a group */
  const char *in, *w, *bias, *slope, *zeros; /* bias and slope packed like w */
  br_epilogue after;
  char *out;
  int64_t panels, panel_bytes;
  int64_t start, end; /* output pixels that are wanted */
  int64_t tiles;      /* of a block */
} lattice;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void widen(int64_t *low, int64_t *high, int64_t to) {
  if (to < *low) *low = to;
  if (to > *high) *high = to;
}

static void measure_taps(lattice *l) {
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

/* The pointers of one pixel, whose taps may lie outside. */
static void point_edge(const lattice *l, const char *centre, int64_t y, int64_t x,
                       const void **rows) {
  for (int64_t t = 0; t < l->taps; t++) {
    int64_t ty = y + l->ty[t], tx = x + l->tx[t];
    bool there = ty >= 0 && ty < l->in_h && tx >= 0 && tx < l->in_w;
    rows[t * l->k->mr] = there ? centre + l->offset[t] : l->zeros;
  }
}

/* The pointers of m pixels from column qx on of row qy of image n. */
static void point_row(const lattice *l, int64_t n, int64_t qy, int64_t qx, int64_t m,
                      const void **rows, char **out) {
  int64_t size = l->k->size, mr = l->k->mr, y = qy * l->sy, end = qx + m;
  int64_t step = l->sx * l->in_c * size, out_step = l->xstep * l->out_c * size;
  int64_t oy = l->y0 + qy * l->ystep, ox = l->x0 + qx * l->xstep;
  const char *centre = l->in + (n * l->in_h + y - l->in_first) * l->in_w * l->in_c * size;
  char *to = l->out + ((n * l->out_h + oy) * l->out_w + ox) * l->out_c * size;
  for (int64_t i = 0; i < m; i++) out[i] = to + i * out_step;
  bool inside = y + l->low_y >= 0 && y + l->high_y < l->in_h;
  int64_t a = inside && l->first_in > qx ? l->first_in : qx; /* the pixels without edge */
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

/* An output pixel. */
typedef struct place {
  int64_t n, qy, qx;
} place;

static place place_of(const lattice *l, int64_t pixel) {
  int64_t row = pixel / l->qw;
  return (place){row / l->qh, row % l->qh, pixel % l->qw};
}

/* Pointers for m output pixels from `at` on, which moves behind them: rows[tap * mr + i],
   out[i]. */
static void point(const lattice *l, place *at, int m, const void **rows, char **out) {
  for (int i = 0; i < m;) { /* a row of pixels at a time */
    int64_t count = l->qw - at->qx < m - i ? l->qw - at->qx : m - i;
    point_row(l, at->n, at->qy, at->qx, count, rows + i, out + i);
    i += (int)count;
    at->qx += count;
    if (at->qx < l->qw) continue;
    at->qx = 0;
    if (++at->qy < l->qh) continue;
    at->qy = 0;
    at->n++;
  }
}

/* Tiles first .. last-1 for panels p0 .. p1-1 of group g. */
static void run_block(const lattice *l, int64_t g, int64_t first, int64_t last,
                      int64_t p0, int64_t p1, const void **rows) {
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
  for (int64_t p = p0; p < p1; p++) {
    int64_t width = l->outputs - p * nr < nr ? l->outputs - p * nr : nr;
    int64_t at = g * l->outputs + p * nr;
    const char *w = l->w + (g * l->panels + p) * l->panel_bytes;
    int64_t column = (g * l->panels + p) * nr * size;
    const br_finish finish = {.bias = l->bias ? l->bias + column : NULL,
                              .slope = l->slope ? l->slope + column : NULL,
                              .relu = l->after.relu};
    for (int64_t t = first; t < last; t++) {
      void *y[BR_GEMM_MAX_MR];
      int m = count[t - first];
      for (int i = 0; i < m; i++) y[i] = out[t - first][i] + at * size;
      l->k->gemm(m, width, l->taps, l->run, rows + (t - first) * l->pointers * mr,
                 g * l->run, l->tap_step, w, &finish, y);
    }
  }
}

/* What becomes of the sums of such a block, which have just been stored. */
static void run_after(const lattice *l, int64_t g, int64_t first, int64_t last,
                      int64_t p0, int64_t p1) {
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

/* Tiles of a block, whose pointers fill a table; and how many pointers that has. */
static int64_t most_tiles(const lattice *l) {
  int64_t per = l->taps > 0 ? TABLE / (l->pointers * l->k->mr) : TILES;
  return per < 1 ? 1 : per > TILES ? TILES : per;
}

static int64_t table_size(const lattice *l, int64_t tiles) {
  return tiles * (l->pointers > 0 ? l->pointers : 1) * l->k->mr;
}

static br_status run_lattice(lattice *l) {
  int64_t mr = l->k->mr;
  l->end = l->n * l->qh * l->qw;
  int64_t tiles = ceil_div(l->end, mr);
  if (tiles == 0 || l->outputs == 0) return BR_OK;
  measure_taps(l);
  double work = (double)tiles * (double)mr * (double)(l->taps * l->run * l->outputs);
  int threads = br_threads_for(work * (double)l->groups);
  int64_t blocks = ceil_div(tiles, most_tiles(l));
  int64_t parts = blocks * l->groups >= 8 ? 1
                                          : l->panels; /* few pixels: share the panels */
  blocks = br_blocks_for(blocks, tiles / 2, l->groups * parts, threads);
  l->tiles = ceil_div(tiles, blocks);
  size_t apart, bytes = (size_t)table_size(l, l->tiles) * sizeof(void *);
  char *scratch = br_scratch_take(threads, bytes, &apart);
  if (!scratch) return BR_ENOMEM;
  int64_t units = l->groups * blocks * parts;
#pragma omp parallel num_threads(threads) if (units > 1 && threads > 1)
  {
    const void **own = (void *)(scratch + (size_t)br_thread_index() * apart);
#pragma omp for schedule(static) nowait
    for (int64_t u = 0; u < units; u++) {
      int64_t part = u % parts, g = u / parts % l->groups, b = u / parts / l->groups;
      int64_t first = b * tiles / blocks, last = (b + 1) * tiles / blocks;
      int64_t p0 = part * l->panels / parts, p1 = (part + 1) * l->panels / parts;
      run_block(l, g, first, last, p0, p1, own);
      if (l->after.map) run_after(l, g, first, last, p0, p1);
    }
  }
  br_scratch_give(scratch);
  return BR_OK;
}

/* The weights as the forward kernels read them: packed, and transformed for Winograd's.
   Those of a call that no gradient is asked for are kept for the next. */
static char *prepare(const br_conv *g, br_tensor *w, bool winograd, bool keep,
                     bool *kept) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t key[BR_DERIVED_KEY] = {winograd, g->folded, g->groups, g->o,
                                 g->cg,    g->kh,     g->kw,     k->nr};
  char *ready = br_derived_find(w, key);
  *kept = ready != NULL;
  if (ready) return ready;
  int64_t *row = br_alloc((size_t)(g->cg * g->kh * g->kw + 1) * sizeof *row);
  if (!row) return NULL;
  br_packing p = br_conv_packing(g, row);
  ready = br_conv_pack(&p, k, w->data);
  br_free(row);
  if (ready && winograd) {
    br_winograd plan = br_winograd_forward_plan(g);
    char *packed = ready;
    ready = br_winograd_weights(&plan, packed);
    br_free(packed);
  }
  *kept = ready && keep && br_derived_keep(w, key, ready, br_free);
  return ready;
}

/* ---- forward, the plain way ---- */

struct br_conv_rows {
  lattice l; /* but for in and out; its tables stand behind it, in the same block */
  char *weights;
  bool kept; /* the weights are their tensor's */
};

void br_conv_rows_free(br_conv_rows *r) {
  if (!r) return;
  if (!r->kept) br_free(r->weights);
  br_free(r);
}

/* A value for each output, in panels: the values themselves where they are that already,
   else in the room at `to`. */
static const char *panels_of(const br_conv *g, const br_kernels *k, const char *values,
                             char *to) {
  if (!values || g->og % k->nr == 0) return values;
  br_conv_pack_bias(g->groups, g->og, k, values, to);
  return to;
}

br_conv_rows *br_conv_rows_new(const br_conv *g, br_tensor *w, br_tensor *bias,
                               bool keep) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t taps = g->taps_h * g->taps_w, panels = br_conv_panels(g->og, k);
  size_t head = (sizeof(br_conv_rows) + 63) & ~(size_t)63;
  size_t table = ((size_t)(3 * taps) * sizeof(int64_t) + 63) & ~(size_t)63;
  size_t zeros = ((size_t)((g->c + g->run) * k->size) + 63) & ~(size_t)63;
  size_t packed = (size_t)(g->groups * panels * k->nr * k->size);
  br_conv_rows *r = br_alloc_zero(head + table + zeros + 2 * packed);
  if (!r) return NULL;
  r->weights = prepare(g, w, false, keep, &r->kept);
  if (!r->weights) {
    br_free(r);
    return NULL;
  }
  char *room = (char *)r + head;
  int64_t *tap = (int64_t *)(void *)room;
  char *behind = room + table + zeros;
  for (int64_t t = 0; t < taps; t++) {
    int64_t row = t / g->taps_w, column = t % g->taps_w;
    tap[t] = row * g->dh - (g->folded ? 0 : g->ph);
    tap[taps + t] = g->folded ? 0 : column * g->dw - g->pw;
  }
  r->l = (lattice){.k = k,
                   .n = g->n,
                   .qh = g->oh,
                   .qw = g->ow,
                   .ystep = 1,
                   .xstep = 1,
                   .out_h = g->oh,
                   .out_w = g->ow,
                   .out_c = g->o,
                   .in_h = g->folded ? g->tall : g->h,
                   .in_w = g->folded ? g->wide : g->w,
                   .in_c = g->c,
                   .run = g->run,
                   .sy = g->sh,
                   .sx = g->sw,
                   .taps = taps,
                   .tap_step = g->folded ? g->dh * g->wide * g->c : 0,
                   .ty = tap,
                   .tx = tap + taps,
                   .offset = tap + 2 * taps,
                   .groups = g->groups,
                   .outputs = g->og,
                   .w = r->weights,
                   .bias = panels_of(g, k, bias ? bias->data : NULL, behind),
                   .slope = panels_of(g, k, g->after.slope, behind + packed),
                   .after = g->after,
                   .zeros = room + table,
                   .panels = panels,
                   .panel_bytes = taps * g->run * k->nr * k->size};
  measure_taps(&r->l);
  return r;
}

int64_t br_conv_rows_room(const br_conv_rows *r) {
  return table_size(&r->l, most_tiles(&r->l)) * (int64_t)sizeof(void *);
}

void br_conv_rows_run(const br_conv_rows *r, const char *in, int64_t in_first,
                      int64_t first, int64_t last, char *out, char *room) {
  lattice l = r->l;
  l.n = 1;
  l.in = in;
  l.in_first = in_first;
  l.out = out;
  l.y0 = -first;
  l.start = first * l.qw;
  l.end = last * l.qw;
  int64_t tiles = ceil_div(l.end - l.start, l.k->mr), most = most_tiles(&l);
  for (int64_t g = 0; g < l.groups; g++)
    for (int64_t t = 0; t < tiles; t += most) {
      int64_t end = t + most < tiles ? t + most : tiles;
      run_block(&l, g, t, end, 0, l.panels, (void *)room);
      if (l.after.map) run_after(&l, g, t, end, 0, l.panels);
    }
}

static br_status forward(const br_conv *g, br_tensor *source, br_tensor *w,
                         br_tensor *bias, bool keep, br_tensor *y) {
  br_conv_rows *r = br_conv_rows_new(g, w, bias, keep);
  if (!r) return BR_ENOMEM;
  r->l.in = source->data;
  r->l.out = y->data;
  br_status status = run_lattice(&r->l);
  br_conv_rows_free(r);
  return status;
}

static br_status winograd_forward(const br_conv *g, br_tensor *source, br_tensor *w,
                                  br_tensor *bias, bool keep, br_tensor *y) {
  bool kept, sound;
  char *weights = prepare(g, w, true, keep, &kept);
  if (!weights) return BR_ENOMEM;
  br_winograd plan = br_winograd_forward_plan(g);
  br_status status = br_winograd_run(&plan, source->data, weights, !kept,
                                     bias ? bias->data : NULL, y->data, &sound);
  if (!kept) br_free(weights);
  return status || sound ? status : forward(g, source, w, bias, false, y);
}

bool br_conv_has_rows(const br_conv *g) {
  return !br_conv_is_few(g) && !br_winograd_wins(g);
}

br_status br_conv_forward(const br_conv *g, br_tensor *source, br_tensor *w,
                          br_tensor *bias, bool keep, br_tensor *y) {
  if (br_conv_is_few(g))
    return br_conv_few_forward(g, source->data, w->data, bias ? bias->data : NULL,
                               y->data);
  return (br_winograd_wins(g) ? winograd_forward : forward)(g, source, w, bias, keep, y);
}

/* Towards the input, input channels are the lanes, and rows are (tap, output). */
static br_packing input_packing(const br_conv *g, const int64_t *row, int64_t taps) {
  int64_t area = g->kh * g->kw;
  return (br_packing){.groups = g->groups,
                      .group_step = g->og * g->cg * area,
                      .outputs = g->cg,
                      .output_step = area,
                      .outer = g->og,
                      .outer_step = g->cg * area,
                      .columns = area,
                      .row = row,
                      .rows = taps * g->og};
}

/* The taps of one phase, input rows py, py + sh, ... and columns px, px + sw, ..., from
   number `first` on: their offsets, and the rows their weights go to. */
static int64_t phase_taps(const br_conv *g, int64_t py, int64_t px, int64_t first,
                          int64_t *row, int64_t *ty, int64_t *tx) {
  int64_t taps = first;
  for (int64_t t = 0; t < g->kh * g->kw; t++) {
    int64_t y = py + g->ph - t / g->kw * g->dh, x = px + g->pw - t % g->kw * g->dw;
    if (y % g->sh != 0 || x % g->sw != 0) continue;
    row[t] = taps * g->og;
    ty[taps] = y / g->sh;
    tx[taps++] = x / g->sw;
  }
  return taps - first;
}

/* All phases with the weights packed once, the taps of a phase side by side. `tap` has
   room for four values of each. */
static br_status input_phases(const br_conv *g, br_tensor *dy, br_tensor *w,
                              const char *bias, br_tensor *dx, const char *zeros,
                              int64_t *tap) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw, high = g->sh < g->h ? g->sh : g->h,
          wide = g->sw < g->w ? g->sw : g->w, taps = 0;
  int64_t *row = tap, *ty = tap + area, *tx = ty + area, *offset = tx + area;
  for (int64_t t = 0; t < area; t++) row[t] = -1;
  for (int64_t i = 0; i < high * wide; i++)
    taps += phase_taps(g, i / wide, i % wide, taps, row, ty, tx);
  br_packing p = input_packing(g, row, taps);
  char *packed = br_conv_pack(&p, k, w->data);
  if (!packed) return BR_ENOMEM;
  br_status status = BR_OK;
  taps = 0;
  for (int64_t i = 0; i < high * wide && !status; i++) {
    int64_t py = i / wide, px = i % wide;
    lattice l = {.k = k,
                 .n = g->n,
                 .qh = ceil_div(g->h - py, g->sh),
                 .qw = ceil_div(g->w - px, g->sw),
                 .y0 = py,
                 .ystep = g->sh,
                 .x0 = px,
                 .xstep = g->sw,
                 .out_h = g->h,
                 .out_w = g->w,
                 .out_c = g->c,
                 .in_h = g->oh,
                 .in_w = g->ow,
                 .in_c = g->o,
                 .run = g->og,
                 .sy = 1,
                 .sx = 1,
                 .taps = phase_taps(g, py, px, taps, row, ty, tx),
                 .ty = ty + taps,
                 .tx = tx + taps,
                 .offset = offset + taps,
                 .groups = g->groups,
                 .outputs = g->cg,
                 .in = dy->data,
                 .w = packed + taps * g->og * k->nr * k->size,
                 .bias = bias,
                 .zeros = zeros,
                 .out = dx->data,
                 .panels = br_conv_panels(g->cg, k),
                 .panel_bytes = p.rows * k->nr * k->size};
    taps += l.taps;
    status = run_lattice(&l);
  }
  br_free(packed);
  return status;
}

/* The same by Winograd's algorithm: a convolution of dy with the kernels turned round. */
static br_status winograd_input_grad(const br_conv *g, br_tensor *dy, br_tensor *w,
                                     br_tensor *bias, br_tensor *dx, bool *sound) {
  int64_t area = g->kh * g->kw, row[25];
  for (int64_t t = 0; t < area; t++) row[t] = (area - 1 - t) * g->og;
  br_packing p = input_packing(g, row, area);
  char *packed = br_conv_pack(&p, br_kernels_of(g->dtype), w->data);
  br_winograd plan = br_winograd_input_plan(g);
  char *weights = packed ? br_winograd_weights(&plan, packed) : NULL;
  br_free(packed);
  br_status status = weights ? br_winograd_run(&plan, dy->data, weights, true,
                                               bias ? bias->data : NULL, dx->data, sound)
                             : BR_ENOMEM;
  br_free(weights);
  return status;
}

br_status br_conv_input_grad(const br_conv *g, br_tensor *dy, br_tensor *w,
                             br_tensor *bias, br_tensor *dx) {
  if (br_conv_is_few(g) && !bias)
    return br_conv_few_input_grad(g, dy->data, w->data, dx->data);
  if (br_winograd_wins(g)) {
    bool sound = true;
    br_status done = winograd_input_grad(g, dy, w, bias, dx, &sound);
    if (done || sound) return done;
  }
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw;
  int64_t *tap = br_alloc((size_t)(4 * area + 1) * sizeof *tap);
  char *zeros = br_alloc_zero((size_t)(g->o * k->size) + 1);
  int64_t outputs = g->groups * br_conv_panels(g->cg, k) * k->nr;
  char *packed = bias ? br_alloc_zero((size_t)(outputs * k->size)) : NULL;
  br_status status = tap && zeros && (packed || !bias) ? BR_OK : BR_ENOMEM;
  if (packed) br_conv_pack_bias(g->groups, g->cg, k, bias->data, packed);
  if (!status) status = input_phases(g, dy, w, packed, dx, zeros, tap);
  br_free(tap);
  br_free(zeros);
  br_free(packed);
  return status;
}
