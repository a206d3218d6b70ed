/* Traces of calls, as tables. See lua/braid/onnx/export/trace.lua. */
#include "op/trace.h"

#include <string.h>

#include "bind/bind.h"

static int trace_begin(lua_State *L) {
  return br_trace_begin() == BR_OK ? 0 : br_raise(L);
}

/* core.trace_pause(on): true stops the tracing of calls, false goes on with it. Returns
   the value before. */
static int trace_pause(lua_State *L) {
  lua_pushboolean(L, br_trace_pause(lua_toboolean(L, 1)));
  return 1;
}

static int trace_gc(lua_State *L) {
  br_trace_free(lua_touserdata(L, 1));
  return 0;
}

static void push_integers(lua_State *L, int n, const int64_t *v) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, v[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Pushes what there is to know about a tensor: {tensor =, storage =, at = its first byte
   there, version =, shape =, stride =, dtype =, number = whether it was a plain number};
   or nil for none. */
static void push_fact(lua_State *L, br_tensor *t, int64_t version) {
  if (!t) {
    lua_pushnil(L);
    return;
  }
  luaL_checkstack(L, 6, NULL);
  lua_createtable(L, 0, 8);
  br_box *box = br_push_loose_box(L);
  box->t = br_retain(t);
  lua_setfield(L, -2, "tensor");
  lua_pushinteger(L, t->storage->id);
  lua_setfield(L, -2, "storage");
  lua_pushinteger(L, t->data - (char *)t->storage->data);
  lua_setfield(L, -2, "at");
  lua_pushinteger(L, version);
  lua_setfield(L, -2, "version");
  push_integers(L, t->ndim, t->shape);
  lua_setfield(L, -2, "shape");
  push_integers(L, t->ndim, t->stride);
  lua_setfield(L, -2, "stride");
  lua_pushstring(L, br_dtype_name(t->dtype));
  lua_setfield(L, -2, "dtype");
  lua_pushboolean(L, t->number);
  lua_setfield(L, -2, "number");
}

/* Pushes an argument; nil for one that was left out. Dimensions and indices count from
   0, as in the core. */
static void push_argument(lua_State *L, const br_param *p, const br_arg *a) {
  if (!a->given && p->optional && !p->has_fallback) {
    lua_pushnil(L);
    return;
  }
  switch (p->kind) {
  case 'f': lua_pushnumber(L, a->f); break;
  case 'v':
    if (a->whole)
      lua_pushinteger(L, a->i);
    else
      lua_pushnumber(L, a->f);
    break;
  case 'b': lua_pushboolean(L, a->i != 0); break;
  case 's': lua_pushstring(L, a->s); break;
  case 'y': lua_pushstring(L, br_dtype_name((br_dtype)a->i)); break;
  case 'D':
  case 'I':
  case 'p': push_integers(L, a->n, a->v); break;
  case 'P':
    if (a->s)
      lua_pushstring(L, a->s);
    else
      push_integers(L, a->n, a->v);
    break;
  default: lua_pushinteger(L, a->i); break;
  }
}

/* Pushes two tables: the arguments by name; the facts of the inputs, by name or as a
   list. */
static void push_operands(lua_State *L, const br_trace_entry *e) {
  br_signature s;
  memset(&s, 0, sizeof s);
  if (e->op) br_op_signature(e->op, &s);
  bool list = !e->op;
  lua_newtable(L);
  lua_newtable(L);
  for (int i = 0; i < s.n; i++) {
    const br_param *p = &s.param[i];
    if (p->kind == 'l') {
      list = true;
    } else if (br_is_tensor_kind(p->kind)) {
      push_fact(L, e->in[p->slot], e->version[p->slot]);
      lua_setfield(L, -2, p->name);
    } else {
      push_argument(L, p, &e->arg[p->slot]);
      lua_setfield(L, -3, p->name);
    }
  }
  for (int i = 0; list && i < e->nin; i++) {
    push_fact(L, e->in[i], e->version[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Pushes {name =, place =, in_place =, args =, inputs =, outputs =}. An entry without a
   name says that Lua read a tensor's values as numbers. */
static void push_entry(lua_State *L, const br_trace_entry *e) {
  luaL_checkstack(L, 8, NULL);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, e->op ? e->op->name : NULL);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, e->place);
  lua_setfield(L, -2, "place");
  lua_pushboolean(L, e->in_place);
  lua_setfield(L, -2, "in_place");
  push_operands(L, e);
  lua_setfield(L, -3, "inputs");
  lua_setfield(L, -2, "args");
  lua_createtable(L, e->nout, 0);
  for (int i = 0; i < e->nout; i++) {
    push_fact(L, e->out[i], e->made[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "outputs");
}

/* core.trace_end(): the entries since core.trace_begin(), as a list; empty without a
   trace. */
static int trace_end(lua_State *L) {
  br_trace *trace = lua_newuserdatauv(L, sizeof *trace, 0);
  *trace = (br_trace){0};
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, trace_gc, 1);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *trace = br_trace_end();
  lua_createtable(L, trace->count, 0);
  for (int i = 0; i < trace->count; i++) {
    push_entry(L, &trace->entry[i]);
    lua_rawseti(L, -2, i + 1);
  }
  br_trace_free(trace);
  return 1;
}

/* core.trace_fact(t): what an entry says about a tensor. */
static int trace_fact(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  push_fact(L, t, t->storage->version);
  return 1;
}

void br_open_trace(lua_State *L) {
  static const luaL_Reg functions[] = {{"trace_begin", trace_begin},
                                       {"trace_pause", trace_pause},
                                       {"trace_end", trace_end},
                                       {"trace_fact", trace_fact},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
