/* Opens files, and parts of files by the names that slice.h describes. */
#include "io/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 4096 };

/* The digits at *text as a number; moves *text behind them. False without any, or for a
   number that no file has. */
static bool digits(const char **text, int64_t *value) {
  const char *p = *text;
  int64_t v = 0;
  while (*p >= '0' && *p <= '9') {
    if (v > (INT64_MAX / 2 - 9) / 10) return false;
    v = 10 * v + (*p++ - '0');
  }
  const bool some = p != *text;
  *text = p;
  *value = v;
  return some;
}

/* Whether a path names a part of a file: FILE@FIRST+SIZE/NAME. The last such place
   counts. */
static bool is_part(const char *path, char file[LONGEST], int64_t *first, int64_t *size) {
  const char *found = NULL;
  for (const char *at = strchr(path, '@'); at; at = strchr(at + 1, '@')) {
    const char *p = at + 1;
    int64_t a, b;
    if (!digits(&p, &a) || *p++ != '+' || !digits(&p, &b) || *p != '/') continue;
    found = at;
    *first = a;
    *size = b;
  }
  if (!found || found == path || found - path >= LONGEST) return false;
  memcpy(file, path, (size_t)(found - path));
  file[found - path] = 0;
  return true;
}

/* Without O_NONBLOCK, opening a FIFO would wait for a writer. */
static int opened(const char *path) {
  return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static br_status check(const char *path, int fd, struct stat *info) {
  if (fstat(fd, info) != 0)
    return br_fail(BR_EIO, "cannot read %s: %s", path, strerror(errno));
  if (S_ISREG(info->st_mode)) return BR_OK;
  return br_fail(BR_EIO, "cannot read %s: %s", path,
                 S_ISDIR(info->st_mode) ? "it is a directory" : "not a regular file");
}

br_status br_slice_open(const char *path, br_slice *slice) {
  char file[LONGEST];
  struct stat info;
  int64_t first = 0, size = -1;
  *slice = (br_slice){.fd = opened(path)};
  if (slice->fd < 0) {
    const int why = errno;
    if (is_part(path, file, &first, &size)) slice->fd = opened(file);
    if (slice->fd < 0)
      return br_fail(BR_EIO, "cannot open %s: %s", path,
                     strerror(size < 0 ? why : errno));
  }
  br_status status = check(path, slice->fd, &info);
  if (!status && size >= 0 && (first > info.st_size || size > info.st_size - first))
    status = br_fail(BR_EIO, "cannot read %s: the file is shorter", path);
  if (!status && first > 0 && lseek(slice->fd, (off_t)first, SEEK_SET) < 0)
    status = br_fail(BR_EIO, "cannot read %s: %s", path, strerror(errno));
  if (status) {
    close(slice->fd);
    return status;
  }
  slice->first = first;
  slice->size = size < 0 ? (int64_t)info.st_size : size;
  return BR_OK;
}

bool br_slice_stat(const char *path, struct stat *info) {
  char file[LONGEST];
  int64_t first, size;
  if (stat(path, info) == 0) return true;
  return is_part(path, file, &first, &size) && stat(file, info) == 0;
}
