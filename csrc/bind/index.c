/* t[...]: reading views and parts, writing into them, and the fields of a tensor. */
#include "bind/bind.h"

#include <string.h>

/* One dimension's worth of t[{...}]. */
typedef struct step {
  enum { ALL, ONE, RANGE } kind;
  int64_t first, last, by; /* from 1, inclusive, negative from the end */
} step;

static int64_t field(lua_State *L, int at, int i) {
  int whole;
  lua_geti(L, at, i);
  int64_t value = lua_tointegerx(L, -1, &whole);
  if (!whole)
    br_error(L, "index: a range is {first, last} or {first, last, step}, all integers");
  lua_pop(L, 1);
  return value;
}

static step read_step(lua_State *L, int at) {
  step s = {.kind = ALL, .first = 1, .last = -1, .by = 1};
  if (lua_isinteger(L, at)) {
    s.kind = ONE;
    s.first = lua_tointeger(L, at);
  } else if (lua_type(L, at) == LUA_TTABLE) {
    lua_Integer n = luaL_len(L, at);
    if (n == 0) return s;
    if (n > 3 || n < 2)
      br_error(L, "index: a range is {first, last} or {first, last, step}, all integers");
    s.kind = RANGE;
    s.first = field(L, at, 1);
    s.last = field(L, at, 2);
    if (n == 3) s.by = field(L, at, 3);
  } else {
    br_error(L, "index: wants integers and ranges {first, last}, not %s",
             luaL_typename(L, at));
  }
  return s;
}

