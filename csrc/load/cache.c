/* The file holds a head, a record for each picture, the offsets of the records, and a
   tail. The reader copies each record into its own memory and checks it every time. If
   another process changes the file, the check notices it, and no signal is raised. */
#define _GNU_SOURCE
#include "load/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/stop.h"
#include "base/threads.h"
#include "io/slice.h"
#include "io/write.h"

enum { BLOCK = 128, PATH = 4096 };

static const char MAGIC[8] = {'B', 'R', 'C', 'A', 'C', 'H', 'E', '2'};

/* The head of a picture's record, padded to 64 bytes. */
typedef struct record {
  uint64_t check; /* over all that follows, and over the cache's key */
  int64_t place;  /* of the picture, from 0 */
  br_cache_entry entry;
  int64_t none;
} record;

typedef struct tail {
  uint64_t check; /* over the offsets, and over what follows */
  char magic[8];
  uint64_t key[2];
  int64_t n, offsets; /* offsets: where they begin */
} tail;

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

/* A file with other contents always has another time of its last change of state, even
   with the same size and date, because only the system sets that time. */
void br_cache_key_add_file(br_cache_key *key, const char *path) {
  struct stat s = {0};
  int64_t facts[6] = {-1};
  if (br_slice_stat(path, &s)) {
    facts[0] = (int64_t)s.st_size;
    facts[1] = (int64_t)s.st_mtim.tv_sec;
    facts[2] = (int64_t)s.st_mtim.tv_nsec;
    facts[3] = (int64_t)s.st_ctim.tv_sec;
    facts[4] = (int64_t)s.st_ctim.tv_nsec;
    facts[5] = (int64_t)s.st_ino;
  }
  br_cache_key_add(key, path, strlen(path) + 1);
  br_cache_key_add(key, facts, sizeof facts);
}

/* ---- checks ---------------------------------------------------------------------- */

enum { LANES = 8 };

/* A checksum that costs less than reading: sums, and sums of sums, of the words in each
   of eight lanes. It finds every change within one word, and every exchange of two
   words. */
static uint64_t checksum(uint64_t seed, const void *bytes, size_t n) {
  const uint64_t odd = 0x9e3779b97f4a7c15u;
  uint64_t sum[LANES] = {0}, sums[LANES] = {0}, word[LANES], check = seed ^ n;
  const uint8_t *b = bytes;
  for (; n >= sizeof word; n -= sizeof word, b += sizeof word) {
    memcpy(word, b, sizeof word);
    for (int k = 0; k < LANES; k++) sum[k] += word[k];
    for (int k = 0; k < LANES; k++) sums[k] += sum[k];
  }
  memset(word, 0, sizeof word);
  memcpy(word, b, n);
  for (int k = 0; k < LANES; k++) {
    sum[k] += word[k];
    check = (check ^ sum[k]) * odd;
    check = ((check ^ check >> 32) + sums[k]) * odd;
  }
  return check ^ check >> 29;
}

static uint64_t check_of_record(const br_cache_key *key, const record *r, size_t n) {
  return checksum(key->word[0] ^ key->word[1], (const char *)r + sizeof r->check,
                  n - sizeof r->check);
}

static uint64_t check_of_tail(const tail *t, const int64_t *offset) {
  const uint64_t sum = checksum(0, offset, (size_t)(t->n + 1) * sizeof *offset);
  return checksum(sum, (const char *)t + sizeof t->check, sizeof *t - sizeof t->check);
}

/* ---- reading --------------------------------------------------------------------- */

void br_cache_close(br_cache *cache) {
  if (cache->open) close(cache->fd);
  br_free(cache->offset);
  br_free(cache->path);
  *cache = (br_cache){0};
}

