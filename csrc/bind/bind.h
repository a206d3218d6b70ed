/* What the files that touch a lua_State share.

   Every bound function has the module's state as its first upvalue. C memory is acquired
   only after all that may raise has been done: a userdata is created empty, then filled.
 */
#ifndef BR_BIND_H
#define BR_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "grad/grad.h"

/* A tensor as Lua holds it. A box made while a scope is open hangs in its list. */
typedef struct br_box {
  br_tensor *t; /* NULL: empty, or released by its scope */
  bool released;
  struct br_box *prev, *next; /* NULL outside any scope */
} br_box;

typedef struct br_scope {
  br_box list; /* a ring; its first and last are list.next and list.prev */
  struct br_scope *outer;
  struct br_state *state;
  bool closed;
} br_scope;

/* One for each lua_State. */
typedef struct br_state {
  br_scope *scope;       /* the innermost open one, or NULL */
  int64_t ceiling;       /* live bytes at which a full collection is made */
  const void *metatable; /* of tensors */
  lua_State *running;    /* the thread in a backward pass, for the functions it calls */
} br_state;

#define BR_TENSOR "braid.tensor"

br_state *br_state_of(lua_State *L); /* from upvalue 1 */

/* ---- boxes (box.c) ---- */

void br_open_boxes(lua_State *L);  /* state at the top stays there */
br_box *br_push_box(lua_State *L); /* an empty one, in the open scope */
/* Fills a box with a tensor, taking it over; raises the last message when t is NULL. */
void br_fill_box(lua_State *L, br_box *box, br_tensor *t);
br_tensor *br_test_tensor(lua_State *L, int arg); /* NULL when it is none */
br_tensor *br_check_tensor(lua_State *L, int arg);
/* Collects garbage when C memory has grown past the ceiling. */
void br_mind_ceiling(lua_State *L, br_state *s);
int br_box_keep(lua_State *L);
int br_new_scope(lua_State *L);

/* ---- errors (error.c) ---- */

/* A message begins with the place in the user's script, not in Braid's Lua files, and the
   name of the function that was called there: where that is put together from others,
   the name of an inner one gives way to it. */

/* Raises the core's last message; the path of the module that was running goes before. */
int br_raise(lua_State *L);
int br_error(lua_State *L, const char *format, ...); /* otherwise as luaL_error */
int br_fail_from_lua(lua_State *L);
int br_name_functions(lua_State *L);
int br_set_home(lua_State *L);
/* When anomalies are looked for: tells the core where the user's script is. */
void br_note_script(lua_State *L);
/* Something that the user should know, through core.set_notice's function. */
void br_notice(lua_State *L, const char *text);
int br_set_notice(lua_State *L);
int br_set_context(lua_State *L); /* core.set_context(f): f() -> path or nil */

/* ---- the rest, each pushing its functions into the table at the top ---- */

void br_open_operators(lua_State *L);
void br_open_tensors(lua_State *L);
void br_open_series(lua_State *L);
void br_open_autograd(lua_State *L);
void br_open_profile(lua_State *L);
void br_open_images(lua_State *L);
void br_open_files(lua_State *L);
void br_open_limits(lua_State *L);
void br_open_area(lua_State *L);
void br_open_updates(lua_State *L);
void br_open_loader(lua_State *L);
void br_open_chains(lua_State *L);
int br_tensor_index(lua_State *L);
int br_tensor_newindex(lua_State *L);

/* Runs a call made by hand and fills `box` with its first output. */
void br_run_into(lua_State *L, br_call *c, br_box *box);

/* The integers at `arg`: a table, or all arguments from there on. Returns how many. */
int br_check_sizes(lua_State *L, int arg, int64_t *sizes);
br_dtype br_check_dtype(lua_State *L, int arg);
/* The number at `at`, 0 for nil. */
br_arg br_number_arg(lua_State *L, int at);

#endif
