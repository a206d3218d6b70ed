/* Kernels: serial loops over contiguous runs. Each element type and instruction set has
   a table of them. Kernels allocate nothing, never fail and use no threads. Only load
   and store take a stride: they copy between strided and contiguous runs.

   An operator names a kernel by its place in the table, K(relu), so that one row serves
   every element type. A kernel that a type lacks is NULL. */
#ifndef BR_KERNEL_H
#define BR_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

typedef enum br_dtype {
  BR_F32,
  BR_F64,
  BR_I64,
  BR_I32,
  BR_U8,
  BR_BOOL,
  BR_DTYPES
} br_dtype;

enum {
  BR_GEMM_MAX_MR = 14, /* rows of the largest register tile of any instruction set */
  BR_GEMM_MAX_NR = 32  /* and its columns */
};

/* out[i] = f(in[0][i], in[1][i], ...; arg), i < n. The numbers in arg are doubles for the
   float types; for the others each place holds an int64_t, bit for bit. */
typedef void br_map_fn(int64_t n, const void *const *in, void *out, const double *arg);

/* dst[i] = src[i * stride], converted to the table's type */
typedef void br_load_fn(int64_t n, void *dst, const void *src, int64_t stride);
/* dst[i * stride] = src[i], both of the table's type */
typedef void br_store_fn(int64_t n, const void *src, void *dst, int64_t stride);

/* An optimizer's step over a run: see update.inc. */
typedef void br_step(int64_t n, void *const *at, const double *arg);

/* A running sum: double for the float types, int64 for the others. */
typedef union br_sum {
  double f;
  int64_t i;
} br_sum;

/* An extreme value and its place (counted from 0). */
typedef struct br_best {
  br_sum value;
  int64_t at; /* -1: nothing seen yet */
} br_best;

/* The pixels of one row of a window: `count` of them, `apart` elements from each other.
   The next window begins `step` elements further on. */
typedef struct br_strided {
  int64_t count, step, apart;
} br_strided;

/* One run of the weight gradient: `len` pixels whose channels start at `a` and whose
   packed output gradients, NR wide, start at `b`. */
typedef struct br_run {
  const void *a, *b;
  int64_t len;
} br_run;

/* The last steps before a sum is stored: the bias is added, and a negative result
   becomes 0 (relu) or is multiplied by the slope. bias and slope have a value for each
   column, or are NULL. */
typedef struct br_finish {
  const void *bias, *slope;
  bool relu;
} br_finish;

/* A register tile of an indirect product: y[i][j] = finish(sum over taps t and channels
   c of rows[t * mr + i][offset + c] * w[t][c][j]), i < m <= mr, j < k <= nr. If
   tap_step is not 0, taps lie that far apart, and rows has the pointers of the first
   tap only. w, bias and slope are packed nr wide. */
typedef struct br_tile {
  int m;
  int64_t k, taps, c, offset, tap_step;
  const void *const *rows;
  const void *w;
  const br_finish *finish;
  void *const *y;
} br_tile;

/* The gradient of the weights: dw[i][j] += a[p * step + i] * b[p][j], summed over the
   runs and their pixels p, i < m, j < k; b and dw are nr wide. With `at`, the factors
   are a[p * step + at[i]] and b[p * b_step + j]. Then b is read nr wide, or half as
   wide for k up to half of nr. */
typedef struct br_grad_tile {
  int m;
  int64_t k, runs, step;
  const br_run *run;
  const int64_t *at;
  int64_t b_step;
  void *dw;
} br_grad_tile;

/* A product with one large operand. Rows of a, b and y lie ld* apart. */
typedef struct br_slim_product {
  int64_t m, n, k, lda, ldb, ldy;
  const void *a, *b;
  void *y;
  bool add;
} br_slim_product;

/* Batch normalisation of a channel: y = (x - centre) scale + shift. Each field has a
   value for every channel. */
typedef struct br_norm_line {
  const void *centre, *scale, *shift;
} br_norm_line;

/* A p-norm y of a lane, and its gradient dy. For p = inf, `share` is the number of
   values as large as the norm, which share dy. */
typedef struct br_norm {
  double p;
  long double y;
  double share, dy;
} br_norm;

/* `rows` pixels of c channels, ld apart: x (and dy in gradients) and the result. With
   `relu` the result goes through relu, and dy counts only where relu let x pass. */
typedef struct br_norm_rows {
  int64_t rows, c, ld;
  const void *x, *dy;
  void *out;
  bool relu;
} br_norm_rows;

