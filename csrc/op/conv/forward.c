/* Convolution forward. */
#include "op/conv/lattice.h"
#include "op/conv/winograd.h"

/* The weights as the forward kernels read them: packed, and for Winograd transformed
   too. With `keep` they stay with their tensor for the next call; *kept tells whether
   they do. */
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

struct br_conv_rows {
  br_lattice l; /* without in and out; its tables follow in the same allocation */
  char *weights;
  bool kept; /* the weights belong to their tensor and are not freed here */
};

void br_conv_rows_free(br_conv_rows *r) {
  if (!r) return;
  if (!r->kept) br_free(r->weights);
  br_free(r);
}

/* One value for each output, in panels. If `values` already has that layout it is
   returned; else it is packed into the memory at `to`. */
static const char *panels_of(const br_conv *g, const br_kernels *k, const char *values,
                             char *to) {
  if (!values || g->og % k->nr == 0) return values;
  br_conv_pack_bias(g->groups, g->og, k, values, to);
  return to;
}

/* Offsets of the taps, in input pixels: first of the rows, then of the columns. */
static void find_taps(const br_conv *g, int64_t taps, int64_t *tap) {
  for (int64_t t = 0; t < taps; t++) {
    int64_t row = t / g->taps_w, column = t % g->taps_w;
    tap[t] = row * g->dh - (g->folded ? 0 : g->ph);
    tap[taps + t] = g->folded ? 0 : column * g->dw - g->pw;
  }
}

/* The lattice of output pixels, without its memory. */
static br_lattice forward_lattice(const br_conv *g) {
  const br_kernels *k = br_kernels_of(g->dtype);
  const int64_t taps = g->taps_h * g->taps_w;
  return (br_lattice){.k = k,
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
                      .groups = g->groups,
                      .outputs = g->og,
                      .after = g->after,
                      .panels = br_conv_panels(g->og, k),
                      .panel_bytes = taps * g->run * k->nr * k->size};
}

static size_t whole_lines(int64_t bytes) { return ((size_t)bytes + 63) & ~(size_t)63; }

br_conv_rows *br_conv_rows_new(const br_conv *g, br_tensor *w, br_tensor *bias,
                               bool keep) {
  br_lattice l = forward_lattice(g);
  const int64_t size = l.k->size;
  size_t head = whole_lines((int64_t)sizeof(br_conv_rows));
  size_t table = whole_lines(3 * l.taps * (int64_t)sizeof(int64_t));
  size_t zeros = whole_lines((g->c + g->run) * size);
  size_t packed = (size_t)(g->groups * l.panels * l.k->nr * size);
  br_conv_rows *r = br_alloc_zero(head + table + zeros + 2 * packed);
  if (!r) return NULL;
  r->weights = prepare(g, w, false, keep, &r->kept);
  if (!r->weights) {
    br_free(r);
    return NULL;
  }
  char *room = (char *)r + head, *behind = room + table + zeros;
  int64_t *tap = (int64_t *)(void *)room;
  find_taps(g, l.taps, tap);
  l.ty = tap;
  l.tx = tap + l.taps;
  l.offset = tap + 2 * l.taps;
  l.zeros = room + table;
  l.w = r->weights;
  l.bias = panels_of(g, l.k, bias ? bias->data : NULL, behind);
  l.slope = panels_of(g, l.k, g->after.slope, behind + packed);
  br_lattice_taps(&l);
  r->l = l;
  return r;
}

int64_t br_conv_rows_room(const br_conv_rows *r) {
  return br_lattice_pointers(&r->l, br_lattice_tiles(&r->l)) * (int64_t)sizeof(void *);
}

void br_conv_rows_run(const br_conv_rows *r, const br_conv_band *band, char *room) {
  br_lattice l = r->l;
  l.n = 1;
  l.in = band->in;
  l.in_first = band->in_first;
  l.out = band->out;
  l.y0 = -band->first;
  l.start = band->first * l.qw;
  l.end = band->last * l.qw;
  int64_t tiles = (l.end - l.start + l.k->mr - 1) / l.k->mr, most = br_lattice_tiles(&l);
  for (int64_t g = 0; g < l.groups; g++)
    for (int64_t t = 0; t < tiles; t += most) {
      int64_t end = t + most < tiles ? t + most : tiles;
      br_lattice_run_block(&l, &(br_lattice_block){g, t, end, 0, l.panels}, (void *)room);
    }
}

static br_status forward(const br_conv *g, br_tensor *source, br_tensor *w,
                         br_tensor *bias, bool keep, br_tensor *y) {
  br_conv_rows *r = br_conv_rows_new(g, w, bias, keep);
  if (!r) return BR_ENOMEM;
  r->l.in = source->data;
  r->l.out = y->data;
  br_status status = br_lattice_run(&r->l);
  br_conv_rows_free(r);
  return status;
}

static br_status winograd_forward(const br_conv *g, br_tensor *source, br_tensor *w,
                                  br_tensor *bias, bool keep, br_tensor *y) {
  bool kept, sound;
  char *weights = prepare(g, w, true, keep, &kept);
  if (!weights) return BR_ENOMEM;
  br_winograd plan = br_winograd_forward_plan(g);
  const br_winograd_data data = {source->data, weights, !kept, bias ? bias->data : NULL,
                                 y->data};
  br_status status = br_winograd_run(&plan, &data, &sound);
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
