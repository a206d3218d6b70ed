/* Runs a Lua script with its arguments, as lua5.4 does. This is the Lua of `make asan`
   and `make stress`: it is linked with the sanitizers, which the system's Lua is not.

   With BRAID_STRESS, garbage is collected at every allocation at which Lua may do so:
   "young" collects new values, "full" everything.
   "young" collects what is new, "full" everything. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The error as a text with its traceback. */
static int with_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Makes every step a whole cycle, without a pause before the next; in generational
   mode, without growth between two collections. 256 becomes 0 in the byte that Lua
   stores, while 0 would mean "no change". */
static void collect_often(lua_State *L, const char *how) {
  if (how) lua_gc(L, LUA_GCINC, 1, 400, 63);
  if (!how || strcmp(how, "full") != 0)
    lua_gc(L, LUA_GCGEN, how ? 256 : 0, how ? 1000 : 0);
  if (how) lua_gc(L, LUA_GCCOLLECT);
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (!L || argc < 2) return 2;
  luaL_openlibs(L);
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  const char *how = getenv("BRAID_STRESS");
  collect_often(L, how && *how ? how : NULL);
  lua_pushcfunction(L, with_traceback);
  int status = luaL_loadfile(L, argv[1]);
  for (int i = 2; !status && i < argc; i++) lua_pushstring(L, argv[i]);
  if (!status) status = lua_pcall(L, argc - 2, 0, 1);
  if (status) fprintf(stderr, "%s: %s\n", argv[0], lua_tostring(L, -1));
  lua_close(L);
  return status ? 1 : 0;
}
