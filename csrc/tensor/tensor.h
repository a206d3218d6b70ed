/* Tensors: typed, strided views of reference-counted storage. */
#ifndef BR_TENSOR_H
#define BR_TENSOR_H

#include "base/error.h"
#include "base/mem.h"
#include "kernel/kernel.h"

enum { BR_MAX_DIM = 8 };

/* Stands for a missing class label in a batch. Labels count from 1; a 0 would be taken
   for a label that counts from 0. */
enum { BR_MISSING_CLASS = -100 };

/* The memory that views share. `version` counts changes in place, so that a backward pass
   can tell whether a tensor that it saved was changed. */
typedef struct br_derived br_derived;
typedef struct br_storage {
  br_ref ref;
  int64_t id; /* unique: no other storage has it or had it */
  void *data;
  int64_t version;
  br_derived *derived; /* see derived.c; made from derived_version */
  int64_t derived_version;
} br_storage;

/* Strides count elements and may be zero (an expanded dimension), never negative. */
typedef struct br_tensor {
  br_ref ref;
  br_storage *storage; /* NULL: a shape whose values were not kept */
  char *data;          /* the first element */
  br_ref *var;         /* the autograd record, or NULL; owned */
  br_dtype dtype;
  int ndim;
  bool number; /* made from a plain number: takes the type of the other operand */
  int64_t numel;
  int64_t shape[BR_MAX_DIM], stride[BR_MAX_DIM];
} br_tensor;

typedef enum br_format { BR_CONTIGUOUS, BR_CHANNELS_LAST } br_format;

/* ---- types (dtype.c) ---- */

const char *br_dtype_name(br_dtype dtype);
bool br_dtype_parse(const char *name, br_dtype *out);
int64_t br_dtype_size(br_dtype dtype);
bool br_dtype_is_float(br_dtype dtype);
/* The type of a result, by PyTorch's rule. A higher category wins (bool < integer <
   float). Within a category, tensors with dimensions win over 0-d tensors, and 0-d
   tensors over plain numbers. */
br_dtype br_promote(int n, br_tensor *const *in);

/* ---- making (tensor.c); NULL with a message on failure ---- */

br_tensor *br_tensor_new(br_dtype dtype, int ndim, const int64_t *shape,
                         br_format format);
br_tensor *br_tensor_zeros(br_dtype dtype, int ndim, const int64_t *shape,
                           br_format format);
/* A new tensor of t's shape whose dimensions lie in memory in t's order. */
br_tensor *br_tensor_like(const br_tensor *t, br_dtype dtype);
/* _bare and _bare_like make tensors without memory, for results that are computed later;
   br_tensor_equip gives one its memory. */
br_tensor *br_tensor_bare(br_dtype dtype, int ndim, const int64_t *shape,
                          br_format format);
br_tensor *br_tensor_bare_like(const br_tensor *t, br_dtype dtype);
br_status br_tensor_equip(br_tensor *bare);
/* Another view of t's storage, starting `offset` elements after t's first. No autograd.
 */
br_tensor *br_tensor_view(br_tensor *t, int ndim, const int64_t *shape,
                          const int64_t *stride, int64_t offset);
br_tensor *br_tensor_alias(br_tensor *t);
/* t's shape and type without its values. */
br_tensor *br_tensor_shape_of(const br_tensor *t);
/* Takes over `data` (from br_alloc) as a contiguous tensor; frees it on failure. */
br_tensor *br_tensor_adopt(void *data, br_dtype dtype, int ndim, const int64_t *shape);

/* ---- asking ---- */

/* The dimensions in `mask`, as they lie in memory: outermost first, those of size 1
   before all others. Returns how many. */
int br_memory_order(const br_tensor *t, unsigned mask, int *order);

bool br_is_contiguous(const br_tensor *t);
bool br_is_channels_last(const br_tensor *t);
bool br_same_shape(const br_tensor *a, const br_tensor *b);
/* Whether no two elements share memory. */
bool br_is_unexpanded(const br_tensor *t);
/* Whether the caller's reference to t is the only way to its memory. */
bool br_is_exclusive(const br_tensor *t);
/* Product of the sizes; false when it (in bytes of the largest type) would not fit. */
bool br_count(int ndim, const int64_t *shape, int64_t *numel);
/* Text "2" and "(2, 3)" in one of a few rotating buffers, for messages. */
const char *br_number_text(int64_t number);
const char *br_shape_text(int ndim, const int64_t *shape);
const char *br_shape_of(const br_tensor *t);
/* The value of element `at` (contiguous tensors). */
double br_get_double(const br_tensor *t, int64_t at);
void br_put_double(br_tensor *t, int64_t at, double value);

/* ---- series (series.c), into contiguous tensors of one dimension ---- */

