/* Parts of an image, each averaged down (or spread) to one size, for networks. */
#ifndef BR_IMAGE_AREA_H
#define BR_IMAGE_AREA_H

#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

/* Parts (m,4) of `im`, each the columns part[0] .. part[2]-1 and the rows part[1] ..
   part[3]-1, none empty, all inside. dst (m,oh,ow,c): value (i, j) is the mean of the
   pixels floor(i h / oh) .. ceil((i + 1) h / oh) - 1 by floor(j w / ow) .. of the part,
   minus `shift`, times `scale`. No side of a part is longer than 2^15; a window has at
   most 2^24 pixels. */
br_status br_area_batch(const br_image *im, const int64_t *part, int64_t m, int64_t oh,
                        int64_t ow, float shift, float scale, float *dst);

enum { BR_AREA_MAX = 1 << 15 };

#endif
