/* Scopes and modes. Each belongs to the coroutine that opened it.

   When a scope closes, it releases the tensors that its coroutine has made since. A
   mode is in force while its coroutine runs, or a coroutine that this one has resumed.
   The modes of a suspended or dead coroutine have no effect, and are collected with it.
   An open scope or mode that nothing holds is collected; it releases nothing, and warns
   once. */
#include "bind/bind.h"

#include <stdatomic.h>

struct br_scope {
  br_box list; /* a ring: list.next is its first, list.prev its last */
  br_scope *outer;
  br_coroutine *owner;
  bool closed;
};

typedef struct handle {
  br_mode mode;
  bool closed;
} handle;

/* User values of the state. COROUTINES: what each thread has opened (weak keys).
   THREADS: the thread of each such record (weak values). CURRENT: the current thread.
   It is held, because otherwise a new thread at the same address would be taken for
   it. */
enum { COROUTINES = 1, THREADS, CURRENT };

#define SCOPE "braid.scope"
#define MODE "braid.mode"

/* ---- coroutines ---- */

/* The thread that owns `c`, or NULL if it is gone. */
static lua_State *thread_of(lua_State *L, const br_coroutine *c) {
  lua_getiuservalue(L, lua_upvalueindex(1), THREADS);
  lua_rawgetp(L, -1, c);
  lua_State *thread = lua_tothread(L, -1);
  lua_pop(L, 2);
  return thread;
}

/* Whether a thread other than the running one waits for a coroutine that it resumed. */
static bool is_resuming(lua_State *thread) {
  lua_Debug d;
  return thread && lua_status(thread) == LUA_OK && lua_getstack(thread, 0, &d);
}

/* For each kind, finds the mode in force: the newest that the current coroutine, or one
   that waits for it, has opened. */
static void apply_modes(lua_State *L, br_state *s) {
  bool on[] = {[BR_RECORDING] = true, [BR_ANOMALY] = false};
  bool found[] = {[BR_RECORDING] = false, [BR_ANOMALY] = false};
  for (const br_mode *m = s->newest; m; m = m->older) {
    if (found[m->kind]) continue;
    if (m->owner != s->now && !is_resuming(thread_of(L, m->owner))) continue;
    on[m->kind] = m->on;
    found[m->kind] = true;
  }
  br_set_recording(on[BR_RECORDING]);
  br_set_anomaly(on[BR_ANOMALY]);
  s->foreign = s->modes - s->now->modes;
}

void br_switch(lua_State *L, br_state *s) {
  luaL_checkstack(L, 4, NULL);
  if (s->current != L) {
    lua_pushthread(L);
    lua_setiuservalue(L, lua_upvalueindex(1), CURRENT);
    lua_getiuservalue(L, lua_upvalueindex(1), COROUTINES);
    lua_pushthread(L);
    lua_rawget(L, -2);
    br_coroutine *own = lua_touserdata(L, -1);
    lua_pop(L, 2);
    s->now = own ? own : &s->none;
    s->current = L;
  }
  apply_modes(L, s);
}

br_coroutine *br_own(lua_State *L) {
  br_state *s = br_enter(L);
  if (s->now != &s->none) return s->now;
  br_push_coroutine(L);
  lua_pop(L, 1);
  return s->now;
}

br_coroutine *br_push_coroutine(lua_State *L) {
  br_state *s = br_enter(L);
  luaL_checkstack(L, 6, NULL);
  lua_getiuservalue(L, lua_upvalueindex(1), COROUTINES);
  lua_pushthread(L);
  if (lua_rawget(L, -2) == LUA_TUSERDATA) {
    lua_remove(L, -2);
    return lua_touserdata(L, -1);
  }
  lua_pop(L, 1);
  br_coroutine *c = lua_newuserdatauv(L, sizeof *c, 0);
  *c = (br_coroutine){0};
  lua_getiuservalue(L, lua_upvalueindex(1), THREADS);
  lua_pushthread(L);
  lua_rawsetp(L, -2, c);
  lua_pop(L, 1);
  lua_pushthread(L);
  lua_pushvalue(L, -2);
  lua_rawset(L, -4);
  lua_remove(L, -2);
  s->current = NULL;
  br_enter(L);
  return c;
}

