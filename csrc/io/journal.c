/* Journals. A journal knows the size of its whole lines, and cuts off what follows
   them. */
#define _GNU_SOURCE
#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/target.h"
#include "io/write.h"

struct br_journal {
  int file;
  int64_t size; /* how many bytes of whole lines the file has */
  char *path;
};

static br_status failed(const br_journal *j, int why) {
  return br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(j->path), strerror(why));
}

/* Where the last whole line ends. */
static int64_t whole_size(int file, int64_t size) {
  char piece[4096];
  while (size > 0) {
    const int64_t n = size < (int64_t)sizeof piece ? size : (int64_t)sizeof piece;
    const ssize_t got = pread(file, piece, (size_t)n, size - n);
    if (got != n) return -1;
    for (int64_t i = n; i > 0; i--)
      if (piece[i - 1] == '\n') return size - n + i;
    size -= n;
  }
  return 0;
}

static br_status begin(br_journal *j, bool *held) {
  struct stat info;
  j->file = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
  if (j->file < 0 || fstat(j->file, &info) != 0) return failed(j, errno);
  if (!S_ISREG(info.st_mode))
    return br_fail(BR_EIO, "cannot write %s: it is not a file", br_target_shown(j->path));
  *held = !br_target_lock(j->file) && (errno == EAGAIN || errno == EACCES);
  if (*held)
    return br_fail(BR_EIO, "%s is held by a running process", br_target_shown(j->path));
  j->size = whole_size(j->file, info.st_size);
  if (j->size < 0) return failed(j, errno);
  return j->size < info.st_size ? br_journal_cut(j, j->size) : BR_OK;
}

br_journal *br_journal_open(const char *path, bool *held, br_status *status) {
  const size_t n = strlen(path) + 1;
  br_journal *j = br_alloc(sizeof *j + n);
  *held = false;
  *status = BR_ENOMEM;
  if (!j) return NULL;
  j->file = -1;
  j->size = 0;
  j->path = (char *)(j + 1);
  memcpy(j->path, path, n);
  *status = begin(j, held);
  if (!*status) return j;
  br_journal_close(j);
  return NULL;
}

br_status br_journal_put(br_journal *j, const void *lines, size_t n) {
  const char *at = lines;
  size_t left = n;
  if (lseek(j->file, j->size, SEEK_SET) < 0) return failed(j, errno);
  while (left > 0) {
    const ssize_t done = br_write_quietly(j->file, at, left);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      const int why = done < 0 ? errno : ENOSPC;
      if (ftruncate(j->file, j->size) != 0) return failed(j, errno);
      return failed(j, why);
    }
    at += done;
    left -= (size_t)done;
  }
  j->size += (int64_t)n;
  return BR_OK;
}

br_status br_journal_cut(br_journal *j, int64_t size) {
  if (size < j->size) j->size = size;
  return ftruncate(j->file, j->size) == 0 ? BR_OK : failed(j, errno);
}

br_status br_journal_sync(br_journal *j) {
  int done;
  do done = fdatasync(j->file);
  while (done != 0 && errno == EINTR);
  if (done == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP) return BR_OK;
  return failed(j, errno);
}

int64_t br_journal_size(const br_journal *j) { return j->size; }

void br_journal_close(br_journal *j) {
  if (!j) return;
  if (j->file >= 0) close(j->file);
  br_free(j);
}
