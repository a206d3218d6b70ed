/* Error messages for users: the line of their script, the module, and what is wrong. */
#include "bind/bind.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char context_key = 0, home_key = 0, notice_key = 0, names_key = 0;

/* core.set_home(prefix): the prefix of the chunk names of Braid's own files. */
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

/* core.set_notice(f): f(text) shows the user a notice, which is not an error. */
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

/* The names that an error begins with. `place` and `name` are stack indices. */
typedef struct blame {
  int place;    /* "file:line: " of the user's script */
  int name;     /* the name of Braid's function that the script called, or nil */
  bool by_sign; /* the function was called by an operator, such as x + y or x[i] */
} blame;

/* Pops the function at the top. If it has a public name, stores the name at `name` and
   returns true. */
static bool note_name(lua_State *L, int names, int name) {
  bool known = lua_rawget(L, names) == LUA_TSTRING;
  if (known)
    lua_replace(L, name);
  else
    lua_pop(L, 1);
  return known;
}

/* Pushes the place and the name. The innermost function that is not Braid's belongs to
   the user. The user called the outermost public function of Braid within it. */
static blame push_blame(lua_State *L) {
  lua_Debug d;
  size_t length = 0;
  luaL_checkstack(L, 8, NULL);
  blame b = {.place = lua_gettop(L) + 1, .name = lua_gettop(L) + 2};
  lua_pushliteral(L, "");
  lua_pushnil(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &home_key);
  const char *home = lua_tolstring(L, -1, &length);
  bool named = lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key) == LUA_TTABLE;
  int names = lua_gettop(L);
  for (int level = 0; lua_getstack(L, level, &d); level++) {
    lua_getinfo(L, "Sln", &d);
    if (d.currentline >= 0 && !(home && strncmp(d.source, home, length) == 0)) {
      lua_pushfstring(L, "%s:%d: ", d.short_src, d.currentline);
      lua_replace(L, b.place);
      break;
    }
    if (!named) continue;
    lua_getinfo(L, "f", &d);
    if (note_name(L, names, b.name)) b.by_sign = strcmp(d.namewhat, "metamethod") == 0;
  }
  lua_settop(L, b.name);
  return b;
}

/* If a message begins with a public name, a colon and a blank, returns their length;
   else 0. */
static size_t subject_of(lua_State *L, const char *message) {
  size_t n = strspn(message,
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
  if (n == 0 || message[n] != ':' || message[n + 1] != ' ') return 0;
  lua_pushlstring(L, message, n);
  bool known = lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key) == LUA_TTABLE;
  lua_insert(L, -2);
  if (known) lua_rawget(L, -2);
  known = known && lua_toboolean(L, -1);
  lua_pop(L, 2);
  return known ? n + 2 : 0;
}

/* Pushes the message with every word "-nan" as "nan". The sign of a NaN means nothing
   on x86, but Lua and C print it. */
static void push_unsigned_nan(lua_State *L, const char *message) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (const char *at = message; *at; at++) {
    bool word = strncmp(at, "-nan", 4) == 0 && !isalnum((unsigned char)at[4]) &&
                (at == message || strchr(" ([{,=", at[-1]));
    if (!word) luaL_addchar(&b, *at);
  }
  luaL_pushresult(&b);
}

/* Raises the message at the top. The user's place is put before it, and with `path`
   also the path of the module that was running. The name of the function that the user
   called replaces that of an inner one. */
static int raise(lua_State *L, bool path) {
  if (strstr(lua_tostring(L, -1), "-nan")) push_unsigned_nan(L, lua_tostring(L, -1));
  blame b = push_blame(L);
  const char *message = lua_tostring(L, b.place - 1);
  lua_pushvalue(L, b.place);
  if (path && lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key) == LUA_TFUNCTION &&
      lua_pcall(L, 0, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING)
    lua_pushliteral(L, ": ");
  else
    lua_settop(L, b.name + 1);
  size_t subject = subject_of(L, message);
  if (!lua_isnil(L, b.name) && (subject > 0 || !b.by_sign)) {
    message += subject;
    lua_pushvalue(L, b.name);
    lua_pushliteral(L, ": ");
  }
  lua_pushstring(L, message);
  lua_concat(L, lua_gettop(L) - b.name);
  return lua_error(L);
}

void br_note_script(lua_State *L) {
  if (!br_anomaly()) return;
  blame b = push_blame(L);
  br_note_place(lua_tostring(L, b.place));
  lua_settop(L, b.place - 1);
}

int br_error(lua_State *L, const char *format, ...) {
  va_list args;
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  return raise(L, false);
}

int br_error_in(lua_State *L, const char *format, ...) {
  va_list args;
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  return raise(L, true);
}

/* core.fail(message): br_error for Lua, or br_error_in if a module may have called the
   failing function. */
int br_fail_from_lua(lua_State *L) {
  const char *message = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  return raise(L, subject_of(L, message) > 0);
}

int br_raise(lua_State *L) {
  if (br_error_status() == BR_ESTOP) br_interrupt_raised(L);
  lua_pushstring(L, br_error_message());
  return raise(L, true);
}

/* core.name_functions(t): the keys of t become the public names of its functions. */
int br_name_functions(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  br_push_weak_keys(L, &names_key);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING && lua_isfunction(L, -1)) {
      lua_pushvalue(L, -2); /* names[name] = true */
      lua_pushboolean(L, 1);
      lua_rawset(L, 2);
      lua_pushvalue(L, -2); /* names[f] = name */
      lua_rawset(L, 2);
      lua_pushnil(L);
    }
    lua_pop(L, 1);
  }
  return 0;
}
