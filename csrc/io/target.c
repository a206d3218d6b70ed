/* The target of a write: where links lead, whether the file may be replaced, and the
   name of the unfinished file beside it. Only Braid's writers give such names. */
#define _GNU_SOURCE
#include "io/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { LINKS = 40, NAME = 64, RANDOM = 16, CHECK = 8 };

static const char MARK[] = ".braid-";

const char *br_target_shown(const char *path) {
  const size_t n = strlen(path), most = 200;
  return n > most ? path + n - most : path;
}

/* ---- where a path leads ------------------------------------------------------------ */

/* The n bytes at a and the m bytes at b as one text; NULL when memory is short. */
static char *joined(const char *a, size_t n, const char *b, size_t m) {
  char *text = br_alloc(n + m + 1);
  if (!text) return NULL;
  memcpy(text, a, n);
  memcpy(text + n, b, m);
  text[n + m] = 0;
  return text;
}

/* The length of a path up to its last part, with the slash. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The path to which the link at `path` leads. It is NULL where the link cannot be read or
   memory is short; *status says which. */
static char *behind_link(const char *path, br_status *status) {
  char to[4096];
  ssize_t n = readlink(path, to, sizeof to);
  *status = BR_OK;
  if (n < 0 || (size_t)n == sizeof to) {
    *status = BR_EIO;
    if (n >= 0) errno = ENAMETOOLONG;
    return NULL;
  }
  char *next = joined(path, *to == '/' ? 0 : folder_length(path), to, (size_t)n);
  if (!next) *status = BR_ENOMEM;
  return next;
}

/* Follows links to their end; no file needs to exist there. A link of the kernel, such
   as the one behind /dev/stdout, is an error, because it leads to an open file and not
   to a name. */
static br_status follow(br_target *t, const char *path) {
  struct stat info;
  t->path = joined(path, strlen(path), "", 0);
  if (!t->path) return BR_ENOMEM;
  for (int i = 0; lstat(t->path, &info) == 0 && S_ISLNK(info.st_mode); i++) {
    br_status status = BR_EIO;
    char *next = NULL;
    if (!strncmp(t->path, "/proc/", 6))
      return br_fail(BR_EIO, "cannot write %s: it is an open stream, not a file",
                     br_target_shown(path));
    if (i < LINKS)
      next = behind_link(t->path, &status);
    else
      errno = ELOOP;
    if (!next && status == BR_ENOMEM) return status;
    if (!next)
      return br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(path),
                     strerror(errno));
    br_free(t->path);
    t->path = next;
  }
  t->name = t->path + folder_length(t->path);
  return BR_OK;
}

static const char *kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "it is a folder";
  if (S_ISFIFO(mode)) return "it is a pipe, which cannot be replaced by a file";
  if (S_ISSOCK(mode)) return "it is a socket, which cannot be replaced by a file";
  return "it is a device, which cannot be replaced by a file";
}

/* Whether an existing file may be replaced. It may not if its owner has no right to
   write it. The superuser's own rights do not count. */
static br_status check_file(br_target *t, const char *path) {
  t->exists = stat(path, &t->info) == 0;
  if (!t->exists && errno != ENOENT)
    return br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(path), strerror(errno));
  if (!t->exists) return BR_OK;
  const mode_t mode = t->info.st_mode;
  if (!S_ISREG(mode))
    return br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(path), kind_of(mode));
  const bool own = t->info.st_uid == geteuid();
  const bool allowed = faccessat(AT_FDCWD, t->path, W_OK, AT_EACCESS) == 0;
  if (!allowed && (errno != EACCES || (!own && mode & 0222)))
    return br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(path),
                   errno == EACCES
                       ? "the file there is another user's, who does not let you"
                       : strerror(errno));
  if (!allowed || !(mode & 0222) || (own && !(mode & 0200)))
    return br_fail(BR_EIO,
                   "cannot write %s: the file there is read-only (mode %03o); make it "
                   "writable (chmod u+w), or choose another name",
                   br_target_shown(path), (unsigned)(mode & 0777));
  return BR_OK;
}

static br_status open_folder(br_target *t, const char *path) {
  const size_t n = t->name ? (size_t)(t->name - t->path) : 0;
  char *folder = n ? joined(t->path, n, "", 0) : joined(".", 1, "", 0);
  if (!folder) return BR_ENOMEM;
  const int flags = O_DIRECTORY | O_CLOEXEC;
  t->folder = open(folder, O_RDONLY | flags);
  t->readable = t->folder >= 0;
  if (!t->readable && errno == EACCES) t->folder = open(folder, O_PATH | flags);
  br_status status = BR_OK;
  if (t->folder < 0) {
    const int why = errno;
    if (n > 1) folder[n - 1] = 0;
    if (why == ENOENT)
      status = br_fail(BR_EIO, "cannot write %s: there is no folder %s",
                       br_target_shown(path), br_target_shown(folder));
    else if (why == ENOTDIR)
      status = br_fail(BR_EIO, "cannot write %s: %s is not a folder",
                       br_target_shown(path), br_target_shown(folder));
    else
      status = br_fail(BR_EIO, "cannot write %s: %s", br_target_shown(path),
                       strerror(why));
  }
  br_free(folder);
  return status;
}

