/* Budgets: run a function with limits on interpreter steps, seconds, Lua's memory, the
   memory of tensors, and the depth of calls.

   Once a budget is spent, every further instruction of a definition's code raises an
   error, so the code cannot go on after a pcall. Braid's own code may finish its work,
   within another tenth of the steps. While the function runs, the methods of strings
   come from a table of functions that have limits too. */
#include "bind/bind.h"

#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"

enum { EVERY = 1000 }; /* instructions between two checks of the budget */

typedef struct guard {
  bool active;
  const char *spent; /* the name of the spent budget, or NULL */
  lua_Integer steps, allowance;
  int calls; /* how deep calls may be */
  double deadline;
  lua_Alloc alloc; /* Lua's own, and its argument */
  void *alloc_data;
  int64_t used, most; /* bytes of Lua: taken since, and allowed */
  bool refused;       /* whether the last request was refused */
  lua_State *L;
  lua_Hook hook; /* the hook that was set before */
  int mask, count;
} guard;

static void look(lua_State *L, lua_Debug *ar);

static const char guard_key, sources_key;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static guard *guard_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &guard_key);
  guard *g = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return g;
}

/* Lua's allocator with a limit. When it returns NULL, Lua collects its garbage and asks
   once more. If that fails too, the budget is spent, except for a reserve for closing and
   restoring. */
static void *bounded(void *data, void *block, size_t had, size_t wanted) {
  guard *g = data;
  int64_t more = (int64_t)wanted - (block ? (int64_t)had : 0);
  if (more > 0 && g->used + more > g->most) {
    if (g->refused && !g->spent) {
      g->spent = "memory";
      g->most += g->most / 16;
      lua_sethook(g->L, look, LUA_MASKCOUNT, 1);
    }
    g->refused = true;
    return NULL;
  }
  void *p = g->alloc(g->alloc_data, block, had, wanted);
  if (p || wanted == 0) g->used += more;
  if (more > 0) g->refused = false;
  return p;
}

/* Whether a function comes from a definition's text; its "S" fields must be filled. */
static bool is_strange(lua_State *L, const lua_Debug *ar) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &sources_key);
  lua_pushstring(L, ar->source);
  bool is = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return is;
}

static void look(lua_State *L, lua_Debug *ar) {
  guard *g = guard_of(L);
  lua_Debug deep;
  if (!g->active) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  g->steps += g->spent ? 1 : EVERY;
  if (!g->spent) {
    if (g->steps > g->allowance) g->spent = "steps";
    if (!g->spent && now() > g->deadline) g->spent = "seconds";
    /* Lua itself allows far deeper calls, but an error there takes milliseconds. */
    if (!g->spent && lua_getstack(L, g->calls, &deep)) g->spent = "calls";
    if (!g->spent) return;
    lua_sethook(L, look, LUA_MASKCOUNT, 1);
  }
  lua_getinfo(L, "S", ar);
  if (!is_strange(L, ar)) {
    if (g->steps < g->allowance + g->allowance / 10) return;
    g->steps = g->allowance; /* leaves steps for closing and restoring */
  }
  luaL_error(L, "the budget of %s is spent", g->spent);
}

/* Exchanges the methods of strings and the table at the top of the stack. */
static void swap_methods(lua_State *L) {
  lua_pushliteral(L, "");
  if (!lua_getmetatable(L, -1)) {
    lua_pop(L, 1);
    return;
  }
  lua_getfield(L, -1, "__index");
  lua_pushvalue(L, -4);
  lua_setfield(L, -3, "__index");
  lua_replace(L, -4);
  lua_pop(L, 2);
}

enum { STEPS = 1, SECONDS, BYTES, TENSORS, METHODS, FUNCTION };

static void start(lua_State *L, guard *g) {
  *g = (guard){.active = true,
               .L = L,
               .allowance = lua_tointeger(L, STEPS),
               .calls = (int)br_limit_of(BR_LIMIT_CALLS),
               .deadline = now() + lua_tonumber(L, SECONDS),
               .most = lua_tointeger(L, BYTES),
               .hook = lua_gethook(L),
               .mask = lua_gethookmask(L),
               .count = lua_gethookcount(L)};
  br_mem_limit(br_mem_live() + lua_tointeger(L, TENSORS));
  g->alloc = lua_getallocf(L, &g->alloc_data);
  lua_sethook(L, look, LUA_MASKCOUNT, EVERY);
  lua_setallocf(L, bounded, g);
}

