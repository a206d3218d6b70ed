/* Measures of lanes of values, in one or two passes. */
#ifndef BR_MEASURE_H
#define BR_MEASURE_H

#include "op/op.h"

typedef struct br_measuring br_measuring;

/* The results of a pass for a block: its sum, and a second one. */
typedef struct br_part_sum {
  long double own, more;
} br_part_sum;

/* The results of the passes over a lane: a is joined in the first pass, b in the
   second. c adds up the second sums of the last pass. */
typedef struct br_lane {
  long double a, b, c;
  bool wide;
} br_lane;

typedef enum br_join { BR_JOIN_ADD, BR_JOIN_MAX, BR_JOIN_MIN } br_join;

/* How a lane is measured. */
typedef struct br_measure {
  int passes;
  br_join how[2];
  bool squares; /* its squares may leave the range of float64 */
  /* adds n values to what a block has so far */
  void (*step)(const br_measuring *j, int pass, int64_t n, const void *x,
               const br_lane *l, br_part_sum *to);
  double (*result)(const br_measuring *j, const br_lane *l);
  /* what the gradient needs of a lane, if more than the result */
  void (*save)(const br_measuring *j, const br_lane *l, double *first, double *second);
} br_measure;

struct br_measuring {
  const br_measure *m;
  br_lanes_at at;
  const br_kernels *k;
  br_dtype dtype;
  double p;            /* of a norm */
  double divisor;      /* of a variance */
  const double *given; /* b of each lane if the first pass is left out, or NULL */
  int64_t block, blocks, together;
  /* where the results and the saved values go; each may be left out */
  char *y;
  double *first, *second;
};

/* The lanes of in[0] along the dimensions in state[0], cut into blocks. */
void br_measure_open(br_call *c, br_measuring *j);
/* All passes over all lanes. */
br_status br_measure_lanes(const br_measuring *j);
/* Opens, measures, and saves what the gradient needs. */
br_status br_measure_run(br_call *c, br_measuring *j);

/* Combines the results of two blocks. */
void br_join_part(br_join how, long double one, long double *all);

/* n values of a lane, with its y and, if it was saved, `other`. */
typedef struct br_slope {
  int64_t n;
  const void *x;
  double y, other, dy;
  void *dx;
} br_slope;

/* Fills dx. */
typedef void br_slope_fn(const br_measuring *j, const br_slope *s);

br_status br_measure_slope(br_call *c, br_measuring *j, br_slope_fn *f,
                           const double *other);

/* The saved double of each lane, in the order of the result. */
const double *br_saved_lanes(const br_call *c, int i);
/* Infers the result for x float, with dimensions in argument `dim` and keepdim in
   argument `keepdim`. */
br_status br_measure_infer(br_call *c, int dim, int keepdim);
int64_t br_lane_length(const br_call *c);

#endif
