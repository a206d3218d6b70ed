/* Images of bytes in memory, read from and written to PNG and JPEG files. */
#ifndef BR_IO_IMAGE_H
#define BR_IO_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Rows from the top, channels interleaved, no padding: pixel (x, y) starts at
   data + (y * w + x) * c. Channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. */
typedef struct br_image {
  int64_t c, h, w;
  uint8_t *data; /* from br_alloc */
} br_image;

/* No image that is drawn or resized has more pixels than this. What a file may have says
   base/limits.h. */
#define BR_IMAGE_MAX_PIXELS ((int64_t)1 << 30)

/* An image with undefined contents, c from 1 to 4. On failure `im` is empty: data NULL,
   sizes 0. br_image_free accepts an empty image and leaves one. */
br_status br_image_new(br_image *im, int64_t c, int64_t h, int64_t w);
void br_image_free(br_image *im);

/* Reads a PNG or JPEG, told apart by their first bytes. `channels`: 1 gray, 3 RGB, 0 as
   stored (gray stays gray; RGB and palette become RGB). The result never has alpha:
   transparent pixels are blended over white. 16 bits become 8 by rounding, fewer are
   spread over 0..255; gray from colour is the luma of ITU-R BT.601. `upright` turns it as
   its EXIF orientation says; gamma and colour profiles are not applied. Whatever is wrong
   with the file, the status is BR_EIO, the message names the file, and `out` is empty. */
br_status br_image_read(const char *path, int64_t channels, bool upright, br_image *out);

/* The same from memory; `name` is for messages. */
br_status br_image_decode(const uint8_t *bytes, size_t n, const char *name,
                          int64_t channels, bool upright, br_image *out);

/* Written beside `path` and renamed: what was there stays until the new file is whole. */
br_status br_image_write_png(const char *path, const br_image *im);

#endif
