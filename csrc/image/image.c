/* Makes and frees images in memory. */
#include "image/image.h"

#include <inttypes.h>

#include "base/mem.h"

br_status br_image_new(br_image *im, int64_t c, int64_t h, int64_t w) {
  *im = (br_image){0};
  if (c < 1 || c > 4)
    return br_fail(BR_EINVAL, "image: 1 to 4 channels wanted, not %" PRId64, c);
  if (h < 1 || w < 1 || h > BR_IMAGE_MAX_PIXELS / w)
    return br_fail(BR_EINVAL,
                   "image: %" PRId64 " x %" PRId64 " is not from 1 to %" PRId64 " pixels",
                   w, h, BR_IMAGE_MAX_PIXELS);
  uint8_t *data = br_alloc((size_t)(c * h * w));
  if (!data) return BR_ENOMEM;
  *im = (br_image){.c = c, .h = h, .w = w, .data = data};
  return BR_OK;
}

void br_image_free(br_image *im) {
  br_free(im->data);
  *im = (br_image){0};
}
