/* Autograd's handles for Lua: backward and grad, hooks, functions written in Lua, and
   modes.

   Lua functions that the core calls during a backward pass are held by a reference that
   the graph owns; an error in one becomes the error of the pass. */
#include "bind/bind.h"

#include <stdio.h>

/* ---- Lua functions in the core's hands ---- */

typedef struct lua_function {
  br_hook hook; /* its br_ref first, so that a plain holder can own it too */
  lua_State *L; /* the main thread, which lives as long as the state */
  br_state *state;
  int ref;
} lua_function;

static void function_destroy(void *self) {
  lua_function *f = self;
  luaL_unref(f->L, LUA_REGISTRYINDEX, f->ref);
  br_free(f);
}

/* Holds the function at `at`; NULL when memory is short. The reference is made first, for
   making it may raise. */
static lua_function *hold(lua_State *L, int at) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main = lua_tothread(L, -1);
  lua_pop(L, 1);
  lua_pushvalue(L, at);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_function *f = br_alloc(sizeof *f);
  if (!f) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    return NULL;
  }
  br_ref_init(&f->hook.ref, function_destroy);
  f->L = main;
  f->state = br_state_of(L);
  f->ref = ref;
  return f;
}

/* Runs a bound C function for f, which finds the binding's state as its upvalue and
   `data` as its argument, and turns an error into a status. */
static br_status protect(const lua_function *f, lua_CFunction body, void *data,
                         const char *what) {
  lua_State *L = f->state->running;
  if (!lua_checkstack(L, 8)) return br_fail(BR_ENOMEM, "%s: Lua's stack is full", what);
  lua_getfield(L, LUA_REGISTRYINDEX, "braid.state");
  lua_pushcclosure(L, body, 1);
  lua_pushlightuserdata(L, data);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return BR_OK;
  const char *message = lua_tostring(L, -1);
  br_status status = br_fail(BR_EINVAL, "%s: %s", what, message ? message : "an error");
  lua_pop(L, 1);
  return status;
}

/* ---- hooks ---- */

typedef struct hook_call {
  lua_function *f;
  br_tensor **grad;
} hook_call;

/* f(grad) -> nil, or another gradient of the same shape. */
static int hook_body(lua_State *L) {
  hook_call *h = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->f->ref);
  br_box *box = br_push_box(L);
  box->t = br_retain(*h->grad);
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) return 0;
  br_tensor *other = br_test_tensor(L, -1);
  if (!other || !br_same_shape(other, *h->grad) || other->dtype != (*h->grad)->dtype)
    return luaL_error(L, "a hook must return nil or a gradient %s of shape %s",
                      br_dtype_name((*h->grad)->dtype), br_shape_of(*h->grad));
  br_retain(other);
  br_release(*h->grad);
  *h->grad = other;
  return 0;
}

static br_status run_hook(br_hook *self, br_tensor **grad) {
  hook_call h = {(lua_function *)(void *)self, grad};
  return protect(h.f, hook_body, &h, "backward");
}

/* core.register_hook(t, f): the hook's handle for core.remove_hook. */
static int register_hook(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (!br_requires_grad(t))
    return br_error(L, "register_hook: the tensor does not require a gradient");
  lua_function *f = hold(L, 2);
  if (!f) return br_raise(L);
  f->hook.run = run_hook;
  br_add_hook(t, &f->hook);
  lua_pushlightuserdata(L, f);
  return 1;
}

static int remove_hook(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  br_remove_hook(t, lua_touserdata(L, 2));
  return 0;
}

/* ---- functions written in Lua ---- */

/* f(dy...) -> dx..., one for each input that takes part; nil stands for zero. */
static int function_body(lua_State *L) {
  br_call *c = lua_touserdata(L, 1);
  lua_function *f = (lua_function *)(void *)c->user;
  luaL_checkstack(L, c->nout + c->nin + 4, NULL);
  int base = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->ref);
  for (int i = 0; i < c->nout; i++) {
    if (!c->dy[i]) {
      lua_pushnil(L);
      continue;
    }
    br_box *box = br_push_box(L);
    box->t = br_retain(c->dy[i]);
  }
  lua_call(L, c->nout, c->nin);
  for (int i = 0; i < c->nin; i++) {
    if (lua_isnil(L, base + 1 + i) || !c->need[i]) continue;
    br_tensor *dx = br_test_tensor(L, base + 1 + i);
    if (!dx || !br_same_shape(dx, c->in[i]))
      return luaL_error(L, "gradient %d must be a tensor of shape %s, not %s", i + 1,
                        br_shape_of(c->in[i]),
                        dx ? br_shape_of(dx) : luaL_typename(L, base + 1 + i));
    c->dx[i] = br_retain(dx);
  }
  return 0;
}

static br_status function_backward(br_call *c) {
  lua_function *f = (lua_function *)(void *)c->user;
  return protect(f, function_body, c, "Function's backward");
}

static const br_op function_op = {.name = "function",
                                  .args = "",
                                  .doc = "written in Lua",
                                  .backward = function_backward};

/* core.record_function(inputs, outputs, f): the outputs, fresh tensors, depend on the
   inputs through a function whose gradient is f. */
