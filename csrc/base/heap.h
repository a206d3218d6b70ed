/* Large blocks, cut out of segments that the system gives: see heap.c. Only mem.c calls
   these functions, and it holds its lock around every call. */
#ifndef BR_HEAP_H
#define BR_HEAP_H

#include <stdbool.h>
#include <stddef.h>

enum { BR_HEADER = 64 }; /* bytes before what is handed out */

/* The header of every block, large or small. */
typedef struct br_block {
  size_t size; /* with the header */
  int class;   /* size class of a small block; -1: cut out of a segment */
  bool free;
  struct br_block *before, *after; /* neighbours in the segment; NULL at its ends */
  struct br_block *next, *prev;    /* in a list of free ones */
} br_block;

/* Returns a block of at least `size` bytes, or NULL when the system has no memory. `size`
   is a multiple of 64. */
br_block *br_heap_take(size_t size);
void br_heap_give(br_block *b);
/* Gives the system back whatever is free. */
void br_heap_trim(void);

/* The bytes of memory that the machine has, or the limit of this process's cgroup. */
size_t br_heap_most(void);

#endif
