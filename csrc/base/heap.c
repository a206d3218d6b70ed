/* Allocates large blocks from segments of address space. A block is cut out of the
   smallest free piece that is large enough, and free neighbours are joined. So the
   buffers of a training step get the places of the step before, in whatever order they
   come and go. After the first steps no page is new, and the segments hold little more
   than the largest amount in use at once.

   The system gives memory to a page when it is first touched. Segments are aligned to
   huge pages and ask for them, so that one page fault brings 2 MB rather than 4 KB. */
#define _GNU_SOURCE
#include "base/heap.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BINS = 256, PIECE = 8192 }; /* a rest smaller than PIECE stays with its block */

static const size_t SEGMENT = (size_t)64 << 20, HUGE_PAGE = (size_t)2 << 20;

static struct {
  br_block *bin[BINS];
  size_t mapped;
} heap;

/* The bin of a size. Sizes from 2^k to 2^(k+1) have four bins. Every block of a bin is
   larger than all blocks of a lower bin. */
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

/* The smallest block that fits; of equal ones, the one at the lowest address. */
static br_block *best_of(br_block *list, size_t size) {
  br_block *best = NULL;
  for (br_block *b = list; b; b = b->next) {
    if (b->size < size) continue;
    if (!best || b->size < best->size || (b->size == best->size && b < best)) best = b;
  }
  return best;
}

/* Maps `size` bytes of new memory, aligned to a huge page. */
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

/* A new segment as one free block. It has at least a quarter of the size
   of all others, if the system allows, so that segments stay few. */
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

/* Joins b with the block after it. */
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

/* Gives the whole pages of a free block back to the system; the block's header stays. */
static void forget_pages(br_block *b) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)b + sizeof *b + page - 1) & ~(page - 1);
  uintptr_t last = ((uintptr_t)b + b->size) & ~(page - 1);
  if (last > first)
    madvise((char *)b + (first - (uintptr_t)b), last - first, MADV_DONTNEED);
}

/* The number at the beginning of a system file; `otherwise` where there is none. */
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
