/* Ctrl-C while Lua runs raises an error at the next instruction of the running
   coroutine. Before that, work in the core that may be stopped (base/stop.h) is stopped,
   and fails.

   The first Ctrl-C raises one error. A second one within a second raises errors at
   every instruction until the interruptible call is over, so that no pcall can stop it.
   Functions that must not be left half done (core.never_interrupt) are finished first,
   except after a second Ctrl-C. */
#define _GNU_SOURCE
#include "bind/bind.h"

#include <signal.h>
#include <time.h>

#include "base/stop.h"

/* These are global because a process has only one SIGINT. */
static lua_State *volatile running; /* NULL: no call is interruptible */
static volatile sig_atomic_t hard;
static volatile time_t last;

static const char whole_key = 0;

static void stop(lua_State *L, lua_Debug *event);

/* Whether a function on the stack must be finished before an interrupt. */
static bool within_whole(lua_State *L) {
  lua_Debug d;
  bool found = false;
  if (!lua_checkstack(L, 4)) return false;
  const int top = lua_gettop(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &whole_key) == LUA_TTABLE)
    for (int level = 0; !found && lua_getstack(L, level, &d); level++) {
      lua_getinfo(L, "f", &d);
      found = lua_rawget(L, top + 1) != LUA_TNIL;
      lua_settop(L, top + 1);
    }
  lua_settop(L, top);
  return found;
}

bool br_interrupt_waits(lua_State *L) {
  if (hard || !within_whole(L)) return false;
  br_stop_forget();
  return true;
}

void br_interrupt_raised(lua_State *L) {
  if (hard) return;
  if (lua_gethook(L) == stop) lua_sethook(L, NULL, 0, 0);
  br_stop_forget();
}

static void stop(lua_State *L, lua_Debug *event) {
  lua_Debug frame, *d = &frame;
  (void)event;
  if (br_interrupt_waits(L)) return;
  br_interrupt_raised(L);
  int level = 0;
  for (lua_pushliteral(L, ""); lua_rawlen(L, -1) == 0 && lua_getstack(L, level, d);
       level++) {
    lua_pop(L, 1);
    luaL_where(L, level);
  }
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

/* lua_sethook may be called from a signal's handler. */
static void arm(lua_State *L) {
  lua_sethook(L, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_interrupt(int number) {
  (void)number;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  if (last && t.tv_sec - last <= 1) hard = 1;
  last = t.tv_sec;
  if (!running) return;
  arm(running);
  br_stop_ask();
}

static void on_idle(int number) { (void)number; }

/* core.ignore_interrupts(): from now on Ctrl-C works only in interruptible calls. Unlike
   an ignored signal, this is not inherited by programs that Braid starts. */
static int ignore_interrupts(lua_State *L) {
  struct sigaction idle = {.sa_handler = on_idle, .sa_flags = SA_RESTART};
  (void)L;
  sigaction(SIGINT, &idle, NULL);
  return 0;
}

/* core.interruptible(handler, f, ...): like xpcall(f, handler, ...), but Ctrl-C raises
   "interrupted!" in f. Calls may nest, also within code that watches signals itself. */
static int interruptible(lua_State *L) {
  struct sigaction own = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART}, before;
  lua_State *const outer = running;
  luaL_checkany(L, 2);
  hard = 0;
  last = 0;
  running = L;
  sigaction(SIGINT, &own, &before);
  const int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
  sigaction(SIGINT, &before, NULL);
  running = outer;
  hard = 0;
  br_interrupt_raised(L);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 1);
  return lua_gettop(L);
}

/* core.resume(co, ...): like coroutine.resume, but Ctrl-C reaches the coroutine. */
static int resume(lua_State *L) {
  lua_State *co = lua_tothread(L, 1), *outer = running;
  luaL_argexpected(L, co, 1, "coroutine");
  int n = lua_gettop(L) - 1, results = 0;
  const bool startable = lua_status(co) == LUA_YIELD || lua_gettop(co) > 0;
  if (!lua_checkstack(co, n) || !startable) {
    lua_pushboolean(L, false);
    lua_pushstring(L, startable ? "too many arguments to resume"
                                : "cannot resume dead coroutine");
    return 2;
  }
  lua_xmove(L, co, n);
  if (outer) running = co;
  if (hard) arm(co);
  const int status = lua_resume(co, L, n, &results);
  running = outer;
  const bool fine = status == LUA_OK || status == LUA_YIELD;
  if (!fine) results = 1;
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushboolean(L, false);
    lua_pushliteral(L, "too many results to resume");
    return 2;
  }
  lua_pushboolean(L, fine);
  lua_xmove(co, L, results);
  if (hard && outer) arm(outer);
  return results + 1;
}

/* core.never_interrupt(f): interrupts wait until f has finished. */
static int never_interrupt(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  br_push_weak_keys(L, &whole_key);
  lua_insert(L, 1);
  lua_pushboolean(L, true);
  lua_rawset(L, 1);
  return 0;
}

void br_open_interrupts(lua_State *L) {
  static const luaL_Reg functions[] = {{"interruptible", interruptible},
                                       {"ignore_interrupts", ignore_interrupts},
                                       {"resume", resume},
                                       {"never_interrupt", never_interrupt},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
