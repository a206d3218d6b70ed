/* Whether files are pictures that can be read, without decoding them. */
#ifndef BR_IMAGE_PROBE_H
#define BR_IMAGE_PROBE_H

#include "image/image.h"

/* Looks at the beginning and the end of a file: BR_EIO with a message unless it begins as
   a PNG or JPEG of a kind and size that is read, and is not cut off. The size is that of
   the stored picture, its channels 1 for gray and 3 for colour. A file that is damaged
   inside passes. */
br_status br_image_probe(const char *path, int64_t *h, int64_t *w, int64_t *c);

/* The same for n files on all threads. */
void br_image_probe_all(int64_t n, const char *const *path, unsigned char *failed);

#endif
