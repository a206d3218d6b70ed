/* Opens a network file that braid.save wrote, and predicts pictures, in a program of C:

     make -C examples/embed
     examples/embed/predict net.safetensors photo.jpg ...

   The program is Lua 5.4 with the installed module (`make install` of Braid; pkg-config
   finds it by braid.pc). A file may be by a stranger: braid.open runs its definition in a
   sandbox, and braid.limits bound what it asks for. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

/* Prints a task's answer, at the top of the stack, and takes it away. */
static void print_answer(lua_State *L, const char *task) {
  if (lua_getfield(L, -1, "points") == LUA_TTABLE) { /* {{x, y} ...} in pixels */
    for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TTABLE; i++, lua_pop(L, 3)) {
      lua_geti(L, -1, 1);
      lua_geti(L, -2, 2);
      printf("%s %d: %.2f %.2f\n", task, (int)i, lua_tonumber(L, -2), lua_tonumber(L, -1));
    }
    lua_pop(L, 1);
  } else if (lua_getfield(L, -2, "class") == LUA_TNUMBER) { /* counts from 1 */
    lua_getfield(L, -3, "share");
    printf("%s: class %d (%.1f%%)\n", task, (int)lua_tointeger(L, -2),
           100 * lua_tonumber(L, -1));
    lua_pop(L, 2);
  } else {
    printf("%s: %s\n", task, luaL_tolstring(L, -3, NULL));
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
}

/* predict(network file, picture ...); errors are raised with Braid's messages. */
static int predict(lua_State *L) {
  int n = lua_gettop(L);
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_pushliteral(L, BRAID_LUADIR "/?.lua;" BRAID_LUADIR "/?/init.lua");
  lua_setfield(L, -2, "path");
  lua_pushliteral(L, BRAID_LIBDIR "/?.so");
  lua_setfield(L, -2, "cpath");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "braid");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "open"); /* net = braid.open(file) */
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  for (int i = 2; i <= n; i++, lua_pop(L, 1)) {
    lua_getfield(L, -1, "predict"); /* answers = net:predict(picture) */
    lua_pushvalue(L, -2);
    lua_pushvalue(L, i);
    lua_call(L, 2, 1);
    for (lua_pushnil(L); lua_next(L, -2);) { /* by the names of tasks */
      if (strcmp(lua_tostring(L, -2), "picture"))
        print_answer(L, lua_tostring(L, -2));
      else
        lua_pop(L, 1); /* its path and size */
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (!L || argc < 3) {
    fprintf(stderr, "usage: predict NETWORK PICTURE ...\n");
    return 2;
  }
  lua_pushcfunction(L, predict);
  for (int i = 1; i < argc; i++) lua_pushstring(L, argv[i]);
  int status = lua_pcall(L, argc - 1, 0, 0);
  if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return status != LUA_OK;
}
