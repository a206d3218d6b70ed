/* Conversion between tensors and Lua values, and random numbers. */
#include "bind/bind.h"

#include <string.h>

#include "base/rng.h"
#include "op/trace.h"

br_dtype br_check_dtype(lua_State *L, int arg) {
  br_dtype dtype = BR_F32;
  const char *name = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : "";
  if (!br_dtype_parse(name, &dtype))
    br_error(L, "dtype must be float32, float64, int64, int32, uint8 or bool, not %s",
             *name ? name : luaL_typename(L, arg));
  return dtype;
}

int64_t br_check_length(lua_State *L, int at, int64_t most, const char *what) {
  lua_Integer n = luaL_len(L, at);
  if (n < 0 || n > most) br_error(L, "%s: at most %I entries, not %I", what, most, n);
  return n;
}

int br_check_sizes(lua_State *L, int arg, int64_t *sizes) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Integer n = luaL_len(L, arg);
  if (n < 0 || n > BR_MAX_DIM)
    br_error(L, "a tensor has at most %d dimensions, not %I", BR_MAX_DIM, n);
  for (int i = 0; i < n; i++) {
    int whole;
    lua_geti(L, arg, i + 1);
    sizes[i] = lua_tointegerx(L, -1, &whole);
    if (!whole)
      br_error(L, "size %d must be an integer, not %s", i + 1,
               luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
  }
  return (int)n;
}

br_arg br_number_arg(lua_State *L, int at) {
  br_arg a = {.given = !lua_isnoneornil(L, at)};
  if (lua_isboolean(L, at)) {
    a.whole = true;
    a.i = lua_toboolean(L, at);
    a.f = (double)a.i;
    return a;
  }
  a.f = luaL_optnumber(L, at, 0);
  a.whole = lua_isinteger(L, at);
  a.i = a.whole ? lua_tointeger(L, at) : 0;
  return a;
}

/* The value at `at` as an element of that type. Errors begin with `what`. */
static br_arg check_value(lua_State *L, int at, br_dtype dtype, const char *what) {
  br_arg value = br_number_arg(L, at);
  const char *wrong = value.given ? br_misfit(dtype, &value) : NULL;
  if (wrong) br_error(L, "%s: %s", what, wrong);
  return value;
}

/* core.new(sizes, dtype [, value [, name]]): undefined values unless one is given. */
static int new_tensor(lua_State *L) {
  int64_t sizes[BR_MAX_DIM];
  int ndim = br_check_sizes(L, 1, sizes);
  br_dtype dtype = br_check_dtype(L, 2);
  br_arg value = check_value(L, 3, dtype, luaL_optstring(L, 4, "full"));
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(dtype, ndim, sizes, BR_CONTIGUOUS));
  if (value.given && br_fill(box->t, &value) != BR_OK) return br_raise(L);
  return 1;
}

/* core.like(t, dtype [, value [, name]]): t's shape in t's memory order. */
static int new_like(lua_State *L) {
  br_check_box(L, 1);
  br_dtype dtype = br_check_dtype(L, 2);
  br_arg value = check_value(L, 3, dtype, luaL_optstring(L, 4, "full"));
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_like(br_check_tensor(L, 1), dtype));
  if (value.given && br_fill(box->t, &value) != BR_OK) return br_raise(L);
  return 1;
}

/* ---- nested tables ---- */

/* The shape, taken from the first entry of each level. */
static int table_shape(lua_State *L, int at, int64_t *shape) {
  int ndim = 0;
  lua_pushvalue(L, at);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (ndim == BR_MAX_DIM)
      br_error(L, "tensor: more than %d levels of tables", BR_MAX_DIM);
    shape[ndim++] = luaL_len(L, -1);
    lua_geti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  return ndim;
}

static void put_number(lua_State *L, br_tensor *t, int64_t at) {
  if (lua_type(L, -1) != LUA_TNUMBER && !lua_isboolean(L, -1))
    br_error(L, "tensor: entry %I is a %s, not a number", (LUAI_UACINT)at + 1,
             luaL_typename(L, -1));
  br_arg value = br_number_arg(L, -1);
  const char *wrong = br_misfit(t->dtype, &value);
  if (wrong) br_error(L, "tensor: entry %I: %s", (LUAI_UACINT)at + 1, wrong);
  br_number_put(t, at, &value);
}

/* Reads the table at the top into t from element `at`, level `dim`. */
static int64_t put_table(lua_State *L, br_tensor *t, int dim, int64_t at) {
  if (dim == t->ndim) {
    put_number(L, t, at);
    return at + 1;
  }
  if (lua_type(L, -1) != LUA_TTABLE || luaL_len(L, -1) != t->shape[dim])
    br_error(L, "tensor: the table is ragged: level %d wants %I entries before entry %I",
             dim + 1, (LUAI_UACINT)t->shape[dim], (LUAI_UACINT)at + 1);
  luaL_checkstack(L, 2, NULL);
  for (int64_t i = 1; i <= t->shape[dim]; i++) {
    lua_geti(L, -1, i);
    at = put_table(L, t, dim + 1, at);
    lua_pop(L, 1);
  }
  return at;
}

