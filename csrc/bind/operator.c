/* The one binder: it makes a Lua function (and a method) of every operator row. */
#include "bind/request.h"

static int call_operator(lua_State *L) {
  const br_binding *b = lua_touserdata(L, lua_upvalueindex(2));
  br_request r;
  br_box *box[2] = {NULL, NULL}, *x = br_test_box(L, 1);
  br_request_start(&r, b);
  br_request_read(L, &r, 1, 0);
  int boxes = b->in_place ? 0 : b->op->results > 1 ? b->op->results : 1;
  luaL_checkstack(L, 8, NULL);
  br_note_script(L);
  if (x && x->straight && r.box[0] == x && boxes == 1) {
    lua_pushvalue(L, 1);
    if (br_request_wait(L, &r)) return 1;
    box[0] = x;
  }
  for (int i = box[0] ? boxes : 0; i < boxes; i++) box[i] = br_push_box(L);
  br_status status = br_request_run(L, &r, box, boxes);
  if (status == BR_ENOMEM && !b->in_place && !(b->op->flags & BR_WRITES)) {
    lua_gc(L, LUA_GCCOLLECT); /* garbage may hold the memory that is missing */
    br_mem_trim();
    status = br_request_run(L, &r, box, boxes);
  }
  if (status == BR_ESTOP && br_interrupt_waits(L))
    status = br_request_run(L, &r, box, boxes);
  if (status) return br_raise(L);
  if (b->in_place) {
    lua_settop(L, 1);
    return 1;
  }
  lua_pop(L, boxes - r.call.nout);
  return r.call.nout;
}

void br_run_into(lua_State *L, br_call *c, br_box *box) {
  br_status status = br_apply(c);
  if (!status) box->t = br_retain(c->out[0]);
  br_call_clear(c);
  if (status) br_raise(L);
}

/* Pushes the Lua function that runs `op`. `state` is the stack index of the value that
   all of them share. */
static void push_operator(lua_State *L, int state, const br_op *op, bool in_place) {
  lua_pushvalue(L, state);
  br_bind(lua_newuserdatauv(L, sizeof(br_binding), 0), op, in_place);
  lua_pushcclosure(L, call_operator, 2);
}

/* core.ops: the functions by name. core.rows: the rows, for help and the specs. */
void br_open_operators(lua_State *L) {
  int core = lua_gettop(L);
  lua_newtable(L);
  lua_newtable(L);
  int ops = core + 1, rows = core + 2, state = lua_upvalueindex(1);
  const br_op *op;
  for (int i = 0; (op = br_op_at(i)); i++) {
    push_operator(L, state, op, false);
    lua_setfield(L, ops, op->name);
    if (op->flags & BR_IN_PLACE) {
      lua_pushfstring(L, "%s_", op->name);
      push_operator(L, state, op, true);
      lua_settable(L, ops);
    }
    lua_newtable(L);
    lua_pushstring(L, op->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, op->args);
    lua_setfield(L, -2, "args");
    lua_pushstring(L, op->doc);
    lua_setfield(L, -2, "doc");
    lua_pushstring(L, op->usage);
    lua_setfield(L, -2, "usage");
    lua_pushinteger(L, op->results > 1 ? op->results : 1);
    lua_setfield(L, -2, "results");
    lua_pushboolean(L, br_op_has_gradient(op));
    lua_setfield(L, -2, "differentiable");
    lua_pushboolean(L, op->flags & BR_IN_PLACE);
    lua_setfield(L, -2, "in_place");
    lua_pushboolean(L, op->flags & BR_HIDDEN);
    lua_setfield(L, -2, "hidden");
    lua_pushboolean(L, !(op->flags & (BR_NO_METHOD | BR_HIDDEN)));
    lua_setfield(L, -2, "method");
    lua_rawseti(L, rows, i + 1);
  }
  lua_setfield(L, core, "rows");
  lua_setfield(L, core, "ops");
}
