/* Reads the arguments of a call, in the order of the row. Optional ones may also come
   by name in a table at the end: x:sum(2, true), x:sum(2, {keepdim = true}),
   F.conv2d(x, w, {stride = 2}). */
#include "bind/request.h"

#include <string.h>

enum { MAX_TENSORS = 900000 }; /* in a list; Lua's stack holds 1,000,000 */

typedef br_binding binding;
typedef br_request request;

static const char *shown_name(lua_State *L, const binding *b) {
  return lua_pushfstring(L, "%s%s", b->op->name, b->in_place ? "_" : "");
}

static int bad_argument(lua_State *L, const request *r, const br_param *p,
                        const char *want, int at) {
  return br_error_in(L, "%s: %s must be %s, not %s", shown_name(L, r->b), p->name, want,
                     br_test_box(L, at) ? "a tensor" : luaL_typename(L, at));
}

/* Reads a number, which must be in the range that the row states. */
static void read_number(lua_State *L, const request *r, const br_param *p, int at,
                        br_arg *a) {
  char range[128];
  if (lua_type(L, at) != LUA_TNUMBER) bad_argument(L, r, p, "a number", at);
  *a = br_number_arg(L, at);
  if (br_in_range(&p->range, a->f)) return;
  lua_Number f = a->f == a->f ? a->f : (lua_Number)__builtin_nan(""); /* no "-nan" */
  if (a->whole)
    lua_pushinteger(L, a->i);
  else
    lua_pushnumber(L, f);
  br_error_in(L, "%s: %s must be %s, not %s", shown_name(L, r->b), p->name,
              br_range_text(&p->range, range, sizeof range), luaL_tolstring(L, -1, NULL));
}

static int64_t from_one(lua_State *L, const request *r, const br_param *p, int64_t i) {
  if (i == 0) br_error(L, "%s: %s counts from 1, not 0", shown_name(L, r->b), p->name);
  return i > 0 ? i - 1 : i;
}

static int64_t read_integer(lua_State *L, const request *r, const br_param *p, int at,
                            const char *want) {
  int whole;
  int64_t i = lua_tointegerx(L, at, &whole);
  if (!whole || lua_type(L, at) != LUA_TNUMBER) bad_argument(L, r, p, want, at);
  return i;
}

/* Reads the integers of the table at `at`, or a single integer. */
static void read_list(lua_State *L, const request *r, const br_param *p, int at,
                      br_arg *a, const char *want) {
  bool dims = p->kind == 'D';
  a->n = 0;
  if (lua_type(L, at) != LUA_TTABLE) {
    int64_t i = read_integer(L, r, p, at, want);
    a->v[a->n++] = dims ? from_one(L, r, p, i) : i;
    return;
  }
  lua_Integer n = luaL_len(L, at);
  if (n < 0 || n > BR_MAX_DIM)
    br_error(L, "%s: %s has %I entries, more than %d", shown_name(L, r->b), p->name, n,
             BR_MAX_DIM);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, at, i);
    int64_t value = read_integer(L, r, p, -1, want);
    a->v[a->n++] = dims ? from_one(L, r, p, value) : value;
    lua_pop(L, 1);
  }
}

static void read_pair(lua_State *L, const request *r, const br_param *p, int at,
                      br_arg *a) {
  const char *want = p->kind == 'P' ? "a number, a pair {h, w} or \"same\""
                                    : "a number or a pair {h, w}";
  a->s = NULL;
  if (p->kind == 'P' && lua_type(L, at) == LUA_TSTRING) {
    a->s = lua_tostring(L, at);
    return;
  }
  if (lua_type(L, at) == LUA_TTABLE && luaL_len(L, at) != 2)
    bad_argument(L, r, p, want, at);
  read_list(L, r, p, at, a, want);
  if (a->n == 1) a->v[1] = a->v[0];
  a->n = 2;
}

static void read_tensor(lua_State *L, request *r, const br_param *p, int at) {
  br_box *box = br_test_box(L, at);
  r->box[p->slot] = box;
  if (box) return;
  if (p->kind != 'n') {
    bad_argument(L, r, p, "a tensor", at);
  } else if (lua_type(L, at) != LUA_TNUMBER && lua_type(L, at) != LUA_TBOOLEAN) {
    bad_argument(L, r, p, "a tensor or a number", at);
  }
  r->number[r->numbers].slot = p->slot;
  r->number[r->numbers++].at = lua_absindex(L, at);
}

/* Reads a list of tensors. Their boxes stay on the stack, below the userdata that will
   hold the tensors. */
