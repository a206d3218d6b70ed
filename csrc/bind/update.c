/* Optimizer steps over many parameters at once, and their gradients. */
#include "bind/bind.h"

#include <string.h>

#include "op/update.h"

#define UPDATES "braid.updates"

/* Steps of one kind, to be run together. The tensors are retained. */
typedef struct updates {
  const br_op *op;
  int tensors, numbers; /* how many the operator takes */
  int64_t n, room;
  br_update *at;
} updates;

static void clear(updates *u) {
  for (int64_t i = 0; i < u->n; i++)
    for (int j = 0; j < u->tensors; j++) br_release(u->at[i].at[j]);
  u->n = 0;
}

static br_status make_room(updates *u) {
  int64_t room = u->room ? 2 * u->room : 64;
  if (u->n < u->room) return BR_OK;
  br_update *at = br_alloc((size_t)room * sizeof *at);
  if (!at) return BR_ENOMEM;
  if (u->n > 0) memcpy(at, u->at, (size_t)u->n * sizeof *at);
  br_free(u->at);
  u->at = at;
  u->room = room;
  return BR_OK;
}

/* core.updates(name): an empty list of steps of the optimizer operator `name`. */
static int new_updates(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const br_op *op = br_op_find(name);
  if (!op || !strstr(name, "_step"))
    return br_error(L, "updates: '%s' is not a step of an optimizer", name);
  br_signature signature;
  br_op_signature(op, &signature);
  updates *u = lua_newuserdatauv(L, sizeof *u, 0);
  *u = (updates){.op = op};
  luaL_setmetatable(L, UPDATES);
  for (int i = 0; i < signature.n; i++) {
    if (br_is_tensor_kind(signature.param[i].kind))
      u->tensors++;
    else
      u->numbers++;
  }
  return 1;
}

/* updates:add(p, state, ..., number, ...): a step of p along its gradient; false stands
   for a state that is not used. */
static int add(lua_State *L) {
  updates *u = luaL_checkudata(L, 1, UPDATES);
  br_update one = {.at = {br_check_tensor(L, 2)}};
  one.at[1] = br_grad_of(one.at[0]);
  if (!one.at[1]) return br_error(L, "%s: a parameter has no gradient", u->op->name);
  int arg = 3;
  for (int i = 2; i < u->tensors; i++, arg++) {
    one.at[i] = br_test_tensor(L, arg);
    if (!one.at[i] && lua_toboolean(L, arg))
      return br_error(L, "%s: value %d is not a tensor", u->op->name, arg - 1);
  }
  for (int i = 0; i < u->numbers; i++, arg++) {
    int is_number;
    one.arg[i] = lua_tonumberx(L, arg, &is_number);
    if (!is_number)
      return br_error(L, "%s: value %d is not a number", u->op->name, arg - 1);
  }
  if (make_room(u) != BR_OK) return br_raise(L);
  for (int i = 0; i < u->tensors; i++) br_retain(one.at[i]);
  u->at[u->n++] = one;
  return 0;
}

/* updates:run(): runs all steps, or none of them if one is wrong. */
static int run(lua_State *L) {
  updates *u = luaL_checkudata(L, 1, UPDATES);
  br_timer timer = br_timer_start();
  br_status status = u->n ? br_update_all(u->op, u->tensors, u->n, u->at) : BR_OK;
  if (u->n) br_timer_stop(&timer, u->op->name, BR_FORWARD, 0);
  clear(u);
  return status ? br_raise(L) : 0;
}

static int collect(lua_State *L) {
  updates *u = luaL_checkudata(L, 1, UPDATES);
  clear(u);
  br_free(u->at);
  u->at = NULL;
  u->room = 0;
  return 0;
}

/* core.has_grad(t) */
static int has_grad(lua_State *L) {
  lua_pushboolean(L, br_grad_of(br_check_tensor(L, 1)) != NULL);
  return 1;
}

/* core.clear_grads(list): removes the gradients of the list's tensors. */
static int clear_grads(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    br_tensor *t = br_test_tensor(L, -1);
    if (!t) return br_error(L, "clear_grads: value %d is not a tensor", (int)i);
    if (br_set_grad(t, NULL) != BR_OK) return br_raise(L);
    lua_pop(L, 1);
  }
  return 0;
}

void br_open_updates(lua_State *L) {
  static const luaL_Reg functions[] = {{"updates", new_updates},
                                       {"has_grad", has_grad},
                                       {"clear_grads", clear_grads},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"add", add}, {"run", run}, {"__gc", collect}, {NULL, NULL}};
  int state = lua_upvalueindex(1);
  lua_pushvalue(L, state);
  luaL_setfuncs(L, functions, 1);
  luaL_newmetatable(L, UPDATES);
  lua_pushvalue(L, state);
  luaL_setfuncs(L, methods, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