static void end(lua_State *L, guard *g) {
  lua_setallocf(L, g->alloc, g->alloc_data);
  if (lua_gethook(L) == look) lua_sethook(L, g->hook, g->mask, g->count);
  if (br_mem_limit(-1) && !g->spent) g->spent = "tensors";
  g->active = false;
}

/* guarded(steps, seconds, bytes, bytes of tensors, methods of strings, f, ...): returns
   true and the results of f; or false, the message, and the name of the budget if one
   is spent. */
static int guarded(lua_State *L) {
  guard *g = guard_of(L);
  for (int i = STEPS; i <= TENSORS; i++) luaL_checknumber(L, i);
  luaL_checktype(L, METHODS, LUA_TTABLE);
  luaL_checktype(L, FUNCTION, LUA_TFUNCTION);
  if (g->active)
    return br_error(L, "guarded: a budget is in force already, and budgets do not nest");
  lua_pushvalue(L, METHODS);
  swap_methods(L);
  lua_replace(L, METHODS);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  start(L, g);
  int status = lua_pcall(L, lua_gettop(L) - FUNCTION, LUA_MULTRET, 0);
  end(L, g);
  lua_pushvalue(L, METHODS);
  swap_methods(L);
  lua_pop(L, 1);
  if (status == LUA_OK) {
    lua_pushboolean(L, true);
    lua_replace(L, METHODS);
    return lua_gettop(L) - METHODS + 1;
  }
  const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pushboolean(L, false);
  if (message)
    lua_pushvalue(L, -2);
  else
    lua_pushfstring(L, "it raised an error that is not a string, but a %s",
                    luaL_typename(L, -2));
  lua_pushstring(L, g->spent);
  return 3;
}

/* Whether a budget is in force. */
static int is_guarded(lua_State *L) {
  lua_pushboolean(L, guard_of(L)->active);
  return 1;
}

/* Whether an error must be passed on to the caller: the budget is spent, or an interrupt
   of the program removed our hook. */
static int must_stop(lua_State *L) {
  guard *g = guard_of(L);
  lua_pushboolean(L, g->active && (g->spent || lua_gethook(L) != look));
  return 1;
}

/* mark_strange(source): marks the chunk of that name as a definition's. */
static int mark_strange(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &sources_key);
  lua_pushvalue(L, 1);
  lua_pushboolean(L, true);
  lua_rawset(L, -3);
  return 0;
}

/* charge(n): adds n steps for work done outside of the interpreter. */
static int charge(lua_State *L) {
  guard *g = guard_of(L);
  lua_Integer n = luaL_checkinteger(L, 1);
  if (g->active && n > 0) g->steps += n < g->allowance ? n : g->allowance;
  return 0;
}

/* is_strange(f): whether a function, or the chunk of that name, is a definition's. */
static int function_is_strange(lua_State *L) {
  lua_Debug ar;
  lua_settop(L, 1);
  bool is = false;
  if (lua_type(L, 1) == LUA_TSTRING) {
    ar.source = lua_tostring(L, 1);
    is = is_strange(L, &ar);
  } else if (lua_isfunction(L, 1) && !lua_iscfunction(L, 1)) {
    lua_pushvalue(L, 1);
    lua_getinfo(L, ">S", &ar);
    is = is_strange(L, &ar);
  }
  lua_pushboolean(L, is);
  return 1;
}

/* Whether a definition's code is running, under a budget or anywhere on the stack. */
static int is_inside(lua_State *L) {
  lua_Debug ar;
  bool is = guard_of(L)->active;
  for (int level = 1; !is && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "S", &ar);
    is = is_strange(L, &ar);
  }
  lua_pushboolean(L, is);
  return 1;
}

void br_open_guard(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"guarded", guarded},           {"is_guarded", is_guarded},
      {"must_stop", must_stop},       {"charge", charge},
      {"mark_strange", mark_strange}, {"is_strange", function_is_strange},
      {"is_inside", is_inside},       {NULL, NULL}};
  *(guard *)lua_newuserdatauv(L, sizeof(guard), 0) = (guard){0};
  lua_rawsetp(L, LUA_REGISTRYINDEX, &guard_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &sources_key);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
