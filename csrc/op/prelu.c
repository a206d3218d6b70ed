/* prelu: x where positive, else a weight of its channel times x.

   If the channels are innermost, a run repeats the weights until it is long enough for
   a vector loop, whatever their number is. */
#include "op/op.h"

#include <string.h>

#include "base/threads.h"

enum { RUN = 1024, GRAIN = 16384 };

/* x (n,c,...), weight (1) or (c) -> (n,c,...) */
static br_status prelu_infer(br_call *c) {
  const br_tensor *x = c->in[0], *w = c->in[1];
  br_status status = br_need_dims(c, w, "weight", 1);
  if (status) return status;
  if (w->numel != 1 && (x->ndim < 2 || x->shape[1] != w->numel))
    return br_bad(c, "weight must hold 1 value or one for each channel of %s, not %s",
                  br_shape_of(x), br_shape_of(w));
  c->compute = br_promote(2, c->in);
  if (!br_dtype_is_float(c->compute)) c->compute = BR_F32;
  return br_out_like(c, 0, x, c->compute);
}

/* The shape in which the weight broadcasts to x. */
static void wide_shape(const br_call *c, int64_t shape[BR_MAX_DIM], int *ndim) {
  *ndim = c->in[0]->ndim;
  for (int d = 0; d < *ndim; d++) shape[d] = d == 1 ? c->in[1]->numel : 1;
}

static br_tensor *wide_weight(const br_call *c) {
  int ndim;
  int64_t shape[BR_MAX_DIM];
  wide_shape(c, shape, &ndim);
  return br_reshaped(c->in[1], ndim, shape);
}

/* Whether t's channels are innermost and its elements have no gaps between them. */
static bool innermost(const br_tensor *t, br_dtype dtype) {
  if (t->dtype != dtype) return false;
  return (t->ndim == 2 && br_is_contiguous(t)) || br_is_channels_last(t);
}

/* The weights, repeated to a run of whole pixels, in the type of the work. */
static br_tensor *weight_run(const br_call *c) {
  int64_t channels = c->in[0]->shape[1], pixels = RUN / channels;
  int64_t all = c->in[0]->numel / channels;
  if (pixels > all) pixels = all;
  int64_t shape[2] = {pixels < 1 ? 1 : pixels, channels};
  if (shape[0] == 1 && c->in[1]->numel == channels)
    return br_as(c->in[1], c->compute, BR_CONTIGUOUS);
  br_tensor *run = br_tensor_new(c->compute, 2, shape, BR_CONTIGUOUS);
  if (run && br_copy(run, c->in[1]) == BR_OK) return run;
  br_release(run);
  return NULL;
}

/* out = kernel(in..., weight). All inputs have out's shape; the weight broadcasts to
   it. */
static br_status run_wide(br_call *c, size_t kernel, br_tensor *out, int n,
                          br_tensor *const *in) {
  br_tensor *operand[3] = {in[0], n > 1 ? in[1] : NULL, NULL};
  operand[n] = wide_weight(c);
  if (!operand[n]) return BR_ENOMEM;
  br_status status = br_map(kernel, c->compute, out, n + 1, operand, NULL);
  br_release(operand[n]);
  return status;
}

static br_status run(br_call *c, size_t kernel, br_tensor *out, int n,
                     br_tensor *const *in) {
  bool fast = out->numel > 0 && innermost(out, c->compute);
  for (int i = 0; i < n; i++) fast = fast && innermost(in[i], c->compute);
  if (!fast) return run_wide(c, kernel, out, n, in);
  br_tensor *weight = weight_run(c);
  if (!weight) return BR_ENOMEM;
  const br_kernels *k = br_kernels_of(c->compute);
  br_map_fn *fn = br_kernel_at(k, kernel);
  int64_t length = weight->numel, blocks = (out->numel + length - 1) / length;
#pragma omp parallel for schedule(static)                                                \
    num_threads(br_threads()) if (out->numel > GRAIN)
  for (int64_t b = 0; b < blocks; b++) {
    if (br_stopped()) continue;
    int64_t at = b * length, rest = out->numel - at;
    const void *from[3] = {NULL};
    for (int i = 0; i < n; i++) from[i] = in[i]->data + at * k->size;
    from[n] = weight->data;
    fn(rest < length ? rest : length, from, out->data + at * k->size, NULL);
  }
  br_release(weight);
  return BR_OK;
}

static br_status prelu_forward(br_call *c) {
  return run(c, K(prelu), c->out[0], 1, c->in);
}

static br_status input_grad(br_call *c) {
  br_tensor *in[2] = {c->dy[0], c->in[0]};
  br_tensor *dx = br_tensor_like(c->in[0], c->compute);
  br_status status = br_dx_take(c, 0, dx);
  return status ? status : run(c, K(prelu_grad_x), dx, 2, in);
}

static br_status weight_grad(br_call *c) {
  int ndim;
  int64_t shape[BR_MAX_DIM];
  wide_shape(c, shape, &ndim);
  br_tensor *in[2] = {c->dy[0], c->in[0]};
  br_tensor *each = br_map_new(K(prelu_grad_w), c->in[0], c->compute, 2, in, NULL);
  br_tensor *sum = each ? br_sum_to(each, ndim, shape) : NULL;
  br_status status = br_dx_take(c, 1, sum ? br_reshaped(sum, 1, c->in[1]->shape) : NULL);
  br_release(each);
  br_release(sum);
  return status;
}

static br_status prelu_backward(br_call *c) {
  br_status status = c->need[0] ? input_grad(c) : BR_OK;
  return status || !c->need[1] ? status : weight_grad(c);
}

/* clang-format off */
const br_op br_prelu_ops[] = {
    {.name = "prelu", .args = "x:t weight:t",
     .doc = "x (n,c,...) where positive, else weight times x; weight is (1), or (c) with a value for each channel",
     .usage = "x:prelu(braid.tensor{0.25})",
     .infer = prelu_infer, .forward = prelu_forward, .backward = prelu_backward,
     .keep = BR_KEEP_IN(0) | BR_KEEP_IN(1)},
    {0},
};
/* clang-format on */
