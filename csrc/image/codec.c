/* The checks that every decoder makes before it takes memory, and the names of other
   kinds of files. */
#include "image/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

/* The sizes come from a header, so they are at most 2^31. */
static br_status check_pixels(const char *name, int64_t h, int64_t w) {
  char unit[64];
  snprintf(unit, sizeof unit, "pixels (%" PRId64 " x %" PRId64 ")", w, h);
  return br_limit_check(BR_LIMIT_PIXELS, h * w, name, unit);
}

br_status br_codec_check_size(const char *name, int64_t h, int64_t w, size_t n,
                              int64_t per_byte) {
  if (h < 1 || w < 1)
    return br_fail(BR_EIO, "%s: the image has no pixels (%" PRId64 " x %" PRId64 ")",
                   name, w, h);
  const br_status status = check_pixels(name, h, w);
  if (status) return status;
  if ((size_t)(h * w / per_byte) > n)
    return br_fail(BR_EIO,
                   "%s: damaged: claims %" PRId64 " x %" PRId64
                   " pixels, more than its %zu bytes can hold",
                   name, w, h, n);
  return BR_OK;
}

typedef struct kind {
  const char *at_0, *at_4, *at_8, *name;
} kind;

static const kind kinds[] = {
    {"BM", NULL, NULL, "a BMP picture"},
    {"GIF8", NULL, NULL, "a GIF picture"},
    {"RIFF", NULL, "WEBP", "a WebP picture"},
    {"II*", NULL, NULL, "a TIFF picture"},
    {NULL, "ftypheic", NULL, "a HEIC picture"},
    {NULL, "ftypheix", NULL, "a HEIC picture"},
    {NULL, "ftypmif1", NULL, "a HEIF picture"},
    {NULL, "ftypavif", NULL, "an AVIF picture"},
    {NULL, "jP  ", NULL, "a JPEG 2000 picture"},
    {"\xff\x0a", NULL, NULL, "a JPEG XL picture"},
    {NULL, "JXL ", NULL, "a JPEG XL picture"},
    {"8BPS", NULL, NULL, "a picture of Photoshop"},
    {"%PDF", NULL, NULL, "a PDF document"},
    {"<svg", NULL, NULL, "an SVG drawing"},
    {"<!DO", NULL, NULL, "a web page: did the download fail?"},
    {"<!do", NULL, NULL, "a web page: did the download fail?"},
    {"<htm", NULL, NULL, "a web page: did the download fail?"},
    {"version https://git-lfs", NULL, NULL,
     "a pointer of Git LFS and not the file: run git lfs pull"},
    {"PK\3\4", NULL, NULL, "a zip file"},
    {"\x1f\x8b", NULL, NULL, "a file packed by gzip"},
    {"P5", NULL, NULL, "a PGM picture"},
    {"P6", NULL, NULL, "a PPM picture"},
};

bool br_codec_begins(const uint8_t *bytes, size_t n, const char *with) {
  return !with || (n >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0);
}

/* Names the kind of bytes that are neither PNG nor JPEG; NULL if unknown. */
static const char *kind_of(const uint8_t *bytes, size_t n) {
  if (n < 12) return NULL;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const kind *k = &kinds[i];
    if (br_codec_begins(bytes, n, k->at_0) &&
        br_codec_begins(bytes + 4, n - 4, k->at_4) &&
        br_codec_begins(bytes + 8, n - 8, k->at_8))
      return k->name;
  }
  return memcmp(bytes, "MM\0*", 4) == 0 ? "a TIFF picture" : NULL;
}

br_status br_codec_other(const char *name, const uint8_t *bytes, size_t n) {
  const char *what = kind_of(bytes, n);
  return br_fail(BR_EIO, "%s: not a PNG or JPEG file%s%s", name, what ? ": it is " : "",
                 what ? what : "");
}
