/* Gradients of several tasks for Lua: the values that their losses share, and an arena
   with one row for each task. A row holds the task's gradients at a list of tensors, one
   after the other, each in its memory order. */
#include "bind/bind.h"

enum { MAX_TENSORS = 300000 };

/* A list of tensors from a table. Their boxes stay on the stack, and memory for them is
   made at once. */
typedef struct list {
  int n, boxes;
  br_tensor **t;
} list;

static list check_list(lua_State *L, int at, const char *what) {
  luaL_checktype(L, at, LUA_TTABLE);
  list l = {.n = (int)br_check_length(L, at, MAX_TENSORS, what)};
  l.t = lua_newuserdatauv(L, (size_t)l.n * sizeof *l.t + 1, 0);
  l.boxes = lua_gettop(L) + 1;
  luaL_checkstack(L, l.n + 8, what);
  for (int i = 1; i <= l.n; i++) {
    lua_geti(L, at, i);
    br_check_box(L, -1);
  }
  return l;
}

/* The second half (see bind.h): takes the tensors out of their boxes. */
static void take(lua_State *L, list *l) {
  for (int i = 0; i < l->n; i++)
    l->t[i] = br_tensor_in(L, lua_touserdata(L, l->boxes + i));
}

/* core.reach(losses, tensors): for each tensor, how many of the losses depend on it. */
static int reach(lua_State *L) {
  lua_settop(L, 2);
  list losses = check_list(L, 1, "losses"), targets = check_list(L, 2, "tensors");
  int *reached = lua_newuserdatauv(L, (size_t)targets.n * sizeof *reached + 1, 0);
  lua_createtable(L, targets.n, 0);
  take(L, &losses);
  take(L, &targets);
  br_status status = br_reach(losses.n, losses.t, targets.n, targets.t, reached);
  if (status) return br_raise(L);
  for (int i = 0; i < targets.n; i++) {
    lua_pushinteger(L, reached[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void release_all(br_tensor **t, int n) {
  for (int i = 0; i < n; i++) br_release(t[i]);
}

/* core.frontier(losses): handles of the last values that the losses share. The values
   are counted first, because their boxes must exist before they do. */
static int frontier(lua_State *L) {
  lua_settop(L, 1);
  list losses = check_list(L, 1, "losses");
  br_tensor **found = NULL;
  int count = 0, again = 0;
  take(L, &losses);
  if (br_frontier(losses.n, losses.t, &count, &found) != BR_OK) return br_raise(L);
  release_all(found, count);
  br_free(found);
  luaL_checkstack(L, count + 8, "too many values");
  lua_createtable(L, count, 0);
  int table = lua_gettop(L);
  for (int i = 0; i < count; i++) br_push_box(L);
  take(L, &losses);
  if (br_frontier(losses.n, losses.t, &again, &found) != BR_OK) return br_raise(L);
  for (int i = 0; i < again && i < count; i++)
    ((br_box *)lua_touserdata(L, table + 1 + i))->t = found[i];
  br_free(found);
  for (int i = count; i >= 1; i--) lua_rawseti(L, table, i);
  return 1;
}

/* A view of a row of the arena from `offset` on, in t's shape and memory order. */
static br_tensor *piece_of(br_tensor *arena, int64_t offset, const br_tensor *t) {
  int order[BR_MAX_DIM];
  int64_t stride[BR_MAX_DIM], step = 1;
  int n = br_memory_order(t, (1u << t->ndim) - 1, order);
  for (int i = n - 1; i >= 0; i--) {
    stride[order[i]] = step;
    step *= t->shape[order[i]];
  }
  return br_tensor_view(arena, t->ndim, t->shape, stride, offset);
}

/* Views of one row for all targets, in order. */
static br_status pieces(br_tensor *arena, int64_t row, const list *targets,
                        br_tensor **out) {
  int64_t at = row * arena->shape[1], end = at + arena->shape[1];
  int made = 0;
  for (; made < targets->n; made++) {
    const br_tensor *t = targets->t[made];
    out[made] = at + t->numel <= end ? piece_of(arena, at, t) : NULL;
    if (!out[made]) break;
    at += t->numel;
  }
  if (made == targets->n) return BR_OK;
  release_all(out, made);
  return br_fail(BR_EINVAL, "an arena of %s has no room for the tensors",
                 br_shape_of(arena));
}

static void hold_all(const list *l) {
  for (int i = 0; i < l->n; i++) br_retain(l->t[i]);
}

/* Runs the pass. Hooks record nothing. The tensors are retained meanwhile. */
static br_status run_pass(lua_State *L, br_coroutine *owner, const list *y,
                          const list *dy, const list *targets, br_tensor **rows) {
  const bool retain = lua_toboolean(L, 6);
  br_state *s = br_enter(L);
  lua_State *before = s->running;
  br_mode mode = {.kind = BR_RECORDING, .on = false};
  hold_all(y);
  hold_all(dy);
  hold_all(targets);
  br_open_mode(L, &mode, owner);
  s->running = L;
  const br_ends ends = {.n = y->n,
                        .targets = targets->n,
                        .y = y->t,
                        .dy = dy->t,
                        .target = targets->t,
                        .row = rows};
  br_status status = br_backward_rows(&ends, retain);
  s->running = before;
  br_close_mode(L, &mode);
  release_all(targets->t, targets->n);
  release_all(dy->t, dy->n);
  release_all(y->t, y->n);
  return status;
}

/* core.backward_rows(losses, gradients, targets, arena, row, retain_graph): writes the
   gradients of the losses' sum at the targets into the row of the arena, in place of
   what was there. The pass ends at the targets; other leaves accumulate. Without
   targets and arena it is a backward pass from several tensors. */
static int backward_rows(lua_State *L) {
  lua_settop(L, 6);
  br_coroutine *owner = br_own(L);
  list y = check_list(L, 1, "losses"), dy = check_list(L, 2, "gradients"), targets = {0};
  br_tensor **rows = NULL, *arena = NULL;
  if (y.n != dy.n) return luaL_error(L, "there must be as many gradients as losses");
  if (!lua_isnil(L, 3)) {
    targets = check_list(L, 3, "targets");
    rows = lua_newuserdatauv(L, (size_t)targets.n * sizeof *rows + 1, 0);
    br_check_box(L, 4);
  }
  int64_t row = rows ? luaL_checkinteger(L, 5) - 1 : 0;
  br_mind_ceiling(L);
  take(L, &dy);
  take(L, &y);
  take(L, &targets);
  br_status status = BR_OK;
  if (rows) {
    arena = br_check_tensor(L, 4);
    if (arena->ndim != 2 || row < 0 || row >= arena->shape[0])
      return br_error(L, "the arena %s has no row %d", br_shape_of(arena), (int)row + 1);
    status = pieces(arena, row, &targets, rows);
  }
  if (status) return br_raise(L);
  if (arena) br_retain(arena);
  status = run_pass(L, owner, &y, &dy, &targets, rows);
  release_all(rows, targets.n);
  br_release(arena);
  return status ? br_raise(L) : 0;
}

/* core.split_row(arena, row, targets): views of the row in the shapes of the
   targets. */
static int split_row(lua_State *L) {
  lua_settop(L, 3);
  list targets = check_list(L, 3, "targets");
  br_tensor **views = lua_newuserdatauv(L, (size_t)targets.n * sizeof *views + 1, 0);
  int64_t row = luaL_checkinteger(L, 2) - 1;
  lua_createtable(L, targets.n, 0);
  int table = lua_gettop(L);
  luaL_checkstack(L, targets.n + 8, "targets");
  for (int i = 0; i < targets.n; i++) br_push_box(L);
  take(L, &targets);
  br_tensor *arena = br_check_tensor(L, 1);
  if (arena->ndim != 2 || row < 0 || row >= arena->shape[0])
    return br_error(L, "the arena %s has no row %d", br_shape_of(arena), (int)row + 1);
  if (pieces(arena, row, &targets, views) != BR_OK) return br_raise(L);
  for (int i = 0; i < targets.n; i++)
    ((br_box *)lua_touserdata(L, table + 1 + i))->t = views[i];
  for (int i = targets.n; i >= 1; i--) lua_rawseti(L, table, i);
  return 1;
}

void br_open_rows(lua_State *L) {
  static const luaL_Reg functions[] = {{"reach", reach},
                                       {"frontier", frontier},
                                       {"backward_rows", backward_rows},
                                       {"split_row", split_row},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
