/* Many images read, cropped and resized at once, on all threads. */
#ifndef BR_IMAGE_GALLERY_H
#define BR_IMAGE_GALLERY_H

#include <stdbool.h>

#include "image/image.h"

enum { BR_GALLERY_MESSAGE = 240 };

/* Pictures read from path[i], each cut to its box (n,4) and resized into images
   (n,size,size,channels). Boxes are those of warp.h; NaN as a box's first entry means
   the whole image. */
typedef struct br_gallery {
  int64_t n, size, channels;
  const char *const *path;
  const double *box;
  bool upright;
  uint8_t *images;
} br_gallery;

/* If a picture cannot be read, failed[i] is set, message[i] (BR_GALLERY_MESSAGE bytes
   each) gives the reason, and its image is black. */
void br_gallery_load(const br_gallery *g, unsigned char *failed, char *message);

#endif