static int record_function(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_Integer nin = luaL_len(L, 1), nout = luaL_len(L, 2);
  if (nout > BR_MAX_OUT)
    return br_error(L, "Function: at most %d results, not %d", BR_MAX_OUT, (int)nout);
  br_call c;
  br_call_init(&c, &function_op, NULL, (int)nin);
  c.in = lua_newuserdatauv(L, (size_t)nin * sizeof *c.in + 1, 0);
  for (lua_Integer i = 1; i <= nin; i++) {
    lua_geti(L, 1, i);
    c.in[i - 1] = br_check_tensor(L, -1);
    lua_pop(L, 1);
  }
  br_tensor *out[BR_MAX_OUT];
  for (lua_Integer i = 1; i <= nout; i++) {
    lua_geti(L, 2, i);
    out[i - 1] = br_check_tensor(L, -1);
    if (br_requires_grad(out[i - 1]))
      return br_error(L, "Function: result %d takes part in a gradient already", (int)i);
    lua_pop(L, 1);
  }
  lua_function *f = hold(L, 3);
  if (!f) return br_raise(L);
  c.user = &f->hook.ref;
  for (c.nout = 0; c.nout < nout; c.nout++) c.out[c.nout] = br_retain(out[c.nout]);
  br_status status = br_record(&c);
  br_call_clear(&c);
  return status ? br_raise(L) : 0;
}

/* ---- backward ---- */

static int requires_grad(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  bool on = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
  if (br_set_requires_grad(t, on) != BR_OK) return br_raise(L);
  lua_settop(L, 1);
  return 1;
}

static int detach(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_alias(t));
  return 1;
}

/* core.backward(y, gradient or nil, retain_graph) */
static int backward(lua_State *L) {
  br_tensor *y = br_check_tensor(L, 1);
  br_tensor *dy = lua_isnoneornil(L, 2) ? NULL : br_check_tensor(L, 2);
  br_mind_ceiling(L, br_state_of(L));
  br_state_of(L)->running = L;
  return br_backward(y, dy, lua_toboolean(L, 3)) == BR_OK ? 0 : br_raise(L);
}

/* core.grad(y, inputs, gradient or nil, retain_graph): a table of gradients, with false
   for an input that y does not depend on. */
static int grad(lua_State *L) {
  br_tensor *y = br_check_tensor(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  br_tensor *dy = lua_isnoneornil(L, 3) ? NULL : br_check_tensor(L, 3);
  bool retain = lua_toboolean(L, 4);
  int n = (int)luaL_len(L, 2);
  luaL_checkstack(L, n + 4, "too many inputs");
  br_tensor **target = lua_newuserdatauv(L, (size_t)n * 2 * sizeof *target + 1, 0);
  br_tensor **got = target + n;
  for (int i = 0; i < n; i++) {
    lua_geti(L, 2, i + 1);
    target[i] = br_check_tensor(L, -1);
    lua_pop(L, 1);
  }
  lua_createtable(L, n, 0);
  int table = lua_gettop(L);
  for (int i = 0; i < n; i++) br_push_box(L);
  br_mind_ceiling(L, br_state_of(L));
  br_state_of(L)->running = L;
  if (br_backward_to(y, dy, retain, n, target, got) != BR_OK) return br_raise(L);
  for (int i = 0; i < n; i++) ((br_box *)lua_touserdata(L, table + 1 + i))->t = got[i];
  for (int i = n; i >= 1; i--) {
    if (!got[i - 1]) {
      lua_pop(L, 1);
      lua_pushboolean(L, 0);
    }
    lua_rawseti(L, table, i);
  }
  return 1;
}

/* ---- modes that end when their value closes ---- */

typedef struct mode {
  bool (*set)(bool on);
  bool before, closed;
} mode;

static int mode_close(lua_State *L) {
  mode *m = lua_touserdata(L, 1);
  if (!m->closed) m->set(m->before);
  m->closed = true;
  return 0;
}

static int enter(lua_State *L, bool (*set)(bool on)) {
  bool on = lua_toboolean(L, 1);
  mode *m = lua_newuserdatauv(L, sizeof *m, 0);
  *m = (mode){.set = set, .closed = true};
  if (luaL_newmetatable(L, "braid.mode")) {
    lua_pushcfunction(L, mode_close);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
  m->before = set(on);
  m->closed = false;
  return 1;
}

static int set_recording(lua_State *L) { return enter(L, br_set_recording); }
static int set_anomaly(lua_State *L) { return enter(L, br_set_anomaly); }

static int is_recording(lua_State *L) {
  lua_pushboolean(L, br_recording());
  return 1;
}

void br_open_autograd(lua_State *L) {
  static const luaL_Reg functions[] = {{"requires_grad", requires_grad},
                                       {"detach", detach},
                                       {"backward", backward},
                                       {"grad", grad},
                                       {"register_hook", register_hook},
                                       {"remove_hook", remove_hook},
                                       {"record_function", record_function},
                                       {"set_recording", set_recording},
                                       {"set_anomaly", set_anomaly},
                                       {"is_recording", is_recording},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
