/* What the readers and writers of files in Lua leave to C: bytes to values and back. */
#include "bind/bind.h"

#include "io/inflate.h"
#include "io/packed.h"

/* core.from_packed(string, first, sizes, kind, big): a tensor from byte `first` (from 1)
   of the string; see packed.h for the kinds. */
static int from_packed(lua_State *L) {
  size_t length;
  int64_t sizes[BR_MAX_DIM], numel = 0;
  const char *from = luaL_checklstring(L, 1, &length);
  lua_Integer first = luaL_checkinteger(L, 2);
  int ndim = br_check_sizes(L, 3, sizes);
  bool big = lua_toboolean(L, 5);
  const br_packed *kind = br_packed_find(luaL_checkstring(L, 4));
  if (!kind) return br_error(L, "from_packed: '%s' is no type", lua_tostring(L, 4));
  if (!br_count(ndim, sizes, &numel) || first < 1 || (size_t)first > length + 1 ||
      (uint64_t)(numel * kind->size) > length - (size_t)first + 1)
    return br_error(L, "from_packed: %s values of shape %s do not fit into %d bytes",
                    kind->name, br_shape_text(ndim, sizes), (int)length);
  br_box *box = br_push_box(L);
  br_fill_box(L, box, br_tensor_new(kind->dtype, ndim, sizes, BR_CONTIGUOUS));
  br_packed_decode(kind, big, numel, (const uint8_t *)from + first - 1, box->t->data);
  return 1;
}

/* core.inflate(string, size): exactly that many bytes, or nil and a message. A size that
   the string cannot give takes no memory. */
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
                             : "cannot be inflated: not as long as it should be");
  return 2;
}

/* core.crc32(string, before): the CRC-32 of what had `before` (0: nothing) and then the
   string. */
static int crc32_string(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  lua_pushinteger(
      L, br_crc32((uint32_t)luaL_optinteger(L, 2, 0), (const uint8_t *)bytes, n));
  return 1;
}

void br_open_files(lua_State *L) {
  static const luaL_Reg functions[] = {{"from_packed", from_packed},
                                       {"inflate", inflate_string},
                                       {"crc32", crc32_string},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
