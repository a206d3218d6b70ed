/* Errors as the user should read them: where in their script, in which module, and what.
 */
#include "bind/bind.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char context_key = 0, home_key = 0, notice_key = 0;

/* core.set_home(prefix): what the chunk names of Braid's own files begin with. */
int br_set_home(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &home_key);
  return 0;
}

int br_set_context(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return 0;
}

/* core.set_notice(f): f(text) tells the user what is no error. */
int br_set_notice(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &notice_key);
  return 0;
}

void br_notice(lua_State *L, const char *text) {
  luaL_checkstack(L, 4, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &notice_key);
  lua_pushstring(L, text);
  lua_pcall(L, 1, 0, 0);
}

/* Pushes "file:line: " of the innermost function that is not Braid's own. */
static void push_place(lua_State *L) {
  lua_Debug d;
  size_t length = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &home_key);
  const char *home = lua_tolstring(L, -1, &length);
  for (int level = 1; lua_getstack(L, level, &d); level++) {
    lua_getinfo(L, "Sl", &d);
    if (d.currentline < 0 || (home && strncmp(d.source, home, length) == 0)) continue;
    lua_pushfstring(L, "%s:%d: ", d.short_src, d.currentline);
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 1);
  lua_pushliteral(L, "");
}

void br_note_script(lua_State *L) {
  if (!br_anomaly()) return;
  push_place(L);
  br_note_place(lua_tostring(L, -1));
  lua_pop(L, 1);
}

int br_error(lua_State *L, const char *format, ...) {
  va_list args;
  push_place(L);
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_concat(L, 2);
  return lua_error(L);
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
