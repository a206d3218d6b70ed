/* Blocks come from aligned_alloc and return to a free list of their size class, because
   the page faults of fresh large buffers cost as much as the arithmetic done in them.

   Classes are four to an octave, so a block wastes at most a quarter. A header of 64
   bytes before the block keeps its class. The pool holds on to at most as many bytes as
   were ever live. Built with BR_NO_POOL (for the sanitizers) every block is a fresh one.
 */
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { HEADER = 64, CLASSES = 160, SMALLEST = 128 };

typedef struct block {
  size_t size; /* with the header */
  int class;
  struct block *next; /* while in a free list */
} block;

static struct {
  pthread_mutex_t lock;
  block *cached[CLASSES];
  int64_t cached_bytes;
  int64_t live, peak;
  int64_t fail_after;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .fail_after = -1};

/* The smallest class that holds `bytes`, and its size: (4 + step) * 2^octave * SMALLEST
 * / 4. */
static int class_of(size_t bytes, size_t *size) {
  size_t base = SMALLEST;
  for (int octave = 0; octave < CLASSES / 4; octave++, base *= 2) {
    for (int step = 0; step < 4; step++) {
      size_t s = base / 4 * (size_t)(4 + step);
      if (s >= bytes) {
        *size = (s + 63) & ~(size_t)63;
        return octave * 4 + step;
      }
    }
  }
  return -1;
}

static bool must_fail(void) {
  if (pool.fail_after < 0) return false;
  if (pool.fail_after == 0) return true;
  pool.fail_after--;
  return false;
}

static void count(int64_t bytes) {
  pool.live += bytes;
  if (pool.live > pool.peak) pool.peak = pool.live;
}

void *br_alloc(size_t bytes) {
  size_t size = 0;
  block *b = NULL;
  int class = bytes > SIZE_MAX / 4 ? -1 : class_of(bytes + HEADER, &size);
  if (class < 0) goto out_of_memory;
  pthread_mutex_lock(&pool.lock);
  bool refused = must_fail();
#ifndef BR_NO_POOL
  if (!refused && pool.cached[class]) {
    b = pool.cached[class];
    pool.cached[class] = b->next;
    pool.cached_bytes -= (int64_t)size;
    count((int64_t)size);
  }
#endif
  pthread_mutex_unlock(&pool.lock);
  if (refused) goto out_of_memory;
  if (b) return (char *)b + HEADER;
  b = aligned_alloc(64, size);
  if (!b) {
    br_mem_trim();
    b = aligned_alloc(64, size);
  }
  if (!b) goto out_of_memory;
  b->size = size;
  b->class = class;
  pthread_mutex_lock(&pool.lock);
  count((int64_t)size);
  pthread_mutex_unlock(&pool.lock);
  return (char *)b + HEADER;

out_of_memory:
  br_fail(BR_ENOMEM, "out of memory: no %zu bytes to be had", bytes);
  return NULL;
}

void *br_alloc_zero(size_t bytes) {
  void *p = br_alloc(bytes);
  if (p) memset(p, 0, bytes);
  return p;
}

void br_free(void *p) {
  if (!p) return;
  block *b = (block *)(void *)((char *)p - HEADER);
  pthread_mutex_lock(&pool.lock);
  pool.live -= (int64_t)b->size;
  bool keep = pool.cached_bytes + (int64_t)b->size <= pool.peak;
#ifdef BR_NO_POOL
  keep = false;
#endif
  if (keep) {
    b->next = pool.cached[b->class];
    pool.cached[b->class] = b;
    pool.cached_bytes += (int64_t)b->size;
  }
  pthread_mutex_unlock(&pool.lock);
  if (!keep) free(b);
}

void br_mem_trim(void) {
  pthread_mutex_lock(&pool.lock);
  for (int i = 0; i < CLASSES; i++) {
    while (pool.cached[i]) {
      block *b = pool.cached[i];
      pool.cached[i] = b->next;
      free(b);
    }
  }
  pool.cached_bytes = 0;
  pthread_mutex_unlock(&pool.lock);
}

static int64_t read_locked(const int64_t *value) {
  pthread_mutex_lock(&pool.lock);
  int64_t v = *value;
  pthread_mutex_unlock(&pool.lock);
  return v;
}

int64_t br_mem_live(void) { return read_locked(&pool.live); }
int64_t br_mem_peak(void) { return read_locked(&pool.peak); }

void br_mem_reset_peak(void) {
  pthread_mutex_lock(&pool.lock);
  pool.peak = pool.live;
  pthread_mutex_unlock(&pool.lock);
}

void br_mem_fail_after(int64_t n) {
  pthread_mutex_lock(&pool.lock);
  pool.fail_after = n;
  pthread_mutex_unlock(&pool.lock);
}

void br_ref_init(br_ref *ref, void (*destroy)(void *self)) {
  atomic_init(&ref->count, 1);
  ref->destroy = destroy;
}

void *br_retain(void *object) {
  if (object) atomic_fetch_add(&((br_ref *)object)->count, 1);
  return object;
}

void br_release(void *object) {
  if (!object) return;
  br_ref *ref = object;
  if (atomic_fetch_sub(&ref->count, 1) == 1) ref->destroy(object);
}
