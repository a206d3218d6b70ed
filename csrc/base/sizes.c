/* Arithmetic that stops at the largest number. */
#include "base/sizes.h"

int64_t br_size_mul(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? BR_MANY : product;
}

int64_t br_size_add(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? BR_MANY : sum;
}

int64_t br_size_span(int64_t kernel, int64_t dilation) {
  return kernel < 1 ? 0 : br_size_add(br_size_mul(kernel - 1, dilation), 1);
}

int64_t br_size_places(int64_t size, int64_t span, int64_t stride) {
  return size < span ? 0 : (size - span) / stride + 1;
}

int64_t br_size_cover(int64_t places, int64_t span, int64_t stride) {
  return places < 1 ? 0 : br_size_add(br_size_mul(places - 1, stride), span);
}