static void read_tensors(lua_State *L, request *r, const br_param *p, int at) {
  if (lua_type(L, at) != LUA_TTABLE) bad_argument(L, r, p, "a table of tensors", at);
  lua_Integer n = luaL_len(L, at);
  if (n < 0 || n > MAX_TENSORS || !lua_checkstack(L, (int)n + 4))
    br_error(L, "%s: %s has %I entries, more than %d", shown_name(L, r->b), p->name, n,
             MAX_TENSORS);
  r->list = lua_gettop(L) + 1;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, at, i);
    if (!br_test_box(L, -1))
      br_error_in(L, "%s: entry %d of %s must be a tensor, not %s", shown_name(L, r->b),
                  (int)i, p->name, luaL_typename(L, -1));
  }
  r->call.in = lua_newuserdatauv(L, (size_t)n * sizeof *r->call.in + 1, 0);
  r->call.nin = (int)n;
}

static void read_argument(lua_State *L, request *r, const br_param *p, int at) {
  if (p->kind == 'l') {
    read_tensors(L, r, p, at);
    return;
  }
  if (br_is_tensor_kind(p->kind)) {
    read_tensor(L, r, p, at);
    return;
  }
  br_arg *a = &r->call.arg[p->slot];
  a->given = true;
  switch (p->kind) {
  case 'f': read_number(L, r, p, at, a); break;
  case 'v':
    if (lua_type(L, at) != LUA_TNUMBER && lua_type(L, at) != LUA_TBOOLEAN)
      bad_argument(L, r, p, "a number", at);
    *a = br_number_arg(L, at);
    break;
  case 'i': a->i = read_integer(L, r, p, at, "an integer"); break;
  case 'd':
    a->i = from_one(L, r, p,
                    read_integer(L, r, p, at, "a dimension (an integer from 1)"));
    break;
  case 'k':
    a->i = from_one(L, r, p, read_integer(L, r, p, at, "an index (an integer from 1)"));
    break;
  case 'D': read_list(L, r, p, at, a, "a dimension or a table of them"); break;
  case 'I': read_list(L, r, p, at, a, "integers"); break;
  case 'p':
  case 'P': read_pair(L, r, p, at, a); break;
  case 'b':
    if (lua_type(L, at) != LUA_TBOOLEAN) bad_argument(L, r, p, "true or false", at);
    a->i = lua_toboolean(L, at);
    break;
  case 's':
    if (lua_type(L, at) != LUA_TSTRING) bad_argument(L, r, p, "a string", at);
    a->s = lua_tostring(L, at);
    break;
  case 'y': a->i = br_check_dtype(L, at); break;
  }
}

static int unknown_option(lua_State *L, const request *r, const char *key, int from) {
  luaL_Buffer known;
  luaL_buffinit(L, &known);
  for (int i = from; i < r->b->signature.n; i++) {
    if (i > from) luaL_addstring(&known, ", ");
    luaL_addstring(&known, r->b->signature.param[i].name);
  }
  luaL_pushresult(&known);
  return br_error(L, "%s: there is no option '%s'; there is %s", shown_name(L, r->b), key,
                  lua_tostring(L, -1));
}

static bool is_named(const br_param *p, const char *name) {
  return *p->name == *name && strcmp(p->name, name) == 0;
}

/* Reads options by name, from parameter `from` on. An option may not also be given in
   order. */
static void read_options(lua_State *L, request *r, int at, int from) {
  luaL_checkstack(L, 3 * r->b->signature.n, NULL);
  lua_pushnil(L);
  while (lua_next(L, at)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      br_error(L, "%s: options are given by name, {name = value}", shown_name(L, r->b));
    const char *key = lua_tostring(L, -2);
    int i = from;
    while (i < r->b->signature.n && !is_named(&r->b->signature.param[i], key)) i++;
    if (i == r->b->signature.n) unknown_option(L, r, key, from);
    lua_insert(L, -2); /* the value stays on the stack, below the key */
    int value = lua_gettop(L) - 1;
    read_argument(L, r, &r->b->signature.param[i], value);
    if (lua_gettop(L) > value + 1) lua_pushvalue(L, value + 1);
  }
}

/* Whether the value at `at` is the table of options: it is a table, and the argument
   may not be one. */
