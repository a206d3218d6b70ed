/* Makes calls of operators from the values on the Lua stack. */
#ifndef BR_REQUEST_H
#define BR_REQUEST_H

#include "bind/bind.h"

/* The second upvalue of a bound function: the operator that it calls. */
typedef struct br_binding {
  const br_op *op;
  bool in_place;
  bool begins; /* fuse.c may join this call with a later one */
  br_signature signature;
} br_binding;

enum { BR_MAX_NUMBERS = 4 };

/* A call that is being made. When it runs, boxes are replaced by their tensors, and
   numbers become tensors. */
typedef struct br_request {
  const br_binding *b;
  br_call call;
  br_box *box[BR_FEW_IN]; /* on the Lua stack; NULL for a missing input */
  int list;               /* stack index of a list's first box; 0 without a list */
  struct {
    int slot;
    int at; /* the number's stack index */
  } number[BR_MAX_NUMBERS];
  int numbers;
} br_request;

void br_bind(br_binding *b, const br_op *op, bool in_place);

void br_request_start(br_request *r, const br_binding *b);
/* Reads the arguments from stack index `at` to the top, for the parameters from `first`
   on. Raises if they do not fit. */
void br_request_read(lua_State *L, br_request *r, int at, int first);
/* Raises if a box was emptied since the call was read. After this check it raises
   nothing: it runs the call and puts the results into boxes. */
br_status br_request_run(lua_State *L, br_request *r, br_box **box, int boxes);

/* Lets a call on a straight box wait, to fill the box later. If a rule fits, joins the
   call with the one that waits there already. Returns false if the call must run now
   (chain.c). */
bool br_request_wait(lua_State *L, br_request *r);

#endif
