/* Traces: the calls of operators that ran in this thread while a trace was on, in order,
   with their tensors. Who reads one can write a network down in another form. */
#ifndef BR_TRACE_H
#define BR_TRACE_H

#include "op/op.h"

/* A call that ran; or, without `op`, a tensor whose values were read into numbers. The
   trace retains all tensors, so no other tensor gets their memory. */
typedef struct br_trace_entry {
  const br_op *op;
  int place; /* of the module, as in a profile */
  bool in_place;
  int nin, nout;
  br_tensor **in; /* NULL where an optional tensor was left out; owned, as the rest is */
  br_tensor *out[BR_MAX_OUT];
  int64_t *version;         /* of each input's memory before the call */
  int64_t made[BR_MAX_OUT]; /* the same of each output after it */
  br_arg arg[BR_MAX_ARG];
  char *text; /* the strings among the arguments */
} br_trace_entry;

typedef struct br_trace {
  br_trace_entry *entry;
  int count, room;
} br_trace;

br_status br_trace_begin(void);
bool br_tracing(void);
/* Between on and off nothing is added. Returns what it was. */
bool br_trace_pause(bool on);
/* Ends the trace, and gives it to the caller. */
br_trace br_trace_end(void);
void br_trace_free(br_trace *trace);

/* Called after each call, and before values become numbers. Without a trace they do
   nothing. */
br_status br_trace_call(const br_call *c);
br_status br_trace_read(br_tensor *t);

#endif
