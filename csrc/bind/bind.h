/* Declarations that the files which touch a lua_State share.

   Every bound function has the module's state as its first upvalue, and two halves.

   The first half does everything that may run Lua or its garbage collector: it reads
   arguments and tables, and makes strings, boxes and scratch memory. Any Lua code may
   close any scope and so empty any box. So this half refers to tensors only by their
   boxes. It leaves the boxes and strings that are needed later on the Lua stack.

   The second half takes the tensors out of their boxes (br_tensor_in), which raises an
   error where a box was emptied. It acquires C memory, computes, and stores results in
   boxes made before. Meanwhile it runs no Lua and makes nothing in Lua, and it raises
   errors only when it holds nothing any more. A backward pass runs hooks, so it retains
   its tensors. A table of results that is made in Lua afterwards is filled from anchored
   values.
 */
#ifndef BR_BIND_H
#define BR_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "grad/grad.h"

/* A tensor as Lua holds it. A box made while a scope is open is in that scope's
   list. */
typedef struct br_box {
  const char *mark; /* a unique address that marks boxes */
  br_tensor *t;     /* NULL: empty; without memory while a call waits to fill it */
  br_call *waiting; /* that call, or NULL: see chain.c */
  bool straight;    /* a call's result replaces its tensor, and may wait */
  bool released;
  struct br_box *prev, *next; /* NULL outside any scope */
} br_box;

typedef struct br_scope br_scope;

/* The scopes and modes that one coroutine has opened. */
typedef struct br_coroutine {
  br_scope *scope; /* the innermost open one, or NULL */
  int modes;       /* how many are open */
} br_coroutine;

typedef enum br_mode_kind { BR_RECORDING, BR_ANOMALY } br_mode_kind;

/* An open mode. It holds for the coroutine that opened it and for those that it resumes.
 */
typedef struct br_mode {
  br_mode_kind kind;
  bool on;
  br_coroutine *owner;
  struct br_mode *older, *newer;
} br_mode;

/* Each lua_State has one. scope.c describes its user values. */
typedef struct br_state {
  lua_State *current; /* the coroutine of the fields below; never collected */
  br_coroutine *now;  /* current's own record, or `none` */
  br_coroutine none;  /* stands for all coroutines that have opened nothing */
  br_mode *newest;    /* newest open mode */
  int modes, foreign; /* open modes, and those of other coroutines than current */
  int64_t ceiling;    /* live bytes at which a full collection is made */
  lua_State *running; /* the thread in a backward pass, for the functions it calls */
} br_state;

#define BR_TENSOR "braid.tensor"

/* ---- boxes (box.c) ---- */

void br_open_boxes(lua_State *L); /* state at the top stays there */

static inline br_state *br_state_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

/* Collects garbage if C memory has grown past the ceiling. */
void br_mind_ceiling(lua_State *L);
/* Makes an empty box in the open scope. It checks the ceiling. */
br_box *br_push_box(lua_State *L);
/* Makes an empty box outside all scopes, so that no scope empties it while Lua fills
   it. br_settle then puts it into the open scope. */
br_box *br_push_loose_box(lua_State *L);
void br_settle(lua_State *L, br_box *box);
/* Fills a box with a tensor and takes ownership of it. Raises the core's last message
   if t is NULL. */
void br_fill_box(lua_State *L, br_box *box, br_tensor *t);

/* The box at `arg`. If there is none, br_test_box returns NULL, and br_check_box raises
   an error. */
br_box *br_test_box(lua_State *L, int arg);
br_box *br_check_box(lua_State *L, int arg);
/* The box's tensor, borrowed. Runs a waiting call first. Raises an error if the box is
   empty. */
br_tensor *br_tensor_in(lua_State *L, br_box *box);
/* The same if only shape and type are needed; a waiting call does not run. */
br_tensor *br_check_shape(lua_State *L, int arg);
/* The box and its tensor in one call. */
br_tensor *br_test_tensor(lua_State *L, int arg); /* NULL when it is none */
br_tensor *br_check_tensor(lua_State *L, int arg);
int br_box_keep(lua_State *L);
void br_empty_box(br_box *box);

