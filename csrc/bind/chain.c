/* Runs of layers as one call, while nothing is recorded: what a layer computes goes to
   the next without becoming a value of Lua.

   A layer takes part if its class has said, with core.chain_layer, that its forward is an
   operator of its fields, and if that is so still. A chain stops before any other, and
   before one whose call would fail, so that it fails where Lua sees it. */
#include "bind/request.h"

#include <string.h>

/* How a layer may be taken up by the one before it; IDLE does nothing but in training. */
typedef enum role { NONE, RELU, PRELU, NORM, POOL, IDLE } role;

/* Of a class. Its user value is a table: the forward that was its own, the name of the
   field that holds the options, the function that folds a norm into it (each or false),
   and the arguments: a string is the field that holds one. */
typedef struct layer_row {
  br_binding plain, relu, prelu, pool; /* op is NULL in those it has not */
  bool folds;
  role role;
  int arguments;
} layer_row;

enum { FORWARD = 1, OPTIONS, FOLD, ARGUMENTS }; /* places in the user value */
enum { LAYERS = 1, FIRST, LAST, X, RESULT };    /* on the stack of a chain */
/* Arguments of conv2d_max_pool2d: first conv2d's, then max_pool2d's, then whether ReLU
   stands between them. */
enum { OWN = 4, POOLS = 5 };

/* Upvalue 2 of both functions: rows by the metatable of a class's objects. Pushes the
   layer at i, its row and the row's table; where it has no part in chains, nothing, and
   returns NULL. */
static const layer_row *push_layer(lua_State *L, lua_Integer i) {
  int top = lua_gettop(L);
  if (lua_rawgeti(L, LAYERS, i) == LUA_TTABLE && lua_getmetatable(L, -1)) {
    int class = top + 2;
    lua_pushvalue(L, class);
    if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TUSERDATA) {
      const layer_row *row = lua_touserdata(L, -1);
      lua_getiuservalue(L, -1, 1);
      lua_rawgeti(L, -1, FORWARD);
      lua_getfield(L, top + 1, "forward");
      if (lua_rawequal(L, -1, -2)) {
        lua_settop(L, class + 2);
        lua_remove(L, class);
        return row;
      }
    }
  }
  lua_settop(L, top);
  return NULL;
}

