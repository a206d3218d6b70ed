/* Weights in panels of nr outputs, as the register tile reads them: [group][panel][row]
   [nr]. A row is one value of one tap. The last panel is filled up with zeros. */
#include "op/conv/conv.h"

#include <string.h>

#include "base/threads.h"

enum {
  COLUMNS = 80, /* columns of a unit of work */
  GRAIN = 16384 /* bytes from which waking threads pays */
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t br_conv_panels(int64_t outputs, const br_kernels *k) {
  return (outputs + k->nr - 1) / k->nr;
}

br_packing br_conv_packing(const br_conv *g, int64_t *row) {
  int64_t area = g->kh * g->kw;
  for (int64_t c = 0; c < g->cg; c++)
    for (int64_t t = 0; t < area; t++)
      row[c * area + t] = g->folded ? t * g->c + c : t * g->cg + c;
  return (br_packing){.groups = g->groups,
                      .group_step = g->og * g->cg * area,
                      .outputs = g->og,
                      .output_step = g->cg * area,
                      .outer = 1,
                      .columns = g->cg * area,
                      .row = row,
                      .rows = g->cg * area};
}

/* Columns first .. last-1 of one panel of `width` outputs, for one step of the outer
   loop. */
typedef struct part {
  int64_t width, outer, first, last;
} part;

static void pack_columns(const br_packing *p, const br_kernels *k, const part *of,
                         const char *w, char *panel) {
  const int64_t width = of->width, outer = of->outer;
  const int64_t first = of->first, last = of->last;
  const void *src[BR_GEMM_MAX_NR];
  void *dst[COLUMNS];
  int64_t nr = k->nr, size = k->size;
  if (p->output_step == 1) { /* 1x1, for the input's gradient */
    char *to = panel + (p->row[0] + outer) * nr * size;
    memcpy(to, w + outer * p->outer_step * size, (size_t)(width * size));
    memset(to + width * size, 0, (size_t)((nr - width) * size));
    return;
  }
  for (int64_t i = 0; i < width; i++)
    src[i] = w + (outer * p->outer_step + i * p->output_step + first) * size;
  for (int64_t q = first; q < last; q++) {
    int64_t row = p->row[q];
    char *to = row < 0 ? NULL : panel + (row + outer) * nr * size;
    dst[q - first] = to;
    if (to && width < nr) memset(to + width * size, 0, (size_t)((nr - width) * size));
  }
  k->transpose(width, last - first, src, dst);
}

char *br_conv_pack(const br_packing *p, const br_kernels *k, const char *w) {
  int64_t panels = br_conv_panels(p->outputs, k), bytes = p->rows * k->nr * k->size;
  int64_t chunks = (p->columns + COLUMNS - 1) / COLUMNS;
  char *packed = br_alloc((size_t)(p->groups * panels * bytes) + 1);
  if (!packed || p->rows == 0) return packed;
  int64_t outers = p->outer < 8    ? 1
                   : p->outer < 64 ? 4
                                   : 16,
          units = p->groups * panels * chunks * outers;
#pragma omp parallel for schedule(static)                                                \
    num_threads(br_threads()) if (units > 1 && bytes * panels * p->groups > GRAIN)
  for (int64_t u = 0; u < units; u++) {
    if (br_stopped()) continue;
    int64_t unit = u / (chunks * outers), chunk = u / outers % chunks, turn = u % outers;
    int64_t g = unit / panels, at = unit % panels * k->nr;
    int64_t width = smaller(k->nr, p->outputs - at);
    const char *from = w + (g * p->group_step + at * p->output_step) * k->size;
    int64_t first = chunk * COLUMNS, last = smaller(first + COLUMNS, p->columns);
    for (int64_t o = turn * p->outer / outers; o < (turn + 1) * p->outer / outers; o++)
      pack_columns(p, k, &(part){width, o, first, last}, from, packed + unit * bytes);
  }
  return packed;
}

void br_conv_pack_bias(int64_t groups, int64_t outputs, const br_kernels *k,
                       const char *bias, char *to) {
  int64_t row = br_conv_panels(outputs, k) * k->nr * k->size;
  for (int64_t g = 0; g < groups; g++)
    memcpy(to + g * row, bias + g * outputs * k->size, (size_t)(outputs * k->size));
}

void br_conv_unpack(const br_packing *p, const br_kernels *k, const char *packed,
                    char *w) {
  int64_t panels = br_conv_panels(p->outputs, k), bytes = p->rows * k->nr * k->size;
  int64_t chunks = (p->columns + COLUMNS - 1) / COLUMNS,
          units = p->groups * panels * chunks;
#pragma omp parallel for schedule(static)                                                \
    num_threads(br_threads()) if (units > 1 && bytes * panels * p->groups > GRAIN)
  for (int64_t u = 0; u < units; u++) {
    if (br_stopped()) continue;
    int64_t unit = u / chunks, first = u % chunks * COLUMNS;
    int64_t last = smaller(first + COLUMNS, p->columns);
    int64_t g = unit / panels, at = unit % panels * k->nr;
    int64_t width = smaller(k->nr, p->outputs - at);
    const void *src[COLUMNS];
    void *dst[BR_GEMM_MAX_NR];
    for (int64_t q = first; q < last; q++)
      src[q - first] = packed + unit * bytes + p->row[q] * k->nr * k->size;
    for (int64_t i = 0; i < width; i++)
      dst[i] = w + (g * p->group_step + (at + i) * p->output_step + first) * k->size;
    k->transpose(last - first, width, src, dst);
  }
}
