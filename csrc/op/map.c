/* Elementwise work. The output is computed in blocks, each by one kernel call on
   contiguous elements. Operands that are not contiguous, or of another type, are copied
   to a buffer first.

   An elementwise operator is one row: `kernel` names its function, and grad[i] the
   function for the gradient of input i. That one is called with dy and then all that
   the row keeps, in order. */
#include "op/op.h"

#include <string.h>

#include "base/threads.h"

enum { BLOCK = 512, CHUNK = 16384 };

/* Holds one block of an operand, at the width of the largest type. */
typedef struct block {
  _Alignas(64) char bytes[BLOCK * 8];
} block;

typedef struct job {
  br_iter it;
  br_map_fn *fn;
  br_dtype compute;
  const double *arg;
  bool dense[BR_ITER_MAX]; /* the operand can be used without a buffer */
  bool all_dense;
  int64_t out_size, compute_size;
} job;

/* Computes elements first .. first+n-1, with no operand in a buffer. */
static void run_dense(const job *j, int64_t first, int64_t n) {
  const void *in[BR_ITER_MAX];
  for (int k = 1; k < j->it.n; k++)
    in[k - 1] = j->it.operand[k]->data + first * j->compute_size;
  j->fn(n, in, j->it.operand[0]->data + first * j->out_size, j->arg);
}

static void run_blocks(const job *j, int64_t first, int64_t n) {
  block buffer[BR_ITER_MAX];
  const void *in[BR_ITER_MAX];
  bool filled[BR_ITER_MAX] = {false};
  for (int64_t end = first + n; first < end; first += BLOCK) {
    int64_t len = end - first < BLOCK ? end - first : BLOCK;
    for (int k = 1; k < j->it.n; k++) {
      if (filled[k]) continue;
      bool single = j->it.operand[k]->numel == 1;
      int64_t want = single && j->it.total > BLOCK ? BLOCK : len;
      int64_t from = single && j->it.total > BLOCK ? 0 : first;
      in[k - 1] = br_iter_load(&j->it, k, j->compute, from, want, buffer[k].bytes);
      filled[k] = single && want == BLOCK && in[k - 1] == buffer[k].bytes;
    }
    char *out = j->it.operand[0]->data + first * j->out_size;
    if (!j->dense[0]) out = buffer[0].bytes;
    j->fn(len, in, out, j->arg);
    if (!j->dense[0]) br_iter_store(&j->it, 0, first, len, out);
  }
}

/* Computes chunk i, where a chunk has `size` elements. */
static void run_chunk(const job *j, int64_t i, int64_t size) {
  int64_t first = i * size, rest = j->it.total - first;
  int64_t len = rest < size ? rest : size;
  if (len <= 0) return;
  if (j->all_dense)
    run_dense(j, first, len);
  else
    run_blocks(j, first, len);
}

/* Whether an input shares out's storage with another layout. It would be overwritten
   before it is read. */
static bool overlaps(const br_tensor *out, const br_tensor *in) {
  if (in->storage != out->storage) return false;
  if (in->data != out->data || !br_same_shape(in, out)) return true;
  return memcmp(in->stride, out->stride, (size_t)in->ndim * sizeof *in->stride) != 0;
}

br_status br_map(size_t kernel, br_dtype compute, br_tensor *out, int n,
                 br_tensor *const *in, const double *arg) {
  br_status status = BR_OK;
  br_tensor *operand[BR_ITER_MAX] = {out}, *copies[BR_ITER_MAX] = {NULL};
  for (int k = 0; k < n; k++) {
    operand[k + 1] = in[k];
    if (!overlaps(out, in[k])) continue;
    copies[k] = br_map_new(K(copy), in[k], in[k]->dtype, 1, &in[k], NULL);
    if (!copies[k]) {
      status = BR_ENOMEM;
      goto done;
    }
    operand[k + 1] = copies[k];
  }
  job j = {.compute = compute, .arg = arg, .all_dense = true};
  const br_kernels *kernels = br_kernels_of(compute);
  br_iter_init(&j.it, n + 1, operand);
  j.fn = br_kernel_at(kernels, kernel);
  j.out_size = br_dtype_size(out->dtype);
  j.compute_size = kernels->size;
  for (int k = 0; k <= n; k++) {
    j.dense[k] = (k == 0 || operand[k]->dtype == compute) && br_iter_dense(&j.it, k);
    j.all_dense = j.all_dense && j.dense[k];
  }
  int64_t chunks = (j.it.total + CHUNK - 1) / CHUNK, threads = br_threads();
  if (chunks <= 1) { /* a parallel region of one thread costs as much as a small call */
    run_chunk(&j, 0, j.it.total);
  } else { /* each thread gets the same number of chunks, in whole cache lines */
    chunks = (chunks + threads - 1) / threads * threads;
    int64_t size = ((j.it.total + chunks - 1) / chunks + 63) & ~(int64_t)63;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < chunks; i++)
      if (!br_stopped()) run_chunk(&j, i, size);
  }
done:
  for (int k = 0; k < n; k++) br_release(copies[k]);
  return status;
}

br_tensor *br_map_new(size_t kernel, const br_tensor *like, br_dtype dtype, int n,
                      br_tensor *const *in, const double *arg) {
  br_tensor *out = br_tensor_like(like, dtype);
  if (out && br_map(kernel, dtype, out, n, in, arg) != BR_OK) {
    br_release(out);
    out = NULL;
  }
  return out;
}

