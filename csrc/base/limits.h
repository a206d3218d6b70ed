/* Limits on what a file may ask for. Every reader checks them before it allocates. They
   belong to the process and may be set at any time. */
#ifndef BR_LIMITS_H
#define BR_LIMITS_H

#include <stdint.h>

#include "base/error.h"

typedef enum br_limit {
  BR_LIMIT_PIXELS,
  BR_LIMIT_PICTURE,
  BR_LIMIT_ELEMENTS,
  BR_LIMIT_HEADER,
  BR_LIMIT_MEMBERS,
  BR_LIMIT_VALUES,
  BR_LIMIT_DEPTH,
  BR_LIMIT_INFLATED,
  BR_LIMIT_TEXT,
  BR_LIMIT_LINE,
  BR_LIMIT_COLUMNS,
  BR_LIMIT_CELLS,
  BR_LIMIT_SCRIPT,
  BR_LIMIT_STEPS,
  BR_LIMIT_SECONDS,
  BR_LIMIT_MEMORY,
  BR_LIMIT_TENSORS,
  BR_LIMIT_CALLS,
  BR_LIMITS
} br_limit;

typedef struct br_limit_row {
  const char *name, *what;
  int64_t usual, most;
} br_limit_row;

extern const br_limit_row br_limit_table[BR_LIMITS];

int64_t br_limit_of(br_limit which);
/* The value must be from 1 to the row's `most`. */
void br_limit_set(br_limit which, int64_t value);

/* Returns BR_OK if the value is within the limit. Otherwise returns BR_EIO, with a
   message that names the file, the value, the limit and how to raise it. `unit` follows
   the value, for example "bytes". */
br_status br_limit_check(br_limit which, int64_t value, const char *name,
                         const char *unit);

#endif
