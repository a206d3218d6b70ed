/* Convolution forward and towards its input: an indirect matrix product. Each output
   pixel of a tile is a row whose values are reached, tap by tap, through a pointer to a
   run of channels; a tap outside the image points at zeros.

   Both directions are the same product over a lattice of output pixels. Forward, the
   lattice is the whole output. Towards the input with stride s, it is each of the s * s
   phases of the input in turn, for in a phase every pixel meets the same taps. */
#include "op/conv.h"

#include <string.h>

#include "base/threads.h"

enum { TILES = 16, TABLE = 4096 }; /* tiles of a block; pointers in its table */

typedef struct lattice {
  const br_kernels *k;
  int64_t n, qh, qw;             /* output pixels: images, rows, columns */
  int64_t y0, ystep, x0, xstep;  /* and where row q and column q lie in the output */
  int64_t out_h, out_w, out_c;   /* the output, channels-last */
  int64_t in_h, in_w, in_c, run; /* the input, and the values read at a tap */
  int64_t sy, sx;                /* input rows and columns per step of q */
  int64_t taps;
  const int64_t *ty, *tx;  /* offset of each tap, in input pixels */
  int64_t groups, outputs; /* outputs of a group */
  const char *in, *w, *bias, *zeros;
  char *out;
  int64_t panels, panel_bytes;
  int64_t tiles;
} lattice;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Pointers for m output pixels from `first` on: rows[tap * mr + i], out[i]. */
static void point(const lattice *l, int64_t first, int m, const void **rows, char **out) {
  int64_t size = l->k->size, plane = l->qh * l->qw;
  for (int i = 0; i < m; i++) {
    int64_t p = first + i, n = p / plane, qy = p % plane / l->qw, qx = p % l->qw;
    int64_t oy = l->y0 + qy * l->ystep, ox = l->x0 + qx * l->xstep;
    out[i] = l->out + ((n * l->out_h + oy) * l->out_w + ox) * l->out_c * size;
    const char *image = l->in + n * l->in_h * l->in_w * l->in_c * size;
    for (int64_t t = 0; t < l->taps; t++) {
      int64_t y = qy * l->sy + l->ty[t], x = qx * l->sx + l->tx[t];
      bool inside = y >= 0 && y < l->in_h && x >= 0 && x < l->in_w;
      rows[t * l->k->mr + i] = inside ? image + (y * l->in_w + x) * l->in_c * size
                                      : l->zeros;
    }
  }
}

/* Tiles first .. last-1 for panels p0 .. p1-1 of group g. */
static void run_block(const lattice *l, int64_t g, int64_t first, int64_t last,
                      int64_t p0, int64_t p1, const void **rows) {
  char *out[TILES][BR_GEMM_MAX_MR];
  int count[TILES];
  int64_t pixels = l->n * l->qh * l->qw, mr = l->k->mr, nr = l->k->nr, size = l->k->size;
  for (int64_t t = first; t < last; t++) {
    int64_t rest = pixels - t * mr;
    count[t - first] = (int)(rest < mr ? rest : mr);
    point(l, t * mr, count[t - first], rows + (t - first) * l->taps * mr, out[t - first]);
  }
  for (int64_t p = p0; p < p1; p++) {
    int64_t width = l->outputs - p * nr < nr ? l->outputs - p * nr : nr;
    int64_t at = g * l->outputs + p * nr;
    const char *w = l->w + (g * l->panels + p) * l->panel_bytes;
    const char *bias = l->bias ? l->bias + (g * l->panels + p) * nr * size : NULL;
    for (int64_t t = first; t < last; t++) {
      void *y[BR_GEMM_MAX_MR];
      int m = count[t - first];
      for (int i = 0; i < m; i++) y[i] = out[t - first][i] + at * size;
      l->k->gemm(m, width, l->taps, l->run, rows + (t - first) * l->taps * mr, g * l->run,
                 w, bias, y);
    }
  }
}