/* ---- collected scopes and modes ---- */

/* Whether c's thread could have closed what it opened. A thread that is gone, or that
   may never run again, could not. */
static bool could_close(lua_State *L, const br_coroutine *c) {
  lua_State *thread = thread_of(L, c);
  return thread && lua_status(thread) == LUA_OK;
}

static void say_once(lua_State *L, const br_coroutine *owner, atomic_flag *said,
                     const char *text) {
  if (could_close(L, owner) && !atomic_flag_test_and_set(said)) br_notice(L, text);
}

/* ---- scopes ---- */

void br_leave_scope(br_box *box) {
  if (!box->next) return;
  box->prev->next = box->next;
  box->next->prev = box->prev;
  box->next = box->prev = NULL;
}

void br_settle(lua_State *L, br_box *box) {
  br_scope *scope = br_enter(L)->now->scope;
  if (!scope) return;
  br_box *head = &scope->list;
  box->prev = head->prev;
  box->next = head;
  head->prev->next = box;
  head->prev = box;
}

static void end_scope(br_scope *scope) {
  br_scope **at = &scope->owner->scope;
  scope->closed = true;
  while (*at && *at != scope) at = &(*at)->outer;
  if (*at) *at = scope->outer;
}

static int scope_close(lua_State *L) {
  br_scope *scope = luaL_checkudata(L, 1, SCOPE);
  if (scope->closed) return 0;
  end_scope(scope);
  while (scope->list.next != &scope->list) {
    br_box *box = scope->list.next;
    br_leave_scope(box);
    br_empty_box(box);
    box->released = true;
  }
  return 0;
}

static int scope_gc(lua_State *L) {
  static atomic_flag said = ATOMIC_FLAG_INIT;
  br_scope *scope = luaL_checkudata(L, 1, SCOPE);
  if (scope->closed) return 0;
  end_scope(scope);
  while (scope->list.next != &scope->list) br_leave_scope(scope->list.next);
  say_once(L, scope->owner, &said,
           "a scope that nothing held has freed nothing; hold it until it is to end: "
           "local _ <close> = braid.scope()");
  return 0;
}

static int scope_text(lua_State *L) {
  br_scope *scope = luaL_checkudata(L, 1, SCOPE);
  int n = 0;
  for (br_box *box = scope->list.next; box != &scope->list; box = box->next) n++;
  if (scope->closed)
    lua_pushliteral(L, "scope (closed)");
  else
    lua_pushfstring(L, "scope (open, %d tensors)", n);
  return 1;
}

/* core.scope() */
static int new_scope(lua_State *L) {
  if (!lua_isnone(L, 1))
    br_error(L,
             "scope: takes nothing, not %s; it lasts until what it returns is closed: "
             "local _ <close> = braid.scope()",
             luaL_typename(L, 1));
  br_scope *scope = lua_newuserdatauv(L, sizeof *scope, 1);
  *scope = (br_scope){.closed = true};
  scope->list.prev = scope->list.next = &scope->list;
  luaL_setmetatable(L, SCOPE);
  scope->owner = br_push_coroutine(L);
  lua_setiuservalue(L, -2, 1); /* keeps the coroutine alive as long as the scope */
  scope->outer = scope->owner->scope;
  scope->closed = false;
  scope->owner->scope = scope;
  return 1;
}

/* ---- modes ---- */

void br_open_mode(lua_State *L, br_mode *m, br_coroutine *owner) {
  br_state *s = br_enter(L);
  m->owner = owner;
  m->newer = NULL;
  m->older = s->newest;
  if (s->newest) s->newest->newer = m;
  s->newest = m;
  owner->modes++;
  s->modes++;
  apply_modes(L, s);
}

void br_close_mode(lua_State *L, br_mode *m) {
  br_state *s = br_state_of(L);
  if (m->older) m->older->newer = m->newer;
  *(m->newer ? &m->newer->older : &s->newest) = m->older;
  m->owner->modes--;
  s->modes--;
  if (s->current != L) s->current = NULL; /* the next br_switch looks again */
  br_switch(L, s);
}

