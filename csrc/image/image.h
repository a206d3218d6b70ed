/* Images of bytes in memory. */
#ifndef BR_IMAGE_IMAGE_H
#define BR_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Rows from the top, channels interleaved, no padding: pixel (x, y) starts at
   data + (y * w + x) * c. Channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. */
typedef struct br_image {
  int64_t c, h, w;
  uint8_t *data; /* from br_alloc */
} br_image;

/* The most pixels of a drawn or resized image. base/limits.h has the limit for files. */
#define BR_IMAGE_MAX_PIXELS ((int64_t)1 << 30)

/* An image with undefined contents, c from 1 to 4. On failure `im` is empty: data NULL,
   sizes 0. br_image_free accepts an empty image and leaves one. */
br_status br_image_new(br_image *im, int64_t c, int64_t h, int64_t w);
void br_image_free(br_image *im);

#endif