typedef struct br_norm_slope {
  const void *a, *b, *d;
} br_norm_slope;

/* A row's gradient: dx = (dy - a - b y) scale. */
typedef struct br_row_slope {
  double scale, a, b;
} br_row_slope;

typedef struct br_wide_norm {
  const double *mean, *invstd, *weight, *bias;
} br_wide_norm;

typedef struct br_kernels {
  int64_t size; /* bytes of an element */

  /* moving */
  br_load_fn *load[BR_DTYPES];
  br_store_fn *store;

  /* elementwise kernels: every name of arith.inc and math.inc. A gradient's inputs are
     dy and then what the operator kept. */
#define NAME(name) br_map_fn *name;
#define FLOATS
#include "kernel/names.inc"

  /* reductions of a run of n elements */
  void (*sum)(int64_t n, const void *x, br_sum *acc);
  void (*prod)(int64_t n, const void *x, br_sum *acc);
  void (*max)(int64_t n, const void *x, int64_t first, br_best *best);
  void (*min)(int64_t n, const void *x, int64_t first, br_best *best);
  void (*sum_columns)(int64_t rows, int64_t columns, int64_t ld, const void *x,
                      br_sum *acc); /* rows are ld apart */
  void (*squares)(int64_t n, const void *x, double mean,
                  br_sum *acc); /* sum (x - mean)^2 */
  /* sums += x - about, squares += (x - about)^2 */
  void (*deviations)(int64_t n, const void *x, double about, double *sums,
                     double *squares);
  void (*dot)(int64_t n, const void *x, const void *y, br_sum *acc); /* sum x y */
  void (*put)(int64_t n, const br_sum *acc, double scale, void *out);
  /* float types only: see measure.inc */
  void (*sum_wide)(int64_t n, const void *x, long double *acc);
  void (*squares_wide)(int64_t n, const void *x, long double mean, long double *acc);
  void (*abs_sum)(int64_t n, const void *x, double *acc);
  void (*abs_extreme)(int64_t n, const void *x, bool least, double *extreme);
  void (*abs_count)(int64_t n, const void *x, double like, double *acc);
  void (*power_sum)(int64_t n, const void *x, double unit, double p, double *acc);
  void (*exp_sum)(int64_t n, const void *x, double top, double *acc);
  void (*norm_slope)(int64_t n, const void *x, void *dx, const br_norm *norm);
  void (*logsumexp_slope)(int64_t n, const void *x, double top, double rest, double dy,
                          void *dx);

  /* softmax of `rows` rows of n elements, one after the other; the others take one
     row */
  void (*softmax)(int64_t rows, int64_t n, const void *x, void *y);
  void (*log_softmax)(int64_t n, const void *x, void *y);
  void (*softmax_grad)(int64_t n, const void *dy, const void *y, void *dx);
  void (*log_softmax_grad)(int64_t n, const void *dy, const void *y, void *dx);
  void (*entropy_grad)(int64_t n, const void *logp, double a, double b,
                       const void *weight, void *dx);

  /* batch normalisation of `rows` pixels, ld apart, of c channels */
  void (*moments)(int64_t rows, int64_t c, int64_t ld, const void *x, double *mean,
                  double *m2);
  void (*affine)(const br_norm_rows *r, const br_norm_line *f);
  /* sum_dy += sum dy, sum_dy_dev += sum dy (x - mean) */
  void (*norm_sums)(const br_norm_rows *r, const double *mean, const br_norm_line *f,
                    double *sum_dy, double *sum_dy_dev);
  void (*norm_grad)(const br_norm_rows *r, const br_norm_slope *s, const br_norm_line *f);
  /* the same with factors in double; sum_dy_dev is of dy times the normalised x */
  void (*affine_wide)(const br_norm_rows *r, const br_wide_norm *f);
  void (*norm_sums_wide)(const br_norm_rows *r, const br_wide_norm *f, double *sum_dy,
                         double *sum_dy_dev);
  void (*norm_grad_wide)(const br_norm_rows *r, const br_wide_norm *f,
                         const double *mean_dy, const double *mean_dy_dev);

  /* rows of t columns of c channels; alpha and sums are (t,t,c). mix: y_i = sum_j
     alpha_ij x_j. mix_toward: y_i = x_i + sum_j alpha_ij (x_j - x_i). mix_diagonal:
     sets the diagonal of alpha so that mix does what mix_toward did. mix_sums: sums_ij
     = sum over the rows of dy_i x_j. */
  void (*mix)(int64_t rows, int64_t t, int64_t c, const void *x, const void *alpha,
              void *y);
  void (*mix_toward)(int64_t rows, int64_t t, int64_t c, const void *x, const void *alpha,
                     void *y);
  void (*mix_diagonal)(int64_t t, int64_t c, void *alpha);
  void (*mix_sums)(int64_t rows, int64_t t, int64_t c, const void *dy, const void *x,
                   void *sums);

  /* a row by its own mean and scale: y = (x - mean) scale, dx = (dy - a - b y) scale.
     The wide form is for a scale or differences beyond the type's range. */
  void (*standardize)(int64_t n, const void *x, double mean, double scale, void *y);
  /* sums += dy, y, dy y, y^2 */
  void (*standardize_sums)(int64_t n, const void *dy, const void *y, double *sums);
  void (*standardize_grad)(int64_t n, const void *dy, const void *y,
                           const br_row_slope *s, void *dx);
  void (*standardize_wide)(int64_t n, const void *x, double mean, double scale, void *y);

  /* pooling of `count` pixels of c channels into one */
  void (*max_pool)(int64_t count, const void *const *x, int64_t c, void *y, int32_t *at);
  /* the same, one dimension at a time: see pool.inc */
  bool (*max_of_rows)(int64_t rows, int64_t n, const void *const *x, void *t);
  void (*max_of_columns)(int64_t n, const br_strided *s, int64_t c, const void *t,
                         void *y);
  void (*avg_pool)(int64_t count, const void *const *x, int64_t c, double scale, void *y);
  void (*max_pool_small)(int64_t count, const void *const *x, int64_t c, void *y,
                         uint8_t *at);
  void (*max_pool_small_grad)(int64_t count, void *const *dx, int64_t c, const void *dy,
                              const uint8_t *at, bool add);
  void (*axpy)(int64_t n, double a, const void *x, void *y); /* y += a x */

  /* element i of the run takes number draws->first + i */
  void (*dropout)(int64_t n, const void *x, void *y, double p, const br_draws *draws);

  /* optimizer steps over a run, in place: `at` holds a parameter, its gradient and its
     state (NULL for a part that is not used); arg is in the order that the operator
     lists */
  br_step *sgd, *adam, *rmsprop, *adagrad, *adadelta, *adamax;

  /* dst[j][i] = src[i][j], i < rows, j < cols; columns without a dst are left out */
  void (*transpose)(int64_t rows, int64_t cols, const void *const *src, void *const *dst);
  /* the same for 2, 3 or 4 rows, with all columns one after the other in dst */
  void (*interleave)(int64_t rows, int64_t cols, const void *const *src, void *dst);

  /* Winograd's transforms of a tile, float32 only. The transforms back return whether
     their results are reliable: see winograd.inc. */
  void (*winograd_input)(int tile, int64_t c, const void *const *x, void *v,
                         int64_t step);
  bool (*winograd_output)(int tile, int64_t c, const void *m, int64_t step,
                          const br_finish *finish, void *const *y);
  void (*winograd_spread)(int tile, int64_t c, const void *const *dy, void *q,
                          int64_t step, int64_t panel_step);
  void (*winograd_weight)(int tile, int64_t n, const void *w, int64_t tap_step, void *u,
                          int64_t step);
  bool (*winograd_weight_grad)(int tile, int64_t n, const void *s, int64_t step, void *w,
                               int64_t tap_step);

  /* indirect matrix products, one register tile of mr x nr */
  int mr, nr;
  void (*gemm)(const br_tile *tile);
  void (*gemm_grad)(const br_grad_tile *tile);

  /* products with a large matrix that is read or written once */
  /* y (m,n) += a (m,k) b (n,k)^T */
  void (*dot_rows)(const br_slim_product *p);
  /* y (m,n) = a (m,k) b (k,n), or += when `add`; n <= nr, b's rows can be read nr wide */
  void (*panel)(const br_slim_product *p);
  /* the columns of x as panels nr wide, one after the other, filled up with zeros */
  void (*pack)(int64_t rows, int64_t columns, const void *x, int64_t ld, void *to);
} br_kernels;

/* The table for a type on the current instruction set. */
const br_kernels *br_kernels_of(br_dtype dtype);

/* Names a map kernel independently of the type; br_kernel_at finds it again. */
#define K(name) offsetof(br_kernels, name)
br_map_fn *br_kernel_at(const br_kernels *table, size_t place);

#endif
