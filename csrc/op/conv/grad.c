/* Gradient of a convolution's weights: for each tap, products over pixels of input
   channels with output gradients. The gradients are packed, nr wide, in panels of about
   PIXELS pixels. A panel stays in cache while every tap and channel block reads it.
   Input channels are read in place, in runs along image rows.

   The work is cut by the shape alone, into slices of image rows. Each slice has its own
   weight gradient; these are then added in order. */
#include "op/conv/conv.h"

#include <string.h>

#include "base/threads.h"
#include "op/conv/winograd.h"

enum { PIXELS = 512, UNITS = 16 };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct job {
  const br_conv *g;
  const br_kernels *k;
  const char *x, *dy;
  int64_t in_w;                 /* width of the source's rows */
  int64_t rows, rows_at_a_time; /* image rows of the output in all, and in a panel */
  int64_t panels, taps, bytes;  /* bytes: of one panel's weight gradient */
  int64_t parts, slices;        /* parts of the outputs, slices of the rows */
} job;

/* Where the kernel column `column` meets the image: outputs lo .. hi-1 of a row. */
static void columns_inside(const job *j, int64_t column, int64_t *lo, int64_t *hi) {
  const br_conv *g = j->g;
  int64_t shift = column * g->dw - g->pw; /* x = ox * sw + shift */
  *lo = shift >= 0 ? 0 : ceil_div(-shift, g->sw);
  *hi = shift > j->in_w - 1 ? 0 : (j->in_w - 1 - shift) / g->sw + 1;
  if (*hi > g->ow) *hi = g->ow;
  if (*lo > *hi) *lo = *hi;
}

/* dy of `rows` image rows from `first`, the nr outputs from `at`, padded with zeros. */
static void pack_rows(const job *j, int64_t first, int64_t rows, int64_t at,
                      int64_t width, char *to) {
  const br_conv *g = j->g;
  j->k->pack(rows * g->ow, width, j->dy + (first * g->ow * g->o + at) * j->k->size, g->o,
             to);
}

/* A unit of work: image rows first .. last-1, a panel of a group's outputs, their sum dw
   [tap][run][nr], and memory of the thread's own. */
typedef struct unit {
  int64_t group, panel, first, last;
  char *packed, *dw;
  br_run *run;
} unit;

/* The runs of one tap over the packed rows from `first` on. */
static int64_t find_runs(const job *j, const unit *u, int64_t tap, int64_t first,
                         int64_t rows) {
  const br_conv *g = j->g;
  const int64_t at = u->group * g->cg; /* the first channel */
  br_run *run = u->run;
  int64_t size = j->k->size, count = 0, lo, hi;
  int64_t row = tap / g->taps_w, column = tap % g->taps_w;
  int64_t shift = column * g->dw - g->pw;
  columns_inside(j, column, &lo, &hi);
  if (lo == hi) return 0;
  for (int64_t r = 0; r < rows; r++) {
    int64_t n = (first + r) / g->oh, oy = (first + r) % g->oh;
    int64_t y = oy * g->sh + row * g->dh - g->ph;
    if (y < 0 || y >= g->h) continue;
    int64_t pixel = (n * g->h + y) * j->in_w + lo * g->sw + shift;
    run[count].a = j->x + (pixel * g->c + at) * size;
    run[count].b = u->packed + (r * g->ow + lo) * j->k->nr * size;
    run[count++].len = hi - lo;
  }
  return count;
}

/* For few channels: the values of all taps become rows of one matrix. A register tile
   takes rows across taps, because the few values of one tap would leave it half empty.
   Output gradients that lie side by side, or are read only twice, are not packed. */
static void run_folded(const job *j, const unit *u) {
  const br_conv *g = j->g;
  const int64_t panel = u->panel, last = u->last;
  br_run *run = u->run;
  int64_t nr = j->k->nr, size = j->k->size, all = j->taps * g->run;
  int64_t width = smaller(nr, g->og - panel * nr);
  int64_t blocks = ceil_div(all, j->k->mr), each = ceil_div(all, blocks);
  bool fits = width == nr || 2 * width == nr;
  bool in_place = fits && (blocks <= 2 || width == g->o);
  for (int64_t first = u->first; first < last; first += j->rows_at_a_time) {
    int64_t rows = smaller(j->rows_at_a_time, last - first);
    int64_t b_step = in_place ? g->o : nr;
    const char *b = j->dy + (first * g->ow * g->o + panel * nr) * size;
    if (!in_place) pack_rows(j, first, rows, panel * nr, width, u->packed);
    for (int64_t r = 0; r < rows; r++) {
      int64_t n = (first + r) / g->oh, oy = (first + r) % g->oh;
      run[r].a = j->x + (n * g->tall + oy * g->sh) * g->wide * g->c * size;
      run[r].b = (in_place ? b : u->packed) + r * g->ow * b_step * size;
      run[r].len = g->ow;
    }
    for (int64_t q = 0; q < all; q += each) {
      int64_t at[BR_GEMM_MAX_MR], m = smaller(each, all - q);
      for (int64_t i = 0; i < m; i++)
        at[i] = (q + i) / g->run * g->dh * g->wide * g->c + (q + i) % g->run;
      j->k->gemm_grad(&(br_grad_tile){.m = (int)m,
                                      .k = width,
                                      .runs = rows,
                                      .run = u->run,
                                      .step = g->sw * g->c,
                                      .at = at,
                                      .b_step = b_step,
                                      .dw = u->dw + q * nr * size});
    }
  }
}

