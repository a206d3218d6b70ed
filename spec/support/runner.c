/* Runs a Lua script with its arguments, as lua5.4 does: the Lua of `make asan`, linked
   with the sanitizers that the stock one lacks. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

/* What was raised, as a text with the way there. */
static int with_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (!L || argc < 2) return 2;
  luaL_openlibs(L);
  lua_gc(L, LUA_GCGEN, 0, 0);
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  lua_pushcfunction(L, with_traceback);
  int status = luaL_loadfile(L, argv[1]);
  for (int i = 2; !status && i < argc; i++) lua_pushstring(L, argv[i]);
  if (!status) status = lua_pcall(L, argc - 2, 0, 1);
  if (status) fprintf(stderr, "%s: %s\n", argv[0], lua_tostring(L, -1));
  lua_close(L);
  return status ? 1 : 0;
}
