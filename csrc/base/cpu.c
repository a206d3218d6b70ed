/* Processor features, asked once. */
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int isa_now = -1;

static int has(br_isa isa) {
#if defined(__x86_64__)
  if (isa == BR_ISA_AVX512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
  if (isa == BR_ISA_AVX2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return isa == BR_ISA_BASE;
}

static br_isa choose(void) {
  const char *wanted = getenv("BRAID_ISA");
  for (int isa = BR_ISA_COUNT - 1; isa > BR_ISA_BASE; isa--) {
    if (wanted && *wanted && strcmp(wanted, br_isa_name((br_isa)isa)) != 0) continue;
    if (has((br_isa)isa)) return (br_isa)isa;
  }
  return BR_ISA_BASE;
}

br_isa br_cpu_isa(void) {
  int isa = atomic_load(&isa_now);
  if (isa < 0) {
    isa = (int)choose();
    atomic_store(&isa_now, isa);
  }
  return (br_isa)isa;
}

int br_cpu_set_isa(br_isa isa) {
  if (!has(isa)) return 0;
  atomic_store(&isa_now, (int)isa);
  return 1;
}

const char *br_isa_name(br_isa isa) {
  static const char *const names[BR_ISA_COUNT] = {"base", "avx2", "avx512"};
  return names[isa];
}
