/* core.limits gives the table of csrc/base/limits.h to lua/braid/limits.lua. */
#include "bind/bind.h"

#include "base/limits.h"

/* core.limits(): {{name =, what =, usual =, most =}, ...} */
static int rows(lua_State *L) {
  lua_createtable(L, BR_LIMITS, 0);
  for (int i = 0; i < BR_LIMITS; i++) {
    const br_limit_row *row = &br_limit_table[i];
    lua_createtable(L, 0, 4);
    lua_pushstring(L, row->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, row->what);
    lua_setfield(L, -2, "what");
    lua_pushinteger(L, row->usual);
    lua_setfield(L, -2, "usual");
    lua_pushinteger(L, row->most);
    lua_setfield(L, -2, "most");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.limit(row[, value]): the value of a limit, after setting it if one is given. */
static int limit(lua_State *L) {
  const lua_Integer i = luaL_checkinteger(L, 1);
  luaL_argcheck(L, i >= 1 && i <= BR_LIMITS, 1, "is not a row");
  if (!lua_isnoneornil(L, 2)) {
    const lua_Integer value = luaL_checkinteger(L, 2);
    luaL_argcheck(L, value >= 1 && value <= br_limit_table[i - 1].most, 2,
                  "is out of range");
    br_limit_set((br_limit)(i - 1), value);
  }
  lua_pushinteger(L, br_limit_of((br_limit)(i - 1)));
  return 1;
}

void br_open_limits(lua_State *L) {
  static const luaL_Reg functions[] = {{"limits", rows}, {"limit", limit}, {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
