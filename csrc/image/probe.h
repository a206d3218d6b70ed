/* Whether files are pictures that can be read, without decoding them. */
#ifndef BR_IMAGE_PROBE_H
#define BR_IMAGE_PROBE_H

#include "image/image.h"

/* Checks the beginning and the end of a file. It gives BR_EIO with a message unless the
   file begins as a PNG or JPEG that can be read and is not cut off. The size is the
   stored picture's; channels are 1 for gray and 3 for colour. Damage inside is not found.
 */
br_status br_image_probe(const char *path, int64_t *h, int64_t *w, int64_t *c);

/* The same for n files on all threads. */
void br_image_probe_all(int64_t n, const char *const *path, unsigned char *failed);

#endif
