/* Checks pictures without decoding them. pread reads only the pieces of the file that
   are needed. */
#define _GNU_SOURCE
#include "image/probe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/stop.h"
#include "base/threads.h"
#include "image/codec.h"
#include "image/decode.h"
#include "io/slice.h"

enum { HEAD = 64, MAX_SEGMENTS = 4096 };

/* ---- one file -------------------------------------------------------------------- */

typedef struct source {
  int fd;
  int64_t first, size; /* the file's bytes */
  const char *path;
} source;

/* Reads n bytes at `at`. Returns false if the file ends before. */
static bool read_at(const source *s, int64_t at, uint8_t *to, int64_t n) {
  if (at < 0 || n > s->size - at) return false;
  while (n > 0) {
    ssize_t got = pread(s->fd, to, (size_t)n, s->first + at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    at += got;
    n -= got;
  }
  return true;
}

static int64_t big(const uint8_t *p, int n) {
  int64_t v = 0;
  for (int i = 0; i < n; i++) v = v << 8 | p[i];
  return v;
}

/* Whether pictures of this size may be read, given the size of the file in bytes. */
static bool is_size(const source *s, int64_t h, int64_t w, int64_t per_byte) {
  return br_codec_check_size(s->path, h, w, (size_t)s->size, per_byte) == BR_OK;
}

static bool usual_png(const source *s, int64_t *h, int64_t *w, int64_t *c) {
  static const uint8_t end[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
  uint8_t head[33], tail[12];
  if (!read_at(s, 0, head, sizeof head) || big(head + 8, 4) != 13 ||
      memcmp(head + 12, "IHDR", 4) != 0)
    return false;
  *w = big(head + 16, 4);
  *h = big(head + 20, 4);
  *c = head[25] & 2 ? 3 : 1; /* the bit for colour in the PNG's colour type */
  return is_size(s, *h, *w, 1032 * 8) && read_at(s, s->size - 12, tail, 12) &&
         memcmp(tail, end, 12) == 0;
}

static bool usual_jpeg(const source *s, int64_t *h, int64_t *w, int64_t *c) {
  uint8_t p[10], tail[2];
  int64_t at = 2;
  for (int i = 0; i < MAX_SEGMENTS; i++) {
    if (!read_at(s, at, p, 4) || p[0] != 0xff) return false;
    const uint8_t marker = p[1];
    if (marker < 0xc0 || marker == 0xff || (marker >= 0xd0 && marker <= 0xda))
      return false;
    const bool tables = marker == 0xc4 || marker == 0xc8 || marker == 0xcc;
    if (marker <= 0xcf && !tables) {
      if (!read_at(s, at, p, sizeof p)) return false;
      *h = big(p + 5, 2);
      *w = big(p + 7, 2);
      *c = p[9] == 1 ? 1 : 3;
      return p[9] != 4 && is_size(s, *h, *w, 1024) && read_at(s, s->size - 2, tail, 2) &&
             tail[0] == 0xff && tail[1] == 0xd9;
    }
    at += 2 + big(p + 2, 2);
  }
  return false;
}

/* Lets the decoder decide about an unusual file. */
static br_status decode_all(const source *s, int64_t *h, int64_t *w, int64_t *c) {
  br_image im = {0};
  br_status status = br_image_read(s->path, 0, false, &im);
  *h = im.h;
  *w = im.w;
  *c = im.c < 3 ? 1 : 3;
  br_image_free(&im);
  return status;
}

static br_status probe(const source *s, int64_t *h, int64_t *w, int64_t *c) {
  uint8_t head[HEAD];
  const int64_t n = s->size < HEAD ? s->size : HEAD;
  br_status status = br_limit_check(BR_LIMIT_PICTURE, s->size, s->path, "bytes");
  if (status) return status;
  if (n == 0) return br_fail(BR_EIO, "%s: the file is empty", s->path);
  if (!read_at(s, 0, head, n))
    return br_fail(BR_EIO, "cannot read %s: %s", s->path, strerror(errno));
  const bool png = br_codec_begins(head, (size_t)n, "\x89PNG\r\n\x1a\n");
  const bool jpeg = br_codec_begins(head, (size_t)n, "\xff\xd8\xff");
  if (!png && !jpeg) return br_codec_other(s->path, head, (size_t)n);
  if (png ? usual_png(s, h, w, c) : usual_jpeg(s, h, w, c)) return BR_OK;
  return decode_all(s, h, w, c);
}

br_status br_image_probe(const char *path, int64_t *h, int64_t *w, int64_t *c) {
  br_slice file;
  *h = *w = *c = 0;
  br_status status = br_slice_open(path, &file);
  if (status) return status;
  status = probe(&(source){file.fd, file.first, file.size, path}, h, w, c);
  close(file.fd);
  return status;
}

void br_image_probe_all(int64_t n, const char *const *path, unsigned char *failed) {
  _Atomic int64_t next = 0; /* threads take files one by one, as some are decoded */
#pragma omp parallel num_threads(br_threads()) if (n > 64)
  for (int64_t i, h, w, c; (i = atomic_fetch_add(&next, 1)) < n && !br_stopped();)
    failed[i] = br_image_probe(path[i], &h, &w, &c) != BR_OK;
}