/* core.from_table(number or nested tables, dtype) */
static int from_table(lua_State *L) {
  int64_t shape[BR_MAX_DIM];
  br_dtype dtype = br_check_dtype(L, 2);
  int ndim = table_shape(L, 1, shape);
  br_box *box = br_push_loose_box(L);
  br_fill_box(L, box, br_tensor_new(dtype, ndim, shape, BR_CONTIGUOUS));
  lua_pushvalue(L, 1);
  put_table(L, box->t, 0, 0);
  lua_pop(L, 1);
  br_settle(L, box);
  return 1;
}

static void push_number(lua_State *L, const br_tensor *t, int64_t at) {
  if (t->dtype == BR_I64)
    lua_pushinteger(L, ((const int64_t *)(const void *)t->data)[at]);
  else if (t->dtype == BR_BOOL)
    lua_pushboolean(L, ((const bool *)(const void *)t->data)[at]);
  else if (t->dtype == BR_I32 || t->dtype == BR_U8)
    lua_pushinteger(L, (lua_Integer)br_get_double(t, at));
  else {
    double f = br_get_double(t, at);
    lua_pushnumber(L, f == f ? f : __builtin_nan("")); /* Lua would print "-nan" */
  }
}

static int item(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  if (t->numel != 1)
    return br_error(L, "item: the tensor %s has %I elements, not one", br_shape_of(t),
                    (LUAI_UACINT)t->numel);
  if (br_trace_read(t) != BR_OK) return br_raise(L);
  push_number(L, t, 0);
  return 1;
}

static int64_t push_level(lua_State *L, const br_tensor *t, int dim, int64_t at) {
  if (dim == t->ndim) {
    push_number(L, t, at);
    return at + 1;
  }
  luaL_checkstack(L, 3, NULL);
  lua_createtable(L, (int)(t->shape[dim] < 1 << 20 ? t->shape[dim] : 1 << 20), 0);
  for (int64_t i = 1; i <= t->shape[dim]; i++) {
    at = push_level(L, t, dim + 1, at);
    lua_rawseti(L, -2, i);
  }
  return at;
}

/* Frees the copy in a loose box as soon as Lua has its values. */
static void empty(br_box *box) {
  br_tensor *t = box->t;
  box->t = NULL;
  br_release(t);
}

/* Whether the tables fit in memory. Even a tensor without elements may need many. */
static bool tables_fit(const br_tensor *t) {
  int64_t level = 1, entries = 0;
  for (int d = 0; d < t->ndim; d++) {
    level = br_size_mul(level, t->shape[d]);
    entries = br_size_add(entries, level);
  }
  return entries <= br_mem_most() / (int64_t)sizeof(lua_Number[2]);
}

static int totable(lua_State *L) {
  br_check_box(L, 1);
  if (!tables_fit(br_check_tensor(L, 1)))
    return br_error(L, "totable: tables for the shape %s do not fit into memory",
                    br_shape_of(br_check_tensor(L, 1)));
  br_box *box = br_push_loose_box(L);
  if (br_trace_read(br_check_tensor(L, 1)) != BR_OK) return br_raise(L);
  br_fill_box(L, box, br_contiguous(br_check_tensor(L, 1)));
  push_level(L, box->t, 0, 0);
  empty(box);
  return 1;
}

/* The values as bytes of this machine, last dimension innermost; for files. */
static int bytes(lua_State *L) {
  br_check_box(L, 1);
  br_box *box = br_push_loose_box(L);
  if (br_trace_read(br_check_tensor(L, 1)) != BR_OK) return br_raise(L);
  br_fill_box(L, box, br_contiguous(br_check_tensor(L, 1)));
  lua_pushlstring(L, box->t->data,
                  (size_t)(box->t->numel * br_dtype_size(box->t->dtype)));
  empty(box);
  return 1;
}

/* core.from_bytes(string, first, sizes, dtype): from byte `first` (from 1) of the string.
 */
static int from_bytes(lua_State *L) {
  size_t length;
  int64_t sizes[BR_MAX_DIM], numel = 0;
  const char *from = luaL_checklstring(L, 1, &length);
  lua_Integer first = luaL_checkinteger(L, 2);
  int ndim = br_check_sizes(L, 3, sizes);
  br_dtype dtype = br_check_dtype(L, 4);
  if (!br_count(ndim, sizes, &numel) || first < 1 || (size_t)first > length + 1 ||
      (uint64_t)(numel * br_dtype_size(dtype)) > length - (size_t)first + 1)
    return br_error(L, "from_bytes: %s values of shape %s do not fit into %I bytes",
                    br_dtype_name(dtype), br_shape_text(ndim, sizes),
                    (LUAI_UACINT)length);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(dtype, ndim, sizes, BR_CONTIGUOUS));
  memcpy(box->t->data, from + first - 1, (size_t)(numel * br_dtype_size(dtype)));
  if (dtype == BR_BOOL) /* a bool holds only 0 or 1 */
    for (int64_t i = 0; i < numel; i++) box->t->data[i] = box->t->data[i] != 0;
  return 1;
}

