/* Listings, read in two passes: the first measures how much memory the rows take, the
   second fills it. A list of 250,000 pictures takes well under a second. */
#include "io/rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORD = 63 };
static const double MAX_VALUE = 1e9;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static const char *skip_blanks(const char *at, const char *end) {
  while (at < end && is_blank(*at)) at++;
  return at;
}

static const char *skip_word(const char *at, const char *end) {
  while (at < end && !is_blank(*at)) at++;
  return at;
}

static const char *line_end(const char *at, const char *end) {
  const char *stop = memchr(at, '\n', (size_t)(end - at));
  return stop ? stop : end;
}

void br_rows_measure(const char *text, size_t n, int64_t k, int64_t *rows,
                     int64_t *name_bytes) {
  const char *end = text + n;
  *rows = *name_bytes = 0;
  for (const char *at = text; at < end;) {
    const char *stop = line_end(at, end);
    const char *name = skip_blanks(at, stop);
    if (name < stop) {
      ++*rows;
      *name_bytes += skip_word(name, stop) - name;
      if (stop - name < 2 * k) return; /* the second pass also ends here */
    }
    at = stop + (stop < end);
  }
}

/* Reads a number from [at, stop). Returns false if there is none, or if it is not
   allowed. */
static bool read_number(const char *at, const char *stop, float *value) {
  const char *p = at + (*at == '-');
  int64_t whole = 0;
  while (p < stop && *p >= '0' && *p <= '9' && whole < 100000000)
    whole = whole * 10 + *p++ - '0';
  if (p == stop && p > at + (*at == '-')) {
    *value = (float)(*at == '-' ? -whole : whole);
    return true;
  }
  char word[MAX_WORD + 1], *rest;
  size_t length = (size_t)(stop - at);
  if (length > MAX_WORD || strspn(at, "0123456789+-.eE") < length) return false;
  memcpy(word, at, length);
  word[length] = 0;
  double v = strtod(word, &rest);
  if (rest != word + length || !(fabs(v) <= MAX_VALUE)) return false;
  *value = (float)v;
  return true;
}

/* The k numbers of a line. */
static br_status read_values(const char *at, const char *stop, int64_t line, int64_t k,
                             float *values) {
  for (int64_t c = 0; c <= k; c++) {
    const char *word = skip_blanks(at, stop);
    at = skip_word(word, stop);
    if (c == k && word == stop) return BR_OK;
    if (c == k || word == stop) {
      int64_t found = c;
      for (; word < stop; word = skip_blanks(skip_word(word, stop), stop)) found++;
      return br_fail(BR_EIO,
                     "%" PRId64 ": a name and %" PRId64 " numbers wanted, %" PRId64
                     " words found",
                     line, k, found + 1);
    }
    if (!read_number(word, at, values + c)) {
      int shown = at - word > 40 ? 40 : (int)(at - word);
      return br_fail(BR_EIO,
                     "%" PRId64 ", column %" PRId64
                     ": '%.*s' is not a number from -1e9 to 1e9",
                     line, c + 2, shown, word);
    }
  }
  return BR_OK;
}

br_status br_rows_parse(const char *text, size_t n, int64_t line, br_rows *out) {
  const char *end = text + n;
  int64_t used = 0;
  out->rows = 0;
  for (const char *at = text; at < end; line++) {
    const char *stop = line_end(at, end);
    const char *name = skip_blanks(at, stop), *after = skip_word(name, stop);
    at = stop + (stop < end);
    if (name == stop) continue;
    br_status status = read_values(after, stop, line, out->k,
                                   out->values + out->rows * out->k);
    if (status) return status;
    memcpy(out->names + used, name, (size_t)(after - name));
    used += after - name;
    out->ends[out->rows++] = used;
  }
  return BR_OK;
}
