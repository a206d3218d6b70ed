/* Journals: files to which lines are appended, each written by one process at a time.

   The lock belongs to the open file, so it ends with its process, even if the process
   is killed. A line is written whole or not at all. If a process is killed while it
   writes, part of a line may remain at the end; the next opening removes it. */
#ifndef BR_IO_JOURNAL_H
#define BR_IO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct br_journal br_journal;

/* Opens a journal. Returns NULL with a message if it cannot be written, or if another
   process holds it (then *held is true). */
br_journal *br_journal_open(const char *path, bool *held, br_status *status);

/* Appends lines of n bytes. After a failure the file is as it was before. */
br_status br_journal_put(br_journal *j, const void *lines, size_t n);

/* Shortens the journal to `size` bytes. A larger size changes nothing. */
br_status br_journal_cut(br_journal *j, int64_t size);

/* Makes sure that what was written survives a loss of power. */
br_status br_journal_sync(br_journal *j);

int64_t br_journal_size(const br_journal *j);
void br_journal_close(br_journal *j); /* NULL is allowed */

#endif
