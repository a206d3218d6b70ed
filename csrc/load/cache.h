/* A cache of decoded pictures: one packed file of bytes, of which each has a checksum.

   The name of the file is a key made of everything its contents depend on. When two
   processes want the same one, the second waits for the first. What is damaged, cut or
   gone is read from the picture's own file instead, and the cache made anew the next
   time. */
#ifndef BR_LOAD_CACHE_H
#define BR_LOAD_CACHE_H

#include "image/image.h"
#include "load/recipe.h"

/* One picture, and the size it had in its file, which its map depends on. */
typedef struct br_cache_entry {
  int64_t c, h, w; /* h 0: it could not be made */
  int64_t file_h, file_w;
} br_cache_entry;

/* A key of 128 bits that grows by what is added to it. */
typedef struct br_cache_key {
  uint64_t word[2];
} br_cache_key;

typedef struct br_cache {
  bool open;
  int fd;
  char *path;
  br_cache_key key;
  int64_t n, *offset; /* of the n records, and where the last one ends */
} br_cache;

void br_cache_key_begin(br_cache_key *key);
void br_cache_key_add(br_cache_key *key, const void *bytes, size_t n);
/* A file: its path, and what the system knows of its contents' last change. */
void br_cache_key_add_file(br_cache_key *key, const char *path);

/* Makes picture i: `im` (its memory from the scratch or `owned`, which is freed after it
   has been copied) and the size in the file. */
typedef br_status (*br_cache_make)(void *context, int64_t i, br_scratch *scratch,
                                   br_image *im, br_image *owned, br_cache_entry *entry);

/* Opens the cache of that key in `directory`, after making it on all threads when it is
   not there. What cannot be made for its file's sake (BR_EIO) is left out. */
br_status br_cache_open(br_cache *cache, const char *directory, const br_cache_key *key,
                        int64_t n, br_cache_make make, void *context);
void br_cache_close(br_cache *cache);

/* Picture i, in memory of the scratch; false when it is not there, or damaged. */
bool br_cache_read(const br_cache *cache, int64_t i, br_scratch *scratch, br_image *im,
                   br_cache_entry *entry);

#endif
