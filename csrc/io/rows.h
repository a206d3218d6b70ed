/* Listings: text whose lines each hold a name and k numbers. */
#ifndef BR_IO_ROWS_H
#define BR_IO_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How many rows a text can give, each with a name and k numbers, and how many bytes all
   names take at most. Blank lines do not count. Counting ends at the first line that is
   too short to hold k numbers. */
void br_rows_measure(const char *text, size_t n, int64_t k, int64_t *rows,
                     int64_t *name_bytes);

/* The rows that were read: all names one after the other, where each name ends, and each
   row's k numbers. */
typedef struct br_rows {
  int64_t k, rows;
  char *names;
  int64_t *ends; /* (rows) */
  float *values; /* (rows,k) */
} br_rows;

/* Reads rows into memory of the sizes that br_rows_measure gave. Words are separated by
   blanks and tabs, and lines end in LF or CRLF. An error begins with "LINE: " or "LINE,
   column C: "; the first line has the number `line`. */
br_status br_rows_parse(const char *text, size_t n, int64_t line, br_rows *out);

#endif
