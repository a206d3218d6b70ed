/* Conversion of bytes to values and back, for the readers and writers of files in Lua. */
#include "bind/bind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/folder.h"
#include "io/inflate.h"
#include "io/packed.h"
#include "io/rows.h"
#include "io/write.h"

#define WRITER "braid.writer"

static int push_failure(lua_State *L) {
  lua_pushnil(L);
  lua_pushstring(L, br_error_message());
  return 2;
}

/* core.from_packed(string, first, sizes, kind, big, strides): a tensor from byte `first`
   (from 1) of the string; see packed.h for the kinds. The strides, in values, are those
   of values in order if there are none. */
static int from_packed(lua_State *L) {
  size_t length;
  int64_t sizes[BR_MAX_DIM], strides[BR_MAX_DIM], numel = 0;
  const char *from = luaL_checklstring(L, 1, &length);
  lua_Integer first = luaL_checkinteger(L, 2);
  int ndim = br_check_sizes(L, 3, sizes);
  bool big = lua_toboolean(L, 5), given = !lua_isnoneornil(L, 6);
  const br_packed *kind = br_packed_find(luaL_checkstring(L, 4));
  if (!kind)
    return br_error(L, "from_packed: '%s' is not a known type", lua_tostring(L, 4));
  if (given && br_check_sizes(L, 6, strides) != ndim)
    return br_error(L, "from_packed: a stride is wanted for each of %d sizes", ndim);
  bool fits = br_count(ndim, sizes, &numel) && first >= 1 && (size_t)first <= length + 1;
  int64_t most = fits ? (int64_t)(length - (size_t)first + 1) / kind->size : 0;
  int64_t reach = !fits || !given ? numel : br_packed_reach(ndim, sizes, strides, most);
  if (!fits || reach < 0 || reach > most)
    return br_error(L, "from_packed: %s values of shape %s do not fit into %d bytes",
                    kind->name, br_shape_text(ndim, sizes), (int)length);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(kind->dtype, ndim, sizes, BR_CONTIGUOUS));
  const uint8_t *bytes = (const uint8_t *)from + first - 1;
  if (given)
    br_packed_gather(kind, big, ndim, sizes, strides, bytes, box->t->data);
  else
    br_packed_decode(kind, big, numel, bytes, box->t->data);
  return 1;
}

/* core.inflate(string, size): exactly that many bytes, or nil and a message. No memory
   is taken if the string cannot have that size. */
static int inflate_string(lua_State *L) {
  size_t n;
  const char *from = luaL_checklstring(L, 1, &n);
  lua_Integer m = luaL_checkinteger(L, 2);
  bool possible = m >= 0 && (size_t)m / BR_INFLATE_MOST <= n;
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, possible ? (size_t)m : 0);
  if (possible &&
      br_inflate((const uint8_t *)from, n, (uint8_t *)to, (size_t)m) == BR_OK) {
    luaL_pushresultsize(&b, (size_t)m);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, possible ? br_error_message()
                             : "cannot be inflated: its size is not the stated one");
  return 2;
}

/* core.inflate_start(string, first, most): inflates from byte `first` (from 1) on, and
   returns at most `most` bytes (up to 64 KiB); or nil and a message. */
static int inflate_start(lua_State *L) {
  uint8_t to[1 << 16];
  size_t n, got;
  const char *from = luaL_checklstring(L, 1, &n);
  lua_Integer first = luaL_checkinteger(L, 2), most = luaL_checkinteger(L, 3);
  luaL_argcheck(L, first >= 1 && (size_t)first <= n + 1, 2, "is outside the string");
  luaL_argcheck(L, most >= 0 && (size_t)most <= sizeof to, 3, "must be at most 65536");
  if (br_inflate_start((const uint8_t *)from + first - 1, n - (size_t)first + 1, to,
                       (size_t)most, &got) != BR_OK)
    return push_failure(L);
  lua_pushlstring(L, (const char *)to, got);
  return 1;
}

/* core.crc32(string, before): continues the CRC-32 `before` (0 at the start) with the
   string. */
static int crc32_string(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  lua_pushinteger(
      L, br_crc32((uint32_t)luaL_optinteger(L, 2, 0), (const uint8_t *)bytes, n));
  return 1;
}

/* core.parse_rows(string, first, line, k): reads a listing from byte `first` (from 1),
   which is in line `line`. Returns all names in one string, a string with the end of
   each name (native 64-bit integers), and the values, float32 (n,k). On failure,
   returns nil and a message that begins with the line's number. */
static int parse_rows(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  lua_Integer first = luaL_checkinteger(L, 2), line = luaL_checkinteger(L, 3);
  int64_t k = luaL_checkinteger(L, 4), rows, name_bytes;
  luaL_argcheck(L, first >= 1 && (size_t)first <= n + 1, 2, "is outside the string");
  luaL_argcheck(L, k >= 0 && k < 1 << 16, 4, "must be from 0 to 65535");
  text += first - 1;
  n -= (size_t)first - 1;
  br_rows_measure(text, n, k, &rows, &name_bytes);
  int64_t *ends = lua_newuserdatauv(L, (size_t)rows * sizeof *ends + 1, 0);
  char *names = lua_newuserdatauv(L, (size_t)name_bytes + 1, 0);
  br_box *box = br_push_box(L);
  br_fill_box(L, box,
              br_tensor_new(BR_F32, 2, (const int64_t[]){rows, k}, BR_CONTIGUOUS));
  br_rows out = {k, 0, names, ends, (float *)(void *)box->t->data};
  if (br_rows_parse(text, n, line, &out) != BR_OK) return push_failure(L);
  lua_pushlstring(L, names, out.rows ? (size_t)ends[out.rows - 1] : 0);
  lua_pushlstring(L, (const char *)ends, (size_t)out.rows * sizeof *ends);
  lua_pushvalue(L, -3);
  return 3;
}