br_status br_target_open(br_target *t, const char *path) {
  *t = (br_target){.folder = -1};
  if (!*path) return br_fail(BR_EIO, "cannot write a file without a name");
  br_status status = follow(t, path);
  if (status) return status;
  if (!*t->name || !strcmp(t->name, ".") || !strcmp(t->name, ".."))
    return br_fail(BR_EIO, "cannot write %s: this is the name of a folder",
                   br_target_shown(path));
  status = open_folder(t, path);
  return status ? status : check_file(t, path);
}

void br_target_close(br_target *t) {
  if (t->folder >= 0) close(t->folder);
  br_free(t->path);
  *t = (br_target){.folder = -1};
}

/* ---- names of unfinished files
   ------------------------------------------------------ */

static uint64_t mixed(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < n; i++) hash = (hash ^ b[i]) * 0x100000001b3u;
  return hash ^ hash >> 32;
}

/* Writes the unfinished file's name with these RANDOM digits. */
static void spell(const br_target *t, const char *random, char beside[BR_BESIDE_SIZE]) {
  const size_t n = strlen(t->name);
  uint64_t hash = mixed(0xcbf29ce484222325u, t->name, n + 1);
  hash = mixed(hash, random, RANDOM);
  snprintf(beside, BR_BESIDE_SIZE, ".%.*s%s%.*s%08x", NAME, t->name, MARK, RANDOM, random,
           (unsigned)(hash & 0xffffffffu));
}

void br_target_name_beside(const br_target *t, char beside[BR_BESIDE_SIZE]) {
  uint64_t number;
  char random[RANDOM + 1];
  if (getentropy(&number, sizeof number) != 0) {
    struct timespec now;
    const pid_t pid = getpid();
    clock_gettime(CLOCK_MONOTONIC, &now);
    number = mixed(mixed((uintptr_t)&now, &now, sizeof now), &pid, sizeof pid);
  }
  snprintf(random, sizeof random, "%016llx", (unsigned long long)number);
  spell(t, random, beside);
}

/* Whether a name has the form that writers give. */
static bool looks_beside(const char *name, size_t n) {
  const size_t tail = RANDOM + CHECK, mark = sizeof MARK - 1;
  return *name == '.' && n > tail + mark &&
         memcmp(name + n - tail - mark, MARK, mark) == 0;
}

/* Whether a writer of this target gave the name. The check digits tell, because they
   depend on the target. */
static bool is_beside(const br_target *t, const char *name, size_t n) {
  char again[BR_BESIDE_SIZE];
  spell(t, name + n - RANDOM - CHECK, again);
  return !strcmp(name, again);
}

bool br_target_lock(int file) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(file, F_OFD_SETLK, &whole) == 0;
}

/* Removes a file that a writer left, unless the writer still runs. True if removed. */
static bool remove_left(const br_target *t, const char *name) {
  struct stat named, opened;
  if (fstatat(t->folder, name, &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISREG(named.st_mode) || named.st_uid != geteuid()) return false;
  int file = openat(t->folder, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  const bool done = fstat(file, &opened) == 0 && opened.st_ino == named.st_ino &&
                    opened.st_dev == named.st_dev && br_target_lock(file) &&
                    unlinkat(t->folder, name, 0) == 0;
  close(file);
  return done;
}

bool br_target_clean(const br_target *t) {
  int again = t->readable ? openat(t->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                          : -1;
  DIR *list = again < 0 ? NULL : fdopendir(again);
  if (!list) {
    if (again >= 0) close(again);
    return false;
  }
  bool clean = true;
  for (const struct dirent *e; (e = readdir(list));) {
    const size_t n = strlen(e->d_name);
    if (!looks_beside(e->d_name, n)) continue;
    if (!is_beside(t, e->d_name, n) || !remove_left(t, e->d_name)) clean = false;
  }
  closedir(list);
  return clean;
}

/* ---- folders without strangers' changes ---------------------------------------------
 */

/* Hashes of the folders as this thread's last writers left them. A folder that has not
   changed since need not be listed again, which takes long if it has many files. There
   are few, because a library has little thread-local memory. */
enum { NOTED = 4 };
static _Thread_local uint32_t noted[NOTED];

/* The hash of the folder as it is now, and its place in `noted`; 0 where the folder
   cannot be read. */
static uint32_t look(const br_target *t, int *place) {
  struct stat s;
  *place = 0;
  if (fstat(t->folder, &s) != 0) return 0;
  uint64_t hash = mixed(0xcbf29ce484222325u, &s.st_ino, sizeof s.st_ino);
  hash = mixed(hash, &s.st_dev, sizeof s.st_dev);
  *place = (int)(hash % NOTED);
  hash = mixed(hash, &s.st_mtim, sizeof s.st_mtim);
  return (uint32_t)hash | 1;
}

bool br_target_is_noted(const br_target *t) {
  int place;
  const uint32_t now = look(t, &place);
  return now && noted[place] == now;
}

void br_target_note(const br_target *t) {
  int place;
  const uint32_t now = look(t, &place);
  noted[place] = now;
}