static bool is_true(lua_State *L, int layer, const char *field) {
  lua_getfield(L, layer, field);
  bool is = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

static bool is_training(lua_State *L, int layer) {
  return is_true(L, layer, "training") && !is_true(L, layer, "frozen");
}

/* What layer i would be to the one before it, as push_layer leaves it if it would be
   anything; its row goes to *row. */
static role push_role(lua_State *L, lua_Integer i, const layer_row **row) {
  int top = lua_gettop(L);
  *row = i <= lua_tointeger(L, LAST) ? push_layer(L, i) : NULL;
  role r = *row ? (*row)->role : NONE;
  if (r == NORM && is_training(L, top + 1)) r = NONE;
  if (r == NONE) lua_settop(L, top);
  return r;
}

static bool is_unsized(lua_State *L, int layer) {
  lua_pushliteral(L, "unsized");
  lua_rawget(L, layer);
  bool is = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

/* Pushes the arguments from the fields of the layer at `layer`. */
static bool push_arguments(lua_State *L, const layer_row *row, int layer) {
  for (int i = 0; i < row->arguments; i++) {
    if (lua_rawgeti(L, layer + 2, ARGUMENTS + i) == LUA_TSTRING) lua_rawget(L, layer);
    if (lua_isnil(L, -1) && !row->plain.signature.param[i + 1].optional) return false;
  }
  return true;
}

/* Those of a convolution with a norm behind it, which is at `norm` and gives way. */
static void push_folded(lua_State *L, int layer, int norm) {
  lua_settop(L, norm);
  lua_rawgeti(L, layer + 2, FOLD);
  lua_pushvalue(L, layer);
  lua_pushvalue(L, norm);
  lua_call(L, 2, 2);
  lua_remove(L, norm);
}

/* Whether the slopes at the top are one for each of the outputs of a weight. */
static bool fits(lua_State *L, int weight) {
  const br_tensor *s = br_test_tensor(L, -1), *w = br_test_tensor(L, weight);
  return s && w && s->ndim == 1 && w->ndim > 0 && s->shape[0] == w->shape[0] &&
         s->dtype == w->dtype;
}

/* Takes up the activation in layer i, if it can: the binding that does, its argument
   pushed. `first` is where the arguments begin. */
static const br_binding *take_activation(lua_State *L, const layer_row *row, int first,
                                         lua_Integer i) {
  int top = lua_gettop(L);
  const layer_row *following;
  role r = row->relu.op ? push_role(L, i, &following) : NONE;
  if (r == RELU) {
    lua_settop(L, top);
    return &row->relu;
  }
  if (r == PRELU && row->prelu.op) {
    lua_pushliteral(L, "weight");
    lua_rawget(L, top + 1);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    if (fits(L, first)) return &row->prelu;
  }
  lua_settop(L, top);
  return NULL;
}

/* Pushes what stands in the field of the layer's options, if it has any. */
static void push_options(lua_State *L, int layer) {
  lua_rawgeti(L, layer + 2, OPTIONS);
  if (lua_isstring(L, -1))
    lua_rawget(L, layer);
  else
    lua_pop(L, 1);
}

/* Has the call of a layer, as read, take up the pooling in layer i, if that is one. */
static bool take_pool(lua_State *L, const layer_row *row, br_request *r, lua_Integer i) {
  int layer = lua_gettop(L) + 1;
  const layer_row *pool;
  if (!row->pool.op || push_role(L, i, &pool) != POOL) return false;
  if (!push_arguments(L, pool, layer)) return false;
  push_options(L, layer);
  br_request p, both;
  br_request_start(&p, &pool->plain);
  br_request_read(L, &p, layer + 3, 1);
  br_request_start(&both, &row->pool);
  memcpy(both.box, r->box, sizeof both.box);
  memcpy(both.call.arg, r->call.arg, OWN * sizeof(br_arg));
  memcpy(both.call.arg + OWN, p.call.arg, POOLS * sizeof(br_arg));
  both.call.arg[OWN + POOLS].i = r->b == &row->relu;
  *r = both;
  r->call.in = r->call.few;
  return true;
}

/* Runs layer i, and those that it takes up, on what x holds; what comes of it goes to *y.
   Returns the layer to go on with, i if it could not be run. */
static lua_Integer run_layer(lua_State *L, lua_Integer i, br_box *x, br_tensor **y) {
  int layer = lua_gettop(L) + 1, first = layer + 3;
  const layer_row *row = push_layer(L, i);
  lua_Integer next = i + 1;
  if (row && row->role == IDLE && !is_training(L, layer)) return next;
  if (!row || !row->plain.op || is_unsized(L, layer)) return i;
  const layer_row *following;
  if (row->folds && push_role(L, next, &following) == NORM) {
    push_folded(L, layer, first);
    next++;
  } else {
    lua_settop(L, first - 1);
    if (!push_arguments(L, row, layer)) return i;
  }
  const br_binding *b = take_activation(L, row, first, next);
  if (b) next++;
  push_options(L, layer);
  br_request r;
  br_box result = {0}, *box = &result;
  br_request_start(&r, b ? b : &row->plain);
  r.box[0] = x;
  br_request_read(L, &r, first, 1);
  if (take_pool(L, row, &r, next)) next++;
  if (br_request_run(L, &r, &box, 1) != BR_OK) return i;
  *y = result.t;
  return next;
}

/* chain(layers, first, last, x) -> y, the first layer that was not run */
static int chain(lua_State *L) {
  lua_settop(L, X);
  luaL_checktype(L, LAYERS, LUA_TTABLE);
  lua_Integer i = luaL_checkinteger(L, FIRST), last = luaL_checkinteger(L, LAST);
  br_box *x = br_test_box(L, X);
  luaL_checkstack(L, 40, NULL);
  br_enter(L);
  br_box *held = x && !br_recording() ? br_push_loose_box(L) : NULL;
  br_note_script(L);
  while (held && i <= last) {
    br_tensor *y = NULL;
    lua_Integer next = run_layer(L, i, held->t ? held : x, &y);
    lua_settop(L, RESULT);
    if (next == i) break;
    i = next;
    if (!y) continue;
    br_release(held->t);
    held->t = y;
  }
  if (held) br_settle(L, held);
  lua_pushvalue(L, held && held->t ? RESULT : X);
  lua_pushinteger(L, i);
  return 2;
}

static void bind_named(lua_State *L, br_binding *b, const char *field) {
  b->op = NULL;
  if (lua_getfield(L, 2, field) == LUA_TSTRING) {
    const br_op *op = br_op_find(lua_tostring(L, -1));
    if (!op) br_error(L, "there is no operator %s", lua_tostring(L, -1));
    br_bind(b, op, false);
  }
  lua_pop(L, 1);
}

/* chain_layer(metatable, {operator =, options =, arguments...}): that the forward of
   a class is an operator of what it is given and of these arguments, field names or
   numbers. With `relu`, `prelu` or `pool`, the operators that have that behind it, and
   `fold`, a function of a layer and a norm that gives the arguments of both; `role` of
   "relu", "prelu", "pool" or "norm" names what it is to the layer before it, and "idle"
   one that only training needs. */
static int chain_layer(lua_State *L) {
  static const char *const roles[] = {"", "relu", "prelu", "norm", "pool", "idle", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  layer_row *row = lua_newuserdatauv(L, sizeof *row, 1);
  bind_named(L, &row->plain, "operator");
  bind_named(L, &row->relu, "relu");
  bind_named(L, &row->prelu, "prelu");
  bind_named(L, &row->pool, "pool");
  row->folds = lua_getfield(L, 2, "fold") == LUA_TFUNCTION;
  lua_getfield(L, 2, "role");
  row->role = (role)luaL_checkoption(L, -1, "", roles);
  row->arguments = (int)luaL_len(L, 2);
  lua_settop(L, 3);
  lua_newtable(L);
  lua_getfield(L, 1, "__index");
  lua_getfield(L, -1, "forward");
  lua_rawseti(L, -3, FORWARD);
  lua_pop(L, 1);
  lua_getfield(L, 2, "options");
  lua_rawseti(L, -2, OPTIONS);
  lua_getfield(L, 2, "fold");
  lua_rawseti(L, -2, FOLD);
  for (int i = 0; i < row->arguments; i++) {
    lua_rawgeti(L, 2, i + 1);
    lua_rawseti(L, -2, ARGUMENTS + i);
  }
  lua_setiuservalue(L, 3, 1);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  lua_rawset(L, lua_upvalueindex(2));
  return 0;
}

void br_open_chains(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"chain", chain}, {"chain_layer", chain_layer}, {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_newtable(L);
  luaL_setfuncs(L, functions, 2);
}
