/* Values in the types of files. Each is converted through 64 bits. If the tensor has
   the same type and byte order, all are copied. */
#include "io/packed.h"

#include <string.h>

/* The IEEE 754 bits of a 16-bit float, converted to the bits of a 32-bit float. */
static uint32_t widen_half(uint32_t half) {
  uint32_t sign = (half & 0x8000u) << 16, e = half >> 10 & 31u, m = half & 1023u, bits;
  if (e == 31) return sign | 0x7F800000u | m << 13;
  if (e) return sign | (e + 112) << 23 | m << 13;
  float subnormal = (float)m * 0x1p-24f;
  memcpy(&bits, &subnormal, sizeof bits);
  return sign | bits;
}

/* The same for an 8-bit float with 4 bits of exponent and 3 of mantissa. It has no
   infinity; all of these bits set mean NaN. */
static uint32_t widen_e4m3(uint32_t byte) {
  uint32_t sign = (byte & 0x80u) << 24, e = byte >> 3 & 15u, m = byte & 7u, bits;
  if (e == 15 && m == 7) return sign | 0x7FC00000u;
  if (e) return sign | (e + 120) << 23 | m << 20;
  float subnormal = (float)m * 0x1p-9f;
  memcpy(&bits, &subnormal, sizeof bits);
  return sign | bits;
}

/* The same for a power of two, 2^(byte - 127), or NaN. */
static uint32_t widen_e8m0(uint32_t byte) {
  if (byte == 255) return 0x7FC00000u;
  return byte ? byte << 23 : 1u << 22;
}

static const br_packed kinds[] = {
    {"float32", 4, BR_F32},     {"float64", 8, BR_F64},     {"int64", 8, BR_I64},
    {"int32", 4, BR_I32},       {"uint8", 1, BR_U8},        {"bool", 1, BR_BOOL},
    {"float16", 2, BR_F32},     {"bfloat16", 2, BR_F32},    {"int8", 1, BR_I32},
    {"int16", 2, BR_I32},       {"uint16", 2, BR_I32},      {"uint32", 4, BR_I64},
    {"uint64", 8, BR_I64},      {"float8_e5m2", 1, BR_F32}, {"float8_e4m3", 1, BR_F32},
    {"float8_e8m0", 1, BR_F32},
};

/* The bits of a value in the type of its tensor, from the bits in the file. */
static uint64_t widen(const br_packed *p, uint64_t bits) {
  switch (p - kinds) {
  case 5: return bits != 0; /* any other byte would be no bool */
  case 6: return widen_half((uint32_t)bits);
  case 7: return bits << 16;
  case 8: return (uint32_t)(int32_t)(int8_t)bits;
  case 9: return (uint32_t)(int32_t)(int16_t)bits;
  case 13: return widen_half((uint32_t)bits << 8);
  case 14: return widen_e4m3((uint32_t)bits);
  case 15: return widen_e8m0((uint32_t)bits);
  default: return bits;
  }
}

const br_packed *br_packed_find(const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].name, name)) return &kinds[i];
  return NULL;
}

static bool host_is_big(void) {
  uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return !first;
}

void br_packed_decode(const br_packed *p, bool big, int64_t n, const uint8_t *from,
                      void *to) {
  if (p - kinds < 5 && (big == host_is_big() || p->size == 1)) {
    if (n) memcpy(to, from, (size_t)(n * p->size));
    return;
  }
  int64_t width = br_dtype_size(p->dtype);
  for (int64_t i = 0; i < n; i++, from += p->size) {
    uint64_t bits = 0;
    for (int b = 0; b < p->size; b++) bits = bits << 8 | from[big ? b : p->size - 1 - b];
    bits = widen(p, bits);
    uint8_t u1 = (uint8_t)bits;
    uint32_t u4 = (uint32_t)bits;
    const void *value = width == 8 ? (const void *)&bits : width == 4 ? &u4 : (void *)&u1;
    memcpy((char *)to + i * width, value, (size_t)width);
  }
}

int64_t br_packed_reach(int ndim, const int64_t *sizes, const int64_t *strides,
                        int64_t most) {
  int64_t reach = 1;
  bool empty = false;
  for (int d = 0; d < ndim; d++) {
    if (strides[d] < 0) return -1;
    empty = empty || sizes[d] == 0;
  }
  for (int d = 0; d < ndim && !empty; d++) {
    if (sizes[d] > 1 && strides[d] > (most - reach) / (sizes[d] - 1)) return -1;
    reach += (sizes[d] - 1) * strides[d];
  }
  return empty ? 0 : reach <= most ? reach : -1;
}

/* The counters `at` go over the outer dimensions; each step decodes one run of the
   innermost. */
void br_packed_gather(const br_packed *p, bool big, int ndim, const int64_t *sizes,
                      const int64_t *strides, const uint8_t *from, void *to) {
  int64_t at[BR_MAX_DIM] = {0}, n = ndim ? sizes[ndim - 1] : 1;
  int64_t step = ndim ? strides[ndim - 1] : 1, width = br_dtype_size(p->dtype), first = 0;
  char *out = to;
  for (int d = 0; d < ndim; d++)
    if (sizes[d] == 0) return;
  for (int d = 0; d >= 0;) {
    const uint8_t *run = from + first * p->size;
    if (step == 1) br_packed_decode(p, big, n, run, out);
    for (int64_t i = 0; step != 1 && i < n; i++)
      br_packed_decode(p, big, 1, run + i * step * p->size, out + i * width);
    out += n * width;
    for (d = ndim - 2; d >= 0; d--) {
      first += strides[d];
      if (++at[d] < sizes[d]) break;
      first -= at[d] * strides[d];
      at[d] = 0;
    }
  }
}
