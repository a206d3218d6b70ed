/* Converts numbers and values to a type exactly, or says why it cannot. Every
   conversion of a Lua number to an element, or of numbers to integers, uses this
   file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "op/op.h"

enum { BLOCK = 512 };

static const struct {
  int64_t least, most;
} range[BR_DTYPES] = {[BR_I64] = {INT64_MIN, INT64_MAX},
                      [BR_I32] = {INT32_MIN, INT32_MAX},
                      [BR_U8] = {0, UINT8_MAX},
                      [BR_BOOL] = {0, 1}};

/* Whether int64 holds a double: it holds -2^63 but not 2^63. NaN fails both comparisons.
 */
static bool in_int64(double f) { return f >= -0x1p63 && f < 0x1p63; }

/* The number as an integer; false if it is not one. */
static bool as_integer(const br_arg *a, int64_t *i) {
  if (!a->whole && (!in_int64(a->f) || a->f != floor(a->f))) return false;
  *i = a->whole ? a->i : (int64_t)a->f;
  return true;
}

static const char *shown(const br_arg *a, char *text, size_t size) {
  if (a->whole)
    snprintf(text, size, "%lld", (long long)a->i);
  else if (isnan(a->f))
    snprintf(text, size, "nan");
  else
    snprintf(text, size, "%.14g", a->f);
  return text;
}

static const char *said(br_dtype dtype, const br_arg *value) {
  static _Thread_local char text[160];
  char number[32];
  shown(value, number, sizeof number);
  bool broken = !value->whole && isfinite(value->f) && value->f != floor(value->f);
  if (dtype == BR_BOOL)
    snprintf(text, sizeof text, "%s is neither true (1) nor false (0)", number);
  else if (dtype == BR_F32)
    snprintf(text, sizeof text, "%s lies outside the range of float32; float64 holds it",
             number);
  else if (broken || (!value->whole && isnan(value->f)))
    snprintf(text, sizeof text, "%s is not an integer, and %s holds only integers",
             number, br_dtype_name(dtype));
  else
    snprintf(text, sizeof text, "%s lies outside the range of %s, %lld to %lld", number,
             br_dtype_name(dtype), (long long)range[dtype].least,
             (long long)range[dtype].most);
  return text;
}

const char *br_misfit(br_dtype dtype, const br_arg *value) {
  int64_t i = 0;
  if (dtype == BR_F64) return NULL;
  if (dtype == BR_F32) {
    bool fits = value->whole || !isfinite(value->f) || isfinite((float)value->f);
    return fits ? NULL : said(dtype, value);
  }
  bool fits = as_integer(value, &i) && i >= range[dtype].least && i <= range[dtype].most;
  return fits ? NULL : said(dtype, value);
}

double br_kernel_number(br_dtype compute, const br_arg *value) {
  double slot = value->whole ? (double)value->i : value->f;
  if (br_dtype_is_float(compute)) return slot;
  int64_t i = 0;
  as_integer(value, &i);
  memcpy(&slot, &i, sizeof slot);
  return slot;
}

void br_number_put(br_tensor *t, int64_t at, const br_arg *value) {
  void *p = t->data + at * br_dtype_size(t->dtype);
  int64_t i = 0;
  if (br_dtype_is_float(t->dtype)) {
    double f = value->whole ? (double)value->i : value->f;
    if (t->dtype == BR_F32)
      *(float *)p = value->whole ? (float)value->i : (float)f;
    else
      *(double *)p = f;
    return;
  }
  as_integer(value, &i);
  switch (t->dtype) {
  case BR_I64: *(int64_t *)p = i; break;
  case BR_I32: *(int32_t *)p = (int32_t)i; break;
  case BR_U8: *(uint8_t *)p = (uint8_t)i; break;
  default: *(bool *)p = i != 0; break;
  }
}

br_arg br_range_end(br_dtype dtype, bool least) {
  br_arg a = {.given = true, .whole = !br_dtype_is_float(dtype)};
  a.i = least ? range[dtype].least : range[dtype].most;
  a.f = a.whole ? (double)a.i : least ? -(double)INFINITY : (double)INFINITY;
  return a;
}

br_arg br_number_of(const br_tensor *t) {
  br_arg a = {.given = true, .whole = !br_dtype_is_float(t->dtype)};
  a.f = br_get_double(t, 0);
  if (a.whole) a.i = t->dtype == BR_I64 ? *(int64_t *)(void *)t->data : (int64_t)a.f;
  return a;
}

/* ---- whole tensors ---- */

/* Whether every value of type `from` is a value of type `to`, perhaps rounded. */
static bool holds(br_dtype to, br_dtype from) {
  if (br_dtype_is_float(to) || to == from || from == BR_BOOL) return true;
  if (br_dtype_is_float(from)) return false;
  return range[to].least <= range[from].least && range[to].most >= range[from].most;
}

/* The place of the first of n integers outside the type's range; n if all are
   inside. */
static int64_t outside(int64_t n, const int64_t *v, br_dtype to) {
  int64_t least = range[to].least, most = range[to].most, bad = 0;
  for (int64_t i = 0; i < n; i++) bad += v[i] < least || v[i] > most;
  if (!bad) return n;
  int64_t at = 0;
  while (v[at] >= least && v[at] <= most) at++;
  return at;
}

/* The same for floats. With `cut`, fractions are allowed. */
static int64_t broken(int64_t n, const double *v, br_dtype to, bool cut) {
  for (int64_t i = 0; i < n; i++) {
    double f = cut ? trunc(v[i]) : v[i];
    br_arg one = {.f = f};
    int64_t whole;
    if (!as_integer(&one, &whole) || whole < range[to].least || whole > range[to].most)
      return i;
  }
  return n;
}

const char *br_misfits(br_dtype to, br_tensor *t, bool cut) {
  _Alignas(64) char buffer[BLOCK * 8];
  bool real = br_dtype_is_float(t->dtype);
  if (holds(to, t->dtype)) return NULL;
  br_iter it;
  br_iter_init(&it, 1, &t);
  for (int64_t first = 0; first < it.total; first += BLOCK) {
    int64_t n = it.total - first < BLOCK ? it.total - first : BLOCK;
    const void *v = br_iter_load(&it, 0, real ? BR_F64 : BR_I64, first, n, buffer);
    int64_t at = real ? broken(n, v, to, cut) : outside(n, v, to);
    if (at == n) continue;
    br_arg one = {.whole = !real};
    if (real)
      one.f = ((const double *)v)[at];
    else
      one.i = ((const int64_t *)v)[at];
    return said(to, &one);
  }
  return NULL;
}
