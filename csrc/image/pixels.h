/* Operations on the values of a picture, in place. */
#ifndef BR_IMAGE_PIXELS_H
#define BR_IMAGE_PIXELS_H

#include <stdint.h>

#include "base/rng.h"

/* Floats x (h,w,c), from 0 to 255. */
typedef struct br_pixels {
  float *x;
  int64_t h, w, c;
} br_pixels;

/* x * factor */
void br_pixels_brightness(br_pixels p, double factor);
/* Scales the differences from the mean luma by `factor`. */
void br_pixels_contrast(br_pixels p, double factor);
/* Scales the differences from the pixel's luma by `factor`; 0 makes the picture gray. A
   picture of one channel does not change. */
void br_pixels_saturation(br_pixels p, double factor);
/* Spreads each channel's values, rounded to bytes, so that all become about equally
   frequent. Value v becomes 255 (r(v) - r0) / (n - r0), where n is the number of
   pixels, r(v) the number of values up to v, and r0 the count of the smallest value. */
void br_pixels_equalize(br_pixels p);
/* Adds normal noise with the given standard deviation. */
void br_pixels_noise(br_pixels p, double deviation, br_draws draws);
/* Gaussian blur in two passes. `room` holds max(h, w) * c + 64 floats. Edge pixels
   repeat. */
void br_pixels_blur(br_pixels p, double sigma, float *room);
/* Fills the square with this side around (u, v), clipped to the picture, with
   `value`. */
void br_pixels_cutout(br_pixels p, double u, double v, double side, float value);
/* A rectangle of pixels. */
typedef struct br_rows {
  int64_t x, y, w, h;
} br_rows;

/* Fills a rectangle inside the picture with `value`, or with uniform noise if it is below
   0. */
void br_pixels_erase(br_pixels p, br_rows at, float value, br_draws draws);
/* 255 (x / 255)^gamma */
void br_pixels_gamma(br_pixels p, double gamma);
/* Turns the hue (of HSV) by `turn` of the circle. A picture of one channel does not
   change. */
void br_pixels_hue(br_pixels p, double turn);
/* (x / 255 - mean[ch]) / deviation[ch] */
void br_pixels_normalize(br_pixels p, const double *mean, const double *deviation);

#endif