/* Reads n bytes from `at` on. Returns false if there are fewer. */
static bool read_fully(int fd, void *to, size_t n, int64_t at) {
  for (char *p = to; n > 0;) {
    const ssize_t got = pread(fd, p, n, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    p += got;
    n -= (size_t)got;
    at += got;
  }
  return true;
}

static bool fits(const br_cache_entry *e, size_t bytes) {
  if (e->h == 0) return bytes == 0;
  return e->c >= 1 && e->c <= 4 && e->h >= 1 && e->w >= 1 && e->file_h >= 1 &&
         e->file_w >= 1 && e->h <= BR_IMAGE_MAX_PIXELS / e->w &&
         (size_t)(e->c * e->h * e->w) == bytes;
}

/* Removes the damaged file, if the name still belongs to it. The next process that
   opens the cache makes it again. */
static void give_up(const br_cache *cache) {
  struct stat mine, named;
  if (fstat(cache->fd, &mine) == 0 && stat(cache->path, &named) == 0 &&
      mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
    unlink(cache->path);
}

bool br_cache_read(const br_cache *cache, int64_t i, br_scratch *scratch, br_image *im,
                   br_cache_entry *entry) {
  if (!cache->open || i < 0 || i >= cache->n) return false;
  const int64_t at = cache->offset[i];
  const size_t n = (size_t)(cache->offset[i + 1] - at);
  record *r = br_scratch_get(scratch, BR_SCRATCH_CACHED, n);
  if (!r) return false;
  if (!read_fully(cache->fd, r, n, at) || r->place != i ||
      r->check != check_of_record(&cache->key, r, n) || !fits(&r->entry, n - sizeof *r)) {
    give_up(cache);
    return false;
  }
  *entry = r->entry;
  *im = (br_image){
      .c = entry->c, .h = entry->h, .w = entry->w, .data = (uint8_t *)(r + 1)};
  return entry->h > 0;
}

/* Reads the offsets and the tail. Returns true if they are undamaged. */
static bool read_offsets(br_cache *cache, const br_cache_key *key) {
  struct stat s;
  tail t;
  const int64_t n = cache->n, bytes = (n + 1) * (int64_t)sizeof *cache->offset;
  if (fstat(cache->fd, &s) != 0) return false;
  const int64_t end = s.st_size - (int64_t)sizeof t;
  if (end < bytes + (int64_t)sizeof MAGIC) return false;
  if (!read_fully(cache->fd, &t, sizeof t, end) || memcmp(t.magic, MAGIC, sizeof MAGIC) ||
      memcmp(t.key, key->word, sizeof t.key) || t.n != n || t.offsets != end - bytes)
    return false;
  cache->offset = br_alloc((size_t)bytes);
  if (!cache->offset || !read_fully(cache->fd, cache->offset, (size_t)bytes, t.offsets) ||
      t.check != check_of_tail(&t, cache->offset))
    return false;
  for (int64_t i = 0; i < n; i++)
    if (cache->offset[i] < (int64_t)sizeof MAGIC ||
        cache->offset[i + 1] < cache->offset[i] + (int64_t)sizeof(record))
      return false;
  return cache->offset[n] == t.offsets;
}

/* Returns true if the file exists and seems undamaged. Pictures are checked only when
   they are read. */
static bool open_file(br_cache *cache, const char *path, const br_cache_key *key,
                      int64_t n) {
  const size_t length = strlen(path) + 1;
  *cache = (br_cache){.n = n, .key = *key, .fd = open(path, O_RDONLY | O_CLOEXEC)};
  if (cache->fd < 0) return false;
  cache->open = true;
  cache->path = br_alloc(length);
  if (cache->path) memcpy(cache->path, path, length);
  if (cache->path && read_offsets(cache, key)) return true;
  br_cache_close(cache);
  return false;
}

/* ---- writing --------------------------------------------------------------------- */

/* A block of pictures in the making: its inputs and results. */
typedef struct block {
  const br_cache_key *key;
  br_cache_make make;
  void *context;
  record *made[BLOCK];
  br_status status[BLOCK];
} block;

/* Makes record i. The record has no picture if the file is bad. */
static void make_one(block *b, int64_t k, int64_t i, br_scratch *scratch) {
  br_image im = {0}, owned = {0};
  br_cache_entry e = {0};
  b->made[k] = NULL;
  b->status[k] = b->make(b->context, i, scratch, &im, &owned, &e);
  const bool good = b->status[k] == BR_OK;
  const size_t bytes = good ? (size_t)(im.c * im.h * im.w) : 0;
  if (good || b->status[k] == BR_EIO) {
    record *r = br_alloc(sizeof *r + bytes);
    b->status[k] = r ? BR_OK : BR_ENOMEM;
    if (r) {
      *r = (record){.place = i};
      if (good) {
        r->entry = (br_cache_entry){im.c, im.h, im.w, e.file_h, e.file_w};
        memcpy(r + 1, im.data, bytes);
      }
      r->check = check_of_record(b->key, r, sizeof *r + bytes);
    }
    b->made[k] = r;
  }
  br_image_free(&owned);
}

static void make_block(block *b, int64_t first, int64_t count) {
  _Atomic int64_t next = 0; /* threads take pictures one by one, as some take longer */
#pragma omp parallel num_threads(br_threads())
  {
    br_scratch scratch = {0};
    for (int64_t k; (k = atomic_fetch_add(&next, 1)) < count;) {
      b->made[k] = NULL;
      b->status[k] = BR_ESTOP;
      if (!br_stopped()) make_one(b, k, first + k, &scratch);
    }
    br_scratch_free(&scratch);
  }
}

/* Appends the records of a block and frees them. offset[k + 1] becomes the end of
   record k. */
static br_status write_block(block *b, int64_t count, br_writer *w, int64_t *offset) {
  br_status status = BR_OK;
  for (int64_t k = 0; k < count; k++) {
    const record *r = b->made[k];
    if (!status) status = br_stop_status(BR_OK);
    if (b->status[k] && !status)
      status = br_fail(b->status[k], "cache: out of memory for a picture");
    if (!status) {
      const size_t n = sizeof *r + (size_t)(r->entry.c * r->entry.h * r->entry.w);
      status = br_writer_put(w, r, n);
      offset[k + 1] = offset[k] + (int64_t)n;
    }
    br_free(b->made[k]);
  }
  return status;
}

static br_status write_tail(br_writer *w, const br_cache_key *key, int64_t n,
                            const int64_t *offset) {
  tail t = {.key = {key->word[0], key->word[1]}, .n = n, .offsets = offset[n]};
  memcpy(t.magic, MAGIC, sizeof MAGIC);
  t.check = check_of_tail(&t, offset);
  br_status status = br_writer_put(w, offset, (size_t)(n + 1) * sizeof *offset);
  return status ? status : br_writer_put(w, &t, sizeof t);
}

static br_status write_file(const char *path, const br_cache_key *key, int64_t n,
                            br_cache_make make, void *context) {
  br_status status = BR_ENOMEM;
  br_writer *w = NULL;
  int64_t *offset = br_alloc((size_t)(n + 1) * sizeof *offset);
  block *b = br_alloc(sizeof *b);
  if (!offset || !b) goto done;
  b->key = key;
  b->make = make;
  b->context = context;
  offset[0] = sizeof MAGIC;
  w = br_writer_new(path, &status);
  if (w) status = br_writer_put(w, MAGIC, sizeof MAGIC);
  for (int64_t first = 0; first < n && !status; first += BLOCK) {
    const int64_t count = n - first < BLOCK ? n - first : BLOCK;
    make_block(b, first, count);
    status = write_block(b, count, w, offset + first);
  }
  if (!status) status = write_tail(w, key, n, offset);
  if (!status) status = br_writer_finish(w);

done:
  br_writer_free(w);
  br_free(b);
  br_free(offset);
  return status;
}

/* Waits until no other process makes the cache of this key in the directory. Returns -1
   where there are no locks; two processes may then make the same cache. */
static int lock_key(const char *directory, const br_cache_key *key) {
  char path[PATH];
  struct flock one = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
  one.l_start = (off_t)(key->word[0] >> 2);
  if (snprintf(path, sizeof path, "%s/.lock", directory) >= PATH) return -1;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return -1;
  int got;
  do got = fcntl(fd, F_OFD_SETLKW, &one);
  while (got != 0 && errno == EINTR);
  return fd;
}

br_status br_cache_open(br_cache *cache, const char *directory, const br_cache_key *key,
                        int64_t n, br_cache_make make, void *context) {
  char path[PATH];
  int length = snprintf(path, sizeof path, "%s/%016" PRIx64 "%016" PRIx64 ".cache",
                        directory, key->word[0], key->word[1]);
  if (length < 0 || length >= PATH)
    return br_fail(BR_EIO, "cache: the name of the directory is too long");
  if (open_file(cache, path, key, n)) return BR_OK;
  if (mkdir(directory, 0777) != 0 && errno != EEXIST)
    return br_fail(BR_EIO, "cache: %s cannot be made: %s", directory, strerror(errno));
  const int lock = lock_key(directory, key);
  br_status status = BR_OK;
  if (!open_file(cache, path, key, n)) { /* not made while this process waited */
    status = write_file(path, key, n, make, context);
    if (!status && !open_file(cache, path, key, n))
      status = br_fail(BR_EIO, "%s: cannot be read back", path);
  }
  if (lock >= 0) close(lock);
  return status;
}
