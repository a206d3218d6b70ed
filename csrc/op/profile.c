/* Profiles: calls and seconds of each operator, forward and backward, counted while a
   profile is on.

   An operator may run others; a function written in Lua does. Their time does not count
   for it. A profile belongs to one thread. */
#include <string.h>
#include <time.h>

#include "op/op.h"

enum { ROOM = 8192 }; /* rows: one for each operator at a place */

static _Thread_local br_profile_row *rows; /* NULL: off */
static _Thread_local int count;
static _Thread_local int current;   /* the place */
static _Thread_local double inside; /* seconds already charged inside the running timer */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

br_status br_profile_begin(void) {
  if (rows) return br_fail(BR_EINVAL, "profile: one is running already");
  rows = br_alloc(ROOM * sizeof *rows);
  count = 0;
  inside = 0;
  return rows ? BR_OK : BR_ENOMEM;
}

int br_profile_rows(const br_profile_row **found) {
  *found = rows;
  return rows ? count : 0;
}

void br_profile_end(void) {
  br_free(rows);
  rows = NULL;
}

int br_profile_place(void) { return current; }

int br_profile_move(int place) {
  int before = current;
  current = place;
  return before;
}

static br_profile_row *row_of(const char *name, int place) {
  for (int i = 0; i < count; i++)
    if (rows[i].name == name && rows[i].place == place) return &rows[i];
  if (count == ROOM) return NULL;
  rows[count] = (br_profile_row){.name = name, .place = place};
  return &rows[count++];
}

br_timer br_timer_start(void) {
  if (!rows) return (br_timer){0};
  br_timer timer = {.on = true, .outside = inside};
  inside = 0;
  timer.from = now();
  return timer;
}

void br_timer_stop(const br_timer *timer, const char *name, int direction, int place) {
  if (!timer->on || !rows) return;
  double seconds = now() - timer->from;
  br_profile_row *row = row_of(name, place);
  if (row) {
    row->calls[direction]++;
    row->seconds[direction] += seconds - inside;
  }
  inside = timer->outside + seconds;
}
