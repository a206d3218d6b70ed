/* Waiting calls, which fuse.c may merge.

   A layer's forward is straight if its operators form a chain: each takes the result of
   the one before, and nobody else sees that result. A Sequential gives such layers a
   straight box. An operator's result replaces the tensor in the box. A call on the box
   is checked when it is made, so that an error names the right line. The call may then
   wait in the box for the next one. It runs when no rule joins the two, or when
   somebody asks for the tensor (br_tensor_in).

   The box owns the whole chain. If an error or a dropped coroutine leaves a chain
   unfinished, it is collected with the box. */
#include "bind/request.h"
#include "op/trace.h"

void br_drop_waiting(br_box *box) {
  br_call *c = box->waiting;
  box->waiting = NULL;
  if (c) br_call_free(c);
}

br_status br_run_waiting(lua_State *L, br_box *box) {
  if (!box->waiting) return BR_OK;
  br_enter(L);
  bool recording = br_set_recording(box->waiting->recorded); /* as when it was made */
  br_status status = br_apply(box->waiting);
  br_set_recording(recording);
  if (!status) br_drop_waiting(box);
  return status;
}

/* The same, but if memory is short it collects garbage, which may run Lua. */
static br_status run_waiting(lua_State *L, br_box *box) {
  br_status status = br_run_waiting(L, box);
  if (status == BR_ESTOP && br_interrupt_waits(L)) status = br_run_waiting(L, box);
  if (status != BR_ENOMEM) return status;
  lua_gc(L, LUA_GCCOLLECT);
  br_mem_trim();
  return br_run_waiting(L, box);
}

/* Whether a call that passed its check can wait. */
static bool check(lua_State *L, br_call *c) {
  br_status status = br_call_check(c);
  if (status) br_call_clear(c);
  if (status && status != BR_ENOMEM) br_raise(L);
  return !status && br_call_lasts(c);
}

static void hold(br_box *box, br_call *c) {
  br_tensor *before = box->t;
  box->waiting = c;
  box->t = br_retain(c->out[0]);
  br_release(before);
}

bool br_request_wait(lua_State *L, br_request *r) {
  br_box *box = r->box[0];
  br_call *c = &r->call, *mine = NULL;
  const br_rule *rule = box->waiting ? br_fuse_rule(box->waiting->op, c->op) : NULL;
  if (!rule && run_waiting(L, box)) br_raise(L);
  if (!rule && !r->b->begins) return false;
  br_enter(L);
  for (int i = 0; i < c->nin; i++) {
    br_box *from = r->box[i];
    bool bare = i == 0 && from->waiting;
    c->in[i] = !from ? NULL : bare ? from->t : br_tensor_in(L, from);
  }
  br_call *before = box->waiting;
  bool waits = check(L, c);
  c->recording = br_recording();
  c->recorded = waits && (br_takes_part(c) || (before && before->recorded));
  if (waits && before && br_fuse(rule, before, c)) {
    br_call_clear(c);
    hold(box, before);
    return true;
  }
  if (waits && r->b->begins) mine = br_call_own(c);
  br_call_clear(c);
  c->nout = 0;
  c->waits = false;
  br_status status = run_waiting(L, box); /* may empty the box if memory is short */
  if (mine && !status && box->t) {
    hold(box, mine);
    return true;
  }
  if (mine) br_call_free(mine);
  if (status) br_raise(L);
  return false;
}

/* straight(x): returns x or a straight box with the same tensor, and whether it is such
   a box. While anomalies are detected or calls are traced it returns x, because then
   each call must run alone. */
static int straight(lua_State *L) {
  br_box *given = br_test_box(L, 1), *box = given;
  br_enter(L);
  lua_settop(L, 1);
  if (given && !given->straight && !br_anomaly() && !br_tracing()) {
    box = br_push_box(L);
    box->t = br_retain(br_tensor_in(L, given));
    box->straight = true;
  }
  lua_pushboolean(L, box && box->straight);
  return 2;
}

static int is_straight(lua_State *L) {
  const br_box *box = br_test_box(L, 1);
  lua_pushboolean(L, box && box->straight);
  return 1;
}

/* settled(x, given): runs what waits in x. Returns x, which is no longer straight; or
   `given`, if it holds the same tensor. */
static int settled(lua_State *L) {
  br_box *box = br_test_box(L, 1), *given = br_test_box(L, 2);
  if (box && box->waiting && run_waiting(L, box)) br_raise(L);
  if (box) box->straight = false;
  lua_settop(L, box && given && box->t == given->t ? 2 : 1);
  return 1;
}

void br_open_chains(lua_State *L) {
  static const luaL_Reg functions[] = {{"straight", straight},
                                       {"is_straight", is_straight},
                                       {"settled", settled},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
