/* The one way in which files are written.

   A file is made beside the one of its name, under a name of its own, synced and renamed:
   whoever looks at the name finds the old file or the new one, whole. Symbolic links
   stay, and the file at their end is replaced; its mode stays. What a killed writer left
   beside is removed by the next one of the same name; no other file is ever touched.
   Other hard links to the old file keep it. */
#ifndef BR_IO_WRITE_H
#define BR_IO_WRITE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct br_writer br_writer;

/* Begins to write the file; NULL with a message (BR_EIO but for memory) where that cannot
   be. A folder, a device, a pipe and a file that is not to be written are refused. */
br_writer *br_writer_new(const char *path, br_status *status);

/* Appends n bytes. After a failure nothing but br_writer_free is of use. */
br_status br_writer_put(br_writer *w, const void *bytes, size_t n);

/* Syncs the file and gives it its name. To be freed afterwards all the same. */
br_status br_writer_finish(br_writer *w);

/* Removes what was not finished. NULL is allowed. */
void br_writer_free(br_writer *w);

/* One write, after which a file as large as the process may make it gives EFBIG and no
   signal, whose default is the end of the process. */
ssize_t br_write_quietly(int file, const void *bytes, size_t n);

#endif
