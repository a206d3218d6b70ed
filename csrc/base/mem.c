/* Large blocks come from heap.c. Small ones come from aligned_alloc and return to a free
   list of their size class: four to an octave, so that a block wastes at most a quarter.
   The lists hold on to at most as many bytes as were ever live.

   A header of 64 bytes stands before every block. Built with BR_NO_POOL (for the
   sanitizers) every block is a fresh one.
 */
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/heap.h"
#include "base/stop.h"

enum { CLASSES = 32, SMALLEST = 128, LARGE = 16384 };

static struct {
  pthread_mutex_t lock;
  br_block *cached[CLASSES];
  int64_t cached_bytes;
  int64_t live, peak;
  int64_t fail_after, stop_after;
  int64_t limit; /* of live bytes; -1: none */
  bool limited;  /* whether it refused a block */
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .fail_after = -1, .stop_after = -1, .limit = -1};

/* The smallest class that holds `bytes`, and its size: (4 + step) * 2^octave * SMALLEST
 * / 4. */
static int class_of(size_t bytes, size_t *size) {
  if (bytes <= SMALLEST) {
    *size = SMALLEST;
    return 0;
  }
  size_t last = bytes - 1;
  int octave = 63 - __builtin_clzll((unsigned long long)last);
  size_t step = last >> (octave - 2) & 3; /* of the class just below */
  *size = (((5 + step) << (octave - 2)) + 63) & ~(size_t)63;
  return (octave - 7) * 4 + (int)step + 1;
}

/* The block that threads' scratch is cut from, and its layout. It grows to the largest
   request; requests made while it is in use get ordinary blocks. */
static struct {
  br_block *block;
  bool used;
  int threads;
  size_t apart;
} scratch;

static bool must_fail(void) {
  if (pool.stop_after >= 0 && pool.stop_after-- == 0) br_stop_ask();
  if (pool.fail_after < 0) return false;
  if (pool.fail_after == 0) return true;
  pool.fail_after--;
  return false;
}

/* Whether `bytes` more would exceed the limit. */
static bool is_beyond(size_t bytes) {
  if (pool.limit < 0 || (int64_t)bytes <= pool.limit - pool.live) return false;
  pool.limited = true;
  return true;
}

static void count(int64_t bytes) {
  pool.live += bytes;
  if (pool.live > pool.peak) pool.peak = pool.live;
}

/* A new block from the system's own allocator. */
static br_block *fresh(size_t size, int class) {
  br_block *b = aligned_alloc(64, size);
  if (!b) return NULL;
  b->size = size;
  b->class = class;
  return b;
}

static br_block *take_small(size_t bytes) {
  size_t size;
  int class = class_of(bytes, &size);
  br_block *b = pool.cached[class];
  if (!b) return fresh(size, class);
  pool.cached[class] = b->next;
  pool.cached_bytes -= (int64_t)size;
  return b;
}

static void give(br_block *b) {
#ifdef BR_NO_POOL
  free(b);
#else
  if (b->class < 0) {
    br_heap_give(b);
  } else if (pool.cached_bytes + (int64_t)b->size <= pool.peak) {
    b->next = pool.cached[b->class];
    pool.cached[b->class] = b;
    pool.cached_bytes += (int64_t)b->size;
  } else {
    free(b);
  }
#endif
}

static void free_scratch(void) {
  if (!scratch.block || scratch.used) return;
  give(scratch.block);
  scratch.block = NULL;
}

static void trim(void) {
  free_scratch();
  for (int i = 0; i < CLASSES; i++) {
    while (pool.cached[i]) {
      br_block *b = pool.cached[i];
      pool.cached[i] = b->next;
      free(b);
    }
  }
  pool.cached_bytes = 0;
  br_heap_trim();
}

/* Takes a block of `bytes`, which count the header. */
static br_block *take(size_t bytes) {
  size_t size = (bytes + 63) & ~(size_t)63;
#ifdef BR_NO_POOL
  return fresh(size, 0);
#endif
  return bytes <= LARGE ? take_small(bytes) : br_heap_take(size);
}

