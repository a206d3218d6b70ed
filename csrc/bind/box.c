/* Tensors as userdata, and the memory ceiling. */
#include "bind/bind.h"

enum { CEILING = 64 << 20 };

/* Its address marks boxes, and is the key of their metatable. Comparing it is cheaper
   than comparing metatables, and a light key is cheaper than a name. */
static const char box_mark = 0;

void br_mind_ceiling(lua_State *L) {
  br_state *s = br_state_of(L);
  if (br_mem_live() <= s->ceiling) return;
  lua_gc(L, LUA_GCCOLLECT);
  int64_t twice = 2 * br_mem_live();
  s->ceiling = twice > CEILING ? twice : CEILING;
}

br_box *br_push_loose_box(lua_State *L) {
  br_mind_ceiling(L);
  br_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (br_box){.mark = &box_mark};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &box_mark);
  lua_setmetatable(L, -2);
  return box;
}

br_box *br_push_box(lua_State *L) {
  br_box *box = br_push_loose_box(L);
  br_settle(L, box);
  return box;
}

void br_fill_box(lua_State *L, br_box *box, br_tensor *t) {
  box->t = t;
  if (!t) br_raise(L);
}

br_box *br_test_box(lua_State *L, int arg) {
  br_box *box = lua_touserdata(L, arg);
  if (!box || lua_rawlen(L, arg) != sizeof *box) return NULL; /* light: 0 */
  return box->mark == &box_mark ? box : NULL;
}

br_box *br_check_box(lua_State *L, int arg) {
  br_box *box = br_test_box(L, arg);
  if (!box)
    br_error(L, "argument %d must be a tensor, not %s", arg, luaL_typename(L, arg));
  return box;
}

static int is_empty(lua_State *L, const br_box *box) {
  return br_error(L, box->released
                         ? "this tensor was released when its scope closed; keep() it "
                           "to use it afterwards"
                         : "this tensor is empty: the call that was to fill it failed");
}

br_tensor *br_tensor_in(lua_State *L, br_box *box) {
  if (box->waiting && br_run_waiting(L, box)) br_raise(L);
  if (!box->t) is_empty(L, box);
  return box->t;
}

br_tensor *br_check_shape(lua_State *L, int arg) {
  br_box *box = br_check_box(L, arg);
  if (!box->t) is_empty(L, box);
  return box->t;
}

void br_empty_box(br_box *box) {
  br_tensor *t = box->t;
  br_drop_waiting(box);
  box->t = NULL;
  br_release(t);
}

br_tensor *br_test_tensor(lua_State *L, int arg) {
  br_box *box = br_test_box(L, arg);
  return box ? br_tensor_in(L, box) : NULL;
}

br_tensor *br_check_tensor(lua_State *L, int arg) {
  return br_tensor_in(L, br_check_box(L, arg));
}

static int box_gc(lua_State *L) {
  br_box *box = br_test_box(L, 1);
  if (!box) return 0;
  br_leave_scope(box);
  br_empty_box(box);
  return 0;
}

int br_box_keep(lua_State *L) {
  br_check_tensor(L, 1);
  br_leave_scope(lua_touserdata(L, 1));
  lua_settop(L, 1);
  return 1;
}

void br_open_boxes(lua_State *L) {
  static const luaL_Reg methods[] = {{"__index", br_tensor_index},
                                     {"__newindex", br_tensor_newindex},
                                     {"__gc", box_gc},
                                     {NULL, NULL}};
  int state = lua_gettop(L);
  br_state *s = lua_touserdata(L, state);
  s->ceiling = CEILING;
  luaL_newmetatable(L, BR_TENSOR);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &box_mark);
  lua_newtable(L); /* the methods, which __index looks up first */
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods");
  for (const luaL_Reg *m = methods; m->name; m++) {
    lua_pushvalue(L, state);
    lua_pushvalue(L, state + 2);
    lua_pushcclosure(L, m->func, 2);
    lua_setfield(L, state + 1, m->name);
  }
  lua_settop(L, state);
}
