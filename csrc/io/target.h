/* Where a file will be written, and the names of unfinished files beside it. */
#ifndef BR_IO_TARGET_H
#define BR_IO_TARGET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* The unfinished file's name is ".NAME.braid-" and 24 letters and digits. NAME is cut
   to 64 bytes. 16 of the digits are random; 8 are a check over these and the whole
   name, so that no other file is taken for an unfinished one. */
enum { BR_BESIDE_SIZE = 1 + 64 + 7 + 16 + 8 + 1 };

typedef struct br_target {
  char *path;       /* where links end; from br_alloc */
  const char *name; /* its last part */
  int folder;       /* open, -1: not yet */
  bool readable;    /* the folder can be listed and synced */
  bool exists;
  struct stat info; /* of the file that exists there */
} br_target;

/* A path for messages; a long one is cut to its end. */
const char *br_target_shown(const char *path);

/* Returns BR_EIO with a message if no file can be written. The caller always closes
   it. */
br_status br_target_open(br_target *t, const char *path);
void br_target_close(br_target *t);

void br_target_name_beside(const br_target *t, char beside[BR_BESIDE_SIZE]);
/* Takes the lock that a running writer holds on its file; false if another has it. */
bool br_target_lock(int file);
/* Removes the files that ended writers of this name left. Returns true if the folder
   then holds no file that looks like a writer's. */
bool br_target_clean(const br_target *t);

/* Whether the folder is unchanged since br_target_note. Only this thread's last folders
   are known. */
bool br_target_is_noted(const br_target *t);
void br_target_note(const br_target *t);

#endif