/* A request for more memory than the machine has fails at once. The system would grant
   it, and kill the process when the memory is used. */
static bool too_much(size_t bytes) {
  size_t all = br_heap_most();
  return bytes > all || (size_t)pool.live > all - bytes;
}

void *br_alloc(size_t bytes) {
  br_block *b = NULL;
  pthread_mutex_lock(&pool.lock);
  if (!must_fail() && !is_beyond(bytes) && !(bytes > LARGE && too_much(bytes))) {
    b = take(bytes + BR_HEADER);
    if (!b) {
      trim();
      b = take(bytes + BR_HEADER);
    }
  }
  if (b) count((int64_t)b->size);
  pthread_mutex_unlock(&pool.lock);
  if (b) return (char *)b + BR_HEADER;
  br_fail(BR_ENOMEM, "out of memory: %zu bytes cannot be allocated", bytes);
  return NULL;
}

bool br_mem_limit(int64_t bytes) {
  pthread_mutex_lock(&pool.lock);
  bool limited = pool.limited;
  pool.limit = bytes;
  pool.limited = false;
  pthread_mutex_unlock(&pool.lock);
  return limited;
}

void *br_alloc_zero(size_t bytes) {
  void *p = br_alloc(bytes);
  if (p) memset(p, 0, bytes);
  return p;
}

static br_block *block_of(void *p) { return (br_block *)(void *)((char *)p - BR_HEADER); }

int64_t br_mem_size(const void *p) {
  const br_block *b = (const br_block *)(const void *)((const char *)p - BR_HEADER);
  return (int64_t)b->size - BR_HEADER;
}

void br_free(void *p) {
  if (!p) return;
  br_block *b = block_of(p);
  pthread_mutex_lock(&pool.lock);
  pool.live -= (int64_t)b->size;
  give(b);
  pthread_mutex_unlock(&pool.lock);
}

/* Returns the block, or NULL if it cannot be used. The caller holds the lock. */
static br_block *reuse_scratch(int threads, size_t bytes) {
  if (!scratch.block || scratch.used) return NULL;
  if (threads > scratch.threads || bytes > scratch.apart || must_fail()) return NULL;
  scratch.used = true;
  count((int64_t)scratch.block->size);
  return scratch.block;
}

void *br_scratch_take(int threads, size_t bytes, size_t *apart) {
  pthread_mutex_lock(&pool.lock);
  br_block *b = reuse_scratch(threads, bytes);
  *apart = b ? scratch.apart : (bytes + 4095) & ~(size_t)4095;
  if (!b && !scratch.used) { /* the new block also fits the largest request so far */
    if (*apart < scratch.apart) *apart = scratch.apart;
    if (threads < scratch.threads) threads = scratch.threads;
  }
  pthread_mutex_unlock(&pool.lock);
  if (b) return (char *)b + BR_HEADER;
  char *p = br_alloc(*apart * (size_t)threads);
#ifndef BR_NO_POOL
  pthread_mutex_lock(&pool.lock);
  if (p && !scratch.used) {
    free_scratch();
    scratch.block = block_of(p);
    scratch.used = true;
    scratch.threads = threads;
    scratch.apart = *apart;
  }
  pthread_mutex_unlock(&pool.lock);
#endif
  return p;
}

void br_scratch_give(void *p) {
  if (!p) return;
  br_block *b = block_of(p);
  pthread_mutex_lock(&pool.lock);
  pool.live -= (int64_t)b->size;
  if (b == scratch.block)
    scratch.used = false;
  else
    give(b);
  pthread_mutex_unlock(&pool.lock);
}

void br_mem_trim(void) {
  pthread_mutex_lock(&pool.lock);
  trim();
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

int64_t br_mem_most(void) {
  pthread_mutex_lock(&pool.lock);
  int64_t most = (int64_t)br_heap_most();
  pthread_mutex_unlock(&pool.lock);
  return most;
}

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

void br_mem_stop_after(int64_t n) {
  pthread_mutex_lock(&pool.lock);
  pool.stop_after = n;
  if (n < 0) br_stop_forget();
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
