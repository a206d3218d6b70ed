/* The orientation that a camera recorded (EXIF 2.3, tag 0x0112), and turning of
   pictures by it. */
#ifndef BR_IMAGE_EXIF_H
#define BR_IMAGE_EXIF_H

#include <stddef.h>

#include "image/image.h"

/* The orientation in a PNG or JPEG file: 1 (as stored) to 8; 1 if there is none. */
int br_exif_orientation(const uint8_t *bytes, size_t n);

/* Turns the picture upright. On failure it stays as it was. */
br_status br_image_turn(br_image *im, int orientation);

#endif