static bool is_options(lua_State *L, const br_param *p, int at) {
  if (lua_type(L, at) != LUA_TTABLE) return false;
  if (!strchr("DIpPltn", p->kind)) return true;
  lua_pushnil(L);
  bool empty = !lua_next(L, at);
  if (empty) return p->optional && p->kind != 'D'; /* no dimensions */
  bool named = lua_type(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return named;
}

/* Reads integers one after the other: x:reshape(2, 3). Returns the stack index after
   them. */
static int read_row(lua_State *L, request *r, const br_param *p, int at, int top) {
  br_arg *a = &r->call.arg[p->slot];
  a->given = true;
  a->n = 0;
  for (; at <= top && lua_type(L, at) == LUA_TNUMBER; at++) {
    if (a->n == BR_MAX_DIM)
      br_error(L, "%s: more than %d sizes", shown_name(L, r->b), BR_MAX_DIM);
    int64_t i = read_integer(L, r, p, at, "integers");
    a->v[a->n++] = p->kind == 'D' ? from_one(L, r, p, i) : i;
  }
  return at;
}

void br_request_read(lua_State *L, request *r, int at, int first) {
  const br_signature *s = &r->b->signature;
  int top = lua_gettop(L), i = first;
  for (; i < s->n && at <= top; i++) {
    const br_param *p = &s->param[i];
    if (is_options(L, p, at)) break;
    if (lua_isnil(L, at) && p->optional) {
      at++;
    } else if ((p->kind == 'I' || (p->kind == 'D' && !p->optional)) &&
               lua_type(L, at) == LUA_TNUMBER) {
      at = read_row(L, r, p, at, top);
    } else {
      read_argument(L, r, p, at++);
    }
  }
  int from = i;
  if (at == top && lua_type(L, at) == LUA_TTABLE) {
    read_options(L, r, at, from);
  } else if (at <= top) {
    br_error(L, "%s: too many arguments (%d)", shown_name(L, r->b), top);
  }
  for (; i < s->n; i++) {
    const br_param *p = &s->param[i];
    bool tensor = br_is_tensor_kind(p->kind);
    bool given = !tensor          ? r->call.arg[p->slot].given
                 : p->kind == 'l' ? r->list != 0
                                  : r->box[p->slot] != NULL;
    for (int k = 0; k < r->numbers; k++)
      if (tensor && r->number[k].slot == p->slot) given = true;
    if (!given && !p->optional)
      br_error(L, "%s: %s is missing", shown_name(L, r->b), p->name);
  }
}

/* The number on the stack as a tensor without dimensions. */
static br_tensor *number_tensor(lua_State *L, int at) {
  br_dtype dtype = lua_isboolean(L, at)   ? BR_BOOL
                   : lua_isinteger(L, at) ? BR_I64
                                          : BR_F64;
  br_tensor *t = br_tensor_new(dtype, 0, NULL, BR_CONTIGUOUS);
  if (!t) return NULL;
  t->number = true;
  void *data = t->data;
  if (dtype == BR_BOOL)
    *(bool *)data = lua_toboolean(L, at);
  else if (dtype == BR_I64)
    *(int64_t *)data = lua_tointeger(L, at);
  else
    *(double *)data = lua_tonumber(L, at);
  return t;
}

static void take_tensors(lua_State *L, request *r) {
  br_call *c = &r->call;
  for (int i = 0; i < c->nin; i++) {
    br_box *box = r->list ? lua_touserdata(L, r->list + i) : r->box[i];
    c->in[i] = box ? br_tensor_in(L, box) : NULL;
  }
}

br_status br_request_run(lua_State *L, request *r, br_box **box, int boxes) {
  br_call *c = &r->call;
  br_status status = BR_OK;
  br_enter(L);
  take_tensors(L, r);
  for (int k = 0; k < r->numbers; k++) {
    c->in[r->number[k].slot] = number_tensor(L, r->number[k].at);
    if (!c->in[r->number[k].slot]) status = BR_ENOMEM;
  }
  if (r->b->in_place) {
    c->in_place = true;
    c->nout = 1;
    c->out[0] = br_retain(c->in[0]);
  }
  if (!status) status = br_apply(c);
  br_tensor *moved = NULL; /* what the straight box held */
  for (int i = 0; i < boxes && !status && !r->b->in_place; i++) {
    if (box[i]->straight) moved = box[i]->t;
    box[i]->t = br_retain(c->out[i]);
  }
  int nout = c->nout;
  br_call_clear(c);
  br_release(moved);
  c->nout = nout;
  for (int k = 0; k < r->numbers; k++) {
    br_release(c->in[r->number[k].slot]);
    c->in[r->number[k].slot] = NULL;
  }
  return status;
}

void br_bind(binding *b, const br_op *op, bool in_place) {
  b->op = op;
  b->in_place = in_place;
  b->begins = br_fuse_rule(op, NULL) != NULL;
  br_op_signature(op, &b->signature);
}

void br_request_start(request *r, const binding *b) {
  br_call_init(&r->call, b->op, &b->signature, 0);
  for (int i = 0; i < b->signature.n; i++)
    if (br_is_tensor_kind(b->signature.param[i].kind)) r->call.nin++;
  r->b = b;
  r->numbers = 0;
  r->list = 0;
  memset(r->box, 0, sizeof r->box);
}
