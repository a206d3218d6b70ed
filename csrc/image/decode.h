/* Images from PNG and JPEG files. */
#ifndef BR_IMAGE_DECODE_H
#define BR_IMAGE_DECODE_H

#include <stdbool.h>

#include "image/image.h"

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

#endif
