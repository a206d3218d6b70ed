/* Journals and signals, for runs that may end at any moment. */
#define _GNU_SOURCE
#include "bind/bind.h"

#include <signal.h>

#include "io/journal.h"

#define JOURNAL "braid.journal"

/* ---- journals ---- */

static int push_result(lua_State *L, br_status status) {
  if (status != BR_OK) {
    lua_pushnil(L);
    lua_pushstring(L, br_error_message());
    return 2;
  }
  lua_pushboolean(L, true);
  return 1;
}

/* core.journal(path): opens a journal for this process (journal.h). On failure, returns
   nil, a message, and whether another process holds it. */
static int journal_new(lua_State *L) {
  br_status status;
  bool held;
  br_journal **j = lua_newuserdatauv(L, sizeof *j, 0);
  *j = NULL;
  luaL_setmetatable(L, JOURNAL);
  *j = br_journal_open(luaL_checkstring(L, 1), &held, &status);
  if (*j) return 1;
  lua_pushnil(L);
  lua_pushstring(L, br_error_message());
  lua_pushboolean(L, held);
  return 3;
}

static br_journal *check_journal(lua_State *L) {
  br_journal **j = luaL_checkudata(L, 1, JOURNAL);
  if (!*j) luaL_error(L, "this journal is closed");
  return *j;
}

/* j:put(lines): true; or nil and a message, and then nothing of the lines is
   written. */
static int journal_put(lua_State *L) {
  size_t n;
  br_journal *j = check_journal(L);
  const char *lines = luaL_checklstring(L, 2, &n);
  return push_result(L, br_journal_put(j, lines, n));
}

static int journal_cut(lua_State *L) {
  br_journal *j = check_journal(L);
  return push_result(L, br_journal_cut(j, luaL_checkinteger(L, 2)));
}

static int journal_sync(lua_State *L) {
  return push_result(L, br_journal_sync(check_journal(L)));
}

static int journal_size(lua_State *L) {
  lua_pushinteger(L, br_journal_size(check_journal(L)));
  return 1;
}

static int journal_close(lua_State *L) {
  br_journal **j = luaL_checkudata(L, 1, JOURNAL);
  br_journal_close(*j);
  *j = NULL;
  return 0;
}

/* ---- signals ---- */

enum { WATCHED = 2 };
static const int watched[WATCHED] = {SIGINT, SIGTERM};

/* Handlers belong to the process, so these are global: the signal that came first (0:
   none), the handlers before, and how many calls watch. */
static volatile sig_atomic_t caught;
static struct sigaction before[WATCHED];
static int watchers;

/* A second signal goes to the handler that was set before. */
static void on_signal(int number) {
  if (!caught) {
    caught = number;
    return;
  }
  for (int i = 0; i < WATCHED; i++)
    if (watched[i] == number) sigaction(number, &before[i], NULL);
  raise(number);
}

static void watch(int i, struct sigaction *was) {
  struct sigaction own = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&own.sa_mask);
  sigaction(watched[i], &own, was);
}

/* core.watch_signals(true): SIGINT and SIGTERM are recorded and not obeyed, until
   core.watch_signals(false). Calls nest. */
static int watch_signals(lua_State *L) {
  const bool on = lua_toboolean(L, 1);
  if (on && watchers++ == 0) {
    caught = 0;
    for (int i = 0; i < WATCHED; i++) watch(i, &before[i]);
  } else if (!on && watchers > 0 && --watchers == 0) {
    for (int i = 0; i < WATCHED; i++) sigaction(watched[i], &before[i], NULL);
    caught = 0;
  }
  return 0;
}

/* core.caught_signal(): the number of the signal that came, or nil. */
static int caught_signal(lua_State *L) {
  if (!caught) return 0;
  lua_pushinteger(L, caught);
  return 1;
}

/* core.forget_signal(): forgets the signal; the next one counts as the first again. */
static int forget_signal(lua_State *L) {
  (void)L;
  caught = 0;
  for (int i = 0; i < WATCHED && watchers > 0; i++) watch(i, NULL);
  return 0;
}

void br_open_journals(lua_State *L) {
  static const luaL_Reg methods[] = {{"put", journal_put},     {"cut", journal_cut},
                                     {"sync", journal_sync},   {"size", journal_size},
                                     {"close", journal_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"journal", journal_new},
                                       {"watch_signals", watch_signals},
                                       {"caught_signal", caught_signal},
                                       {"forget_signal", forget_signal},
                                       {NULL, NULL}};
  luaL_newmetatable(L, JOURNAL);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, journal_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, journal_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
