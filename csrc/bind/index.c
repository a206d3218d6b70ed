/* t[...]: reading views and parts, writing into them, and the fields of a tensor. */
#include "bind/bind.h"

#include <string.h>

#include "op/trace.h"

/* The key of one dimension in t[{...}]. A mask serves for as many dimensions as it
   has. */
typedef struct step {
  enum { ALL, ONE, RANGE, TENSOR } kind;
  int64_t first, last, by; /* from 1, inclusive, negative from the end */
  br_box *box;             /* a mask or indices; the box stays on Lua's stack */
  br_tensor *key;          /* the box's tensor */
} step;

/* An index, read from its key: its steps, and the tensors among them. */
typedef struct steps {
  int n, picks;
  bool one;          /* a single key, not a table */
  lua_Integer given; /* how many keys */
  step at[BR_MAX_DIM];
  br_pick pick[BR_MAX_DIM];
} steps;

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
  } else if ((s.box = br_test_box(L, at))) {
    s.kind = TENSOR;
  } else {
    br_error(L, "index: wants integers, ranges {first, last} and tensors, not %s",
             luaL_typename(L, at));
  }
  return s;
}

/* Reads the key at `at` into steps. Tensors stay on the stack. */
static void read_key(lua_State *L, int at, steps *s) {
  s->one = lua_type(L, at) != LUA_TTABLE;
  s->given = s->one ? 1 : luaL_len(L, at);
  s->n = s->picks = 0;
  luaL_checkstack(L, BR_MAX_DIM + 8, NULL);
  for (lua_Integer i = 0; i < s->given && i < BR_MAX_DIM; i++) {
    if (s->one)
      lua_pushvalue(L, at);
    else
      lua_geti(L, at, i + 1);
    s->at[s->n] = read_step(L, lua_gettop(L));
    if (s->at[s->n++].kind != TENSOR) lua_pop(L, 1);
  }
}

/* Takes the keys' tensors out of their boxes. Raises if there are too many keys for
   t. */
static void take_keys(lua_State *L, const br_tensor *t, steps *s) {
  int64_t named = s->given - s->n;
  for (int i = 0; i < s->n; i++) {
    step *next = &s->at[i];
    next->key = next->kind == TENSOR ? br_tensor_in(L, next->box) : NULL;
    if (next->key && next->key->ndim == 0 && next->key->dtype != BR_BOOL &&
        !br_dtype_is_float(next->key->dtype)) { /* an integer: its dimension disappears */
      if (br_trace_read(next->key) != BR_OK) br_raise(L);
      next->kind = ONE;
      next->first = br_number_of(next->key).i;
      next->key = NULL;
    }
    named += next->key && next->key->dtype == BR_BOOL ? next->key->ndim : 1;
  }
  if (s->one && t->ndim == 0 && s->at[0].kind != TENSOR)
    br_error(L,
             "index: a tensor without dimensions has no parts; item() gives its value");
  if (named > t->ndim)
    br_error(L, "index: %I indices, but the tensor %s has %d dimensions", named,
             br_shape_of(t), t->ndim);
}

/* Takes over `t` and gives the operator's result, or NULL with a message. */
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
                 (long long)s->first, (long long)s->last, (long long)s->by, dim,
                 br_shape_of(t));
}

static br_status bad_index(const step *s, const br_tensor *t, int dim) {
  if (s->first == 0) return br_fail(BR_EINVAL, "index: counts from 1, not 0");
  return br_fail(BR_EINVAL, "index: there is no index %lld in dimension %d of %s",
                 (long long)s->first, dim, br_shape_of(t));
}

/* Releases the part made so far and returns NULL, if `status` is an error with its
   message. */
static br_tensor *bad_part(br_tensor *t, br_status status) {
  br_release(t);
  return status ? NULL : t;
}

/* A view of the part of `whole` that the steps name; NULL with a message. Steps that
   are tensors are not applied here; they go to all->pick. */
