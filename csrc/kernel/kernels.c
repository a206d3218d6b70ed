/* One kernel table. Compiled once for each element type (TYPE, TYPE_f32 ...) and
   instruction set (ISA), from the bodies in the .inc files, which are written for a type
   T.

   Floating types (REAL defined) fill the whole table, the others moving, arithmetic and
   the simple reductions. */
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "base/rng.h"

#if defined(TYPE_f32)
typedef float T;
#define REAL
#elif defined(TYPE_f64)
typedef double T;
#define REAL
#elif defined(TYPE_i64)
typedef int64_t T;
#elif defined(TYPE_i32)
typedef int32_t T;
#elif defined(TYPE_u8)
typedef uint8_t T;
#else
typedef bool T;
#define BOOLEAN
#endif

#include "kernel/load.inc"
#ifdef REAL
#include "kernel/vector.inc"
#include "kernel/real.inc"
#endif
#include "kernel/element.inc"
#include "kernel/loops.inc"
#include "kernel/arith.inc"
#ifdef REAL
#include "kernel/math.inc"
#endif
#include "kernel/undefine.inc"
#include "kernel/reduce.inc"
#ifdef REAL
#include "kernel/measure.inc"
#include "kernel/softmax.inc"
#include "kernel/norm.inc"
#include "kernel/mix.inc"
#include "kernel/update.inc"
#include "kernel/gemm.inc"
#include "kernel/linear.inc"
#include "kernel/pool.inc"
#include "kernel/transpose.inc"
#ifdef TYPE_f32
#include "kernel/winograd.inc"
#endif
#endif

#define PASTE(a, b, c) a##b##_##c
#define TABLE(isa, type) PASTE(br_kernels_, isa, type)
extern const br_kernels TABLE(ISA, TYPE);

const br_kernels TABLE(ISA, TYPE) = {
    .size = sizeof(T),
    .load = {load_f32, load_f64, load_i64, load_i32, load_u8, load_bool},
    .store = store,
#define NAME(name) .name = name##_map,
#ifdef REAL
#define FLOATS
#endif
#include "kernel/names.inc"
    .sum = sum,
    .prod = prod,
    .max = max,
    .min = min,
    .sum_columns = sum_columns,
    .put = put,
#ifdef REAL
    .squares = squares,
    .dot = dot,
    .deviations = deviations,
    .standardize_sums = standardize_sums,
    .sum_wide = sum_wide,
    .squares_wide = squares_wide,
    .abs_sum = abs_sum,
    .abs_extreme = abs_extreme,
    .abs_count = abs_count,
    .power_sum = power_sum,
    .exp_sum = exp_sum,
    .norm_slope = norm_slope,
    .logsumexp_slope = logsumexp_slope,
    .softmax = softmax,
    .log_softmax = log_softmax,
    .softmax_grad = softmax_grad,
    .log_softmax_grad = log_softmax_grad,
    .entropy_grad = entropy_grad,
    .moments = moments,
    .affine = affine,
    .affine_wide = affine_wide,
    .norm_sums = norm_sums,
    .norm_sums_wide = norm_sums_wide,
    .norm_grad = norm_grad,
    .norm_grad_wide = norm_grad_wide,
    .mix = mix,
    .mix_toward = mix_toward,
    .mix_diagonal = mix_diagonal,
    .mix_sums = mix_sums,
    .standardize = standardize,
    .standardize_wide = standardize_wide,
    .standardize_grad = standardize_grad,
    .max_pool = max_pool,
    .max_of_rows = max_of_rows,
    .max_of_columns = max_of_columns,
    .avg_pool = avg_pool,
    .max_pool_small = max_pool_small,
    .max_pool_small_grad = max_pool_small_grad,
    .axpy = axpy,
    .dropout = dropout,
    .sgd = sgd,
    .adam = adam,
    .rmsprop = rmsprop,
    .adagrad = adagrad,
    .adadelta = adadelta,
    .adamax = adamax,
    .transpose = transpose,
    .interleave = interleave,
    .mr = MR,
    .nr = NR,
    .gemm = gemm,
    .gemm_grad = gemm_grad,
    .dot_rows = dot_rows,
    .panel = panel,
    .pack = pack,
#endif
#ifdef TYPE_f32
    .winograd_input = winograd_input,
    .winograd_output = winograd_output,
    .winograd_spread = winograd_spread,
    .winograd_weight = winograd_weight,
    .winograd_weight_grad = winograd_weight_grad,
#endif
};
