/* luaopen_braid_core: the C core as one table, and functions that concern the process. */
#include "bind/bind.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "base/threads.h"
#include "op/conv/winograd.h"

int luaopen_braid_core(lua_State *L) __attribute__((visibility("default")));

/* Argument 1 of a function that users call. It must be a whole number. */
static lua_Integer whole(lua_State *L, const char *function, const char *what) {
  if (!lua_isinteger(L, 1)) {
    const char *shown = luaL_tolstring(L, 1, NULL);
    br_error(L, "%s: %s must be a whole number, not %s", function, what, shown);
  }
  return lua_tointeger(L, 1);
}

static int manual_seed(lua_State *L) {
  br_rng_set_seed((uint64_t)whole(L, "manual_seed", "the seed"));
  return 0;
}

/* The seed, and the number of the next stream. */
static int random_state(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)br_rng_seed());
  lua_pushinteger(L, (lua_Integer)br_rng_stream());
  return 2;
}

static int set_random_state(lua_State *L) {
  br_rng_go_on((uint64_t)luaL_checkinteger(L, 1), (uint64_t)luaL_checkinteger(L, 2));
  return 0;
}

static int set_threads(lua_State *L) {
  lua_Integer n = whole(L, "set_threads", "n");
  if (n < 1 || n > 1024)
    return br_error(L, "set_threads: n must be from 1 to 1024, not %d", (int)n);
  br_set_threads((int)n);
  return 0;
}

static int get_threads(lua_State *L) {
  lua_pushinteger(L, br_threads());
  return 1;
}

/* {live =, peak =}: how many bytes tensors and scratch memory take now, and the most
   they ever took. */
static int memory(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, br_mem_live());
  lua_setfield(L, -2, "live");
  lua_pushinteger(L, br_mem_peak());
  lua_setfield(L, -2, "peak");
  return 1;
}

static int reset_peak(lua_State *L) {
  (void)L;
  br_mem_reset_peak();
  return 0;
}

/* For tests: the n-th allocation from now on fails, or is interrupted; -1 ends it. */
static int fail_after(lua_State *L) {
  br_mem_fail_after(luaL_checkinteger(L, 1));
  return 0;
}

static int stop_after(lua_State *L) {
  br_mem_stop_after(luaL_checkinteger(L, 1));
  return 0;
}

/* core.isa([name]): changes to the named instruction set, and returns the one in use.
   Returns nil if the processor lacks the named set. */
static int isa(lua_State *L) {
  static const char *const names[] = {"base", "avx2", "avx512", NULL};
  if (!lua_isnoneornil(L, 1) &&
      !br_cpu_set_isa((br_isa)luaL_checkoption(L, 1, NULL, names)))
    return 0;
  lua_pushstring(L, br_isa_name(br_cpu_isa()));
  return 1;
}

/* set_winograd(on): returns whether it was on before */
static int set_winograd(lua_State *L) {
  if (!lua_isboolean(L, 1))
    return br_error(L, "set_winograd: on must be true or false, not %s",
                    luaL_tolstring(L, 1, NULL));
  lua_pushboolean(L, br_set_winograd(lua_toboolean(L, 1)));
  return 1;
}

/* Seconds since some fixed moment; this clock never goes back. */
static int clock_now(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
  return 1;
}

/* core.terminal_width([file]): the width in characters if the file with this number is a
   terminal, else nil; by default standard output. */
static int terminal_width(lua_State *L) {
  struct winsize size;
  const int file = (int)luaL_optinteger(L, 1, STDOUT_FILENO);
  if (!isatty(file) || ioctl(file, TIOCGWINSZ, &size) != 0) return 0;
  lua_pushinteger(L, size.ws_col > 0 ? size.ws_col : 80);
  return 1;
}

static int open_all(lua_State *L) {
  static const luaL_Reg functions[] = {{"manual_seed", manual_seed},
                                       {"random_state", random_state},
                                       {"set_random_state", set_random_state},
                                       {"set_threads", set_threads},
                                       {"get_threads", get_threads},
                                       {"set_winograd", set_winograd},
                                       {"memory", memory},
                                       {"reset_peak", reset_peak},
                                       {"fail_after", fail_after},
                                       {"stop_after", stop_after},
                                       {"isa", isa},
                                       {"clock", clock_now},
                                       {"terminal_width", terminal_width},
                                       {"set_context", br_set_context},
                                       {"set_home", br_set_home},
                                       {"set_notice", br_set_notice},
                                       {"fail", br_fail_from_lua},
                                       {"name_functions", br_name_functions},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  br_open_boxes(L);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  br_open_scopes(L);
  br_open_tensors(L);
  br_open_series(L);
  br_open_autograd(L);
  br_open_rows(L);
  br_open_operators(L);
  br_open_profile(L);
  br_open_trace(L);
  br_open_images(L);
  br_open_files(L);
  br_open_journals(L);
  br_open_processes(L);
  br_open_terminal(L);
  br_open_interrupts(L);
  br_open_limits(L);
  br_open_area(L);
  br_open_updates(L);
  br_open_loader(L);
  br_open_chains(L);
  br_open_guard(L);
  br_open_http(L);
  luaL_getmetatable(L, BR_TENSOR);
  lua_setfield(L, -2, "tensor_metatable");
  lua_pushinteger(L, BR_MISSING_CLASS);
  lua_setfield(L, -2, "missing_class");
  return 1;
}

/* If a state opens the module twice (a test runner that isolates its files does), the
   second call returns the first table, so that there is one class of tensors. */
int luaopen_braid_core(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, "braid.core") == LUA_TTABLE) return 1;
  lua_settop(L, 0);
  br_state *s = lua_newuserdatauv(L, sizeof *s, 3);
  *s = (br_state){0};
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, "braid.state");
  lua_pushcclosure(L, open_all, 1);
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, "braid.core");
  return 1;
}
