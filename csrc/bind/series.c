/* arange and linspace: how many values they have, and whether the type can hold
   them. */
#include "bind/bind.h"

#include <math.h>

/* Checks that both ends suit the type; then so do all values between. */
static void check_fit(lua_State *L, br_dtype dtype, const br_arg *first,
                      const br_arg *last) {
  const char *wrong = br_misfit(dtype, first);
  if (!wrong) wrong = br_misfit(dtype, last);
  if (wrong) br_error(L, "%s", wrong);
}

/* The number at `at` as an integer, which the type must hold. */
static int64_t check_whole(lua_State *L, int at, br_dtype dtype) {
  br_arg v = br_number_arg(L, at);
  check_fit(L, dtype, &v, &v);
  return v.whole ? v.i : (int64_t)v.f;
}

static bool is_whole(double v) { return floor(v) == v; }

static const char *text_of(lua_State *L, int at) {
  double v = lua_tonumber(L, at);
  return v != v ? "nan" : luaL_tolstring(L, at, NULL);
}

static int too_many(lua_State *L, const char *why) {
  return br_error(L, "from %s to %s by %s: %s", text_of(L, 1), text_of(L, 2),
                  text_of(L, 3), why);
}

/* core.arange(first, last, step, dtype): all values up to last. last is included even
   if rounding falls just short of it. */
static int arange(lua_State *L) {
  int64_t n = 0;
  bool whole = lua_isinteger(L, 1) && lua_isinteger(L, 2) && lua_isinteger(L, 3);
  double first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2);
  double step = luaL_checknumber(L, 3);
  br_dtype dtype = br_check_dtype(L, 4);
  if (step == 0) return br_error(L, "step must not be 0");
  if (!isfinite(first) || !isfinite(last) || !isfinite(step))
    return too_many(L, "these must be finite");
  if (whole) {
    if (!br_series_count(lua_tointeger(L, 1), lua_tointeger(L, 2), lua_tointeger(L, 3),
                         &n))
      return too_many(L, "more values than can be counted");
  } else {
    double count = floor((last - first) / step + 1e-9) + 1;
    if (!(count <= 0x1p53)) return too_many(L, "more values than can be counted");
    n = count > 0 ? (int64_t)count : 0;
  }
  if (n > 0) {
    br_arg start = br_number_arg(L, 1), end = {.f = first + (double)(n - 1) * step};
    if (whole) { /* last may be in the range while a sum on the way is not */
      uint64_t way = (uint64_t)(n - 1) * (uint64_t)lua_tointeger(L, 3);
      end = (br_arg){.whole = true, .i = (int64_t)((uint64_t)start.i + way)};
    }
    check_fit(L, dtype, &start, &end);
    if (n > 1 && !br_dtype_is_float(dtype) && !is_whole(step))
      return br_error(L, "a step of %s does not give integers, which %s needs",
                      text_of(L, 3), br_dtype_name(dtype));
  }
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(dtype, 1, &n, BR_CONTIGUOUS));
  if (whole)
    br_series_whole(box->t, lua_tointeger(L, 1), lua_tointeger(L, 3));
  else
    br_series_real(box->t, first, step);
  return 1;
}

/* core.linspace(first, last, n, dtype) */
static int linspace(lua_State *L) {
  double first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2);
  int64_t n = luaL_checkinteger(L, 3);
  br_dtype dtype = br_check_dtype(L, 4);
  if (!isfinite(first) || !isfinite(last))
    return br_error(L, "first and last must be finite, not %s and %s", text_of(L, 1),
                    text_of(L, 2));
  bool integers = !br_dtype_is_float(dtype);
  int64_t from = integers && n > 0 ? check_whole(L, 1, dtype) : 0;
  int64_t to = integers && n > 1 ? check_whole(L, 2, dtype) : from;
  uint64_t gaps = n > 1 ? (uint64_t)n - 1 : 1;
  uint64_t way = to < from ? (uint64_t)from - (uint64_t)to
                           : (uint64_t)to - (uint64_t)from;
  br_arg ends[2] = {{.f = first}, {.f = last}};
  if (!integers) check_fit(L, dtype, &ends[0], &ends[1]);
  if (way % gaps)
    return br_error(L, "%I values from %s to %s are not all integers, which %s needs", n,
                    text_of(L, 1), text_of(L, 2), br_dtype_name(dtype));
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(dtype, 1, &n, BR_CONTIGUOUS));
  if (integers)
    br_series_whole(box->t, from, (int64_t)(to < from ? 0 - way / gaps : way / gaps));
  else
    br_series_even(box->t, first, last);
  return 1;
}

void br_open_series(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"arange", arange}, {"linspace", linspace}, {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
