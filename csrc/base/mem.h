/* Aligned memory from a pool of size classes, reference counts, and the counters that
   tests and the memory ceiling read. */
#ifndef BR_MEM_H
#define BR_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At least `bytes` of memory, 64-byte aligned, contents undefined. NULL, with a message,
   when there is none. Any thread may call these. */
void *br_alloc(size_t bytes);
void *br_alloc_zero(size_t bytes);
void br_free(void *p);
/* The bytes that a block from br_alloc takes, at least those that were asked for. */
int64_t br_mem_size(const void *p);

/* Scratch of `bytes` for each of so many threads, contents undefined. Thread i's part
   is *apart * i bytes from the result. A thread gets the same memory in each call,
   because that memory may still be in its core's cache. */
void *br_scratch_take(int threads, size_t bytes, size_t *apart);
void br_scratch_give(void *scratch); /* NULL is allowed */

/* Gives the pool's cached blocks back to the system. */
void br_mem_trim(void);

/* Bytes in blocks now handed out, and the most there ever were. */
int64_t br_mem_live(void);
int64_t br_mem_peak(void);
void br_mem_reset_peak(void);
/* The bytes that the machine, or this process, may use at most. */
int64_t br_mem_most(void);

/* Limits the total bytes of blocks handed out; -1 removes the limit. Returns whether a
   block was refused since the last call. */
bool br_mem_limit(int64_t bytes);

/* For tests: the n-th allocation from now (0 is the next) and all later ones fail. A call
   with -1 ends this. */
void br_mem_fail_after(int64_t n);
/* For tests: the n-th allocation from now asks to stop, as a signal does. -1 ends it. */
void br_mem_stop_after(int64_t n);

/* A reference count. It is the first field of every struct that br_retain and
   br_release take. */
typedef struct br_ref {
  atomic_int count;
  void (*destroy)(void *self);
} br_ref;

void br_ref_init(br_ref *ref, void (*destroy)(void *self));
void *br_retain(void *object); /* returns its argument; NULL is allowed */
void br_release(void *object); /* destroys at the last release; NULL is allowed */

#endif
