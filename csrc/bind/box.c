/* Tensors as userdata, the scopes that release them, and the memory ceiling. */
#include "bind/bind.h"

#include <stdatomic.h>

enum { CEILING = 64 << 20 };

br_state *br_state_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static void unlink_box(br_box *box) {
  if (!box->next) return;
  box->prev->next = box->next;
  box->next->prev = box->prev;
  box->next = box->prev = NULL;
}

void br_mind_ceiling(lua_State *L, br_state *s) {
  if (br_mem_live() <= s->ceiling) return;
  lua_gc(L, LUA_GCCOLLECT);
  int64_t twice = 2 * br_mem_live();
  s->ceiling = twice > CEILING ? twice : CEILING;
}

br_box *br_push_box(lua_State *L) {
  br_state *s = br_state_of(L);
  br_mind_ceiling(L, s);
  br_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (br_box){0};
  luaL_setmetatable(L, BR_TENSOR);
  if (s->scope) {
    br_box *head = &s->scope->list;
    box->prev = head->prev;
    box->next = head;
    head->prev->next = box;
    head->prev = box;
  }
  return box;
}

void br_fill_box(lua_State *L, br_box *box, br_tensor *t) {
  box->t = t;
  if (!t) br_raise(L);
}

static br_box *test_box(lua_State *L, int arg) {
  br_box *box = lua_touserdata(L, arg);
  if (!box || !lua_getmetatable(L, arg)) return NULL;
  bool is = lua_topointer(L, -1) == br_state_of(L)->metatable;
  lua_pop(L, 1);
  return is ? box : NULL;
}

br_tensor *br_test_tensor(lua_State *L, int arg) {
  br_box *box = test_box(L, arg);
  if (!box) return NULL;
  if (!box->t)
    br_error(L, box->released
                    ? "this tensor was released when its scope closed; keep() it "
                      "to use it afterwards"
                    : "this tensor is empty: the call that was to fill it failed");
  return box->t;
}

br_tensor *br_check_tensor(lua_State *L, int arg) {
  br_tensor *t = br_test_tensor(L, arg);
  if (!t) luaL_typeerror(L, arg, "tensor");
  return t;
}

static int box_gc(lua_State *L) {
  br_box *box = lua_touserdata(L, 1);
  br_tensor *t = box->t;
  unlink_box(box);
  box->t = NULL;
  br_release(t);
  return 0;
}

int br_box_keep(lua_State *L) {
  br_check_tensor(L, 1);
  unlink_box(lua_touserdata(L, 1));
  lua_settop(L, 1);
  return 1;
}

/* ---- scopes ---- */

static void scope_leave(br_scope *scope) {
  br_scope **at = &scope->state->scope;
  while (*at && *at != scope) at = &(*at)->outer;
  if (*at) *at = scope->outer;
}

static int scope_close(lua_State *L) {
  br_scope *scope = lua_touserdata(L, 1);
  if (scope->closed) return 0;
  scope->closed = true;
  scope_leave(scope);
  while (scope->list.next != &scope->list) {
    br_box *box = scope->list.next;
    br_tensor *t = box->t;
    unlink_box(box);
    box->t = NULL;
    box->released = true;
    br_release(t);
  }
  return 0;
}

/* A scope that is collected unclosed was held by nothing, and so what is in its list may
   well be: it becomes the collector's, as outside any scope. */
static int scope_gc(lua_State *L) {
  static atomic_flag said = ATOMIC_FLAG_INIT;
  br_scope *scope = lua_touserdata(L, 1);
  if (scope->closed) return 0;
  scope->closed = true;
  scope_leave(scope);
  while (scope->list.next != &scope->list) unlink_box(scope->list.next);
  if (!atomic_flag_test_and_set(&said))
    br_notice(L, "a scope that nothing held has freed nothing; hold it until it is to "
                 "end: local _ <close> = braid.scope()");
  return 0;
}

int br_new_scope(lua_State *L) {
  br_state *s = br_state_of(L);
  br_scope *scope = lua_newuserdatauv(L, sizeof *scope, 1);
  lua_pushvalue(L, lua_upvalueindex(1)); /* the state outlives its scopes */
  lua_setiuservalue(L, -2, 1);
  *scope = (br_scope){.outer = s->scope, .state = s};
  scope->list.prev = scope->list.next = &scope->list;
  luaL_setmetatable(L, "braid.scope");
  s->scope = scope;
  return 1;
}

void br_open_boxes(lua_State *L) {
  static const luaL_Reg scope_methods[] = {
      {"__gc", scope_gc}, {"__close", scope_close}, {"close", scope_close}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"__index", br_tensor_index},
                                     {"__newindex", br_tensor_newindex},
                                     {"__gc", box_gc},
                                     {NULL, NULL}};
  int state = lua_gettop(L);
  br_state *s = lua_touserdata(L, state);
  s->ceiling = CEILING;
  luaL_newmetatable(L, BR_TENSOR);
  s->metatable = lua_topointer(L, -1);
  lua_newtable(L); /* the methods, which __index looks up first */
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods");
  for (const luaL_Reg *m = methods; m->name; m++) {
    lua_pushvalue(L, state);
    lua_pushvalue(L, state + 2);
    lua_pushcclosure(L, m->func, 2);
    lua_setfield(L, state + 1, m->name);
  }
  luaL_newmetatable(L, "braid.scope");
  luaL_setfuncs(L, scope_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_settop(L, state);
}