static int mode_close(lua_State *L) {
  handle *h = luaL_checkudata(L, 1, MODE);
  if (h->closed) return 0;
  h->closed = true;
  br_close_mode(L, &h->mode);
  return 0;
}

static int mode_gc(lua_State *L) {
  static atomic_flag said[2] = {ATOMIC_FLAG_INIT, ATOMIC_FLAG_INIT};
  static const char *const text[] = {
      "a no_grad that nothing held has ended; hold it until it is to end: "
      "local _ <close> = braid.no_grad()",
      "a detect_anomaly that nothing held has ended; hold it until it is to end: "
      "local _ <close> = braid.detect_anomaly()"};
  handle *h = luaL_checkudata(L, 1, MODE);
  if (h->closed) return 0;
  say_once(L, h->mode.owner, &said[h->mode.kind], text[h->mode.kind]);
  return mode_close(L);
}

static int mode_text(lua_State *L) {
  handle *h = luaL_checkudata(L, 1, MODE);
  const char *name = h->mode.kind == BR_ANOMALY ? "detect_anomaly"
                     : h->mode.on               ? "recording"
                                                : "no_grad";
  lua_pushfstring(L, "%s (%s)", name, h->closed ? "closed" : "open");
  return 1;
}

static int enter_mode(lua_State *L, br_mode_kind kind) {
  bool on = lua_toboolean(L, 1);
  handle *h = lua_newuserdatauv(L, sizeof *h, 1);
  *h = (handle){.mode = {.kind = kind, .on = on}, .closed = true};
  luaL_setmetatable(L, MODE);
  br_coroutine *owner = br_push_coroutine(L);
  lua_setiuservalue(L, -2, 1);
  br_open_mode(L, &h->mode, owner);
  h->closed = false;
  return 1;
}

/* core.set_recording(on), core.set_anomaly(on): hold until the returned value is
   closed. */
static int set_recording(lua_State *L) { return enter_mode(L, BR_RECORDING); }
static int set_anomaly(lua_State *L) { return enter_mode(L, BR_ANOMALY); }

static int is_recording(lua_State *L) {
  br_enter(L);
  lua_pushboolean(L, br_recording());
  return 1;
}

static int is_anomaly(lua_State *L) {
  br_enter(L);
  lua_pushboolean(L, br_anomaly());
  return 1;
}

/* ---- opening ---- */

/* Pushes a new table with weak keys ("k") or weak values ("v"). */
static void push_weak(lua_State *L, const char *mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

void br_push_weak_keys(lua_State *L, const void *key) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  push_weak(L, "k");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* A metatable of `events`, whose values have close() and nothing else. */
static void new_kind(lua_State *L, const char *name, const luaL_Reg *events,
                     lua_CFunction close) {
  luaL_newmetatable(L, name);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, events, 1);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, close, 1);
  lua_setfield(L, -2, "close");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void br_open_scopes(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"scope", new_scope},         {"set_recording", set_recording},
      {"set_anomaly", set_anomaly}, {"is_recording", is_recording},
      {"is_anomaly", is_anomaly},   {NULL, NULL}};
  static const luaL_Reg scope_events[] = {{"__gc", scope_gc},
                                          {"__close", scope_close},
                                          {"__tostring", scope_text},
                                          {NULL, NULL}};
  static const luaL_Reg mode_events[] = {{"__gc", mode_gc},
                                         {"__close", mode_close},
                                         {"__tostring", mode_text},
                                         {NULL, NULL}};
  int state = lua_upvalueindex(1);
  br_state_of(L)->now = &br_state_of(L)->none;
  push_weak(L, "k");
  lua_setiuservalue(L, state, COROUTINES);
  push_weak(L, "v");
  lua_setiuservalue(L, state, THREADS);
  new_kind(L, SCOPE, scope_events, scope_close);
  new_kind(L, MODE, mode_events, mode_close);
  lua_pushvalue(L, state);
  luaL_setfuncs(L, functions, 1);
}
