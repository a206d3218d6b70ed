/* Autograd for Lua: backward and grad, hooks, and functions written in Lua.

   During a backward pass the core calls Lua functions. The graph owns a reference that
   keeps each function alive. An error in a function becomes the error of the pass. */
#include "bind/bind.h"

#include <stdio.h>

enum { MAX_INPUTS = 300000 }; /* Lua's stack holds 1,000,000 values */

/* ---- Lua functions that the core calls ---- */

typedef struct lua_function {
  br_hook hook; /* begins with a br_ref, so that an owner of any br_ref can own it */
  lua_State *L; /* the main thread, which lives as long as the state */
  br_state *state;
  int ref;
} lua_function;

static void function_destroy(void *self) {
  lua_function *f = self;
  luaL_unref(f->L, LUA_REGISTRYINDEX, f->ref);
  br_free(f);
}

/* Holds the function at `at`; NULL if memory is short. The registry's reference is made
   first, because making it may raise. */
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

/* A call to be run in protected mode. */
typedef struct job {
  lua_CFunction body; /* finds the binding's state as its upvalue, and `data` */
  void *data;
} job;

static int run_job(lua_State *L) {
  const job *j = lua_touserdata(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, "braid.state");
  lua_pushcclosure(L, j->body, 1);
  lua_pushlightuserdata(L, j->data);
  lua_call(L, 1, 0);
  return 0;
}

/* Runs the body for f, and turns an error into a status, even the error that memory is
   full. Nothing may raise during a backward pass, so pushing values here takes no
   memory. */
static br_status protect(const lua_function *f, lua_CFunction body, void *data,
                         const char *what) {
  lua_State *L = f->state->running;
  job j = {body, data};
  if (!lua_checkstack(L, 4)) return br_fail(BR_ENOMEM, "%s: Lua's stack is full", what);
  lua_pushcfunction(L, run_job);
  lua_pushlightuserdata(L, &j);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return BR_OK;
  bool text = lua_type(L, -1) == LUA_TSTRING;
  br_status status = br_fail(BR_EINVAL, "%s: %s%s", what,
                             text ? "" : "an error that is a ",
                             text ? lua_tostring(L, -1) : luaL_typename(L, -1));
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

/* core.register_hook(t, f): the hook's number for core.remove_hook. */
static int register_hook(lua_State *L) {
  if (!lua_isfunction(L, 2))
    return br_error(L, "register_hook: the hook must be a function, not %s",
                    luaL_typename(L, 2));
  if (!br_requires_grad(br_check_tensor(L, 1)))
    return br_error(L, "register_hook: the tensor does not require a gradient; "
                       "x:requires_grad_() asks for one");
  lua_function *f = hold(L, 2);
  if (!f) return br_raise(L);
  f->hook.run = run_hook;
  br_box *box = br_check_box(L, 1);
  if (!box->t || !br_requires_grad(box->t)) { /* changed by garbage collection */
    br_release(f);
    return br_error(L, "register_hook: the tensor does not require a gradient; "
                       "x:requires_grad_() asks for one");
  }
  lua_pushinteger(L, br_add_hook(box->t, &f->hook));
  return 1;
}

static int remove_hook(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  br_remove_hook(t, luaL_checkinteger(L, 2));
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

/* Pushes the first n values of the table at `at`, which must be tensors; returns the
   stack index of the first. */
static int push_boxes(lua_State *L, int at, int n) {
  int first = lua_gettop(L) + 1;
  luaL_checkstack(L, n + 8, "too many tensors");
  for (int i = 1; i <= n; i++) {
    lua_geti(L, at, i);
    br_check_box(L, -1);
  }
  return first;
}

/* core.record_function(inputs, outputs, f): makes fresh tensors `outputs` depend on the
   inputs. f computes the gradient. */
static int record_function(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  int nin = (int)br_check_length(L, 1, MAX_INPUTS, "Function: arguments");
  int nout = (int)br_check_length(L, 2, BR_MAX_OUT, "Function: results");
  br_call c;
  br_call_init(&c, &function_op, NULL, nin);
  c.in = lua_newuserdatauv(L, (size_t)nin * sizeof *c.in + 1, 0);
  int boxes = push_boxes(L, 1, nin);
  push_boxes(L, 2, nout);
  lua_function *f = hold(L, 3);
  if (!f) return br_raise(L);
  br_enter(L);
  c.user = &f->hook.ref;
  br_status status = BR_OK;
  for (int i = 0; i < nin + nout && !status; i++) {
    br_box *box = lua_touserdata(L, boxes + i);
    if (!box->t)
      status = br_fail(BR_EINVAL, "Function: a tensor was released by its scope");
    else if (i < nin)
      c.in[i] = box->t;
    else if (br_requires_grad(box->t))
      status = br_fail(BR_EINVAL, "Function: result %d takes part in a gradient already",
                       i - nin + 1);
    else
      c.out[c.nout++] = br_retain(box->t);
  }
  if (!status) status = br_record(&c);
  br_call_clear(&c);
  return status ? br_raise(L) : 0;
}

/* ---- backward ---- */

static int requires_grad(lua_State *L) {
  br_tensor *t = br_check_tensor(L, 1);
  if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2))
    br_error(L, "requires_grad_: wants true or false, not %s", luaL_typename(L, 2));
  bool on = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
  if (br_set_requires_grad(t, on) != BR_OK) return br_raise(L);
  lua_settop(L, 1);
  return 1;
}

