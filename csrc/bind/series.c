/* arange and linspace: their counts, and whether the type wanted can hold the values. */
#include "bind/bind.h"

#include <math.h>

/* Both ends suit the type, and with them all between. */
static void check_fit(lua_State *L, br_dtype dtype, double a, double b, bool whole) {
  double low = 0, high = 255;
  if (br_dtype_is_float(dtype) || dtype == BR_BOOL) return;
  if (dtype == BR_I32) low = INT32_MIN, high = INT32_MAX;
  if (dtype == BR_I64) low = -0x1p63, high = 0x1p63;
  double least = a < b ? a : b, most = a < b ? b : a;
  if (!whole)
    br_error(L, "values between %f and %f are no integers, as %s wants", a, b,
             br_dtype_name(dtype));
  if (least < low || most > high)
    br_error(L, "%s does not hold the values from %f to %f", br_dtype_name(dtype), a, b);
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

/* core.arange(first, last, step, dtype): all up to last, which is one of them even when
   rounding falls just short of it. */
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
  if (n > 0)
    check_fit(L, dtype, first, first + (double)(n - 1) * step,
              whole || n == 1 ? is_whole(first) : is_whole(first) && is_whole(step));
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
  if (n > 0) check_fit(L, dtype, first, n > 1 ? last : first, n < 2 || is_whole(first));
  double step = n > 1 ? (last - first) / (double)(n - 1) : 0;
  if (n > 1 && !is_whole(step)) check_fit(L, dtype, first, last, false);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(dtype, 1, &n, BR_CONTIGUOUS));
  br_series_even(box->t, first, last);
  return 1;
}

void br_open_series(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"arange", arange}, {"linspace", linspace}, {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
