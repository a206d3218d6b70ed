#include "op/moments.h"

#include <math.h>

#include "base/threads.h"

enum {
  LINE = 16, /* channels; a chunk has a multiple of them */
  PIECES = 8 /* how many pieces are wanted, about */
};

br_norm_grid br_norm_cut(const br_tensor *rows) {
  br_norm_grid g = {.c = rows->shape[1]};
  g.n = rows->numel / (g.c ? g.c : 1);
  g.blocks = (g.n + BR_NORM_ROWS - 1) / BR_NORM_ROWS;
  int64_t wanted = g.blocks > 0 ? (PIECES + g.blocks - 1) / g.blocks : 1;
  g.lines = (g.c + LINE - 1) / LINE;
  g.chunks = g.lines < 4 * wanted ? g.lines / 4 : wanted;
  if (g.chunks < 1) g.chunks = 1;
  g.parallel = rows->numel > 16384;
  return g;
}

br_norm_piece br_norm_piece_of(const br_norm_grid *g, int64_t i) {
  int64_t row = i / g->chunks * BR_NORM_ROWS, chunk = i % g->chunks;
  int64_t channel = chunk * g->lines / g->chunks * LINE;
  int64_t end = (chunk + 1) * g->lines / g->chunks * LINE;
  return (br_norm_piece){.row = row,
                         .rows = g->n - row < BR_NORM_ROWS ? g->n - row : BR_NORM_ROWS,
                         .channel = channel,
                         .channels = (end < g->c ? end : g->c) - channel,
                         .at = row * g->c + channel};
}

/* Mean and sum of squared deviations of each channel, blocks combined in order (Chan,
   Golub and LeVeque 1979). */
br_status br_moments(const br_tensor *rows, double *mean, double *m2) {
  const br_kernels *k = br_kernels_of(rows->dtype);
  const br_norm_grid g = br_norm_cut(rows);
  double *part = br_alloc((size_t)(2 * g.blocks * g.c) * sizeof *part + 1);
  if (!part) return BR_ENOMEM;
#pragma omp parallel num_threads(br_threads()) if (g.parallel)
  {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < g.blocks * g.chunks; i++) {
      if (br_stopped()) continue;
      br_norm_piece p = br_norm_piece_of(&g, i);
      double *sums = part + p.row / BR_NORM_ROWS * 2 * g.c + p.channel;
      k->moments(p.rows, p.channels, g.c, rows->data + p.at * k->size, sums, sums + g.c);
    }
#pragma omp for schedule(static) nowait
    for (int64_t first = 0; first < g.c; first += BR_NORM_CHANNELS) {
      if (br_stopped()) continue;
      int64_t last = first + BR_NORM_CHANNELS < g.c ? first + BR_NORM_CHANNELS : g.c;
      for (int64_t j = first; j < last; j++) mean[j] = m2[j] = 0;
      for (int64_t b = 0; b < g.blocks; b++) {
        const double *sums = part + 2 * b * g.c, before = (double)(b * BR_NORM_ROWS);
        double len = (double)(g.n - b * BR_NORM_ROWS < BR_NORM_ROWS
                                  ? g.n - b * BR_NORM_ROWS
                                  : BR_NORM_ROWS);
        double all = before + len;
        for (int64_t j = first; j < last; j++) {
          double delta = sums[j] - mean[j];
          mean[j] += delta * (len / all);
          m2[j] += sums[g.c + j] + delta * delta * (before * len / all);
        }
      }
    }
  }
  br_free(part);
  return BR_OK;
}

void br_moments_wide(const br_tensor *rows, double eps, double *mean, double *m2,
                     double *invstd) {
  int64_t channels = rows->shape[1], n = rows->numel / (channels ? channels : 1);
  const double *x = (const double *)(const void *)rows->data;
  for (int64_t j = 0; j < channels; j++) {
    if (isnan(mean[j]) || (m2[j] > 1e-280 && m2[j] < 1e300)) continue;
    long double sum = 0, squares = 0;
    for (int64_t r = 0; r < n; r++) sum += (long double)x[r * channels + j];
    sum /= (long double)n;
    for (int64_t r = 0; r < n; r++) {
      long double d = (long double)x[r * channels + j] - sum;
      squares += d * d;
    }
    long double deviation = sqrtl(squares / (long double)n + (long double)eps);
    mean[j] = (double)sum;
    m2[j] = (double)squares;
    invstd[j] = deviation > 0 ? (double)(1 / deviation) : 0;
  }
}
