/* Decodes values of files, in either byte order. Files may have types that tensors
   lack. */
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

/* The type of this name, or NULL. The names are the tensor types and float16, bfloat16,
   float8_e5m2, float8_e4m3, float8_e8m0, int8, int16, uint16, uint32 and uint64. Values
   of uint64 from 2^63 on become negative. */
const br_packed *br_packed_find(const char *name);

/* Decodes n values to type p->dtype. `big`: the highest byte of a value comes first. */
void br_packed_decode(const br_packed *p, bool big, int64_t n, const uint8_t *from,
                      void *to);

#endif
