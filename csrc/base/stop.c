/* The flag that stops work. Only the thread that runs Lua asks and allows; its signal
   handler may come between any two lines. */
#include "base/stop.h"

#include <signal.h>

atomic_bool br_stop_flag;

static volatile sig_atomic_t asked, allows;

void br_stop_ask(void) {
  asked = 1;
  if (allows) atomic_store(&br_stop_flag, true);
}

void br_stop_forget(void) {
  asked = 0;
  atomic_store(&br_stop_flag, false);
}

bool br_stop_allow(bool allowed) {
  const bool before = allows;
  allows = allowed;
  if (asked || !allowed)
    atomic_store_explicit(&br_stop_flag, asked && allowed, memory_order_relaxed);
  return before;
}

br_status br_stop_status(br_status status) {
  return br_stopped() ? br_fail(BR_ESTOP, "interrupted!") : status;
}
