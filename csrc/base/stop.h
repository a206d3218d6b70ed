/* Work that the user interrupts. An operator looks at br_stopped before each piece of its
   work, and leaves out the rest. A call that was stopped fails with BR_ESTOP, so that
   nobody sees its unfinished results. */
#ifndef BR_STOP_H
#define BR_STOP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"

/* Whether to leave out the rest of the work. Once true, it stays true until the work is
   given up. So a piece that uses the results of pieces before a barrier is left out
   wherever one of those was. */
extern atomic_bool br_stop_flag;
static inline bool br_stopped(void) {
  return atomic_load_explicit(&br_stop_flag, memory_order_relaxed);
}

/* For the handler of a signal: asks to stop. */
void br_stop_ask(void);
void br_stop_forget(void);
/* Whether work that begins now may be stopped: only then is the flag raised. At first
   it may not. Returns what held before. */
bool br_stop_allow(bool allowed);
/* BR_ESTOP with its message if work was stopped, else `status`. */
br_status br_stop_status(br_status status);

#endif
