/* Processes in Lua, for pools of jobs. */
#define _GNU_SOURCE
#include "base/process.h"

#include <unistd.h>

#include "bind/bind.h"

#define PROCESS "braid.process"

enum { LIMIT = 1 << 16 };

/* Pushes a userdata with pointers to the strings of the table at `arg`, and a NULL. */
static char **push_strings(lua_State *L, int arg) {
  const int64_t n = br_check_length(L, arg, LIMIT, "spawn: the list");
  char **list = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *list, 0);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, arg, i + 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      luaL_error(L, "spawn: the arguments and variables must be strings");
    list[i] = (char *)(uintptr_t)lua_tostring(L, -1); /* the table keeps it alive */
    lua_pop(L, 1);
  }
  list[n] = NULL;
  return list;
}

/* core.spawn(path, arguments, variables, output): a process (process.h); or nil and a
   message. */
static int process_new(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *output = luaL_checkstring(L, 4);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  char **arguments = push_strings(L, 2), **added = push_strings(L, 3);
  br_process **p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = NULL;
  luaL_setmetatable(L, PROCESS);
  *p = br_process_start(path, arguments, added, output);
  if (*p) return 1;
  lua_pushnil(L);
  lua_pushstring(L, br_error_message());
  return 2;
}

static br_process *check_process(lua_State *L) {
  br_process **p = luaL_checkudata(L, 1, PROCESS);
  if (!*p) luaL_error(L, "this process is closed");
  return *p;
}

/* p:ended(): nil while the process runs; then its exit status, and the signal if one
   ended it. */
static int process_ended(lua_State *L) {
  int code, signal;
  if (!br_process_ended(check_process(L), &code, &signal)) return 0;
  lua_pushinteger(L, code);
  if (!signal) return 1;
  lua_pushinteger(L, signal);
  return 2;
}

static int process_signal(lua_State *L) {
  br_process_signal(check_process(L), (int)luaL_checkinteger(L, 2));
  return 0;
}

static int process_id(lua_State *L) {
  lua_pushinteger(L, br_process_id(check_process(L)));
  return 1;
}

static int process_close(lua_State *L) {
  br_process **p = luaL_checkudata(L, 1, PROCESS);
  br_process_free(*p);
  *p = NULL;
  return 0;
}

static int own_id(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

static int end_with(lua_State *L) {
  lua_pushboolean(L, br_process_end_with((long)luaL_checkinteger(L, 1)));
  return 1;
}

static int pause_for(lua_State *L) {
  br_process_pause(luaL_checknumber(L, 1));
  return 0;
}

void br_open_processes(lua_State *L) {
  static const luaL_Reg methods[] = {{"ended", process_ended},
                                     {"signal", process_signal},
                                     {"id", process_id},
                                     {"close", process_close},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"spawn", process_new},
                                       {"process_id", own_id},
                                       {"end_with", end_with},
                                       {"pause", pause_for},
                                       {NULL, NULL}};
  luaL_newmetatable(L, PROCESS);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, process_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, process_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
