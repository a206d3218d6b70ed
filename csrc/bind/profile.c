/* Profiles: begin, read, end. See lua/braid/profile.lua. */
#include "bind/bind.h"

#include <string.h>

static int profile_begin(lua_State *L) {
  return br_profile_begin() == BR_OK ? 0 : br_raise(L);
}

static int profile_end(lua_State *L) {
  (void)L;
  br_profile_end();
  return 0;
}

/* core.profile_rows(): {{name, calls, seconds, calls backward, seconds backward, place},
   ...}, a row for each operator at each place. */
static int profile_rows(lua_State *L) {
  const br_profile_row *now;
  int n = br_profile_rows(&now);
  br_profile_row *row = lua_newuserdatauv(L, (size_t)n * sizeof *row + 1, 0);
  int still = br_profile_rows(&now); /* garbage collection may end the profile */
  if (still < n) n = still;
  if (n > 0) memcpy(row, now, (size_t)n * sizeof *row);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_createtable(L, 6, 0);
    lua_pushstring(L, row[i].name);
    lua_rawseti(L, -2, 1);
    for (int direction = 0; direction < 2; direction++) {
      lua_pushinteger(L, row[i].calls[direction]);
      lua_rawseti(L, -2, 2 + 2 * direction);
      lua_pushnumber(L, row[i].seconds[direction]);
      lua_rawseti(L, -2, 3 + 2 * direction);
    }
    lua_pushinteger(L, row[i].place);
    lua_rawseti(L, -2, 6);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.profile_place(number): sets the place of calls that begin from now on, and
   returns the place before. */
static int profile_place(lua_State *L) {
  lua_pushinteger(L, br_profile_move((int)luaL_checkinteger(L, 1)));
  return 1;
}

void br_open_profile(lua_State *L) {
  static const luaL_Reg functions[] = {{"profile_begin", profile_begin},
                                       {"profile_rows", profile_rows},
                                       {"profile_end", profile_end},
                                       {"profile_place", profile_place},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
