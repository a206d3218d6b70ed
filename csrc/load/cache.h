/* A cache of decoded pictures: one packed file with a checksum for each picture.

   The name of the file is a key made of everything on which its contents depend. If two
   processes want the same file, the second waits for the first. A picture that is damaged
   or missing in the cache is read from its own file, and the cache is made anew the next
   time. */
#ifndef BR_LOAD_CACHE_H
#define BR_LOAD_CACHE_H

#include "image/image.h"
#include "load/recipe.h"

/* One picture, and its size in its own file. The picture's map depends on that size. */
typedef struct br_cache_entry {
  int64_t c, h, w; /* h is 0 if the picture could not be read */
  int64_t file_h, file_w;
} br_cache_entry;

/* A hash of 128 bits over everything that is added to it. */
typedef struct br_cache_key {
  uint64_t word[2];
} br_cache_key;

typedef struct br_cache {
  bool open;
  int fd;
  char *path;
  br_cache_key key;
  int64_t n, *offset; /* where each record begins, and where the last ends */
} br_cache;

void br_cache_key_begin(br_cache_key *key);
void br_cache_key_add(br_cache_key *key, const void *bytes, size_t n);
/* Adds a file: its path, size, inode and the times of its last changes. */
void br_cache_key_add_file(br_cache_key *key, const char *path);

/* Makes picture i: `im`, and the size in its file. The memory of `im` belongs to the
   scratch or to `owned`. `owned` is freed after `im` has been copied. */
typedef br_status (*br_cache_make)(void *context, int64_t i, br_scratch *scratch,
                                   br_image *im, br_image *owned, br_cache_entry *entry);

/* Opens the cache of this key in `directory`. If it is not there, it is first made on all
   threads. A picture whose file cannot be read (BR_EIO) is left out. */
br_status br_cache_open(br_cache *cache, const char *directory, const br_cache_key *key,
                        int64_t n, br_cache_make make, void *context);
void br_cache_close(br_cache *cache);

/* Reads picture i into memory of the scratch; false if it is missing or damaged. */
bool br_cache_read(const br_cache *cache, int64_t i, br_scratch *scratch, br_image *im,
                   br_cache_entry *entry);

#endif
