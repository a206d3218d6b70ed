/* Other processes that this one starts, looks after and ends.

   Each process leads a group of its own. A Ctrl-C at the terminal therefore reaches
   this process alone. A signal to the group also reaches the processes that the new one
   started. */
#ifndef BR_PROCESS_H
#define BR_PROCESS_H

#include <stdbool.h>

#include "base/error.h"

typedef struct br_process br_process;

/* Starts the program at `path`. `added` ("NAME=value") override the environment's values
   of these names. Both lists end with NULL. Input is empty; output and errors go to the
   end of the file `output`. NULL with a message if it cannot start. */
br_process *br_process_start(const char *path, char *const *arguments, char *const *added,
                             const char *output);

/* Whether it has ended. Then `code` is its exit status and `signal` the signal that
   ended it, or 0. */
bool br_process_ended(br_process *p, int *code, int *signal);

/* Sends its group a signal, unless it has ended. */
void br_process_signal(br_process *p, int signal);

long br_process_id(const br_process *p);

/* Kills its group if it still runs, and frees it. NULL is allowed. */
void br_process_free(br_process *p);

/* This process will get SIGTERM when the one that started it ends. Returns false if that
   one is not `parent` any more. */
bool br_process_end_with(long parent);

/* Waits for that time, or until a signal comes. */
void br_process_pause(double seconds);

#endif