static br_tensor *part(br_tensor *whole, steps *all) {
  int dim = 0, named = 0; /* dimensions of t, and of the whole */
  br_tensor *t = br_retain(whole);
  for (int i = 0; i < all->n && t; i++) {
    const step *s = &all->at[i];
    int64_t size = s->kind == RANGE || s->kind == ONE ? t->shape[dim] : 0;
    int64_t first = s->first < 0 ? s->first + size + 1 : s->first;
    int64_t last = s->last < 0 ? s->last + size + 1 : s->last;
    named++;
    if (s->kind == ALL) {
      dim++;
    } else if (s->kind == TENSOR) {
      int covers = s->key->dtype == BR_BOOL ? s->key->ndim : 1;
      all->pick[all->picks++] = (br_pick){s->key, dim};
      dim += covers;
      named += covers - 1;
    } else if (s->kind == ONE) {
      if (first < 1 || first > size) return bad_part(t, bad_index(s, whole, named));
      t = apply(t, "select", dim, first - 1, 0, 0);
    } else {
      if (s->by < 1 || first < 1 || last > size || last < first - 1)
        return bad_part(t, bad_range(s, whole, named));
      t = apply(t, "narrow", dim++, first - 1, br_size_places(last - first + 1, 1, s->by),
                s->by);
    }
  }
  return t;
}

