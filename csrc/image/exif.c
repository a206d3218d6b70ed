/* Finds the EXIF orientation, by the lengths of a JPEG's segments or a PNG's chunks.
   Nothing is read beyond the end of the bytes. */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

enum { ORIENTATION = 0x0112, SHORT = 3 };

static uint32_t number(const uint8_t *p, int bytes, bool big) {
  uint32_t v = 0;
  for (int i = 0; i < bytes; i++) v = v << 8 | p[big ? i : bytes - 1 - i];
  return v;
}

/* The orientation in a block in TIFF format, whose first directory has the entry. */
static int of_tiff(const uint8_t *p, size_t n) {
  if (n < 14 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0)) return 1;
  const bool big = p[0] == 'M';
  const size_t at = number(p + 4, 4, big);
  if (at > n - 2) return 1;
  const size_t count = number(p + at, 2, big);
  for (size_t i = 0; i < count; i++) {
    const size_t entry = at + 2 + 12 * i;
    if (entry > n - 12 || n < 12) return 1;
    if (number(p + entry, 2, big) != ORIENTATION) continue;
    const uint32_t value = number(p + entry + 8, 2, big);
    const bool good = number(p + entry + 2, 2, big) == SHORT && value >= 1 && value <= 8;
    return good ? (int)value : 1;
  }
  return 1;
}

static int of_jpeg(const uint8_t *p, size_t n) {
  for (size_t i = 2; i + 4 <= n && p[i] == 0xff;) {
    const uint8_t marker = p[i + 1];
    if (marker == 0xff) {
      i++; /* skip a fill byte */
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return 1; /* the coded data, or the end */
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      i += 2;
      continue;
    }
    const size_t length = number(p + i + 2, 2, true);
    if (length < 2 || length > n - i - 2) return 1;
    if (marker == 0xe1 && length >= 8 && memcmp(p + i + 4, "Exif\0\0", 6) == 0)
      return of_tiff(p + i + 10, length - 8);
    i += 2 + length;
  }
  return 1;
}

static int of_png(const uint8_t *p, size_t n) {
  for (size_t i = 8; i + 12 <= n;) {
    const size_t length = number(p + i, 4, true);
    if (length > n - i - 12) return 1;
    if (memcmp(p + i + 4, "eXIf", 4) == 0) return of_tiff(p + i + 8, length);
    i += 12 + length;
  }
  return 1;
}

int br_exif_orientation(const uint8_t *bytes, size_t n) {
  if (n < 8) return 1;
  if (bytes[0] == 0xff && bytes[1] == 0xd8) return of_jpeg(bytes, n);
  return memcmp(bytes + 1, "PNG", 3) == 0 ? of_png(bytes, n) : 1;
}

br_status br_image_turn(br_image *im, int orientation) {
  if (orientation <= 1 || orientation > 8) return BR_OK;
  const bool across = orientation >= 5; /* rows become columns */
  /* Whether the stored columns and rows are read from their ends. */
  const bool back_x = orientation == 2 || orientation == 3 || orientation == 7 ||
                      orientation == 8;
  const bool back_y = orientation == 3 || orientation == 4 || orientation == 6 ||
                      orientation == 7;
  const int64_t c = im->c, h = across ? im->w : im->h, w = across ? im->h : im->w;
  br_image out;
  br_status status = br_image_new(&out, c, h, w);
  if (status) return status;
  uint8_t *to = out.data;
  for (int64_t y = 0; y < h; y++) {
    for (int64_t x = 0; x < w; x++, to += c) {
      int64_t u = across ? y : x, v = across ? x : y;
      if (back_x) u = im->w - 1 - u;
      if (back_y) v = im->h - 1 - v;
      const uint8_t *from = im->data + (v * im->w + u) * c;
      for (int64_t k = 0; k < c; k++) to[k] = from[k];
    }
  }
  br_image_free(im);
  *im = out;
  return BR_OK;
}