/* The directory being read. __gc closes it if a table cannot grow and raises. */
static int folder_gc(lua_State *L) {
  br_folder **f = lua_touserdata(L, 1);
  br_folder_close(*f);
  *f = NULL;
  return 0;
}

/* core.list_folder(path): the names of its files, the names of its directories, both in
   no order, and a text that identifies the directory; or nil and a message. */
static int list_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *name;
  bool directory;
  lua_Integer count[2] = {0, 0};
  br_folder **f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = NULL;
  if (luaL_newmetatable(L, "braid.folder")) {
    lua_pushcfunction(L, folder_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_newtable(L);
  int files = lua_gettop(L) - 1;
  *f = br_folder_open(path);
  if (!*f) return push_failure(L);
  while ((name = br_folder_next(*f, &directory))) {
    lua_pushstring(L, name);
    lua_rawseti(L, files + directory, ++count[directory]);
  }
  uint64_t id[2];
  br_folder_identity(*f, id);
  br_folder_close(*f);
  *f = NULL;
  lua_pushlstring(L, (const char *)id, sizeof id);
  return 3;
}

/* core.path_kind(path): "file", "directory" or nil; links are followed. */
static int path_kind(lua_State *L) {
  const char kind = br_path_kind(luaL_checkstring(L, 1));
  if (!kind) return 0;
  lua_pushstring(L, kind == 'd' ? "directory" : "file");
  return 1;
}

/* core.is_link(path): whether the last part of the path is a symbolic link. */
static int is_link(lua_State *L) {
  lua_pushboolean(L, br_path_is_link(luaL_checkstring(L, 1)));
  return 1;
}

/* core.make_folder(path): true, also if it exists already; or nil and a message. */
static int make_folder(lua_State *L) {
  if (br_folder_make(luaL_checkstring(L, 1)) != BR_OK) return push_failure(L);
  lua_pushboolean(L, true);
  return 1;
}

/* core.make_private(path): makes a file that only its owner can read, unless it exists.
   Returns whether it is there and a file of this user. */
static int make_private(lua_State *L) {
  const int file = open(luaL_checkstring(L, 1),
                        O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  struct stat about;
  const bool own = file >= 0 && fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
                   about.st_uid == geteuid();
  if (file >= 0) close(file);
  lua_pushboolean(L, own);
  return 1;
}

/* core.change_folder(path): true; or nil and a message. */
static int change_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  return luaL_fileresult(L, chdir(path) == 0, path);
}

/* ---- descriptors ---- */

static int descriptor_close(lua_State *L) {
  luaL_Stream *s = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return luaL_fileresult(L, fclose(s->f) == 0, NULL);
}

/* core.descriptor(number, mode): a file of Lua's over an open descriptor, which programs
   that Braid starts do not inherit; or nil and a message. */
static int descriptor_new(lua_State *L) {
  const int number = (int)luaL_checkinteger(L, 1);
  const char *mode = luaL_checkstring(L, 2);
  luaL_Stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  s->closef = NULL; /* closed, until it is open */
  luaL_setmetatable(L, LUA_FILEHANDLE);
  if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return luaL_fileresult(L, 0, NULL);
  s->f = fdopen(number, mode);
  if (!s->f) return luaL_fileresult(L, 0, NULL);
  s->closef = descriptor_close;
  return 1;
}

/* ---- writers ---- */

/* core.writer(path): a file being written (write.h), or nil and a message. Unless it is
   finished, closing or collecting it leaves the old file as it was. */
static int writer_new(lua_State *L) {
  br_status status;
  br_writer **w = lua_newuserdatauv(L, sizeof *w, 0);
  *w = NULL;
  luaL_setmetatable(L, WRITER);
  *w = br_writer_new(luaL_checkstring(L, 1), &status);
  return *w ? 1 : push_failure(L);
}

static br_writer **check_writer(lua_State *L) {
  br_writer **w = luaL_checkudata(L, 1, WRITER);
  if (!*w) luaL_error(L, "this file is closed");
  return w;
}

/* w:put(string): true, or nil and a message. */
static int writer_put(lua_State *L) {
  size_t n;
  br_writer **w = check_writer(L);
  const char *bytes = luaL_checklstring(L, 2, &n);
  if (br_writer_put(*w, bytes, n) != BR_OK) return push_failure(L);
  lua_pushboolean(L, true);
  return 1;
}

static int writer_close(lua_State *L) {
  br_writer **w = luaL_checkudata(L, 1, WRITER);
  br_writer_free(*w);
  *w = NULL;
  return 0;
}

/* w:finish(): true once the file has its name, or nil and a message. */
static int writer_finish(lua_State *L) {
  br_writer **w = check_writer(L);
  bool done = br_writer_finish(*w) == BR_OK;
  br_writer_free(*w);
  *w = NULL;
  if (!done) return push_failure(L);
  lua_pushboolean(L, true);
  return 1;
}

static void open_writers(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"put", writer_put}, {"finish", writer_finish}, {NULL, NULL}};
  luaL_newmetatable(L, WRITER);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, writer_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, writer_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

void br_open_files(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"from_packed", from_packed},     {"inflate", inflate_string},
      {"inflate_start", inflate_start}, {"crc32", crc32_string},
      {"parse_rows", parse_rows},       {"list_folder", list_folder},
      {"path_kind", path_kind},         {"is_link", is_link},
      {"make_folder", make_folder},     {"writer", writer_new},
      {"make_private", make_private},   {"change_folder", change_folder},
      {"descriptor", descriptor_new},   {NULL, NULL}};
  open_writers(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