static int push_shape(lua_State *L, const br_tensor *t) {
  int64_t shape[BR_MAX_DIM];
  int ndim = t->ndim;
  memcpy(shape, t->shape, sizeof shape);
  lua_createtable(L, ndim, 0);
  for (int d = 0; d < ndim; d++) {
    lua_pushinteger(L, shape[d]);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

/* Raises the error for a name that tensors do not have. The table of methods finds the
   nearest names. */
static int no_field(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  lua_gettable(L, lua_upvalueindex(2));
  return 1;
}

/* Pushes the gradient as another tensor over the same memory. Otherwise a recorded
   change in place would attach a graph to the gradient itself, and its owner would own
   itself. */
static int push_grad(lua_State *L) {
  br_box *box = br_push_box(L);
  br_tensor *grad = br_grad_of(br_check_tensor(L, 1));
  if (!grad) return 0; /* making the box may collect garbage and clear it */
  br_fill_box(L, box, br_tensor_alias(grad));
  return 1;
}

/* The field of the tensor at 1, such as t.shape. */
static int read_field(lua_State *L, const char *name) {
  br_tensor *t = br_check_shape(L, 1);
  if (strcmp(name, "shape") == 0) return push_shape(L, t);
  if (strcmp(name, "dtype") == 0) {
    lua_pushstring(L, br_dtype_name(t->dtype));
    return 1;
  }
  t = br_check_tensor(L, 1);
  if (strcmp(name, "grad") == 0) return br_grad_of(t) ? push_grad(L) : 0;
  if (strcmp(name, "requires_grad") == 0)
    lua_pushboolean(L, br_requires_grad(t));
  else if (strcmp(name, "grad_fn") == 0)
    lua_pushstring(L, br_made_by(t));
  else
    return no_field(L);
  return 1;
}

static bool is_whole_mask(const br_tensor *t, const br_tensor *key) {
  return key && key->dtype == BR_BOOL && br_same_shape(t, key);
}

/* Puts t[mask], for a mask of t's shape, into a box. */
static int select_by(lua_State *L, br_tensor *t, br_tensor *mask, br_box *box) {
  br_call c;
  br_call_init(&c, br_op_find("masked_select"), NULL, 2);
  c.in[0] = t;
  c.in[1] = mask;
  br_run_into(L, &c, box);
  return 1;
}

static int bad_key(lua_State *L) {
  return br_error(L, "index: wants an integer, a table or a tensor, not %s",
                  luaL_typename(L, 2));
}

static bool is_key(lua_State *L) {
  return lua_isinteger(L, 2) || lua_type(L, 2) == LUA_TTABLE || br_test_box(L, 2);
}

/* Whether ipairs asks for the part after the last one, which is how it finds the end.
   The same index from a function in Lua is a mistake. */
static bool ends_ipairs(lua_State *L) {
  lua_Debug d;
  const br_tensor *t = br_check_tensor(L, 1);
  return t->ndim > 0 && lua_isinteger(L, 2) && lua_tointeger(L, 2) == t->shape[0] + 1 &&
         lua_getstack(L, 1, &d) && lua_getinfo(L, "S", &d) && *d.what == 'C';
}

int br_tensor_index(lua_State *L) {
  steps s;
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
    return read_field(L, lua_tostring(L, 2));
  }
  br_check_box(L, 1);
  if (!is_key(L)) return bad_key(L);
  if (ends_ipairs(L)) return 0;
  read_key(L, 2, &s);
  br_box *box = br_push_box(L);
  br_enter(L);
  br_tensor *t = br_check_tensor(L, 1);
  br_tensor *mask = br_test_tensor(L, 2);
  if (is_whole_mask(t, mask)) return select_by(L, t, mask, box);
  take_keys(L, t, &s);
  br_tensor *view = part(t, &s), *result = view;
  if (view && s.picks) {
    result = br_pick_read(view, s.pick, s.picks);
    br_release(view);
  }
  br_fill_box(L, box, result);
  return 1;
}

/* The number at `at` as a tensor without dimensions; NULL with a message if the type
   cannot hold it. */
static br_tensor *number_tensor(lua_State *L, int at, br_dtype dtype) {
  br_arg value = br_number_arg(L, at);
  const char *wrong = br_misfit(dtype, &value);
  if (wrong) {
    br_fail(BR_EINVAL, "index: %s", wrong);
    return NULL;
  }
  br_tensor *t = br_tensor_new(dtype, 0, NULL, BR_CONTIGUOUS);
  if (t) br_number_put(t, 0, &value);
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

/* Sets t to a number where the mask, of t's shape, is true. */
static br_status write_masked(br_tensor *t, br_tensor *mask, br_tensor *value) {
  br_call c;
  const char *wrong = br_misfits(t->dtype, value, false);
  if (wrong) return br_fail(BR_EINVAL, "index: %s", wrong);
  br_tensor *own = br_as(value, t->dtype, BR_CONTIGUOUS); /* so that t keeps its type */
  if (!own) return BR_ENOMEM;
  br_call_init(&c, br_op_find("where"), NULL, 3);
  c.in[0] = mask;
  c.in[1] = own;
  c.in[2] = t;
  br_status status = br_apply(&c);
  if (!status) status = write_part(t, c.out[0]);
  br_call_clear(&c);
  br_release(own);
  return status;
}

/* Takes over `value`. Drops leading dimensions of size 1 until it has at most `ndim`.
   Returns NULL with a message on failure. */
static br_tensor *shortened(br_tensor *value, int ndim) {
  while (value && value->ndim > ndim && value->shape[0] == 1)
    value = apply(value, "select", 0, 0, 0, 0);
  return value;
}

static br_status write_view(br_tensor *view, br_tensor *value) {
  value = shortened(br_retain(value), view->ndim);
  br_status status = value ? write_part(view, value) : BR_EINVAL;
  br_release(value);
  return status;
}

static br_status write(br_tensor *t, steps *s, br_tensor *value) {
  if (s->n == 1 && is_whole_mask(t, s->at[0].key) && value->ndim == 0 &&
      !(br_recording() && (t->var || value->var)))
    return write_masked(t, s->at[0].key, value);
  br_tensor *view = part(t, s);
  br_status status = !view      ? BR_EINVAL
                     : s->picks ? br_pick_write(view, s->pick, s->picks, value)
                                : write_view(view, value);
  br_release(view);
  return status;
}

static int write_field(lua_State *L, const char *name) {
  if (strcmp(name, "grad") != 0)
    return br_error(L, "a tensor has no field '%s' that can be set", name);
  br_tensor *t = br_check_tensor(L, 1);
  if (!lua_isnil(L, 3) && !br_test_box(L, 3))
    return br_error(L, "a gradient must be a tensor or nil, not %s", luaL_typename(L, 3));
  br_tensor *grad = br_test_tensor(L, 3);
  return br_set_grad(t, grad) == BR_OK ? 0 : br_raise(L);
}

int br_tensor_newindex(lua_State *L) {
  steps s;
  br_check_box(L, 1);
  if (lua_type(L, 2) == LUA_TSTRING) return write_field(L, lua_tostring(L, 2));
  if (!br_test_box(L, 3) && lua_type(L, 3) != LUA_TNUMBER && !lua_isboolean(L, 3))
    return br_error(L, "index: wants a tensor or a number to write, not %s",
                    luaL_typename(L, 3));
  if (!is_key(L)) return bad_key(L);
  read_key(L, 2, &s);
  br_enter(L);
  br_tensor *t = br_check_tensor(L, 1), *given = br_test_tensor(L, 3);
  take_keys(L, t, &s);
  br_tensor *value = given ? br_retain(given) : number_tensor(L, 3, t->dtype);
  br_status status = value ? write(t, &s, value) : BR_EINVAL;
  br_release(value);
  return status ? br_raise(L) : 0;
}