static int detach(lua_State *L) {
  br_check_box(L, 1);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_alias(br_check_tensor(L, 1)));
  return 1;
}

/* A backward pass. It holds all its tensors, because hooks may run any code. */
typedef struct pass {
  br_tensor *y, *dy; /* dy may be NULL */
  bool retain;
  int n; /* how many targets grad has; -1 for backward */
  br_tensor **target, **got;
} pass;

/* Runs the pass. Operators that hooks call, or that a coroutine resumed by hooks calls,
   are not recorded. */
static br_status run_pass(lua_State *L, br_coroutine *owner, pass *p) {
  br_state *s = br_enter(L);
  lua_State *before = s->running;
  br_mode mode = {.kind = BR_RECORDING, .on = false};
  br_retain(p->y);
  br_retain(p->dy);
  for (int i = 0; i < p->n; i++) br_retain(p->target[i]);
  br_open_mode(L, &mode, owner);
  s->running = L;
  br_status status = p->n < 0 ? br_backward(p->y, p->dy, p->retain)
                              : br_backward_to(p->y, p->dy, p->retain, p->n, p->target,
                                               p->got);
  s->running = before;
  br_close_mode(L, &mode);
  for (int i = 0; i < p->n; i++) br_release(p->target[i]);
  br_release(p->dy);
  br_release(p->y);
  return status;
}

/* The gradient of the result, as the user gave it; NULL for nil. */
static br_tensor *check_gradient(lua_State *L, int at, const char *name) {
  if (lua_isnil(L, at)) return NULL;
  if (!br_test_box(L, at))
    br_error(L, "%s: gradient must be a tensor, not %s", name, luaL_typename(L, at));
  return br_check_tensor(L, at);
}

/* core.backward(y, gradient or nil, retain_graph) */
static int backward(lua_State *L) {
  lua_settop(L, 3);
  br_coroutine *owner = br_own(L);
  br_mind_ceiling(L);
  pass p = {.y = br_check_tensor(L, 1), .retain = lua_toboolean(L, 3), .n = -1};
  p.dy = check_gradient(L, 2, "backward");
  return run_pass(L, owner, &p) == BR_OK ? 0 : br_raise(L);
}

/* core.grad(y, inputs, gradient or nil, retain_graph): a table of gradients, with false
   for an input that y does not depend on. */
static int grad(lua_State *L) {
  lua_settop(L, 4);
  luaL_checktype(L, 2, LUA_TTABLE);
  int n = (int)br_check_length(L, 2, MAX_INPUTS, "grad: inputs");
  br_coroutine *owner = br_own(L);
  pass p = {.retain = lua_toboolean(L, 4), .n = n};
  p.target = lua_newuserdatauv(L, (size_t)n * 2 * sizeof *p.target + 1, 0);
  p.got = p.target + n;
  int inputs = push_boxes(L, 2, n);
  lua_createtable(L, n, 0);
  int table = lua_gettop(L);
  luaL_checkstack(L, n + 8, "too many inputs");
  for (int i = 0; i < n; i++) br_push_box(L);
  br_mind_ceiling(L);
  p.y = br_check_tensor(L, 1);
  p.dy = check_gradient(L, 3, "grad");
  for (int i = 0; i < n; i++)
    p.target[i] = br_tensor_in(L, lua_touserdata(L, inputs + i));
  if (run_pass(L, owner, &p) != BR_OK) return br_raise(L);
  for (int i = 0; i < n; i++) ((br_box *)lua_touserdata(L, table + 1 + i))->t = p.got[i];
  for (int i = n; i >= 1; i--) {
    if (!p.got[i - 1]) {
      lua_pop(L, 1);
      lua_pushboolean(L, 0);
    }
    lua_rawseti(L, table, i);
  }
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
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
