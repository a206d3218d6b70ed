/* Directories through readdir; links are followed. */
#include "io/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

struct br_folder {
  DIR *dir;
};

br_folder *br_folder_open(const char *path) {
  br_folder *f = br_alloc(sizeof *f);
  if (!f) return NULL;
  f->dir = opendir(path);
  if (f->dir) return f;
  br_fail(BR_EIO, "%s: %s", path, strerror(errno));
  br_free(f);
  return NULL;
}

const char *br_folder_next(br_folder *f, bool *directory) {
  struct dirent *e;
  while ((e = readdir(f->dir))) {
    if (e->d_name[0] == '.') continue;
    struct stat info;
    if (e->d_type == DT_DIR || e->d_type == DT_REG) {
      *directory = e->d_type == DT_DIR;
    } else {
      const bool there = fstatat(dirfd(f->dir), e->d_name, &info, 0) == 0;
      if (there && !S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) continue;
      *directory = there && S_ISDIR(info.st_mode);
    }
    return e->d_name;
  }
  return NULL;
}

void br_folder_close(br_folder *f) {
  if (!f) return;
  closedir(f->dir);
  br_free(f);
}

void br_folder_identity(br_folder *f, uint64_t id[2]) {
  struct stat info = {0};
  (void)fstat(dirfd(f->dir), &info);
  id[0] = (uint64_t)info.st_dev;
  id[1] = (uint64_t)info.st_ino;
}

char br_path_kind(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return 0;
  return S_ISDIR(info.st_mode) ? 'd' : S_ISREG(info.st_mode) ? 'f' : 0;
}

bool br_path_is_link(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

br_status br_folder_make(const char *path) {
  struct stat info;
  if (mkdir(path, 0777) == 0) return BR_OK;
  int why = errno;
  if (why == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return BR_OK;
  return br_fail(BR_EIO, "%s: %s", path, strerror(why));
}