static br_status run_lattice(lattice *l) {
  int64_t mr = l->k->mr, tiles = ceil_div(l->n * l->qh * l->qw, mr);
  if (tiles == 0 || l->outputs == 0) return BR_OK;
  int64_t per = l->taps > 0 ? TABLE / (l->taps * mr) : TILES;
  l->tiles = per < 1 ? 1 : per > TILES ? TILES : per;
  int64_t blocks = ceil_div(tiles, l->tiles);
  int64_t parts = blocks * l->groups >= 8 ? 1
                                          : l->panels; /* few pixels: share the panels */
  int64_t table = l->tiles * (l->taps > 0 ? l->taps : 1) * mr;
  int threads = br_threads();
  const void **rows = br_alloc((size_t)(threads * table) * sizeof *rows);
  if (!rows) return BR_ENOMEM;
  int64_t units = l->groups * blocks * parts;
  double work = (double)tiles * (double)mr * (double)(l->taps * l->run * l->outputs);
#pragma omp parallel num_threads(threads) if (units > 1 && work > 3e4)
  {
    const void **own = rows + br_thread_index() * table;
#pragma omp for schedule(static)
    for (int64_t u = 0; u < units; u++) {
      int64_t g = u / (blocks * parts), b = u / parts % blocks, part = u % parts;
      int64_t first = b * l->tiles;
      int64_t last = first + l->tiles < tiles ? first + l->tiles : tiles;
      run_block(l, g, first, last, part * l->panels / parts,
                (part + 1) * l->panels / parts, own);
    }
  }
  br_free(rows);
  return BR_OK;
}

/* ---- weights in panels: [group][panel][tap][value][nr], zeros behind the last output
 * ---- */

typedef struct packing {
  int64_t groups, outputs, taps, run;        /* of a group */
  const int64_t *tap;                        /* where tap t starts in a kernel */
  int64_t group_step, output_step, run_step; /* elements from one to the next */
} packing;

static inline __attribute__((always_inline)) void pack_panel(const size_t size,
                                                             const packing *p,
                                                             const char *w, int64_t width,
                                                             int64_t nr, char *to) {
  for (int64_t t = 0; t < p->taps; t++)
    for (int64_t r = 0; r < p->run; r++, to += nr * (int64_t)size) {
      const char *from = w + (p->tap[t] + r * p->run_step) * (int64_t)size;
      for (int64_t j = 0; j < width; j++)
        memcpy(to + j * (int64_t)size, from + j * p->output_step * (int64_t)size, size);
      memset(to + width * (int64_t)size, 0, (size_t)(nr - width) * size);
    }
}

static char *pack(const packing *p, const br_kernels *k, const char *w) {
  int64_t panels = ceil_div(p->outputs, k->nr),
          bytes = p->taps * p->run * k->nr * k->size;
  char *packed = br_alloc((size_t)(p->groups * panels * bytes) + 1);
  if (!packed) return NULL;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (bytes > 65536)
  for (int64_t u = 0; u < p->groups * panels; u++) {
    int64_t g = u / panels, first = u % panels * k->nr;
    int64_t width = p->outputs - first < k->nr ? p->outputs - first : k->nr;
    const char *from = w + (g * p->group_step + first * p->output_step) * k->size;
    if (k->size == 4)
      pack_panel(4, p, from, width, k->nr, packed + u * bytes);
    else
      pack_panel(8, p, from, width, k->nr, packed + u * bytes);
  }
  return packed;
}

/* The same for a bias of `outputs` values in each group. */
static char *pack_bias(int64_t groups, int64_t outputs, const br_kernels *k,
                       const char *bias) {
  int64_t panels = ceil_div(outputs, k->nr);
  char *packed = br_alloc_zero((size_t)(groups * panels * k->nr * k->size) + 1);
  for (int64_t i = 0; packed && i < groups; i++)
    memcpy(packed + i * panels * k->nr * k->size, bias + i * outputs * k->size,
           (size_t)(outputs * k->size));
  return packed;
}