static void run_unit(const job *j, const unit *u) {
  const br_conv *g = j->g;
  int64_t nr = j->k->nr, size = j->k->size;
  int64_t width = smaller(nr, g->og - u->panel * nr);
  int64_t blocks = ceil_div(g->run, j->k->mr), each = ceil_div(g->run, blocks);
  memset(u->dw, 0, (size_t)j->bytes);
  if (g->folded) {
    run_folded(j, u);
    return;
  }
  for (int64_t first = u->first; first < u->last; first += j->rows_at_a_time) {
    int64_t rows = smaller(j->rows_at_a_time, u->last - first);
    pack_rows(j, first, rows, u->group * g->og + u->panel * nr, width, u->packed);
    for (int64_t t = 0; t < j->taps; t++) {
      int64_t runs = find_runs(j, u, t, first, rows);
      for (int64_t i = 0; i < g->run; i += each) {
        int m = (int)smaller(each, g->run - i);
        j->k->gemm_grad(&(br_grad_tile){.m = m,
                                        .k = width,
                                        .runs = runs,
                                        .run = u->run,
                                        .step = g->sw * g->c,
                                        .dw = u->dw + (t * g->run + i) * nr * size});
        for (int64_t r = 0; r < runs; r++)
          u->run[r].a = (const char *)u->run[r].a + each * size;
      }
    }
  }
}

static br_status winograd_weight_grad(const br_conv *g, br_tensor *source, br_tensor *dy,
                                      br_tensor *dw, bool *sound) {
  const br_kernels *k = br_kernels_of(g->dtype);
  br_winograd plan = br_winograd_forward_plan(g);
  int64_t rows = g->cg * g->kh * g->kw, panels = g->groups * br_conv_panels(g->og, k);
  int64_t *row = br_alloc((size_t)rows * sizeof *row);
  char *packed = br_alloc((size_t)(panels * rows * k->nr * k->size));
  br_status status = row && packed ? BR_OK : BR_ENOMEM;
  if (!status)
    status = br_winograd_weight_grad(&plan, source->data, dy->data, packed, sound);
  if (!status && *sound) {
    br_packing p = br_conv_packing(g, row);
    br_conv_unpack(&p, k, packed, dw->data);
  }
  br_free(row);
  br_free(packed);
  return status;
}

/* Cuts the work by outputs, and then into slices of the rows until there are enough
   units. */
static void cut_work(job *j) {
  const br_conv *g = j->g;
  j->rows_at_a_time = smaller(j->rows > 0 ? j->rows : 1,
                              PIXELS / g->ow > 0 ? PIXELS / g->ow : 1);
  j->bytes = j->taps * g->run * j->k->nr * j->k->size;
  j->parts = g->groups * j->panels;
  int64_t slices = smaller(ceil_div(UNITS, j->parts),
                           ceil_div(j->rows, j->rows_at_a_time));
  while (slices > 1 && slices * j->parts * j->bytes > (64 << 20)) slices /= 2;
  j->slices = slices < 1 ? 1 : slices;
}

/* Fills sums [slice][part], then adds all slices to the first. */
static br_status run_units(const job *j, char *sums) {
  const br_conv *g = j->g;
  const br_kernels *k = j->k;
  int64_t per = ceil_div(j->rows, j->slices), units = j->slices * j->parts;
  int64_t panel_bytes = (j->rows_at_a_time * g->ow * k->nr * k->size + 63) & ~(int64_t)63;
  int64_t run_bytes = j->rows_at_a_time * (int64_t)sizeof(br_run);
  int threads = br_threads();
  size_t apart;
  char *scratch = br_scratch_take(threads, (size_t)(panel_bytes + run_bytes), &apart);
  if (!scratch) return BR_ENOMEM;
#pragma omp parallel num_threads(threads)
  {
    char *packed = scratch + (size_t)br_thread_index() * apart;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < units; i++) {
      if (br_stopped()) continue;
      int64_t slice = i / j->parts, part = i % j->parts;
      const unit u = {.group = part / j->panels,
                      .panel = part % j->panels,
                      .first = smaller(slice * per, j->rows),
                      .last = smaller((slice + 1) * per, j->rows),
                      .packed = packed,
                      .dw = sums + i * j->bytes,
                      .run = (br_run *)(void *)(packed + panel_bytes)};
      run_unit(j, &u);
    }
#pragma omp for schedule(static) nowait
    for (int64_t part = 0; part < j->parts; part++)
      if (!br_stopped())
        for (int64_t s = 1; s < j->slices; s++)
          k->axpy(j->bytes / k->size, 1, sums + (s * j->parts + part) * j->bytes,
                  sums + part * j->bytes);
  }
  br_scratch_give(scratch);
  return BR_OK;
}

br_status br_conv_weight_grad(const br_conv *g, br_tensor *source, br_tensor *dy,
                              br_tensor *dw) {
  if (br_conv_is_few_weights(g))
    return br_conv_few_weight_grad(g, source->data, dy->data, dw->data);
  if (br_winograd_wins_weights(g)) {
    bool sound = true;
    br_status done = winograd_weight_grad(g, source, dy, dw, &sound);
    if (done || sound) return done;
  }
  const br_kernels *k = br_kernels_of(g->dtype);
  job j = {.g = g,
           .k = k,
           .x = source->data,
           .dy = dy->data,
           .in_w = g->w,
           .rows = g->n * g->oh,
           .panels = br_conv_panels(g->og, k),
           .taps = g->taps_h * g->taps_w};
  cut_work(&j);
  char *sums = br_alloc((size_t)(j.slices * j.parts * j.bytes) + 1);
  int64_t *place = br_alloc((size_t)(g->cg * g->kh * g->kw) * sizeof *place + 1);
  br_status status = sums && place ? run_units(&j, sums) : BR_ENOMEM;
  if (!status) {
    br_packing p = br_conv_packing(g, place);
    br_conv_unpack(&p, k, sums, dw->data);
  }
  br_free(sums);
  br_free(place);
  return status;
}
