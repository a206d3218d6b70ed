/* Gradient of a convolution's input. With stride s, the input has s * s phases. Each
   phase is a lattice of pixels that meet the same taps. */
#include "op/conv/lattice.h"
#include "op/conv/winograd.h"

/* For the input's gradient, input channels are the lanes, and rows are (tap,
   output). */
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

/* Room for the taps of all phases, one after the other: the rows that their weights go
   to, and their offsets. */
typedef struct taps_room {
  int64_t *row, *ty, *tx, *offset;
} taps_room;

/* Finds the taps of one phase: input rows py, py + sh, ... and columns px, px + sw,
   .... They are stored from number `first` on. Returns how many there are. */
static int64_t phase_taps(const br_conv *g, int64_t py, int64_t px, int64_t first,
                          const taps_room *to) {
  int64_t taps = first;
  for (int64_t t = 0; t < g->kh * g->kw; t++) {
    int64_t y = py + g->ph - t / g->kw * g->dh, x = px + g->pw - t % g->kw * g->dw;
    if (y % g->sh != 0 || x % g->sw != 0) continue;
    to->row[t] = taps * g->og;
    to->ty[taps] = y / g->sh;
    to->tx[taps++] = x / g->sw;
  }
  return taps - first;
}

/* The lattice of one phase, without its taps and weights. */
static br_lattice phase_lattice(const br_conv *g, int64_t py, int64_t px) {
  const br_kernels *k = br_kernels_of(g->dtype);
  return (br_lattice){.k = k,
                      .n = g->n,
                      .qh = (g->h - py + g->sh - 1) / g->sh,
                      .qw = (g->w - px + g->sw - 1) / g->sw,
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
                      .groups = g->groups,
                      .outputs = g->cg,
                      .panels = br_conv_panels(g->cg, k)};
}

/* The operands of all phases. */
typedef struct operands {
  br_tensor *dy, *w, *dx;
  const char *bias, *zeros;
} operands;

/* Runs all phases. The weights are packed once, with the taps of a phase side by
   side. */
static br_status input_phases(const br_conv *g, const operands *of,
                              const taps_room *tap) {
  const br_kernels *k = br_kernels_of(g->dtype);
  int64_t area = g->kh * g->kw, high = g->sh < g->h ? g->sh : g->h,
          wide = g->sw < g->w ? g->sw : g->w, taps = 0;
  for (int64_t t = 0; t < area; t++) tap->row[t] = -1;
  for (int64_t i = 0; i < high * wide; i++)
    taps += phase_taps(g, i / wide, i % wide, taps, tap);
  br_packing p = input_packing(g, tap->row, taps);
  char *packed = br_conv_pack(&p, k, of->w->data);
  if (!packed) return BR_ENOMEM;
  br_status status = BR_OK;
  taps = 0;
  for (int64_t i = 0; i < high * wide && !status; i++) {
    int64_t py = i / wide, px = i % wide;
    br_lattice l = phase_lattice(g, py, px);
    l.taps = phase_taps(g, py, px, taps, tap);
    l.ty = tap->ty + taps;
    l.tx = tap->tx + taps;
    l.offset = tap->offset + taps;
    l.in = of->dy->data;
    l.out = of->dx->data;
    l.bias = of->bias;
    l.zeros = of->zeros;
    l.w = packed + taps * g->og * k->nr * k->size;
    l.panel_bytes = p.rows * k->nr * k->size;
    taps += l.taps;
    status = br_lattice_run(&l);
  }
  br_free(packed);
  return status;
}

/* The same by Winograd's algorithm: a convolution of dy with the kernels rotated by
   half a turn. */
static br_status winograd_input_grad(const br_conv *g, br_tensor *dy, br_tensor *w,
                                     br_tensor *bias, br_tensor *dx, bool *sound) {
  int64_t area = g->kh * g->kw, row[25];
  for (int64_t t = 0; t < area; t++) row[t] = (area - 1 - t) * g->og;
  br_packing p = input_packing(g, row, area);
  char *packed = br_conv_pack(&p, br_kernels_of(g->dtype), w->data);
  br_winograd plan = br_winograd_input_plan(g);
  char *weights = packed ? br_winograd_weights(&plan, packed) : NULL;
  br_free(packed);
  const br_winograd_data data = {dy->data, weights, true, bias ? bias->data : NULL,
                                 dx->data};
  br_status status = weights ? br_winograd_run(&plan, &data, sound) : BR_ENOMEM;
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
  if (!status) {
    const taps_room room = {tap, tap + area, tap + 2 * area, tap + 3 * area};
    status = input_phases(g, &(operands){dy, w, dx, packed, zeros}, &room);
  }
  br_free(tap);
  br_free(zeros);
  br_free(packed);
  return status;
}
