/* Reading many images on all threads. */
#include "image/gallery.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/threads.h"
#include "image/decode.h"
#include "image/warp.h"

static br_status load_one(const br_gallery *g, int64_t i, uint8_t *to) {
  const double *box = g->box + 4 * i;
  br_image im = {0};
  br_status status = br_image_read(g->path[i], g->channels, g->upright, &im);
  if (status) return status;
  double whole[4] = {-0.5, -0.5, (double)im.w - 0.5, (double)im.h - 0.5};
  status = br_image_crop(&im, isnan(box[0]) ? whole : box, g->size, g->size, to);
  br_image_free(&im);
  return status;
}

void br_gallery_load(const br_gallery *g, unsigned char *failed, char *message) {
  int64_t bytes = g->size * g->size * g->channels;
  _Atomic int64_t next = 0; /* threads take pictures one by one, as some take longer */
#pragma omp parallel num_threads(br_threads())
  for (int64_t i; (i = atomic_fetch_add(&next, 1)) < g->n;) {
    uint8_t *to = g->images + i * bytes;
    failed[i] = load_one(g, i, to) != BR_OK;
    if (!failed[i]) continue;
    memset(to, 0, (size_t)bytes);
    snprintf(message + i * BR_GALLERY_MESSAGE, BR_GALLERY_MESSAGE, "%s",
             br_error_message());
  }
}
