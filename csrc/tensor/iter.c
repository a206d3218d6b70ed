/* Goes over several tensors together, block by block. */
#include "tensor/tensor.h"

/* Strides of t along the first operand's dimensions; 0 where t is broadcast. */
static void spread(const br_tensor *first, const br_tensor *t, int64_t *stride) {
  int shift = first->ndim - t->ndim;
  for (int d = 0; d < first->ndim; d++) {
    int from = d - shift;
    stride[d] = from < 0 || t->shape[from] == 1 ? 0 : t->stride[from];
  }
}

void br_iter_init(br_iter *it, int n, br_tensor *const *operand) {
  const br_tensor *first = operand[0];
  int64_t stride[BR_ITER_MAX][BR_MAX_DIM];
  int order[BR_MAX_DIM], dims = 0;
  it->n = n;
  it->total = first->numel;
  for (int k = 0; k < n; k++) {
    it->operand[k] = operand[k];
    spread(first, operand[k], stride[k]);
  }
  for (int d = 0; d < first->ndim; d++) { /* outermost first, sizes of 1 left out */
    if (first->shape[d] == 1) continue;
    int at = dims++;
    while (at > 0 && stride[0][order[at - 1]] < stride[0][d]) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = d;
  }
  it->ndim = 0;
  for (int i = 0; i < dims; i++) {
    int d = order[i], outer = it->ndim - 1;
    bool merges = outer >= 0;
    for (int k = 0; k < n && merges; k++)
      merges = it->stride[k][outer] == stride[k][d] * first->shape[d];
    if (!merges) {
      outer = it->ndim++;
      it->shape[outer] = 1;
    }
    it->shape[outer] *= first->shape[d];
    for (int k = 0; k < n; k++) it->stride[k][outer] = stride[k][d];
  }
  if (it->ndim == 0) {
    it->ndim = 1;
    it->shape[0] = it->total;
    for (int k = 0; k < n; k++) it->stride[k][0] = 1;
  }
}

bool br_iter_dense(const br_iter *it, int k) {
  int64_t step = 1;
  for (int d = it->ndim - 1; d >= 0; d--) {
    if (it->stride[k][d] != step) return false;
    step *= it->shape[d];
  }
  return true;
}

/* A position in the walk: coordinates and the operand's offset there. */
typedef struct place {
  int64_t at[BR_MAX_DIM];
  int64_t offset;
} place;

static void place_find(const br_iter *it, int k, int64_t first, place *p) {
  p->offset = 0;
  for (int d = it->ndim - 1; d >= 0; d--) {
    p->at[d] = first % it->shape[d];
    first /= it->shape[d];
    p->offset += p->at[d] * it->stride[k][d];
  }
}

/* Moves past the end of an inner run. */
static void place_next_run(const br_iter *it, int k, place *p) {
  int d = it->ndim - 1;
  while (d >= 0 && p->at[d] == it->shape[d]) {
    p->offset -= it->shape[d] * it->stride[k][d];
    p->at[d--] = 0;
    if (d < 0) return;
    p->at[d]++;
    p->offset += it->stride[k][d];
  }
}

const void *br_iter_load(const br_iter *it, int k, br_dtype dtype, int64_t first,
                         int64_t n, void *buffer) {
  const br_tensor *t = it->operand[k];
  int64_t size = br_dtype_size(t->dtype), inner = it->ndim - 1;
  if (t->dtype == dtype && br_iter_dense(it, k)) return t->data + first * size;
  const br_kernels *kernels = br_kernels_of(dtype);
  br_load_fn *load = kernels->load[t->dtype];
  char *to = buffer;
  place p;
  place_find(it, k, first, &p);
  while (n > 0) {
    int64_t run = it->shape[inner] - p.at[inner];
    if (run > n) run = n;
    load(run, to, t->data + p.offset * size, it->stride[k][inner]);
    to += run * kernels->size;
    n -= run;
    p.at[inner] += run;
    p.offset += run * it->stride[k][inner];
    place_next_run(it, k, &p);
  }
  return buffer;
}

void br_iter_store(const br_iter *it, int k, int64_t first, int64_t n,
                   const void *buffer) {
  br_tensor *t = it->operand[k];
  int64_t size = br_dtype_size(t->dtype), inner = it->ndim - 1;
  const br_kernels *kernels = br_kernels_of(t->dtype);
  const char *from = buffer;
  place p;
  place_find(it, k, first, &p);
  while (n > 0) {
    int64_t run = it->shape[inner] - p.at[inner];
    if (run > n) run = n;
    kernels->store(run, from, t->data + p.offset * size, it->stride[k][inner]);
    from += run * size;
    n -= run;
    p.at[inner] += run;
    p.offset += run * it->stride[k][inner];
    place_next_run(it, k, &p);
  }
}
