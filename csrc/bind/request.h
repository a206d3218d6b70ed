/* Calls put together from what lies on the Lua stack, for the bound operators. */
#ifndef BR_REQUEST_H
#define BR_REQUEST_H

#include "bind/bind.h"

/* The second upvalue of a bound function: the operator that it calls. */
typedef struct br_binding {
  const br_op *op;
  bool in_place;
  bool begins; /* something that fuse.c may make one call of */
  br_signature signature;
} br_binding;

enum { BR_MAX_NUMBERS = 4 };

/* A call being put together. Boxes give their tensors, and numbers become some, when it
   runs. */
typedef struct br_request {
  const br_binding *b;
  br_call call;
  br_box *box[BR_FEW_IN]; /* on the Lua stack; NULL where there is none */
  int list;               /* where there the boxes of a list begin; 0: there is none */
  struct {
    int slot;
    int at; /* where on the stack the number lies */
  } number[BR_MAX_NUMBERS];
  int numbers;
} br_request;

void br_bind(br_binding *b, const br_op *op, bool in_place);

void br_request_start(br_request *r, const br_binding *b);
/* The arguments from stack index `at` to the top, for the parameters from `first` on;
   raises where they do not fit. */
void br_request_read(lua_State *L, br_request *r, int at, int first);
/* Raises where a box has been emptied since; from there on nothing raises: runs the call,
   and hands its results to boxes. */
br_status br_request_run(lua_State *L, br_request *r, br_box **box, int boxes);

/* Has a call on a straight box wait to fill that box, joined to the one that waits there
   already if a rule can. False where it must run now (chain.c). */
bool br_request_wait(lua_State *L, br_request *r);

#endif
