/* Drawing on images of 1 or 3 channels, for overlays and plots.

   Coordinates are those of warp.h: the centre of the top-left pixel is (0, 0). Edges are
   antialiased. Parts outside the image are cut off. Nothing is drawn if a coordinate,
   radius or width is not finite, or a size is not positive. A colour becomes its
   luma on a gray image. Images of 2 or 4 channels are left as they are. */
#ifndef BR_IMAGE_DRAW_H
#define BR_IMAGE_DRAW_H

#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

void br_draw_disk(br_image *im, double x, double y, double radius, const uint8_t rgb[3]);

/* Outlines reach thickness / 2 to both sides of the ideal line; the ends of a line are
   round, the corners of a rectangle sharp. */
void br_draw_circle(br_image *im, double x, double y, double radius, double thickness,
                    const uint8_t rgb[3]);
void br_draw_line(br_image *im, const double from[2], const double to[2],
                  double thickness, const uint8_t rgb[3]);
void br_draw_rect(br_image *im, const double box[4], double thickness,
                  const uint8_t rgb[3]);

/* Fills the polygon of n corners x, y, x, y ... by the even-odd rule, `opacity` 0..1. */
br_status br_draw_polygon(br_image *im, const double *xy, int64_t n, double opacity,
                          const uint8_t rgb[3]);

/* Copies `src` with its top-left pixel at (x, y), gray to RGB and RGB to gray as needed.
   The two images must not be the same. */
void br_draw_image(br_image *im, const br_image *src, int64_t x, int64_t y);

#endif
