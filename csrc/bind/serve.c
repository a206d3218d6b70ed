/* core.http: a server whose requests Lua answers (serve/http.h).

   core.http{host, port, work, token, body, connections, queue, seconds}: the server,
   which listens; or nil and a message. Its methods are port(); page(path, open, type,
   body); begin(); take(most, wait, gather) -> {{id =, type =, body =}, ...}; give(id,
   status, type, body) -> whether it was waited for; give_up(status, type, body);
   drain(); drained(); close(). */
#include "bind/bind.h"

#include "serve/http.h"

#define HTTP "braid.http"

enum { MOST_TAKEN = 1024 };

static const char *text_in(lua_State *L, const char *key) {
  lua_getfield(L, 1, key); /* the table keeps the string */
  const char *text = lua_isnil(L, -1) ? NULL : luaL_checkstring(L, -1);
  lua_pop(L, 1);
  return text;
}

static lua_Number number_in(lua_State *L, const char *key) {
  lua_getfield(L, 1, key);
  const lua_Number value = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static int push_failure(lua_State *L) {
  lua_pushnil(L);
  lua_pushstring(L, br_error_message());
  return 2;
}

static int http_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const br_http_options o = {.host = text_in(L, "host"),
                             .port = (int)number_in(L, "port"),
                             .work = text_in(L, "work"),
                             .token = text_in(L, "token"),
                             .body = (int64_t)number_in(L, "body"),
                             .connections = (int)number_in(L, "connections"),
                             .queue = (int)number_in(L, "queue"),
                             .seconds = number_in(L, "seconds")};
  luaL_argcheck(L, o.host && o.work, 1, "host and work are missing");
  br_http **h = lua_newuserdatauv(L, sizeof *h, 0);
  *h = NULL;
  luaL_setmetatable(L, HTTP);
  *h = br_http_new(&o);
  return *h ? 1 : push_failure(L);
}

static br_http *check_http(lua_State *L) {
  br_http **h = luaL_checkudata(L, 1, HTTP);
  if (!*h) luaL_error(L, "this server is closed");
  return *h;
}

/* The type and the body at `arg` and after it. */
static br_http_answer check_answer(lua_State *L, int arg, int status) {
  br_http_answer a = {.status = status, .type = luaL_checkstring(L, arg)};
  a.body = luaL_checklstring(L, arg + 1, &a.bytes);
  return a;
}

static int http_port(lua_State *L) {
  lua_pushinteger(L, br_http_port(check_http(L)));
  return 1;
}

static int http_page(lua_State *L) {
  const br_http_answer a = check_answer(L, 4, 200);
  const char *path = luaL_checkstring(L, 2);
  if (br_http_page(check_http(L), path, lua_toboolean(L, 3), &a) != BR_OK)
    return br_raise(L);
  return 0;
}

static int http_begin(lua_State *L) {
  if (br_http_begin(check_http(L)) != BR_OK) return push_failure(L);
  lua_pushboolean(L, true);
  return 1;
}

static int http_take(lua_State *L) {
  br_http *h = check_http(L);
  const lua_Integer most = luaL_checkinteger(L, 2);
  luaL_argcheck(L, most >= 1 && most <= MOST_TAKEN, 2, "is out of range");
  br_http_request *list = lua_newuserdatauv(L, (size_t)most * sizeof *list, 0);
  const int n = br_http_take(h, (int)most, luaL_checknumber(L, 3), luaL_checknumber(L, 4),
                             list);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, list[i].id);
    lua_setfield(L, -2, "id");
    lua_pushstring(L, list[i].type);
    lua_setfield(L, -2, "type");
    lua_pushlstring(L, list[i].body, list[i].bytes);
    lua_setfield(L, -2, "body");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int http_give(lua_State *L) {
  const br_http_answer a = check_answer(L, 4, (int)luaL_checkinteger(L, 3));
  lua_pushboolean(L, br_http_give(check_http(L), luaL_checkinteger(L, 2), &a));
  return 1;
}

static int http_give_up(lua_State *L) {
  const br_http_answer a = check_answer(L, 3, (int)luaL_checkinteger(L, 2));
  br_http_give_up(check_http(L), &a);
  return 0;
}

static int http_drain(lua_State *L) {
  br_http_drain(check_http(L));
  return 0;
}

static int http_drained(lua_State *L) {
  lua_pushboolean(L, br_http_drained(check_http(L)));
  return 1;
}

static int http_close(lua_State *L) {
  br_http **h = luaL_checkudata(L, 1, HTTP);
  br_http_free(*h);
  *h = NULL;
  return 0;
}

void br_open_http(lua_State *L) {
  static const luaL_Reg methods[] = {{"port", http_port},   {"page", http_page},
                                     {"begin", http_begin}, {"take", http_take},
                                     {"give", http_give},   {"give_up", http_give_up},
                                     {"drain", http_drain}, {"drained", http_drained},
                                     {"close", http_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"http", http_new}, {NULL, NULL}};
  luaL_newmetatable(L, HTTP);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, http_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, http_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
