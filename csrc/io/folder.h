/* Lists the entries of a directory. */
#ifndef BR_IO_FOLDER_H
#define BR_IO_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct br_folder br_folder;

/* Returns NULL, with a message that names the path, when the directory is unreadable. */
br_folder *br_folder_open(const char *path);
/* The next name, valid until the next call, and whether it is a directory (or a link to
   one); NULL at the end. It skips names that start with a dot, and entries that are
   neither files nor directories. A broken link counts as a file. */
const char *br_folder_next(br_folder *f, bool *directory);
void br_folder_close(br_folder *f); /* NULL is allowed */
/* Identifies this directory: the id is the same for every path to it. */
void br_folder_identity(br_folder *f, uint64_t id[2]);

/* 'f' for a file, 'd' for a directory, 0 for neither. */
char br_path_kind(const char *path);

/* Whether the last part of a path is a symbolic link. */
bool br_path_is_link(const char *path);

/* Makes a directory; succeeds if it exists already. */
br_status br_folder_make(const char *path);

#endif