/* ---- calls that wait (chain.c) ---- */

/* Runs the call that a box waits for, if any. */
br_status br_run_waiting(lua_State *L, br_box *box);
void br_drop_waiting(br_box *box);

/* ---- scopes and modes (scope.c) ---- */

void br_leave_scope(br_box *box);

/* Switches to the modes and the scope of L. It runs neither Lua nor its collector. */
void br_switch(lua_State *L, br_state *s);
static inline br_state *br_enter(lua_State *L) {
  br_state *s = br_state_of(L);
  if (s->current != L || s->foreign) br_switch(L, s);
  return s;
}

/* The record of what L has opened, for new modes. It lives as long as L does. */
br_coroutine *br_own(lua_State *L);
br_coroutine *br_push_coroutine(lua_State *L); /* for what may outlive the call */
void br_open_mode(lua_State *L, br_mode *m, br_coroutine *owner);

/* Pushes the registry's table with weak keys under `key`. The first call makes it. */
void br_push_weak_keys(lua_State *L, const void *key);
void br_close_mode(lua_State *L, br_mode *m);

/* ---- errors (error.c) ---- */

/* A message begins with the place in the user's script (not in Braid's Lua files) and
   the name of the function called there. If that function calls inner ones, its name
   replaces theirs. */

/* Raises the core's last message, after the path of the module that was running. */
int br_raise(lua_State *L);
int br_error(lua_State *L, const char *format, ...);    /* otherwise as luaL_error */
int br_error_in(lua_State *L, const char *format, ...); /* with the module's path */
int br_fail_from_lua(lua_State *L);
int br_name_functions(lua_State *L);
int br_set_home(lua_State *L);
/* If anomaly detection is on, tells the core where the user's script is. */
void br_note_script(lua_State *L);
/* Reports something that the user should know, through the function of
   core.set_notice. */
void br_notice(lua_State *L, const char *text);
int br_set_notice(lua_State *L);
int br_set_context(lua_State *L); /* core.set_context(f): f() -> path or nil */

/* ---- interrupts (interrupt.c) ---- */

/* Whether Ctrl-C must wait for a function on the stack that is never left half done. If
   so, work that was stopped is to be done again. */
bool br_interrupt_waits(lua_State *L);
/* Ctrl-C has become an error of L. */
void br_interrupt_raised(lua_State *L);

/* ---- each of these pushes its functions into the table at the top ---- */

void br_open_scopes(lua_State *L);
void br_open_operators(lua_State *L);
void br_open_tensors(lua_State *L);
void br_open_series(lua_State *L);
void br_open_autograd(lua_State *L);
void br_open_rows(lua_State *L);
void br_open_profile(lua_State *L);
void br_open_trace(lua_State *L);
void br_open_images(lua_State *L);
void br_open_files(lua_State *L);
void br_open_journals(lua_State *L);
void br_open_processes(lua_State *L);
void br_open_terminal(lua_State *L);
void br_open_interrupts(lua_State *L);
void br_open_limits(lua_State *L);
void br_open_http(lua_State *L);
void br_open_area(lua_State *L);
void br_open_updates(lua_State *L);
void br_open_loader(lua_State *L);
void br_open_chains(lua_State *L);
void br_open_guard(lua_State *L);
int br_tensor_index(lua_State *L);
int br_tensor_newindex(lua_State *L);

/* Runs a call made in C, and fills `box` with its first output. */
void br_run_into(lua_State *L, br_call *c, br_box *box);

/* The length of the table at `at`, from 0 to `most`. `what` is for the message. */
int64_t br_check_length(lua_State *L, int at, int64_t most, const char *what);
/* The integers of the table at `arg`. Returns how many. */
int br_check_sizes(lua_State *L, int arg, int64_t *sizes);
br_dtype br_check_dtype(lua_State *L, int arg);
/* The number at `at`; 0 for nil. */
br_arg br_number_arg(lua_State *L, int at);

#endif
