/* The orientation that a camera noted (EXIF 2.3, tag 0x0112), and pictures turned by it.
 */
#ifndef BR_IMAGE_EXIF_H
#define BR_IMAGE_EXIF_H

#include <stddef.h>

#include "image/image.h"

/* From the bytes of a PNG or JPEG file: 1 (as stored) to 8; 1 when it says none. */
int br_exif_orientation(const uint8_t *bytes, size_t n);

/* The picture as it is to be seen. On failure it is left as it was. */
br_status br_image_turn(br_image *im, int orientation);

#endif
