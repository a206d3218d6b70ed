/* core.loader: reads the plan of a loader from a table, and gives its batches.

   core.loader{workers, skip, seed, channels (1 or 3), fields, sources}. The fields' and
   sources' contents are as in load/loader.h.

   fields: {{name, kind ("class", "points", "real" or "box"), shape, flip, follow, bin,
   bins}, ...}

   sources: {{n, images or text, ends, root and encoded, boxes, shifts, rows, as_stored,
   labels (by number of the field), points (a field), eyes and pairs, steps ({{name,
   numbers...}, ...}), cache}, ...}

   The methods are submit(pick, first, last, stream, only); take() -> {image, count, a
   tensor for each field}; facts() -> seconds waited, samples left out, the first message;
   size() -> height, width; close(). */
#include "bind/bind.h"

#include <string.h>

#include "base/stop.h"
#include "load/loader.h"

#define LOADER "braid.loader"

typedef struct handle {
  br_plan plan;
  br_loader *loader; /* NULL: closed */
} handle;

/* ---- reading the plan from the table at the top. The plan takes each retained tensor
   at once. A table that belongs to the loader keeps the strings and the fields' names
   alive. */

enum { HELD = 3 }; /* the stack index of that table */

static lua_Integer integer_in(lua_State *L, const char *key, lua_Integer otherwise) {
  lua_Integer v = otherwise;
  if (lua_getfield(L, -1, key) != LUA_TNIL) v = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return v;
}

static double number_in(lua_State *L, const char *key) {
  double v = 0;
  if (lua_getfield(L, -1, key) != LUA_TNIL) v = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return v;
}

/* Pops the tensor at the top and returns it, retained. */
static br_tensor *take_tensor(lua_State *L, br_dtype dtype, int64_t numel,
                              const char *what) {
  br_tensor *t = br_test_tensor(L, -1);
  if (!t && !lua_isnil(L, -1)) luaL_error(L, "loader: %s must be a tensor", what);
  if (t &&
      (t->dtype != dtype || !br_is_contiguous(t) || (numel >= 0 && t->numel != numel)))
    luaL_error(L, "loader: %s: %s %s is not contiguous %s of %d numbers", what,
               br_dtype_name(t->dtype), br_shape_of(t), br_dtype_name(dtype), (int)numel);
  lua_pop(L, 1);
  return br_retain(t);
}

/* Replaces a tensor of the plan by a copy. Numbers of pictures and points are checked
   once, so later changes by the user must not reach them. */
static void own(lua_State *L, br_tensor **t) {
  br_tensor *copy = br_tensor_like(*t, (*t)->dtype);
  if (!copy || br_copy(copy, *t) != BR_OK) {
    br_release(copy);
    br_raise(L);
  }
  br_release(*t);
  *t = copy;
}

/* Raises an error for a flip that names a class or a point that does not exist. */
static void check_flip(lua_State *L, const br_field *f) {
  const int64_t points = f->kind == BR_FIELD_POINTS ? f->width / 2 : 0;
  const int64_t limit = points ? points : f->flip->numel;
  for (int64_t i = 0; i < f->flip->numel; i++) {
    const int64_t v = ((int64_t *)(void *)f->flip->data)[i];
    if (v < 1 || v > limit)
      luaL_error(L, "loader: flip names %d, which is not a class or a point", (int)v);
  }
}

