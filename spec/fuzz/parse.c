/* Fuzzes the readers of files that are written in Lua. spec/fuzz/parse.lua returns a
   function that is called with every input and must not raise.

   libFuzzer sees which C code runs, but not which Lua. So a hook counts the lines of
   Lua in counters that libFuzzer reads. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNTERS = 1 << 13 };

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static lua_State *state;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_line(lua_State *L, lua_Debug *d) {
  if (!lua_getinfo(L, "S", d)) return;
  uint32_t at = (uint32_t)d->currentline * 2654435761u;
  for (const char *s = d->short_src; *s; s++) at = (at ^ (uint8_t)*s) * 16777619u;
  uint8_t *counter = &counters[(at >> 8) % COUNTERS];
  if (*counter < 255) ++*counter;
}

static int with_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static void end(const char *what) {
  fprintf(stderr, "%s: %s\n", what, lua_tostring(state, -1));
  abort();
}

/* Closes the state at the end, so that what it holds is not reported as a leak. */
static void finish(void) { lua_close(state); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  state = luaL_newstate();
  atexit(finish);
  luaL_openlibs(state);
  lua_pushcfunction(state, with_traceback);
  if (luaL_dofile(state, "spec/fuzz/parse.lua")) end("cannot start");
  lua_sethook(state, count_line, LUA_MASKLINE, 0);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lua_pushvalue(state, 2);
  lua_pushlstring(state, (const char *)data, size);
  if (lua_pcall(state, 1, 0, 1)) end("raised");
  return 0;
}
