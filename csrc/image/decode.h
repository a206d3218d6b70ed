/* Images from PNG and JPEG files. */
#ifndef BR_IMAGE_DECODE_H
#define BR_IMAGE_DECODE_H

#include <stdbool.h>

#include "image/image.h"

/* Reads a PNG or JPEG; the first bytes tell which. `channels` is 1 for gray, 3 for RGB,
   0 for what is stored (gray stays gray; RGB and palette become RGB). The result never
   has alpha: transparent pixels are blended over white. 16 bits become 8 by rounding;
   fewer bits are spread over 0..255. Gray from colour is the luma of ITU-R BT.601.
   `upright` turns the image as its EXIF orientation says. Gamma and colour profiles are
   ignored. If anything is wrong with the file, the status is BR_EIO, the message names
   the file, and `out` is empty. */
br_status br_image_read(const char *path, int64_t channels, bool upright, br_image *out);

/* The same from memory; `name` is for messages. */
br_status br_image_decode(const uint8_t *bytes, size_t n, const char *name,
                          int64_t channels, bool upright, br_image *out);

#endif