static void read_field(lua_State *L, br_field *f) {
  static const char *const names[] = {"class", "points", "real", "box", NULL};
  lua_getfield(L, -1, "kind");
  f->kind = (br_field_kind)luaL_checkoption(L, -1, NULL, names);
  lua_pop(L, 1);
  lua_getfield(L, -1, "shape");
  const int64_t n = br_check_length(L, -1, BR_MAX_DIM - 1, "loader: a label's shape");
  f->ndim = (int)n;
  f->width = 1;
  for (int d = 0; d < f->ndim; d++) {
    lua_geti(L, -1, d + 1);
    f->shape[d] = luaL_checkinteger(L, -1);
    f->width *= f->shape[d];
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (f->kind == BR_FIELD_BOX && f->width != 4)
    luaL_error(L, "loader: a box must have 4 numbers");
  f->bin = number_in(L, "bin");
  f->bins = integer_in(L, "bins", 0);
  lua_getfield(L, -1, "follow");
  f->follow = take_tensor(L, BR_F32, 2 * f->width, "follow");
  if (f->follow) own(L, &f->follow);
  lua_getfield(L, -1, "flip");
  f->flip = take_tensor(L, BR_I64, -1, "flip");
  if (!f->flip) return;
  own(L, &f->flip);
  check_flip(L, f);
}

static void read_steps(lua_State *L, br_recipe *r) {
  lua_getfield(L, -1, "steps");
  const int64_t n = br_check_length(L, -1, 1 << 20, "loader: steps");
  r->last_geometry = -1;
  for (int64_t i = 1; i <= n; i++) {
    double p[BR_STEP_PARAMETERS];
    lua_geti(L, -1, i);
    const int64_t count = br_check_length(L, -1, BR_STEP_PARAMETERS + 1,
                                          "loader: a step") -
                          1;
    if (count < 0) luaL_error(L, "loader: a step must be {name, numbers...}");
    for (int64_t k = 0; k < count; k++) {
      lua_geti(L, -1, k + 2);
      p[k] = luaL_checknumber(L, -1);
      lua_pop(L, 1);
    }
    lua_geti(L, -1, 1);
    if (br_recipe_add(r, luaL_checkstring(L, -1), (int)count, p) != BR_OK) br_raise(L);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

/* The string in a field of the table at the top. The loader keeps it alive. */
static const char *held_string(lua_State *L, const char *key, size_t *length) {
  lua_getfield(L, -1, key);
  const char *text = luaL_checklstring(L, -1, length);
  lua_pushboolean(L, true);
  lua_rawset(L, HELD);
  return text;
}

/* Reads the names of files. Returns how many there are. */
static int64_t read_paths(lua_State *L, br_source *s) {
  size_t length, bytes;
  int64_t before = 0;
  s->text = held_string(L, "text", &length);
  s->ends = held_string(L, "ends", &bytes);
  s->root = held_string(L, "root", NULL);
  const int64_t n = (int64_t)(bytes / sizeof before);
  for (int64_t i = 0; i < n; i++) {
    int64_t end;
    memcpy(&end, s->ends + i * (int64_t)sizeof end, sizeof end);
    if (end < before || end > (int64_t)length)
      luaL_error(L, "loader: the name of file %d is out of order", (int)i + 1);
    before = end;
  }
  return n;
}

static void read_labels(lua_State *L, const br_plan *plan, br_source *s) {
  lua_getfield(L, -1, "labels");
  for (int f = 0; f < plan->fields; f++) {
    static const br_dtype dtypes[] = {BR_I64, BR_F32, BR_F32, BR_F32};
    br_dtype dtype = dtypes[plan->field[f].kind];
    lua_geti(L, -1, f + 1);
    br_tensor *t = br_test_tensor(L, -1);
    if (t && t->dtype == BR_U8 && dtype == BR_I64) dtype = BR_U8;
    s->label[f] = take_tensor(L, dtype, s->n * plan->field[f].width, "a label");
  }
  lua_pop(L, 1);
  s->points = (int)integer_in(L, "points", 0) - 1;
  if (s->points >= plan->fields ||
      (s->points >= 0 && plan->field[s->points].kind != BR_FIELD_POINTS))
    luaL_error(L, "loader: points must be the number of a field of points");
}

static void read_source(lua_State *L, br_plan *plan, br_source *s) {
  int64_t m = s->n = integer_in(L, "n", 0), h = 0, w = 0, oh, ow;
  lua_getfield(L, -1, "rows");
  s->rows = take_tensor(L, BR_I64, s->n, "rows");
  if (s->rows) own(L, &s->rows);
  lua_getfield(L, -1, "images");
  br_tensor *images = br_test_tensor(L, -1);
  if (images) {
    if (images->dtype != BR_U8 || images->ndim != 4 || images->shape[1] > 4)
      luaL_error(L, "loader: images must be uint8 (n, c, h, w), not %s %s",
                 br_dtype_name(images->dtype), br_shape_of(images));
    s->images = br_retain(images);
    m = images->shape[0];
    h = images->shape[2];
    w = images->shape[3];
  }
  lua_pop(L, 1);
  if (!images) m = read_paths(L, s);
  lua_getfield(L, -1, "as_stored");
  s->as_stored = lua_toboolean(L, -1);
  lua_getfield(L, -2, "encoded");
  s->encoded = lua_toboolean(L, -1);
  lua_pop(L, 2);
  for (int64_t i = 0; s->rows && i < s->n; i++) {
    const int64_t row = ((int64_t *)(void *)s->rows->data)[i];
    if (row < 1 || row > m)
      luaL_error(L, "loader: rows names picture %d, which does not exist", (int)row);
  }
  if (!s->rows && m < s->n)
    luaL_error(L, "loader: %d pictures are too few for %d samples", (int)m, (int)s->n);
  lua_getfield(L, -1, "boxes");
  s->boxes = take_tensor(L, BR_F32, 4 * s->n, "boxes");
  lua_getfield(L, -1, "shifts");
  s->shifts = take_tensor(L, BR_F32, 2 * s->n, "shifts");
  s->pairs = integer_in(L, "pairs", 0);
  if (s->pairs < 0 || s->pairs > BR_RECIPE_STEPS)
    luaL_error(L, "loader: too many pairs of eyes");
  lua_getfield(L, -1, "eyes");
  s->eyes = take_tensor(L, BR_F32, 4 * s->pairs * s->n, "eyes");
  if (!s->eyes) s->pairs = 0;
  read_labels(L, plan, s);
  read_steps(L, &s->recipe);
  if (!br_recipe_size(&s->recipe, h, w, &oh, &ow))
    br_error(
        L,
        "data.loader: the pictures differ in size; add data.resize(side) to the transforms, or give augment or align a size");
  if (plan->oh && (plan->oh != oh || plan->ow != ow))
    br_error(
        L,
        "data.loader: one data set gives pictures of %d x %d, another of %d x %d; add the same data.resize(side) to both",
        (int)plan->oh, (int)plan->ow, (int)oh, (int)ow);
  if (oh > 4096 || ow > 4096)
    br_error(
        L,
        "data.loader: pictures of %d x %d are too large, a side may have 4096 pixels; add data.resize(side)",
        (int)oh, (int)ow);
  plan->oh = oh;
  plan->ow = ow;
}

static void read_caches(lua_State *L, br_plan *plan) {
  for (int i = 0; i < plan->sources; i++) {
    lua_geti(L, -1, i + 1);
    if (lua_getfield(L, -1, "cache") == LUA_TSTRING) {
      const bool allowed = br_stop_allow(true); /* decoding a whole set takes long */
      const br_status status = br_plan_cache(plan, i, lua_tostring(L, -1));
      br_stop_allow(allowed);
      if (status) br_raise(L);
    }
    lua_pop(L, 2);
  }
}

static int new_loader(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  handle *h = lua_newuserdatauv(L, sizeof *h, 1);
  *h = (handle){0};
  luaL_setmetatable(L, LOADER);
  lua_newtable(L);
  lua_pushvalue(L, HELD);
  lua_setiuservalue(L, 2, 1);
  br_plan *plan = &h->plan;
  lua_pushvalue(L, 1);
  plan->workers = (int)integer_in(L, "workers", 0);
  plan->seed = (uint64_t)integer_in(L, "seed", 1);
  plan->c = integer_in(L, "channels", 0);
  lua_getfield(L, -1, "skip");
  plan->skip = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (plan->c != 1 && plan->c != 3)
    return luaL_error(L, "loader: channels must be 1 or 3");
  lua_getfield(L, -1, "fields");
  const int64_t fields = luaL_len(L, -1);
  if (fields < 0 || fields > BR_FIELDS)
    return br_error(L, "data.loader: %d labels are too many; %d are possible",
                    (int)fields, BR_FIELDS);
  for (; plan->fields < fields;) {
    lua_geti(L, -1, plan->fields + 1);
    lua_getfield(L, -1, "name");
    luaL_checkstring(L, -1);
    lua_rawseti(L, HELD, plan->fields + 1);
    read_field(L, &plan->field[plan->fields++]);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  lua_getfield(L, -1, "sources");
  const int64_t sources = luaL_len(L, -1);
  if (sources < 1 || sources > BR_SOURCES)
    return br_error(L, "data.loader: wants from 1 to %d data sets, not %d", BR_SOURCES,
                    (int)sources);
  plan->source = br_alloc_zero((size_t)sources * sizeof *plan->source);
  if (!plan->source) return br_raise(L);
  for (; plan->sources < sources;) {
    lua_geti(L, -1, plan->sources + 1);
    read_source(L, plan, &plan->source[plan->sources++]);
    lua_pop(L, 1);
  }
  read_caches(L, plan);
  h->loader = br_loader_new(plan);
  if (!h->loader) return br_raise(L);
  lua_settop(L, 2);
  return 1;
}

/* ---- batches --------------------------------------------------------------------- */

static handle *check_handle(lua_State *L) {
  handle *h = luaL_checkudata(L, 1, LOADER);
  if (!h->loader) br_error(L, "data.loader: the loader is closed; make a new one");
  return h;
}

/* loader:submit(pick, first, last, stream, only): orders a batch of the samples
   pick[first .. last], from 1. `only` is the one field with labels, or nil for all. */
static int submit(lua_State *L) {
  const int64_t first = luaL_checkinteger(L, 3), last = luaL_checkinteger(L, 4);
  const int64_t stream = luaL_checkinteger(L, 5), only = luaL_optinteger(L, 6, 0) - 1;
  if (first < 1 || last < first || last > br_check_tensor(L, 2)->numel)
    return luaL_error(L, "loader: the list has no samples %d to %d", (int)first,
                      (int)last);
  int64_t *pick = lua_newuserdatauv(L, (size_t)(last - first + 1) * sizeof *pick, 0);
  handle *h = check_handle(L);
  br_tensor *t = br_check_tensor(L, 2);
  int64_t all = 0;
  for (int i = 0; i < h->plan.sources; i++) all += h->plan.source[i].n;
  if (t->dtype != BR_I64 || !br_is_contiguous(t) || only >= h->plan.fields)
    return luaL_error(L, "loader: the list has no samples %d to %d", (int)first,
                      (int)last);
  for (int64_t i = first; i <= last; i++) {
    const int64_t v = ((const int64_t *)(const void *)t->data)[i - 1];
    if (v < 1 || v > all)
      return luaL_error(L, "loader: there is no sample %d of %d", (int)v, (int)all);
    pick[i - first] = v - 1;
  }
  if (br_loader_submit(h->loader, pick, last - first + 1, (uint64_t)stream, (int)only))
    return br_raise(L);
  return 0;
}

/* loader:take(): the oldest batch that was ordered. */
static int take(lua_State *L) {
  br_box *label[BR_FIELDS];
  br_batch b;
  lua_settop(L, 1);
  const int fields = check_handle(L)->plan.fields;
  luaL_checkstack(L, fields + 8, NULL);
  lua_getiuservalue(L, 1, 1);
  lua_createtable(L, 0, fields + 2);
  br_box *image = br_push_box(L);
  for (int f = 0; f < fields; f++) label[f] = br_push_box(L);
  if (br_loader_take(check_handle(L)->loader, &b) != BR_OK) return br_raise(L);
  image->t = b.image;
  for (int f = 0; f < fields; f++) label[f]->t = b.label[f];
  for (int f = 0; f < fields; f++) {
    lua_rawgeti(L, 2, f + 1);
    lua_pushvalue(L, 5 + f);
    lua_rawset(L, 3);
  }
  lua_pushvalue(L, 4);
  lua_setfield(L, 3, "image");
  lua_pushinteger(L, b.n);
  lua_setfield(L, 3, "count");
  lua_settop(L, 3);
  return 1;
}

/* loader:facts(): seconds spent in take, samples left out, the first message or nil. */
static int facts(lua_State *L) {
  handle *h = check_handle(L);
  const char *first = br_loader_first_skipped(h->loader);
  lua_pushnumber(L, br_loader_waited(h->loader));
  lua_pushinteger(L, br_loader_skipped(h->loader));
  if (*first)
    lua_pushstring(L, first);
  else
    lua_pushnil(L);
  return 3;
}

static int size(lua_State *L) {
  handle *h = check_handle(L);
  lua_pushinteger(L, h->plan.oh);
  lua_pushinteger(L, h->plan.ow);
  return 2;
}

static int close_loader(lua_State *L) {
  handle *h = luaL_checkudata(L, 1, LOADER);
  br_loader_free(h->loader);
  h->loader = NULL;
  br_plan_clear(&h->plan);
  return 0;
}

void br_open_loader(lua_State *L) {
  static const luaL_Reg methods[] = {{"submit", submit},      {"take", take},
                                     {"facts", facts},        {"size", size},
                                     {"close", close_loader}, {"__close", close_loader},
                                     {"__gc", close_loader},  {NULL, NULL}};
  luaL_newmetatable(L, LOADER);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, methods, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, new_loader, 1);
  lua_setfield(L, -2, "loader");
}
