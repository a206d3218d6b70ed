/* The file: a head, a table of entries, then the pictures one after the other. */
#define _GNU_SOURCE
#include "io/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/threads.h"

enum { BLOCK = 128, PATH = 4096 };

typedef struct head {
  char magic[8];
  uint64_t key[2];
  int64_t n, bytes;
} head;

static const char MAGIC[8] = {'B', 'R', 'C', 'A', 'C', 'H', 'E', '1'};

/* ---- keys ------------------------------------------------------------------------ */

void br_cache_key_begin(br_cache_key *key) {
  *key = (br_cache_key){{0xcbf29ce484222325u, 0x9ae16a3b2f90404fu}};
}

/* Two hashes (Fowler, Noll and Vo, 1a; and one that multiplies and folds). */
void br_cache_key_add(br_cache_key *key, const void *bytes, size_t n) {
  const uint8_t *b = bytes;
  uint64_t p = key->word[0], q = key->word[1] + n;
  for (size_t i = 0; i < n; i++) {
    p = (p ^ b[i]) * 0x100000001b3u;
    q = (q ^ b[i]) * 0xc2b2ae3d27d4eb4fu;
    q ^= q >> 29;
  }
  *key = (br_cache_key){{p, q}};
}

void br_cache_key_add_file(br_cache_key *key, const char *path) {
  struct stat s = {0};
  int64_t facts[3] = {-1, 0, 0};
  if (stat(path, &s) == 0) {
    facts[0] = (int64_t)s.st_size;
    facts[1] = (int64_t)s.st_mtim.tv_sec;
    facts[2] = (int64_t)s.st_mtim.tv_nsec;
  }
  br_cache_key_add(key, path, strlen(path) + 1);
  br_cache_key_add(key, facts, sizeof facts);
}

/* ---- reading --------------------------------------------------------------------- */

void br_cache_close(br_cache *cache) {
  if (cache->map) munmap(cache->map, cache->bytes);
  *cache = (br_cache){0};
}

br_image br_cache_get(const br_cache *cache, int64_t i) {
  const br_cache_entry *e = &cache->entry[i];
  if (e->h == 0) return (br_image){0};
  return (br_image){
      .c = e->c, .h = e->h, .w = e->w, .data = (uint8_t *)cache->map + e->offset};
}

static bool entry_fits(const br_cache_entry *e, int64_t bytes) {
  if (e->h == 0) return true;
  return e->c >= 1 && e->c <= 4 && e->h >= 1 && e->w >= 1 && e->file_h >= 1 &&
         e->file_w >= 1 && e->h <= BR_IMAGE_MAX_PIXELS / e->w && e->offset >= 0 &&
         e->offset <= bytes - e->h * e->w * e->c;
}

/* True when the file is there and whole. */
static bool map_file(br_cache *cache, const char *path, const br_cache_key *key,
                     int64_t n) {
  struct stat s;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  *cache = (br_cache){0};
  size_t least = sizeof(head) + (size_t)n * sizeof(br_cache_entry);
  if (fstat(fd, &s) == 0 && (size_t)s.st_size >= least) {
    void *map = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED) {
      const head *h = map;
      *cache = (br_cache){
          .map = map, .bytes = (size_t)s.st_size, .n = n, .entry = (const void *)(h + 1)};
      bool good = memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 && h->n == n &&
                  memcmp(h->key, key->word, sizeof h->key) == 0 &&
                  h->bytes == (int64_t)s.st_size;
      for (int64_t i = 0; good && i < n; i++)
        good = entry_fits(&cache->entry[i], h->bytes);
      if (!good) br_cache_close(cache);
    }
  }
  close(fd);
  return cache->map != NULL;
}

/* ---- writing --------------------------------------------------------------------- */

