/* Chooses the kernel table for the instruction set in use. */
#include "kernel/kernel.h"

#include <string.h>

#include "base/cpu.h"

extern const br_kernels br_kernels_base_f32, br_kernels_base_f64, br_kernels_base_i64,
    br_kernels_base_i32, br_kernels_base_u8, br_kernels_base_b8;
#if defined(__x86_64__)
extern const br_kernels br_kernels_avx2_f32, br_kernels_avx2_f64, br_kernels_avx2_i64,
    br_kernels_avx2_i32, br_kernels_avx2_u8, br_kernels_avx2_b8;
extern const br_kernels br_kernels_avx512_f32, br_kernels_avx512_f64,
    br_kernels_avx512_i64, br_kernels_avx512_i32, br_kernels_avx512_u8,
    br_kernels_avx512_b8;
#endif

static const br_kernels *const tables[BR_ISA_COUNT][BR_DTYPES] = {
    {&br_kernels_base_f32, &br_kernels_base_f64, &br_kernels_base_i64,
     &br_kernels_base_i32, &br_kernels_base_u8, &br_kernels_base_b8},
#if defined(__x86_64__)
    {&br_kernels_avx2_f32, &br_kernels_avx2_f64, &br_kernels_avx2_i64,
     &br_kernels_avx2_i32, &br_kernels_avx2_u8, &br_kernels_avx2_b8},
    {&br_kernels_avx512_f32, &br_kernels_avx512_f64, &br_kernels_avx512_i64,
     &br_kernels_avx512_i32, &br_kernels_avx512_u8, &br_kernels_avx512_b8},
#endif
};

const br_kernels *br_kernels_of(br_dtype dtype) { return tables[br_cpu_isa()][dtype]; }

br_map_fn *br_kernel_at(const br_kernels *table, size_t place) {
  br_map_fn *fn;
  memcpy(&fn, (const char *)table + place, sizeof fn);
  return fn;
}
