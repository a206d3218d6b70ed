/* An indirect matrix product over a lattice of output pixels. */
#ifndef BR_OP_CONV_LATTICE_H
#define BR_OP_CONV_LATTICE_H

#include "op/conv/conv.h"

typedef struct br_lattice {
  const br_kernels *k;
  int64_t n, qh, qw;            /* output pixels: images, rows, columns */
  int64_t y0, ystep, x0, xstep; /* row q and column q lie at y0 + q ystep, x0 + q xstep */
  int64_t out_h, out_w, out_c;  /* the output, channels-last */
  int64_t in_h, in_w, in_c, run;             /* the input, and the values read at a tap */
  int64_t in_first;                          /* the input row that is at `in` */
  int64_t sy, sx;                            /* input rows and columns per step of q */
  int64_t taps, tap_step;                    /* see the kernel gemm */
  int64_t pointers;                          /* of each pixel: one for each tap, or 1 */
  const int64_t *ty, *tx;                    /* offset of each tap, in input pixels */
  int64_t *offset;                           /* offset of each tap, in bytes */
  int64_t low_y, high_y, low_x, high_x;      /* the smallest and largest ty and tx */
  int64_t first_in, end_in;                  /* columns whose taps all lie inside */
  int64_t groups, outputs;                   /* groups, and outputs of a group */
  const char *in, *w, *bias, *slope, *zeros; /* bias and slope packed like w */
  br_epilogue after;
  char *out;
  int64_t panels, panel_bytes;
  int64_t start, end; /* the output pixels to compute */
  int64_t tiles;      /* tiles of a block */
} br_lattice;

/* Computes the fields from `pointers` to `end_in` from the other fields. */
void br_lattice_taps(br_lattice *l);
/* The whole product, on all threads. */
br_status br_lattice_run(br_lattice *l);

/* How many tiles a block has, and how many pointers its table has. */
int64_t br_lattice_tiles(const br_lattice *l);
int64_t br_lattice_pointers(const br_lattice *l, int64_t tiles);

/* Tiles first .. last-1 for panels p0 .. p1-1 of a group, and where their sums go. `rows`
   has room for the pointers. */
typedef struct br_lattice_block {
  int64_t group, first, last, p0, p1;
} br_lattice_block;

void br_lattice_run_block(const br_lattice *l, const br_lattice_block *b,
                          const void **rows);

#endif
