/* Parts of an image, each averaged (or enlarged) to one size, for networks. */
#ifndef BR_IMAGE_AREA_H
#define BR_IMAGE_AREA_H

#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

/* Parts (m,4) of an image: columns part[0] .. part[2]-1 and rows part[1] .. part[3]-1.
   None is empty, and all are inside. dst (m,oh,ow,c): value (i, j) is the mean of the
   part's rows floor(i h / oh) .. ceil((i + 1) h / oh) - 1, in the columns found likewise
   from j, w and ow, minus `shift`, times `scale`. No side of a part is longer than 2^15,
   and no window has more than 2^24 pixels. */
typedef struct br_areas {
  const int64_t *part;
  int64_t m, oh, ow;
  float shift, scale;
  float *dst;
} br_areas;

br_status br_area_batch(const br_image *im, const br_areas *all);

enum { BR_AREA_MAX = 1 << 15 };

#endif
