/* Many images read, cropped and resized at once, on all threads. */
#ifndef BR_IMAGE_GALLERY_H
#define BR_IMAGE_GALLERY_H

#include <stdbool.h>

#include "image/image.h"

enum { BR_GALLERY_MESSAGE = 240 };

/* Reads path[i], cuts box (n,4) out of it (see warp.h; a box whose first entry is NaN
   stands for the whole image) and resizes it into images (n,size,size,channels).
   failed[i] is set, and message[i] (BR_GALLERY_MESSAGE bytes each) says why, where that
   was not possible; the image is black then. */
void br_gallery_load(int64_t n, const char *const *path, const double *box, int64_t size,
                     int64_t channels, bool upright, uint8_t *images,
                     unsigned char *failed, char *message);

#endif
