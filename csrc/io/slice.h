/* Files inside other files: "shards/a.tar@1536+20480/0001.jpg" is the 20480 bytes that
   begin at byte 1536 (from 0) of shards/a.tar. A file that has such a name itself comes
   first. */
#ifndef BR_IO_SLICE_H
#define BR_IO_SLICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

typedef struct br_slice {
  int fd;
  int64_t first, size; /* in bytes; the descriptor's place is at the first one */
} br_slice;

/* Opens a regular file, or a part of one. After a failure there is nothing to close. */
br_status br_slice_open(const char *path, br_slice *slice);

/* As stat, of the file that holds the bytes. */
bool br_slice_stat(const char *path, struct stat *info);

#endif
