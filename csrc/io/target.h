/* Where a file will be written, and the names of unfinished files beside it. */
#ifndef BR_IO_TARGET_H
#define BR_IO_TARGET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* A name of ".NAME.braid-" and 24 digits and letters: NAME cut to 64 bytes, 16 by chance,
   and 8 that follow from these and the whole name, so that no other file is taken for
   one. */
enum { BR_BESIDE_SIZE = 1 + 64 + 7 + 16 + 8 + 1 };

typedef struct br_target {
  char *path;       /* where links end; from br_alloc */
  const char *name; /* its last part */
  int folder;       /* open, -1: not yet */
  bool readable;    /* the folder, which then can be listed and synced */
  bool exists;
  struct stat info; /* of the file that is there */
} br_target;

/* A path for messages; a long one is cut to its end. */
const char *br_target_shown(const char *path);

/* BR_EIO with a message where no file can be written. The caller always closes it. */
br_status br_target_open(br_target *t, const char *path);
void br_target_close(br_target *t);

void br_target_name_beside(const br_target *t, char beside[BR_BESIDE_SIZE]);
/* A lock that only a living writer holds; false where another has it. */
bool br_target_lock(int file);
/* Removes the files that dead writers of this name left. True when the folder then
   holds no file that looks like a writer's. */
bool br_target_clean(const br_target *t);

/* Whether the folder is unchanged since br_target_note. Only this thread's last folders
   are known. */
bool br_target_is_noted(const br_target *t);
void br_target_note(const br_target *t);

#endif
