/* Every file is written through this writer.

   It writes a temporary file in the same directory, syncs it and renames it, so that a
   reader finds either the whole old file or the whole new one. A symbolic link stays, and
   its target is replaced. The new file has the old mode. The next writer of the same name
   removes the temporary file that a killed writer left, and touches no other file. Other
   hard links to the old file keep the old content. */
#ifndef BR_IO_WRITE_H
#define BR_IO_WRITE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct br_writer br_writer;

/* Begins to write the file. On failure it returns NULL and sets a message; the status is
   BR_EIO unless memory ran out. Folders, devices, pipes and read-only files fail. */
br_writer *br_writer_new(const char *path, br_status *status);

/* Appends n bytes. After a failure the caller may only call br_writer_free. */
br_status br_writer_put(br_writer *w, const void *bytes, size_t n);

/* Syncs the file and gives it its name. The caller still frees the writer. */
br_status br_writer_finish(br_writer *w);

/* Frees the writer and removes an unfinished file. NULL is allowed. */
void br_writer_free(br_writer *w);

/* Calls write once. At the process's limit of file size it fails with EFBIG. A plain
   call would get the signal SIGXFSZ, which ends the process. */
ssize_t br_write_quietly(int file, const void *bytes, size_t n);

#endif