/* Counts the values first, first + step, ... up to last; false when they are too many. */
bool br_series_count(int64_t first, int64_t last, int64_t step, int64_t *n);
void br_series_whole(br_tensor *t, int64_t first, int64_t step);
void br_series_real(br_tensor *t, double first, double step);
/* Fills t with evenly spaced values from first to last; both ends are exact. */
void br_series_even(br_tensor *t, double first, double last);

/* ---- data computed from values, kept until the values change (derived.c) ---- */

enum { BR_DERIVED_KEY = 21 };

/* The data kept for t under that key; NULL when t has changed since. */
void *br_derived_find(br_tensor *t, const int64_t *key);
/* Takes over `data`, which `release` will free. If memory is short, returns false and
   does not take `data` over. */
bool br_derived_keep(br_tensor *t, const int64_t *key, void *data,
                     void (*release)(void *data));
void br_derived_clear(br_storage *s);

/* ---- shapes and views (view.c) ---- */

/* The shape that a and b broadcast to, into shape (BR_MAX_DIM). */
bool br_broadcast(int an, const int64_t *a, int bn, const int64_t *b, int *ndim,
                  int64_t *shape);
br_tensor *br_view_expand(br_tensor *t, int ndim, const int64_t *shape);
br_tensor *br_view_permute(br_tensor *t, const int *order);
br_tensor *br_view_narrow(br_tensor *t, int dim, int64_t start, int64_t length,
                          int64_t step);
br_tensor *br_view_select(br_tensor *t, int dim, int64_t at);
/* Strides that give t's elements, in order, the new shape; false when a copy is needed.
 */
bool br_reshape_strides(const br_tensor *t, int ndim, const int64_t *shape,
                        int64_t *stride);

/* ---- walking (iter.c) ---- */

enum { BR_ITER_MAX = 6, BR_ITER_BLOCK = 1024 };

/* Several tensors walked together, in the memory order of the first. The others
   broadcast to its shape. Dimensions are merged where every tensor has one stride over
   both. */
typedef struct br_iter {
  int n, ndim;
  int64_t total;
  int64_t shape[BR_MAX_DIM]; /* outermost first */
  int64_t stride[BR_ITER_MAX][BR_MAX_DIM];
  br_tensor *operand[BR_ITER_MAX];
} br_iter;

void br_iter_init(br_iter *it, int n, br_tensor *const *operand);
/* True when operand k's elements lie one after the other in walking order. */
bool br_iter_dense(const br_iter *it, int k);
/* Elements first .. first+n-1 of operand k as a run of `dtype`: a pointer into the
   tensor where possible, else `buffer`, filled. */
const void *br_iter_load(const br_iter *it, int k, br_dtype dtype, int64_t first,
                         int64_t n, void *buffer);
/* Stores a run of operand k's own type. */
void br_iter_store(const br_iter *it, int k, int64_t first, int64_t n,
                   const void *buffer);

/* ---- products (blas.c) ---- */

/* How many threads, up to n, may call the functions below at the same time; 0 with a
   message when memory is short. Call this before the functions below. */
int br_blas_threads(int n);

/* A matrix of a product: its rows are `ld` elements apart. For a transposed matrix the
   fields describe what is in memory. */
typedef struct br_matrix {
  const void *data;
  int64_t ld;
  bool transposed;
} br_matrix;

/* The product alpha a (m,k) b (k,n) + beta c, into c (m,n), rows `ldc` apart. */
typedef struct br_blas_product {
  br_dtype dtype; /* BR_F32 or BR_F64 */
  int64_t m, n, k;
  double alpha, beta;
  br_matrix a, b;
  void *c;
  int64_t ldc;
} br_blas_product;

/* Computes the product on the calling thread. */
void br_gemm(const br_blas_product *p);

/* Small systems, in double. A returned number is 0, or the place (from 1) where the
   function failed. */

/* Replaces a (n,n), which lies column by column, by its factors. */
int64_t br_lu(int64_t n, double *a, int32_t *pivot);
/* b (n,k), column by column, becomes the solution of a x = b or, transposed, a^T x = b.
 */
void br_lu_solve(bool transposed, int64_t n, int64_t k, const double *lu,
                 const int32_t *pivot, double *b);
/* The lower half of a, row by row, becomes l, where a = l l^T. */
int64_t br_cholesky(int64_t n, double *a);
/* b (n,n), row by row, becomes l^-1 b, or b l^-1 from the right; l^-T when transposed. */
void br_triangle_solve(bool right, bool transposed, int64_t n, const double *l,
                       double *b);
/* a (n,n), symmetric (the lower half is read), becomes its eigenvectors, row by row, and
   w its eigenvalues, rising. `room` holds br_eigh_room(n) doubles. */
int64_t br_eigh_room(int64_t n);
int64_t br_eigh(int64_t n, double *a, double *w, double *room);

#endif
