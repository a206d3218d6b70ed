/* Fills contiguous tensors of one dimension. Each value depends only on its index. */
#include "tensor/tensor.h"

#include <math.h>

static void put_integer(br_tensor *t, int64_t at, int64_t value) {
  if (t->dtype == BR_I64)
    ((int64_t *)(void *)t->data)[at] = value;
  else
    br_put_double(t, at, (double)value);
}

bool br_series_count(int64_t first, int64_t last, int64_t step, int64_t *n) {
  uint64_t way = (uint64_t)last - (uint64_t)first, each = (uint64_t)step;
  if (step < 0) way = 0 - way, each = 0 - each;
  if (step > 0 ? last < first : last > first) {
    *n = 0;
    return true;
  }
  *n = (int64_t)(way / each + 1);
  return way / each < (uint64_t)INT64_MAX;
}

void br_series_whole(br_tensor *t, int64_t first, int64_t step) {
  for (int64_t i = 0; i < t->numel; i++)
    put_integer(t, i, (int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)step));
}

void br_series_real(br_tensor *t, double first, double step) {
  for (int64_t i = 0; i < t->numel; i++) br_put_double(t, i, first + (double)i * step);
}

/* The first half is computed from `first`, the second from `last`, so that both ends
   are exact. */
void br_series_even(br_tensor *t, double first, double last) {
  int64_t gaps = t->numel - 1;
  double step = gaps > 0 ? last / (double)gaps - first / (double)gaps : 0;
  for (int64_t i = 0; i <= gaps; i++)
    br_put_double(t, i,
                  i == 0          ? first
                  : i == gaps     ? last
                  : 2 * i <= gaps ? first + (double)i * step
                                  : last - (double)(gaps - i) * step);
}
