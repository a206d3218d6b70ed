/* The one place that knows how many threads an operator may use. */
#ifndef BR_THREADS_H
#define BR_THREADS_H

#include <stdint.h>

int br_threads(void);
void br_set_threads(int n); /* n >= 1; 0 asks for the default again */
/* How many threads to use for `work` multiply-adds: 1 if waking others would take longer
   than the work. */
int br_threads_for(double work);
/* Into how many blocks (`least` to `most`) to cut each of `groups` equal pieces of work,
   so that all threads get nearly the same number of blocks. */
int64_t br_blocks_for(int64_t least, int64_t most, int64_t groups, int threads);

#endif
