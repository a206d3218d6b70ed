/* Decodes values of files: also types that tensors lack, in either byte order. */
#ifndef BR_IO_PACKED_H
#define BR_IO_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/tensor.h"

/* How a file holds one value, and the type of a tensor that keeps every such value. */
typedef struct br_packed {
  const char *name;
  int size; /* bytes */
  br_dtype dtype;
} br_packed;

/* The types of tensors by their names, and float16, bfloat16, float8_e5m2, float8_e4m3,
   float8_e8m0, int8, int16, uint16, uint32 and uint64, whose values from 2^63 on come out
   negative; NULL for any other name. */
const br_packed *br_packed_find(const char *name);

/* Decodes n values to type p->dtype. `big`: the highest byte of a value comes first. */
void br_packed_decode(const br_packed *p, bool big, int64_t n, const uint8_t *from,
                      void *to);

#endif
