/* Lists the entries of a directory. */
#ifndef BR_IO_FOLDER_H
#define BR_IO_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct br_folder br_folder;

/* NULL, with a message that names the path, when it cannot be read. */
br_folder *br_folder_open(const char *path);
/* The next name, which stays until the next call, and whether it is a directory (or leads
   to one); NULL at the end. Names that start with a dot, and what is neither a file nor a
   directory, are left out; a link that leads nowhere counts as a file. */
const char *br_folder_next(br_folder *f, bool *directory);
void br_folder_close(br_folder *f); /* NULL is allowed */
/* The mark of this directory, the same by whatever path it was reached. */
void br_folder_identity(br_folder *f, uint64_t id[2]);

/* 'f' for a file, 'd' for a directory, 0 for neither. */
char br_path_kind(const char *path);

/* Makes a directory; that there is one already is fine. */
br_status br_folder_make(const char *path);

#endif
