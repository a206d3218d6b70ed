/* The instruction set that the kernels run on. */
#ifndef BR_CPU_H
#define BR_CPU_H

typedef enum br_isa { BR_ISA_BASE, BR_ISA_AVX2, BR_ISA_AVX512, BR_ISA_COUNT } br_isa;

/* The best set that this processor has, or what BRAID_ISA=base|avx2|avx512 asks for, as
   far as the processor has it. Decided once. */
br_isa br_cpu_isa(void);

/* For tests and benchmarks: use `isa` from now on. False when the processor lacks it. */
int br_cpu_set_isa(br_isa isa);

const char *br_isa_name(br_isa isa);

#endif