/* The steps for the key at `at`; how many dimensions it names. */
static int read_key(lua_State *L, int at, const br_tensor *t, step *steps) {
  if (lua_isinteger(L, at)) {
    steps[0] = read_step(L, at);
    if (t->ndim == 0) br_error(L, "index: a tensor without dimensions has no parts");
    return 1;
  }
  lua_Integer n = luaL_len(L, at);
  if (n > t->ndim)
    br_error(L, "index: %d indices for a tensor %s of %d dimensions", (int)n,
             br_shape_of(t), t->ndim);
  for (int i = 0; i < n; i++) {
    lua_geti(L, at, i + 1);
    steps[i] = read_step(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  return (int)n;
}

/* Takes over `t`; what it becomes, or NULL with a message. */
static br_tensor *apply(br_tensor *t, const char *name, int dim, int64_t a, int64_t b,
                        int64_t by) {
  br_call c;
  br_call_init(&c, br_op_find(name), NULL, 1);
  c.in[0] = t;
  c.arg[0].i = dim;
  c.arg[1].i = a;
  c.arg[2].i = b;
  c.arg[3].i = by;
  br_tensor *out = br_apply(&c) == BR_OK ? br_retain(c.out[0]) : NULL;
  br_call_clear(&c);
  br_release(t);
  return out;
}

static br_status bad_range(const step *s, const br_tensor *t, int dim) {
  return br_fail(BR_EINVAL,
                 "index: the range {%lld, %lld, %lld} does not fit dimension %d of "
                 "%s",
                 (long long)s->first, (long long)s->last, (long long)s->by, dim + 1,
                 br_shape_of(t));
}

/* The part of t that the steps name, a view; NULL with a message. */
static br_tensor *part(br_tensor *t, const step *steps, int n) {
  int dim = 0;
  br_retain(t);
  for (int i = 0; i < n && t; i++) {
    const step *s = &steps[i];
    int64_t size = t->shape[dim];
    if (s->kind == ALL) {
      dim++;
    } else if (s->kind == ONE) {
      if (s->first == 0) {
        br_fail(BR_EINVAL, "index: counts from 1, not 0");
        br_release(t);
        return NULL;
      }
      t = apply(t, "select", dim, s->first > 0 ? s->first - 1 : s->first, 0, 0);
    } else {
      int64_t first = s->first < 0 ? s->first + size + 1 : s->first;
      int64_t last = s->last < 0 ? s->last + size + 1 : s->last;
      if (s->by < 1 || first < 1 || last > size || last < first - 1) {
        bad_range(s, t, dim);
        br_release(t);
        return NULL;
      }
      t = apply(t, "narrow", dim++, first - 1, (last - first + s->by) / s->by, s->by);
    }
  }
  return t;
}

static int push_shape(lua_State *L, const br_tensor *t) {
  lua_createtable(L, t->ndim, 0);
  for (int d = 0; d < t->ndim; d++) {
    lua_pushinteger(L, t->shape[d]);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

/* t.shape and the like; nil for any other name. */
static int read_field(lua_State *L, br_tensor *t, const char *name) {
  if (strcmp(name, "shape") == 0) return push_shape(L, t);
  if (strcmp(name, "dtype") == 0) {
    lua_pushstring(L, br_dtype_name(t->dtype));
  } else if (strcmp(name, "requires_grad") == 0) {
    lua_pushboolean(L, br_requires_grad(t));
  } else if (strcmp(name, "grad_fn") == 0) {
    lua_pushstring(L, br_made_by(t));
  } else if (strcmp(name, "grad") == 0) {
    br_tensor *grad = br_grad_of(t);
    if (!grad) return 0;
    br_box *box = br_push_box(L);
    box->t = br_retain(grad);
  } else {
    return 0;
  }
  return 1;
}

/* t[mask] and t[indices] */
static int select_by(lua_State *L, br_tensor *t, br_tensor *key) {
  bool mask = key->dtype == BR_BOOL;
  br_box *box = br_push_box(L);
  br_call c;
  br_call_init(&c, br_op_find(mask ? "masked_select" : "index_select"), NULL, 2);
  c.in[0] = t;
  c.in[1] = key;
  br_run_into(L, &c, box);
  return 1;
}

int br_tensor_index(lua_State *L) {
  br_tensor *key;
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
    return read_field(L, br_check_tensor(L, 1), lua_tostring(L, 2));
  }
  br_tensor *t = br_check_tensor(L, 1);
  if ((key = br_test_tensor(L, 2))) return select_by(L, t, key);
  if (!lua_isinteger(L, 2) && lua_type(L, 2) != LUA_TTABLE)
    return br_error(L, "index: wants an integer, a table or a tensor, not %s",
                    luaL_typename(L, 2));
  step steps[BR_MAX_DIM];
  int n = read_key(L, 2, t, steps);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, part(t, steps, n));
  return 1;
}

/* The value at `at` as a tensor of its own: a number becomes one without dimensions. */
static br_tensor *value_tensor(lua_State *L, int at, br_dtype dtype) {
  br_tensor *t = br_test_tensor(L, at);
  if (t) return br_retain(t);
  double value = lua_isboolean(L, at) ? lua_toboolean(L, at) : lua_tonumber(L, at);
  t = br_tensor_new(dtype, 0, NULL, BR_CONTIGUOUS);
  if (t && dtype == BR_I64 && lua_isinteger(L, at)) /* exact beyond 2^53 */
    *(int64_t *)(void *)t->data = lua_tointeger(L, at);
  else if (t)
    br_map(K(fill), dtype, t, 0, NULL, &value);
  return t;
}

static br_status write_part(br_tensor *view, br_tensor *value) {
  br_call c;
  br_call_init(&c, br_op_find("copy"), NULL, 2);
  c.in[0] = view;
  c.in[1] = value;
  c.in_place = true;
  c.nout = 1;
  c.out[0] = br_retain(view);
  br_status status = br_apply(&c);
  br_call_clear(&c);
  return status;
}

/* t = value where mask holds. */
static br_status write_masked(br_tensor *t, br_tensor *mask, br_tensor *value) {
  if (br_recording() && (t->var || value->var))
    return br_fail(BR_EINVAL,
                   "index: writing by mask is not recorded for a gradient; use "
                   "where()");
  if (mask->dtype != BR_BOOL)
    return br_fail(BR_EINVAL, "index: writing wants a bool mask, not %s",
                   br_dtype_name(mask->dtype));
  br_call c;
  br_call_init(&c, br_op_find("where"), NULL, 3);
  c.in[0] = mask;
  c.in[1] = value;
  c.in[2] = t;
  bool was = br_set_recording(false);
  br_status status = br_apply(&c);
  if (!status && !br_same_shape(c.out[0], t))
    status = br_fail(BR_EINVAL,
                     "index: a mask %s and a value %s do not fit the tensor %s",
                     br_shape_of(mask), br_shape_of(value), br_shape_of(t));
  if (!status) status = write_part(t, c.out[0]);
  br_set_recording(was);
  br_call_clear(&c);
  return status;
}

static int write_field(lua_State *L, br_tensor *t, const char *name) {
  if (strcmp(name, "grad") != 0)
    return br_error(L, "a tensor has no field '%s' that can be set", name);
  br_tensor *grad = lua_isnil(L, 3) ? NULL : br_check_tensor(L, 3);
  return br_set_grad(t, grad) == BR_OK ? 0 : br_raise(L);
}

int br_tensor_newindex(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1), *mask;
  step steps[BR_MAX_DIM];
  int n = 0;
  if (lua_type(L, 2) == LUA_TSTRING) return write_field(L, t, lua_tostring(L, 2));
  if (!br_test_tensor(L, 3) && lua_type(L, 3) != LUA_TNUMBER && !lua_isboolean(L, 3))
    return br_error(L, "index: wants a tensor or a number to write, not %s",
                    luaL_typename(L, 3));
  mask = br_test_tensor(L, 2);
  if (!mask && !lua_isinteger(L, 2) && lua_type(L, 2) != LUA_TTABLE)
    return br_error(L, "index: wants an integer, a table or a mask, not %s",
                    luaL_typename(L, 2));
  if (!mask) n = read_key(L, 2, t, steps);
  br_tensor *value = value_tensor(L, 3, t->dtype);
  br_status status = value ? BR_OK : BR_ENOMEM;
  if (!status && mask) {
    status = write_masked(t, mask, value);
  } else if (!status) {
    br_tensor *view = part(t, steps, n);
    status = view ? write_part(view, value) : BR_EINVAL;
    br_release(view);
  }
  br_release(value);
  return status ? br_raise(L) : 0;
}
