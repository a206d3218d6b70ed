/* Reading many images on all threads. */
#include "image/gallery.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/threads.h"
#include "image/decode.h"
#include "image/warp.h"

static br_status load_one(const char *path, const double *box, int64_t size,
                          int64_t channels, bool upright, uint8_t *to) {
  br_image im = {0};
  br_status status = br_image_read(path, channels, upright, &im);
  if (status) return status;
  double whole[4] = {-0.5, -0.5, (double)im.w - 0.5, (double)im.h - 0.5};
  status = br_image_crop(&im, isnan(box[0]) ? whole : box, size, size, to);
  br_image_free(&im);
  return status;
}

void br_gallery_load(int64_t n, const char *const *path, const double *box, int64_t size,
                     int64_t channels, bool upright, uint8_t *images,
                     unsigned char *failed, char *message) {
  int64_t bytes = size * size * channels;
  _Atomic int64_t next = 0; /* pictures differ in what they take */
#pragma omp parallel num_threads(br_threads())
  for (int64_t i; (i = atomic_fetch_add(&next, 1)) < n;) {
    failed[i] = load_one(path[i], box + 4 * i, size, channels, upright,
                         images + i * bytes) != BR_OK;
    if (!failed[i]) continue;
    memset(images + i * bytes, 0, (size_t)bytes);
    snprintf(message + i * BR_GALLERY_MESSAGE, BR_GALLERY_MESSAGE, "%s",
             br_error_message());
  }
}
