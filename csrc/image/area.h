/* Parts of an image, each averaged down (or spread) to one size, for networks. */
#ifndef BR_IMAGE_AREA_H
#define BR_IMAGE_AREA_H

#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

/* Parts (m,4) of an image, each the columns part[0] .. part[2]-1 and the rows part[1] ..
   part[3]-1, none empty, all inside. dst (m,oh,ow,c): value (i, j) is the mean of the
   pixels floor(i h / oh) .. ceil((i + 1) h / oh) - 1 by floor(j w / ow) .. of the part,
   minus `shift`, times `scale`. No side of a part is longer than 2^15; a window has at
   most 2^24 pixels. */
typedef struct br_areas {
  const int64_t *part;
  int64_t m, oh, ow;
  float shift, scale;
  float *dst;
} br_areas;

br_status br_area_batch(const br_image *im, const br_areas *all);

enum { BR_AREA_MAX = 1 << 15 };

#endif