br_status br_conv_forward(const br_conv *g, br_tensor *source, br_tensor *w,
                          br_tensor *bias, br_tensor *y) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t taps = g->taps_h * g->taps_w, area = g->kh * g->kw;
  int64_t *tap = br_alloc((size_t)(3 * taps + 1) * sizeof *tap);
  char *zeros = br_alloc_zero((size_t)((g->c + g->run) * k->size) + 1);
  char *packed = NULL, *packed_bias = NULL;
  br_status status = BR_ENOMEM;
  if (!tap || !zeros) goto done;
  for (int64_t t = 0; t < taps; t++) {
    int64_t row = t / g->taps_w, column = t % g->taps_w;
    tap[t] = g->folded ? row * g->kw : t;
    tap[taps + t] = row * g->dh - g->ph;
    tap[2 * taps + t] = g->folded ? 0 : column * g->dw - g->pw;
  }
  br_tensor *turned = w;
  packing p = {g->groups,    g->og, taps, g->run, tap, g->og * g->cg * area,
               g->cg * area, area};
  if (g->folded) { /* values run over (kw, c): bring the weights to (o, kh, kw, c) */
    static const int order[4] = {0, 2, 3, 1};
    br_tensor *view = br_view_permute(w, order);
    turned = view ? br_contiguous(view) : NULL;
    br_release(view);
    if (!turned) goto done;
    for (int64_t t = 0; t < taps; t++) tap[t] = t * g->run;
    p.run_step = 1;
  }
  packed = pack(&p, k, turned->data);
  if (g->folded) br_release(turned);
  if (bias) packed_bias = pack_bias(g->groups, g->og, k, bias->data);
  if (!packed || (bias && !packed_bias)) goto done;
  lattice l = {.k = k,
               .n = g->n,
               .qh = g->oh,
               .qw = g->ow,
               .ystep = 1,
               .xstep = 1,
               .out_h = g->oh,
               .out_w = g->ow,
               .out_c = g->o,
               .in_h = g->h,
               .in_w = g->folded ? g->wide : g->w,
               .in_c = g->c,
               .run = g->run,
               .sy = g->sh,
               .sx = g->sw,
               .taps = taps,
               .ty = tap + taps,
               .tx = tap + 2 * taps,
               .groups = g->groups,
               .outputs = g->og,
               .in = source->data,
               .w = packed,
               .bias = packed_bias,
               .zeros = zeros,
               .out = y->data,
               .panels = ceil_div(g->og, k->nr),
               .panel_bytes = taps * g->run * k->nr * k->size};
  status = run_lattice(&l);
done:
  br_free(tap);
  br_free(zeros);
  br_free(packed);
  br_free(packed_bias);
  return status;
}

/* One phase: input rows py, py + sh, ... and columns px, px + sw, ... */
static br_status input_phase(const br_conv *g, int64_t py, int64_t px, br_tensor *dy,
                             br_tensor *w, const char *bias, br_tensor *dx,
                             const char *zeros, int64_t *tap) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw, taps = 0, *ty = tap + area, *tx = ty + area;
  for (int64_t t = 0; t < area; t++) {
    int64_t y = py + g->ph - t / g->kw * g->dh, x = px + g->pw - t % g->kw * g->dw;
    if (y % g->sh != 0 || x % g->sw != 0) continue;
    tap[taps] = t;
    ty[taps] = y / g->sh;
    tx[taps++] = x / g->sw;
  }
  packing p = {g->groups, g->cg,       taps, g->og, tap, g->og * g->cg * area,
               area,      g->cg * area};
  char *packed = pack(&p, k, w->data);
  if (!packed) return BR_ENOMEM;
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
               .taps = taps,
               .ty = ty,
               .tx = tx,
               .groups = g->groups,
               .outputs = g->cg,
               .in = dy->data,
               .w = packed,
               .bias = bias,
               .zeros = zeros,
               .out = dx->data,
               .panels = ceil_div(g->cg, k->nr),
               .panel_bytes = taps * g->og * k->nr * k->size};
  br_status status = run_lattice(&l);
  br_free(packed);
  return status;
}

br_status br_conv_input_grad(const br_conv *g, br_tensor *dy, br_tensor *w,
                             br_tensor *bias, br_tensor *dx) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw;
  int64_t *tap = br_alloc((size_t)(3 * area + 1) * sizeof *tap);
  char *zeros = br_alloc_zero((size_t)(g->o * k->size) + 1);
  char *packed = bias ? pack_bias(g->groups, g->cg, k, bias->data) : NULL;
  br_status status = tap && zeros && (packed || !bias) ? BR_OK : BR_ENOMEM;
  for (int64_t py = 0; py < g->sh && py < g->h; py++)
    for (int64_t px = 0; px < g->sw && px < g->w && !status; px++)
      status = input_phase(g, py, px, dy, w, packed, dx, zeros, tap);
  br_free(tap);
  br_free(zeros);
  br_free(packed);
  return status;
}
