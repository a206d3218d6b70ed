/* Mean and squared deviations of each channel of rows of channels. */
#ifndef BR_MOMENTS_H
#define BR_MOMENTS_H

#include "op/op.h"

enum {
  BR_NORM_ROWS = 256,   /* of a block */
  BR_NORM_CHANNELS = 64 /* at a time when sums are added up */
};

/* The work is cut into blocks of rows. If there are few blocks, each is cut into chunks
   of channels too. Sums depend on the blocks alone. */
typedef struct br_norm_grid {
  int64_t n, c, blocks, chunks, lines;
  bool parallel;
} br_norm_grid;

br_norm_grid br_norm_cut(const br_tensor *rows);

/* Piece `i`: its first row and channel, and how many of each. */
typedef struct br_norm_piece {
  int64_t row, rows, channel, channels, at; /* at: of its first element */
} br_norm_piece;

br_norm_piece br_norm_piece_of(const br_norm_grid *g, int64_t i);

/* mean[j] and m2[j] of each channel, from blocks combined in order. */
br_status br_moments(const br_tensor *rows, double *mean, double *m2);
/* Computes channels of float64 whose squares leave the range again, in a wider type. */
void br_moments_wide(const br_tensor *rows, double eps, double *mean, double *m2,
                     double *invstd);

#endif
