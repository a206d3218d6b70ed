/* Operations on the values of a picture, in place. */
#ifndef BR_IMAGE_PIXELS_H
#define BR_IMAGE_PIXELS_H

#include <stdint.h>

#include "base/rng.h"

/* Floats x (h,w,c) from 0 to 255. */
typedef struct br_pixels {
  float *x;
  int64_t h, w, c;
} br_pixels;

/* x * factor. */
void br_pixels_brightness(br_pixels p, double factor);
/* Moves values away from the mean luma, or towards it. */
void br_pixels_contrast(br_pixels p, double factor);
/* Moves values away from their pixel's luma; 0 makes it gray. c = 1 does not change. */
void br_pixels_saturation(br_pixels p, double factor);
/* Each channel's values spread so that all are about equally frequent: the value v, of
   rank r(v) among n pixels rounded to bytes, becomes 255 (r(v) - r0) / (n - r0), r0 the
   count of the smallest. */
void br_pixels_equalize(br_pixels p);
/* Adds normal noise of the given deviation. */
void br_pixels_noise(br_pixels p, double deviation, br_draws draws);
/* Gaussian blur by two passes; `room` holds max(h, w) * c + 64 floats. Edges repeat. */
void br_pixels_blur(br_pixels p, double sigma, float *room);
/* Fills the square of that side around (u, v), clipped to the picture, with `value`. */
void br_pixels_cutout(br_pixels p, double u, double v, double side, float value);
/* (x / 255 - mean[ch]) / deviation[ch] */
void br_pixels_normalize(br_pixels p, const double *mean, const double *deviation);

#endif
