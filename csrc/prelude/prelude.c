/* A library of its own, loaded before the core and with it OpenMP: how long a waiting
   thread spins before it sleeps is read from the environment when libgomp is loaded, and
   at no other time.

   By default it spins for a long time, which on a machine that has other work to do makes
   every parallel region wait for a thread that is not even running: steps were seen to
   take fifteen times as long. A count of about 20 microseconds costs nothing on an idle
   machine. */
#include <stdlib.h>

int luaopen_braid_prelude(void *L) __attribute__((visibility("default")));

int luaopen_braid_prelude(void *L) {
  (void)L;
  if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "20000", 0);
  return 0;
}
