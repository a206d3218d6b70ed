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

/* The number of values from the first to the last one that a shape with these strides (in
   values) reaches; 0 if the shape has no values, -1 if a stride is negative or the number
   is over `most`. */
int64_t br_packed_reach(int ndim, const int64_t *sizes, const int64_t *strides,
                        int64_t most);

/* Decodes the values of a shape with strides, into the order of the shape. */
void br_packed_gather(const br_packed *p, bool big, int ndim, const int64_t *sizes,
                      const int64_t *strides, const uint8_t *from, void *to);

#endif
