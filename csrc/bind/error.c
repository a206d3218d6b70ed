/* Errors as the user should read them: where in their script, in which module, and what.
 */
#include "bind/bind.h"

#include <stdio.h>
#include <string.h>

static const char context_key = 0;

int br_set_context(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return 0;
}

/* Pushes "file:line: " of the innermost function that is not Braid's own. */
static void push_place(lua_State *L) {
  lua_Debug d;
  for (int level = 1; lua_getstack(L, level, &d); level++) {
    lua_getinfo(L, "Sl", &d);
    if (d.currentline < 0 || strstr(d.source, "/braid/")) continue;
    lua_pushfstring(L, "%s:%d: ", d.short_src, d.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

int br_raise(lua_State *L) {
  char message[512];
  snprintf(message, sizeof message, "%s", br_error_message());
  push_place(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key) == LUA_TFUNCTION &&
      lua_pcall(L, 0, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
    lua_pushliteral(L, ": ");
  } else {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    lua_pushliteral(L, "");
  }
  lua_pushstring(L, message);
  lua_concat(L, 4);
  return lua_error(L);
}
