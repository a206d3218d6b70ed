/* The thread count: OMP_NUM_THREADS when set, else the processors this process may run
 * on. */
#define _GNU_SOURCE
#include "base/threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int threads_now = 0;

static int default_threads(void) {
  const char *wanted = getenv("OMP_NUM_THREADS");
  int n = wanted ? atoi(wanted) : 0;
  if (n >= 1) return n;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) >= 1)
    return CPU_COUNT(&set);
  return 1;
}

int br_threads(void) {
  int n = atomic_load(&threads_now);
  if (n < 1) {
    n = default_threads();
    atomic_store(&threads_now, n);
  }
  return n;
}

void br_set_threads(int n) { atomic_store(&threads_now, n < 0 ? 0 : n); }

int br_threads_for(double work) { return work < 3e5 ? 1 : br_threads(); }

int64_t br_blocks_for(int64_t least, int64_t most, int64_t groups, int threads) {
  int64_t blocks = least;
  while (blocks < most && groups * blocks % threads != 0 &&
         groups * blocks < 32 * threads)
    blocks++;
  return blocks;
}