static br_status write_all(int fd, const void *from, size_t n, int64_t at,
                           const char *path) {
  const char *p = from;
  while (n > 0) {
    ssize_t done = pwrite(fd, p, n, at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return br_fail(BR_EIO, "%s: %s", path, strerror(errno));
    p += done;
    n -= (size_t)done;
    at += done;
  }
  return BR_OK;
}

/* A block of pictures being made. */
typedef struct block {
  uint8_t *data[BLOCK];
  br_cache_entry entry[BLOCK];
  br_status status[BLOCK];
} block;

static void make_one(block *b, int64_t k, int64_t i, br_scratch *scratch,
                     br_cache_make make, void *context) {
  br_image im = {0}, owned = {0};
  br_cache_entry *e = &b->entry[k];
  *e = (br_cache_entry){0};
  b->data[k] = NULL;
  b->status[k] = make(context, i, scratch, &im, &owned, e);
  if (!b->status[k]) {
    e->c = im.c;
    e->h = im.h;
    e->w = im.w;
    b->data[k] = br_alloc((size_t)(im.c * im.h * im.w));
    if (b->data[k])
      memcpy(b->data[k], im.data, (size_t)(im.c * im.h * im.w));
    else
      b->status[k] = BR_ENOMEM;
  }
  br_image_free(&owned);
}

static void make_block(block *b, int64_t first, int64_t count, br_cache_make make,
                       void *context) {
  _Atomic int64_t next = 0; /* pictures differ in what they take */
#pragma omp parallel num_threads(br_threads())
  {
    br_scratch scratch = {0};
    for (int64_t k; (k = atomic_fetch_add(&next, 1)) < count;)
      make_one(b, k, first + k, &scratch, make, context);
    br_scratch_free(&scratch);
  }
}

static br_status write_block(block *b, int64_t count, int fd, int64_t *at,
                             const char *path) {
  br_status status = BR_OK;
  for (int64_t k = 0; k < count; k++) {
    br_cache_entry *e = &b->entry[k];
    if (b->status[k] == BR_EIO) {
      *e = (br_cache_entry){0};
    } else if (b->status[k] && !status) {
      status = br_fail(b->status[k], "%s: a picture could not be made", path);
    } else if (!status) {
      const int64_t bytes = e->c * e->h * e->w;
      e->offset = *at;
      status = write_all(fd, b->data[k], (size_t)bytes, *at, path);
      *at += bytes;
    }
    br_free(b->data[k]);
  }
  return status;
}

static br_status fill_file(int fd, const char *path, const br_cache_key *key, int64_t n,
                           br_cache_make make, void *context) {
  br_status status = BR_OK;
  int64_t at = (int64_t)sizeof(head) + n * (int64_t)sizeof(br_cache_entry);
  block *b = br_alloc(sizeof *b);
  if (!b) return BR_ENOMEM;
  if (ftruncate(fd, 0) != 0) status = br_fail(BR_EIO, "%s: %s", path, strerror(errno));
  for (int64_t first = 0; first < n && !status; first += BLOCK) {
    const int64_t count = n - first < BLOCK ? n - first : BLOCK;
    make_block(b, first, count, make, context);
    status = write_block(b, count, fd, &at, path);
    if (!status)
      status = write_all(fd, b->entry, (size_t)count * sizeof *b->entry,
                         (int64_t)sizeof(head) + first * (int64_t)sizeof(br_cache_entry),
                         path);
  }
  head h = {.key = {key->word[0], key->word[1]}, .n = n, .bytes = at};
  memcpy(h.magic, MAGIC, sizeof MAGIC);
  if (!status) status = write_all(fd, &h, sizeof h, 0, path);
  if (!status && (ftruncate(fd, at) != 0 || fsync(fd) != 0))
    status = br_fail(BR_EIO, "%s: %s", path, strerror(errno));
  br_free(b);
  return status;
}

/* Opens and locks the file beside, which must then still be the one of that name: another
   process may have renamed or removed it while this one waited. -1 on failure. */
static int lock_beside(const char *path) {
  for (;;) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat mine, named;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    int got;
    do got = fcntl(fd, F_OFD_SETLKW, &whole);
    while (got != 0 && errno == EINTR);
    if (got == 0 && fstat(fd, &mine) == 0 && stat(path, &named) == 0 &&
        mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
      return fd;
    close(fd);
    if (got != 0) return -1;
  }
}

br_status br_cache_open(br_cache *cache, const char *directory, const br_cache_key *key,
                        int64_t n, br_cache_make make, void *context) {
  char path[PATH], beside[PATH];
  int length = snprintf(path, sizeof path, "%s/%016" PRIx64 "%016" PRIx64 ".cache",
                        directory, key->word[0], key->word[1]);
  if (length < 0 || length + 6 > PATH)
    return br_fail(BR_EIO, "cache: the name of the directory is too long");
  memcpy(beside, path, (size_t)length);
  memcpy(beside + length, ".part", 6);
  if (map_file(cache, path, key, n)) return BR_OK;
  if (mkdir(directory, 0777) != 0 && errno != EEXIST)
    return br_fail(BR_EIO, "%s: %s", directory, strerror(errno));
  int fd = lock_beside(beside);
  if (fd < 0) return br_fail(BR_EIO, "%s: %s", beside, strerror(errno));
  if (map_file(cache, path, key, n)) { /* made while this process waited */
    unlink(beside);
    close(fd);
    return BR_OK;
  }
  br_status status = fill_file(fd, beside, key, n, make, context);
  if (!status && rename(beside, path) != 0)
    status = br_fail(BR_EIO, "%s: %s", path, strerror(errno));
  if (status) unlink(beside);
  close(fd);
  if (!status && !map_file(cache, path, key, n))
    status = br_fail(BR_EIO, "%s: cannot be read back", path);
  return status;
}
