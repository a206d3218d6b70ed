/* Cutting, resizing and warping of images.

   In all coordinates the centre of the top-left pixel is (0, 0), with x to the right
   and y downwards. Pixel i covers the interval from i - 0.5 to i + 0.5, and a whole
   image is the box (-0.5, -0.5, w - 0.5, h - 0.5). Outside an image its edge pixels
   repeat. */
#ifndef BR_IMAGE_WARP_H
#define BR_IMAGE_WARP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

/* Cuts the box (x0, y0, x1, y1), x0 < x1 and y0 < y1, out of `im` and resamples it to
   dst (out_h, out_w, c). The left edge of the box becomes the left edge of the result,
   at -0.5, and the right edge becomes its right edge, at out_w - 0.5. So the point (x,
   y) of `im` goes to
     u = (x - x0) * out_w / (x1 - x0) - 0.5,   v = (y - y0) * out_h / (y1 - y0) - 0.5,
   and the point (u, v) comes from
     x = x0 + (u + 0.5) * (x1 - x0) / out_w,   y = y0 + (v + 0.5) * (y1 - y0) / out_h.
   On an axis that shrinks, a pixel is the mean of the interval that it covers. On an
   axis that grows, it is interpolated linearly. Box coordinates go to +-2^30. */
br_status br_image_crop(const br_image *im, const double box[4], int64_t out_h,
                        int64_t out_w, uint8_t *dst);

/* A batch of affine warps by bilinear interpolation: images (n,h,w,c), pick (m) indices
   from 0 into them, matrix (m,6), dst (m,oh,ow,c) with values 0..255. A row
   (a,b,c0,d,e,f) of matrix maps pixel (x, y) of the result to the point xs = a*x + b*y +
   c0,   ys = d*x + e*y + f of the source. Nothing is averaged: a warp that shrinks skips
   pixels. Coordinates that are not numbers read the first column or row. */
typedef struct br_warps {
  const uint8_t *images;
  int64_t n, h, w, c;
  int64_t m, oh, ow;
  const int64_t *pick;
  const double *matrix;
  float *dst;
} br_warps;

br_status br_warp_batch(const br_warps *all);

/* One such warp on the calling thread alone; `map` is a row of matrix. With `area`,
   each pixel of a smaller result is the mean of several samples, about as many as the
   factor. */
void br_warp_one(const br_image *im, const double *map, bool area, int64_t oh, int64_t ow,
                 float *y);

/* Adds `share` times the values at n points (n,2), x and y, to y (n,c). */
void br_warp_places(const br_image *im, const double *at, int64_t n, float share,
                    float *y);

/* How many samples a pixel takes along an axis whose step in the image is (a, b). One is
   enough for a factor a little above 1, since it skips hardly any pixel. */
int64_t br_warp_samples(double a, double b);

/* The pixels (x0, y0) .. (x1 - 1, y1 - 1) of an image. */
typedef struct br_part {
  int64_t x0, y0, x1, y1;
} br_part;

/* The means of blocks of f x f pixels of a part. Pixels beyond its right and lower
   edges do not count. y is (oh,ow,c), where oh and ow count the blocks that begin in
   the part. `sum` is memory for (x1 - x0) * c numbers. */
void br_reduce(const br_image *im, const br_part *part, int64_t f, uint16_t *sum,
               uint8_t *y);

/* Scales one image, or each of images (m,count), to mean 0 and (population) standard
   deviation 1 in place. A constant image becomes zeros. */
void br_whiten(float *x, int64_t count);
void br_whiten_batch(float *images, int64_t m, int64_t count);

#endif