/* Collects the numbers among the arguments, in order. */
static void numbers(const br_call *c, double *arg) {
  const bool real = br_dtype_is_float(c->compute);
  for (int i = 0; i < 4; i++) {
    const br_arg *a = &c->arg[i];
    arg[i] = !real ? br_kernel_number(c->compute, a) : a->whole ? (double)a->i : a->f;
  }
}

/* Returns the input whose memory format the result takes: the first one that has the
   result's shape. NULL when there is none. */
static const br_tensor *leading(const br_call *c, int ndim, const int64_t *shape) {
  for (int i = 0; i < c->nin; i++) {
    const br_tensor *t = c->in[i];
    if (t->ndim == ndim && memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) == 0)
      return t;
  }
  return NULL;
}

/* Whether a result may be written into a narrower type: only within bool, integers or
   floats. */
static bool stores(br_dtype to, br_dtype result) {
  return br_dtype_is_float(to) || result == BR_BOOL ||
         (to != BR_BOOL && !br_dtype_is_float(result));
}

/* Checks that a number, or a tensor without dimensions, fits the type of the integer
   tensors beside it. */
static br_status numbers_fit(const br_call *c) {
  if (br_dtype_is_float(c->compute)) return BR_OK;
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->ndim > 0) continue;
    br_arg number = br_number_of(c->in[i]);
    const char *wrong = br_misfit(c->compute, &number);
    if (wrong) return br_bad(c, "%s", wrong);
  }
  return BR_OK;
}

br_status br_map_promote(br_call *c) {
  c->compute = br_promote(c->nin, c->in);
  return br_map_infer(c);
}

br_status br_map_infer(br_call *c) {
  int ndim = 0;
  int64_t shape[BR_MAX_DIM];
  for (int i = 0; i < c->nin; i++) {
    const br_tensor *t = c->in[i];
    int64_t so_far[BR_MAX_DIM];
    memcpy(so_far, shape, sizeof so_far);
    if (!br_broadcast(ndim, so_far, t->ndim, t->shape, &ndim, shape))
      return br_bad(c, "shapes %s and %s do not broadcast", br_shape_text(ndim, so_far),
                    br_shape_of(t));
  }
  if (c->op->flags & BR_TO_FLOAT && !br_dtype_is_float(c->compute)) c->compute = BR_F32;
  br_dtype result = c->op->flags & BR_TO_BOOL ? BR_BOOL : c->compute;
  br_status status = numbers_fit(c);
  if (status) return status;
  if (c->in_place && stores(c->out[0]->dtype, result)) {
    result = c->out[0]->dtype;
    if (br_dtype_is_float(result)) c->compute = result;
  }
  const br_tensor *lead = leading(c, ndim, shape);
  return lead ? br_out_like(c, 0, lead, result)
              : br_out(c, 0, result, ndim, shape, BR_CONTIGUOUS);
}

/* Computes integers of several types whose result goes into the narrowest type. The
   work is done in the widest type, so that no input is cut; then each result must
   fit. */
static br_status map_narrow(br_call *c, const double *arg) {
  br_tensor *wide = br_map_new(c->op->kernel, c->out[0], c->compute, c->nin, c->in, arg);
  const char *wrong = wide ? br_misfits(c->out[0]->dtype, wide, false) : NULL;
  br_status status = !wide ? BR_ENOMEM
                     : wrong
                         ? br_bad(c, "%s", wrong)
                         : br_map(K(copy), c->out[0]->dtype, c->out[0], 1, &wide, NULL);
  br_release(wide);
  return status;
}

br_status br_map_forward(br_call *c) {
  double arg[4];
  numbers(c, arg);
  if (c->in_place && c->compute != c->out[0]->dtype) return map_narrow(c, arg);
  return br_map(c->op->kernel, c->compute, c->out[0], c->nin, c->in, arg);
}

/* Whether the gradient of input i may be written into dy's memory: nobody else sees this
   memory, dy has the layout of a new tensor, and no later input needs dy. */
static bool takes_dy(const br_call *c, int i) {
  const br_tensor *dy = c->dy[0];
  for (int j = i + 1; j < c->nin; j++)
    if (c->need[j] && c->op->grad[j]) return false;
  for (int j = 0; j < i; j++)
    if (c->dx[j] == dy) return false;
  return dy->dtype == c->compute && br_is_exclusive(dy) &&
         (br_is_contiguous(dy) || br_is_channels_last(dy));
}

br_status br_map_backward(br_call *c) {
  double arg[4];
  numbers(c, arg);
  br_tensor *in[BR_ITER_MAX] = {c->dy[0]};
  int n = 1;
  for (int i = 0; i < c->nin; i++)
    if (c->op->keep & BR_KEEP_IN(i)) in[n++] = c->in[i];
  if (c->op->keep & BR_KEEP_OUT(0)) in[n++] = c->out[0];
  for (int i = 0; i < c->nin; i++) {
    if (!c->need[i]) continue;
    size_t grad = c->op->grad[i];
    if (grad == 0) continue;
    br_tensor *dx;
    if (grad == BR_GRAD_DY) {
      dx = br_retain(c->dy[0]);
    } else if (takes_dy(c, i)) {
      if (br_map(grad, c->compute, c->dy[0], n, in, arg) != BR_OK) return BR_ENOMEM;
      dx = br_retain(c->dy[0]);
    } else {
      dx = br_map_new(grad, c->dy[0], c->compute, n, in, arg);
    }
    if (br_dx_take(c, i, dx) != BR_OK) return BR_ENOMEM;
  }
  return BR_OK;
}
