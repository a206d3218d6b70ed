/* Tells whether files are pictures that can be read, without decoding them. */
#ifndef BR_IMAGE_PROBE_H
#define BR_IMAGE_PROBE_H

#include "image/image.h"

/* Checks the beginning and the end of a file. Returns BR_EIO with a message unless the
   file begins like a readable PNG or JPEG and is not cut off. The size is the stored
   picture's; channels are 1 for gray and 3 for colour. Damage in the middle is not
   found. */
br_status br_image_probe(const char *path, int64_t *h, int64_t *w, int64_t *c);

/* The same for n files on all threads. */
void br_image_probe_all(int64_t n, const char *const *path, unsigned char *failed);

#endif
