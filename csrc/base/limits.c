/* The table of limits, a row for each; braid.limits lists it. */
#include "base/limits.h"

#include <inttypes.h>
#include <stdatomic.h>

#define MAX_BYTES ((int64_t)1 << 50)

const br_limit_row br_limit_table[BR_LIMITS] = {
    [BR_LIMIT_PIXELS] = {"pixels", "pixels of a picture", (int64_t)1 << 27,
                         (int64_t)1 << 30},
    [BR_LIMIT_PICTURE] = {"picture", "bytes of a picture's file", (int64_t)1 << 29,
                          MAX_BYTES},
    [BR_LIMIT_ELEMENTS] = {"elements", "elements of a tensor in a file", (int64_t)1 << 32,
                           MAX_BYTES},
    [BR_LIMIT_HEADER] = {"header", "bytes of what describes a file's contents",
                         (int64_t)1 << 25, MAX_BYTES},
    [BR_LIMIT_MEMBERS] = {"members", "tensors, entries or layers of a file", 100000,
                          MAX_BYTES},
    [BR_LIMIT_VALUES] = {"values", "values in a piece of JSON or a pickle",
                         (int64_t)1 << 20, MAX_BYTES},
    [BR_LIMIT_DEPTH] = {"depth", "tables in tables in a piece of JSON or a pickle", 100,
                        10000},
    [BR_LIMIT_INFLATED] = {"inflated", "bytes that a packed file unpacks to",
                           (int64_t)1 << 30, MAX_BYTES},
    [BR_LIMIT_TEXT] = {"text", "bytes of a file of text", (int64_t)1 << 30, MAX_BYTES},
    [BR_LIMIT_LINE] = {"line", "bytes of a line", (int64_t)1 << 24, MAX_BYTES},
    [BR_LIMIT_COLUMNS] = {"columns", "columns of a table", 65535, 65535},
    [BR_LIMIT_CELLS] = {"cells", "cells of a table", (int64_t)1 << 25, MAX_BYTES},
    [BR_LIMIT_SCRIPT] = {"script", "bytes of a definition", (int64_t)1 << 20, MAX_BYTES},
    [BR_LIMIT_STEPS] = {"steps", "steps of a definition's code", 500000000, MAX_BYTES},
    [BR_LIMIT_SECONDS] = {"seconds", "seconds of a definition's code", 300, 1 << 30},
    [BR_LIMIT_MEMORY] = {"memory", "bytes of Lua's memory for a definition",
                         (int64_t)1 << 28, MAX_BYTES},
    [BR_LIMIT_TENSORS] = {"tensors", "bytes of tensors that a definition makes",
                          (int64_t)1 << 32, MAX_BYTES},
    [BR_LIMIT_CALLS] = {"calls", "calls within calls of a definition's code", 10000,
                        150000},
};

static _Atomic int64_t given[BR_LIMITS]; /* the user's value; 0: the usual one */

int64_t br_limit_of(br_limit which) {
  const int64_t value = atomic_load_explicit(&given[which], memory_order_relaxed);
  return value ? value : br_limit_table[which].usual;
}

void br_limit_set(br_limit which, int64_t value) {
  atomic_store_explicit(&given[which], value, memory_order_relaxed);
}

br_status br_limit_check(br_limit which, int64_t value, const char *name,
                         const char *unit) {
  const int64_t limit = br_limit_of(which);
  if (value <= limit) return BR_OK;
  return br_fail(BR_EIO,
                 "%s: %" PRId64 " %s, and braid.limits.%s is %" PRId64
                 "; if you trust the file: braid.limits.%s = %" PRId64,
                 name, value, unit, br_limit_table[which].name, limit,
                 br_limit_table[which].name, value);
}
