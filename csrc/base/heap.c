/* Large blocks are cut out of segments of address space, the smallest free piece that is
   large enough first, and neighbours that are free become one again. So the buffers of a
   training step find the places they had in the step before, whatever the order in which
   they come and go: after the first steps no page is new, and the segments hold little
   more than was ever in use at once.

   A page is the system's until it is touched. Segments begin where huge pages do and ask
   for them: a fault for 2 MB rather than for 4 KB.
 */
#define _GNU_SOURCE
#include "base/heap.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BINS = 256, PIECE = 8192 }; /* no rest smaller than PIECE is cut off */

static const size_t SEGMENT = (size_t)64 << 20, HUGE_PAGE = (size_t)2 << 20;

static struct {
  br_block *bin[BINS];
  size_t mapped;
} heap;

/* Four to an octave, so that every block of a bin is larger than all of a lower one. */
static int bin_of(size_t size) {
  int octave = 63 - __builtin_clzll((unsigned long long)size);
  return octave * 4 + (int)(size >> (octave - 2) & 3);
}

static void put_in(br_block *b) {
  br_block **list = &heap.bin[bin_of(b->size)];
  b->free = true;
  b->prev = NULL;
  b->next = *list;
  if (*list) (*list)->prev = b;
  *list = b;
}

static void take_out(br_block *b) {
  if (b->prev)
    b->prev->next = b->next;
  else
    heap.bin[bin_of(b->size)] = b->next;
  if (b->next) b->next->prev = b->prev;
  b->free = false;
}

/* The smallest that fits, of those the one furthest down in memory. */
static br_block *best_of(br_block *list, size_t size) {
  br_block *best = NULL;
  for (br_block *b = list; b; b = b->next) {
    if (b->size < size) continue;
    if (!best || b->size < best->size || (b->size == best->size && b < best)) best = b;
  }
  return best;
}

/* `size` bytes of fresh memory that begin at a huge page. */
static void *map(size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  char *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
  size_t skip = (HUGE_PAGE - ((uintptr_t)p & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
  if (skip > 0) munmap(p, skip);
  if (skip < HUGE_PAGE) munmap(p + skip + size, HUGE_PAGE - skip);
#ifdef MADV_HUGEPAGE
  madvise(p + skip, size, MADV_HUGEPAGE);
#endif
  return p + skip;
}

/* A segment as one free block; a quarter of what there is at a time, so that they stay
   few. */
static br_block *new_segment(size_t size) {
  size_t wish = heap.mapped / 4 > SEGMENT ? heap.mapped / 4 : SEGMENT;
  size_t whole = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  br_block *b = NULL;
  if (wish > whole) b = map(wish = wish & ~(HUGE_PAGE - 1));
  if (b) whole = wish;
  if (!b) b = map(whole);
  if (!b) return NULL;
  *b = (br_block){.size = whole, .class = -1};
  heap.mapped += whole;
  put_in(b);
  return b;
}

br_block *br_heap_take(size_t size) {
  br_block *b = NULL;
  for (int i = bin_of(size); i < BINS && !b; i++) b = best_of(heap.bin[i], size);
  if (!b) b = new_segment(size);
  if (!b) return NULL;
  take_out(b);
  if (b->size - size >= PIECE) {
    br_block *rest = (br_block *)(void *)((char *)b + size);
    *rest = (br_block){
        .size = b->size - size, .class = -1, .before = b, .after = b->after};
    if (rest->after) rest->after->before = rest;
    b->after = rest;
    b->size = size;
    put_in(rest);
  }
  return b;
}

/* b and the block after it become one. */
static void join(br_block *b) {
  br_block *gone = b->after;
  b->size += gone->size;
  b->after = gone->after;
  if (b->after) b->after->before = b;
}

void br_heap_give(br_block *b) {
  if (b->after && b->after->free) {
    take_out(b->after);
    join(b);
  }
  if (b->before && b->before->free) {
    b = b->before;
    take_out(b);
    join(b);
  }
  put_in(b);
}

/* The whole pages of a free block that has neighbours; its header stays. */
static void forget_pages(br_block *b) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)b + sizeof *b + page - 1) & ~(page - 1);
  uintptr_t last = ((uintptr_t)b + b->size) & ~(page - 1);
  if (last > first)
    madvise((char *)b + (first - (uintptr_t)b), last - first, MADV_DONTNEED);
}

/* The number that a file of the system's begins with, `otherwise` where there is none. */
static size_t number_in(const char *path, size_t otherwise) {
  unsigned long long n = 0;
  FILE *f = fopen(path, "r");
  if (!f) return otherwise;
  bool found = fscanf(f, "%llu", &n) == 1 && n > 0;
  fclose(f);
  return found && n < otherwise ? (size_t)n : otherwise;
}

size_t br_heap_most(void) {
  static size_t most;
  if (most > 0) return most;
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  most = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX / 4;
  most = number_in("/sys/fs/cgroup/memory.max", most);
  most = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", most);
  return most;
}

void br_heap_trim(void) {
  for (int i = 0; i < BINS; i++) {
    for (br_block *b = heap.bin[i], *next; b; b = next) {
      next = b->next;
      if (b->before || b->after) {
        forget_pages(b);
        continue;
      }
      take_out(b);
      heap.mapped -= b->size;
      munmap(b, b->size);
    }
  }
}
