/* Journals: files of lines that grow at their end, each written by one process at a time.

   The lock is of the open file, so that it ends with its process, however that ends. A
   line is there whole or not at all, but for a process that was killed while it wrote:
   such a torn end goes when the journal is opened the next time. */
#ifndef BR_IO_JOURNAL_H
#define BR_IO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct br_journal br_journal;

/* NULL with a message where it cannot be written, or where another holds it (*held). */
br_journal *br_journal_open(const char *path, bool *held, br_status *status);

/* Appends lines of n bytes; after a failure what was there before is there. */
br_status br_journal_put(br_journal *j, const void *lines, size_t n);

/* Shortens it to so many bytes; beyond its size nothing changes. */
br_status br_journal_cut(br_journal *j, int64_t size);

/* Has what was written outlive a loss of power. */
br_status br_journal_sync(br_journal *j);

int64_t br_journal_size(const br_journal *j);
void br_journal_close(br_journal *j); /* NULL is allowed */

#endif