/* ---- fields and properties ---- */

static int memory_format(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  lua_pushstring(L, br_is_contiguous(t)      ? "contiguous"
                    : br_is_channels_last(t) ? "channels_last"
                                             : "strided");
  return 1;
}

static int dim(lua_State *L) {
  lua_pushinteger(L, br_check_shape(L, 1)->ndim);
  return 1;
}

/* core.input(x, name or "x"): the dimensions of a layer's input. If x is not a tensor,
   the error names the running layer. */
static int input(lua_State *L) {
  if (!br_test_box(L, 1))
    return br_error_in(L, "%s must be a tensor, not %s", luaL_optstring(L, 2, "x"),
                       luaL_typename(L, 1));
  return dim(L);
}

static int numel(lua_State *L) {
  lua_pushinteger(L, br_check_shape(L, 1)->numel);
  return 1;
}

static int shares_memory(lua_State *L) {
  lua_pushboolean(L, br_check_tensor(L, 1)->storage == br_check_tensor(L, 2)->storage);
  return 1;
}

/* core.memory_of(t): the number of the memory that t and its views share, and its bytes;
   nothing for a shape whose values were not kept. */
static int memory_of(lua_State *L) {
  const br_storage *storage = br_check_shape(L, 1)->storage;
  if (!storage) return 0;
  lua_pushinteger(L, storage->id);
  lua_pushinteger(L, storage->data ? br_mem_size(storage->data) : 0);
  return 2;
}

static int is_tensor(lua_State *L) {
  lua_pushboolean(L, br_test_box(L, 1) != NULL);
  return 1;
}

/* ---- random numbers ---- */

/* core.randperm(n): 1..n in random order (Fisher and Yates), from a stream of its own. A
   second argument is a seed that replaces the current one. */
static int randperm(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  bool seeded = !lua_isnoneornil(L, 2);
  uint64_t seed = seeded ? (uint64_t)luaL_checkinteger(L, 2) : br_rng_seed();
  luaL_argcheck(L, n >= 0, 1, "must not be negative");
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(BR_I64, 1, &(int64_t){n}, BR_CONTIGUOUS));
  uint64_t stream = seeded ? UINT64_MAX : br_rng_next_stream();
  int64_t *v = (int64_t *)(void *)box->t->data;
  for (int64_t i = 0; i < n; i++) v[i] = i + 1;
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t j = (int64_t)(br_rng_uniform(seed, stream, (uint64_t)i) * (double)(i + 1));
    int64_t moved = v[i];
    v[i] = v[j];
    v[j] = moved;
  }
  return 1;
}

/* core.uniforms(seed, stream, n): n float64 numbers from [0, 1) that depend only on
   these arguments. */
static int uniforms(lua_State *L) {
  uint64_t seed = (uint64_t)luaL_checkinteger(L, 1);
  uint64_t stream = (uint64_t)luaL_checkinteger(L, 2);
  int64_t n = luaL_checkinteger(L, 3);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(BR_F64, 1, &n, BR_CONTIGUOUS));
  double *v = (double *)(void *)box->t->data;
  for (int64_t i = 0; i < n; i++) v[i] = br_rng_uniform(seed, stream, (uint64_t)i);
  return 1;
}

/* core.version(t, ...): the total number of in-place changes to the memory of the
   tensors. Arguments may be nil. */
static int version(lua_State *L) {
  lua_Integer sum = 0;
  for (int i = 1; i <= lua_gettop(L); i++)
    if (!lua_isnil(L, i)) sum += (lua_Integer)br_check_tensor(L, i)->storage->version;
  lua_pushinteger(L, sum);
  return 1;
}

/* core.count(t): adds one to every element of an int64 tensor of counters. */
static int count(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  if (t->dtype != BR_I64 || !br_is_contiguous(t))
    return br_error(L, "count: a counter must be int64, not %s %s",
                    br_dtype_name(t->dtype), br_shape_of(t));
  int64_t *v = (int64_t *)(void *)t->data;
  for (int64_t i = 0; i < t->numel; i++) v[i]++;
  t->storage->version++;
  return 0;
}

void br_open_tensors(lua_State *L) {
  static const luaL_Reg functions[] = {{"new", new_tensor},
                                       {"count", count},
                                       {"version", version},
                                       {"like", new_like},
                                       {"from_table", from_table},
                                       {"item", item},
                                       {"totable", totable},
                                       {"bytes", bytes},
                                       {"from_bytes", from_bytes},
                                       {"memory_format", memory_format},
                                       {"dim", dim},
                                       {"numel", numel},
                                       {"shares_memory", shares_memory},
                                       {"memory_of", memory_of},
                                       {"input", input},
                                       {"is_tensor", is_tensor},
                                       {"keep", br_box_keep},
                                       {"randperm", randperm},
                                       {"uniforms", uniforms},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
