/* Optimizer steps over lists of parameters. */
#include "bind/bind.h"

#include <string.h>

#include "op/update.h"

/* How many tensors and numbers the operator of an optimizer takes. */
static void count_params(const br_signature *s, int *tensors, int *numbers) {
  *tensors = *numbers = 0;
  for (int i = 0; i < s->n; i++) {
    if (br_is_tensor_kind(s->param[i].kind))
      ++*tensors;
    else
      ++*numbers;
  }
}

/* Entry `i` of the list at 2: its tensors, false where one is left out, then its numbers.
 */
static void read_update(lua_State *L, lua_Integer i, int tensors, int numbers,
                        br_update *u) {
  if (lua_rawgeti(L, 2, i) != LUA_TTABLE)
    br_error(L, "update_all: %d is no table", (int)i);
  for (int j = 0; j < tensors; j++) {
    lua_rawgeti(L, -1, j + 1);
    u->at[j] = br_test_tensor(L, -1);
    if (!u->at[j] && (j < 2 || lua_toboolean(L, -1)))
      br_error(L, "update_all: value %d of entry %d is no tensor", j + 1, (int)i);
    lua_pop(L, 1);
  }
  for (int j = 0; j < numbers; j++) {
    int is_number;
    lua_rawgeti(L, -1, tensors + j + 1);
    u->arg[j] = lua_tonumberx(L, -1, &is_number);
    if (!is_number)
      br_error(L, "update_all: value %d of entry %d is no number", tensors + j + 1,
               (int)i);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* core.update_all(name, list): the step of that name for every entry. */
static int update_all(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  const br_op *op = br_op_find(name);
  if (!op || !strstr(name, "_step"))
    return br_error(L, "update_all: '%s' is no step of an optimizer", name);
  br_signature signature;
  int tensors, numbers;
  br_op_signature(op, &signature);
  count_params(&signature, &tensors, &numbers);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
  if (n == 0) return 0;
  br_update *updates = lua_newuserdatauv(L, (size_t)n * sizeof *updates, 0);
  memset(updates, 0, (size_t)n * sizeof *updates);
  for (lua_Integer i = 0; i < n; i++)
    read_update(L, i + 1, tensors, numbers, &updates[i]);
  br_timer timer = br_timer_start();
  br_status status = br_update_all(op, tensors, n, updates);
  br_timer_stop(&timer, op, BR_FORWARD);
  return status ? br_raise(L) : 0;
}

void br_open_updates(lua_State *L) {
  static const luaL_Reg functions[] = {{"update_all", update_all}, {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
