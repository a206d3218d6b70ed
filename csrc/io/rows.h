/* Listings: text of which every line is a name and so many numbers. */
#ifndef BR_IO_ROWS_H
#define BR_IO_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How many rows a text can give when each is a name and k numbers, and how many bytes all
   the names have at most. Blank lines do not count. No line shorter than k numbers need
   is counted beyond the first. */
void br_rows_measure(const char *text, size_t n, int64_t k, int64_t *rows,
                     int64_t *name_bytes);

/* Rows that are read: all names one after the other, where each ends in there, and k
   numbers of each. */
typedef struct br_rows {
  int64_t k, rows;
  char *names;
  int64_t *ends; /* (rows) */
  float *values; /* (rows,k) */
} br_rows;

/* Reads them into memory of the sizes that br_rows_measure gave: words are separated by
   blanks and tabs, lines end in LF or CRLF. What is wrong with a line is said as
   "LINE: ..." or "LINE, column C: ...", the first line having the number `line`. */
br_status br_rows_parse(const char *text, size_t n, int64_t line, br_rows *out);

#endif
