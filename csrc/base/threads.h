/* The one place that knows how many threads an operator may use. */
#ifndef BR_THREADS_H
#define BR_THREADS_H

#include <stdint.h>

int br_threads(void);
void br_set_threads(int n); /* n >= 1; 0 asks for the default again */
/* The threads that so many multiply-adds are worth: one where waking others takes longer.
 */
int br_threads_for(double work);
/* Blocks, `least` to `most`, into which each of some groups is cut so that all threads
   get as many of them, or nearly. */
int64_t br_blocks_for(int64_t least, int64_t most, int64_t groups, int threads);

#endif
