/* Element types: names, sizes and promotion. */
#include "tensor/tensor.h"

#include <string.h>

static const struct {
  const char *name;
  int64_t size;
} types[BR_DTYPES] = {{"float32", 4}, {"float64", 8}, {"int64", 8},
                      {"int32", 4},   {"uint8", 1},   {"bool", 1}};

const char *br_dtype_name(br_dtype dtype) { return types[dtype].name; }
int64_t br_dtype_size(br_dtype dtype) { return types[dtype].size; }
bool br_dtype_is_float(br_dtype dtype) { return dtype == BR_F32 || dtype == BR_F64; }

bool br_dtype_parse(const char *name, br_dtype *out) {
  for (int i = 0; i < BR_DTYPES; i++) {
    if (strcmp(name, types[i].name) == 0) {
      *out = (br_dtype)i;
      return true;
    }
  }
  return false;
}

enum { BOOLEAN, INTEGER, FLOAT };

static int category(br_dtype d) {
  return br_dtype_is_float(d) ? FLOAT : d == BR_BOOL ? BOOLEAN : INTEGER;
}

/* The smaller type that holds both; among integers uint8 < int32 < int64. */
static br_dtype join(br_dtype a, br_dtype b) {
  static const int rank[BR_DTYPES] = {
      [BR_BOOL] = 0, [BR_U8] = 1, [BR_I32] = 2, [BR_I64] = 3, [BR_F32] = 4, [BR_F64] = 5};
  return rank[a] >= rank[b] ? a : b;
}

/* A plain number gives only its category. */
static br_dtype as_number(br_dtype d) { return category(d) == FLOAT ? BR_F32 : d; }

br_dtype br_promote(int n, br_tensor *const *in) {
  br_dtype best[3] = {BR_BOOL, BR_BOOL, BR_BOOL}; /* numbers, 0-d, with dimensions */
  bool seen[3] = {false, false, false};
  for (int i = 0; i < n; i++) {
    if (!in[i]) continue;
    int rank = in[i]->number ? 0 : in[i]->ndim == 0 ? 1 : 2;
    br_dtype d = rank == 0 ? as_number(in[i]->dtype) : in[i]->dtype;
    best[rank] = seen[rank] ? join(best[rank], d) : d;
    seen[rank] = true;
  }
  br_dtype result = BR_BOOL;
  bool any = false;
  for (int rank = 2; rank >= 0; rank--) {
    if (!seen[rank]) continue;
    if (!any || category(best[rank]) > category(result)) result = best[rank];
    any = true;
  }
  return result;
}
