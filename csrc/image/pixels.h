/* Operations on the values of a picture, x (h,w,c) floats from 0 to 255, in place. */
#ifndef BR_IMAGE_PIXELS_H
#define BR_IMAGE_PIXELS_H

#include <stdint.h>

/* x * factor. */
void br_pixels_brightness(float *x, int64_t n, double factor);
/* Away from the mean luma, or towards it. */
void br_pixels_contrast(float *x, int64_t pixels, int64_t c, double factor);
/* Away from each pixel's luma; 0 makes it gray. c = 1 is left alone. */
void br_pixels_saturation(float *x, int64_t pixels, int64_t c, double factor);
/* Each channel's values spread so that all are about equally frequent: the value v, of
   rank r(v) among n pixels rounded to bytes, becomes 255 (r(v) - r0) / (n - r0), r0 the
   count of the smallest. */
void br_pixels_equalize(float *x, int64_t pixels, int64_t c);
/* Adds normal noise of the given deviation. */
void br_pixels_noise(float *x, int64_t n, double deviation, uint64_t seed,
                     uint64_t stream, uint64_t first);
/* Gaussian blur by two passes; `room` holds max(h, w) * c + 64 floats. Edges repeat. */
void br_pixels_blur(float *x, int64_t h, int64_t w, int64_t c, double sigma, float *room);
/* The rectangle of that size around (u, v), as far as it lies inside, becomes `value`. */
void br_pixels_cutout(float *x, int64_t h, int64_t w, int64_t c, double u, double v,
                      double side, float value);
/* (x / 255 - mean[ch]) / deviation[ch] */
void br_pixels_normalize(float *x, int64_t pixels, int64_t c, const double *mean,
                         const double *deviation);

#endif
