/* Writers: a locked, unfinished file beside the target, which is then renamed. */
#define _GNU_SOURCE
#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/target.h"

enum { HELD = 1 << 16, TRIES = 100 };

struct br_writer {
  br_target target;
  int file;   /* -1: none */
  bool alone; /* no other writer's file was in the folder */
  bool made;  /* the unfinished file exists */
  char beside[BR_BESIDE_SIZE];
  char *path; /* as it was given, for messages */
  size_t held;
  uint8_t buffer[HELD];
};

static br_status failed(const br_writer *w, int why) {
  return br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(w->path), strerror(why));
}

/* ---- the file beside --------------------------------------------------------------- */

/* Opens a file under a new name and locks it. Before the lock, another writer may take
   it for one that was left behind. Then this writer gives the file up. */
static br_status create(br_writer *w) {
  const br_target *t = &w->target;
  const mode_t mode = t->exists ? 0600 : 0666;
  for (int i = 0; i < TRIES; i++) {
    struct stat s;
    br_target_name_beside(t, w->beside);
    w->file = openat(t->folder, w->beside,
                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (w->file < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (w->file < 0 && errno == EACCES)
      return br_fail(BR_EIO,
                     "cannot write %s: no permission to make a file in its folder",
                     br_target_shown(w->path));
    if (w->file < 0) return failed(w, errno);
    const bool locked = br_target_lock(w->file) || (errno != EAGAIN && errno != EACCES);
    if (locked && fstat(w->file, &s) == 0 && s.st_nlink > 0) {
      w->made = true;
      return BR_OK;
    }
    unlinkat(t->folder, w->beside, 0);
    close(w->file);
    w->file = -1;
  }
  return failed(w, EEXIST);
}

br_writer *br_writer_new(const char *path, br_status *status) {
  const size_t n = strlen(path) + 1;
  br_writer *w = br_alloc(sizeof *w + n);
  *status = BR_ENOMEM;
  if (!w) return NULL;
  w->file = -1;
  w->alone = w->made = false;
  w->held = 0;
  w->path = (char *)(w + 1);
  memcpy(w->path, path, n);
  *status = br_target_open(&w->target, path);
  if (!*status) {
    w->alone = br_target_is_noted(&w->target) || br_target_clean(&w->target);
    *status = create(w);
  }
  if (!*status) {
    if (w->alone) br_target_note(&w->target);
    return w;
  }
  br_writer_free(w);
  return NULL;
}

void br_writer_free(br_writer *w) {
  if (!w) return;
  if (w->made) unlinkat(w->target.folder, w->beside, 0);
  if (w->file >= 0) close(w->file);
  br_target_close(&w->target);
  br_free(w);
}

/* ---- bytes ------------------------------------------------------------------------- */

ssize_t br_write_quietly(int file, const void *bytes, size_t n) {
  sigset_t size_signal, before, pending;
  sigemptyset(&size_signal);
  sigaddset(&size_signal, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &size_signal, &before);
  sigpending(&pending);
  const ssize_t done = write(file, bytes, n);
  const int why = errno;
  if (done < 0 && why == EFBIG && !sigismember(&pending, SIGXFSZ))
    while (sigtimedwait(&size_signal, NULL, &(struct timespec){0}) < 0 &&
           errno == EINTR) {}
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = why;
  return done;
}

static br_status write_all(br_writer *w, const void *bytes, size_t n) {
  const uint8_t *at = bytes;
  while (n > 0) {
    const size_t most = (size_t)1 << 30;
    const ssize_t done = br_write_quietly(w->file, at, n < most ? n : most);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return failed(w, done < 0 ? errno : ENOSPC);
    at += done;
    n -= (size_t)done;
  }
  return BR_OK;
}

static br_status flush(br_writer *w) {
  const size_t n = w->held;
  w->held = 0;
  return write_all(w, w->buffer, n);
}

br_status br_writer_put(br_writer *w, const void *bytes, size_t n) {
  if (n > HELD - w->held) {
    br_status status = flush(w);
    if (status) return status;
    if (n >= HELD) return write_all(w, bytes, n);
  }
  if (n) memcpy(w->buffer + w->held, bytes, n);
  w->held += n;
  return BR_OK;
}

/* ---- the name ---------------------------------------------------------------------- */

/* Copies the mode and, where permitted, the owner of the replaced file. If the group
   differs, it gets no more rights than all others. */
static void take_after(int file, const struct stat *old) {
  struct stat s;
  mode_t mode = old->st_mode & 07777;
  if (fstat(file, &s) != 0) return;
  if ((s.st_uid != old->st_uid || s.st_gid != old->st_gid) &&
      fchown(file, old->st_uid, old->st_gid) != 0 &&
      fchown(file, (uid_t)-1, old->st_gid) != 0)
    mode &= ~(mode_t)02070 | (mode & 7) << 3;
  if (fstat(file, &s) != 0) return;
  if (s.st_uid != old->st_uid) mode &= ~(mode_t)04000;
  if ((s.st_mode & 07777) != mode && fchmod(file, mode) != 0) return; /* stays narrower */
}

static bool sync_fully(int file) {
  int done;
  do done = fsync(file);
  while (done != 0 && errno == EINTR);
  return done == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP;
}

br_status br_writer_finish(br_writer *w) {
  const br_target *t = &w->target;
  br_status status = flush(w);
  if (status) return status;
  if (t->exists) take_after(w->file, &t->info);
  if (!sync_fully(w->file)) return failed(w, errno);
  w->alone = w->alone && br_target_is_noted(t);
  if (renameat(t->folder, w->beside, t->folder, t->name) != 0) return failed(w, errno);
  w->made = false;
  const int closed = close(w->file); /* last: others may remove an unlocked file */
  w->file = -1;
  if ((closed != 0 && errno != EINTR) || (t->readable && !sync_fully(t->folder)))
    return br_fail(BR_EIO, "%s is written, but may not outlive a loss of power: %s",
                   br_target_shown(w->path), strerror(errno));
  if (w->alone) br_target_note(t);
  return BR_OK;
}
