/* Draws shapes with antialiasing. A pixel's coverage is the overlap of the shape with
   an interval of one pixel's width across its edge.

   The pixels to visit come from a bounding box clamped to the image, so the image
   bounds the work whatever the coordinates are. A coverage that overflows to NaN counts
   as none. */
#include "image/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "image/codec.h"

/* A shape: up to five numbers, and a function for the coverage of the pixel at (x, y),
   0..1. An optional function narrows the part of the row at y that the shape may reach.
 */
typedef struct shape {
  double p[5];
  double (*cover)(const double *p, double x, double y);
  void (*narrow)(const double *p, double y, double *left, double *right);
} shape;

static bool drawable(const br_image *im) {
  return im->data && (im->c == 1 || im->c == 3);
}

/* The colour as the image stores it. */
static void pixel_of(const br_image *im, const uint8_t rgb[3], uint8_t pixel[3]) {
  memcpy(pixel, rgb, 3);
  if (im->c == 1) pixel[0] = br_luma(rgb);
}

/* ---- coverage -------------------------------------------------------------------- */

/* Overlap of [-half, half] with the pixel [d - 0.5, d + 0.5]. */
static double overlap(double d, double half) {
  return fmin(d + 0.5, half) - fmax(d - 0.5, -half);
}

/* p = x, y, radius of the line (0: a disk), half width */
static double cover_ring(const double *p, double x, double y) {
  const double dx = x - p[0], dy = y - p[1];
  return overlap(fabs(sqrt(dx * dx + dy * dy) - p[2]), p[3]);
}

/* p = x0, y0, x1, y1, half width */
static double cover_line(const double *p, double x, double y) {
  const double ax = p[2] - p[0], ay = p[3] - p[1];
  const double length2 = ax * ax + ay * ay;
  double t = length2 > 0 ? ((x - p[0]) * ax + (y - p[1]) * ay) / length2 : 0;
  t = fmin(fmax(t, 0), 1);
  const double dx = x - (p[0] + t * ax), dy = y - (p[1] + t * ay);
  return overlap(sqrt(dx * dx + dy * dy), p[4]);
}

static void narrow_line(const double *p, double y, double *left, double *right) {
  const double reach = p[4] + 1, dy = p[3] - p[1];
  if (fabs(dy) < reach) return;
  const double t0 = fmin(fmax((y - reach - p[1]) / dy, 0), 1);
  const double t1 = fmin(fmax((y + reach - p[1]) / dy, 0), 1);
  const double x0 = p[0] + t0 * (p[2] - p[0]), x1 = p[0] + t1 * (p[2] - p[0]);
  *left = fmax(*left, fmin(x0, x1) - reach);
  *right = fmin(*right, fmax(x0, x1) + reach);
}

/* The area of the pixel at (x, y) inside the box grown by `r` on every side. */
static double box_area(const double *p, double r, double x, double y) {
  const double width = fmin(x + 0.5, p[2] + r) - fmax(x - 0.5, p[0] - r);
  const double height = fmin(y + 0.5, p[3] + r) - fmax(y - 0.5, p[1] - r);
  return fmax(width, 0) * fmax(height, 0);
}

/* p = x0, y0, x1, y1, half width */
static double cover_rect(const double *p, double x, double y) {
  return box_area(p, p[4], x, y) - box_area(p, -p[4], x, y);
}

/* ---- painting -------------------------------------------------------------------- */

static void blend(uint8_t *to, const uint8_t *pixel, int64_t c, double cover) {
  for (int64_t k = 0; k < c; k++)
    to[k] = (uint8_t)(to[k] + (pixel[k] - to[k]) * cover + 0.5);
}

/* The index from 0 to `size` nearest to v. Comparisons keep it in range. */
static int64_t clip(double v, int64_t size) {
  if (!(v > 0)) return 0;
  return v < (double)size ? (int64_t)v : size;
}

/* Paints the shape's pixels within the bounds (x0, y0, x1, y1), which must enclose
   it. */
static void paint(br_image *im, const shape *s, const double bound[4],
                  const uint8_t rgb[3]) {
  uint8_t pixel[3];
  if (!drawable(im)) return;
  for (int i = 0; i < 5; i++) {
    if (!isfinite(s->p[i])) return;
  }
  pixel_of(im, rgb, pixel);
  const int64_t top = clip(bound[1] - 1, im->h), bottom = clip(bound[3] + 2, im->h);
  for (int64_t y = top; y < bottom; y++) {
    double from = bound[0], to_x = bound[2];
    if (s->narrow) s->narrow(s->p, (double)y, &from, &to_x);
    const int64_t left = clip(from - 1, im->w), right = clip(to_x + 2, im->w);
    uint8_t *to = im->data + (y * im->w + left) * im->c;
    for (int64_t x = left; x < right; x++, to += im->c) {
      const double cover = s->cover(s->p, (double)x, (double)y);
      if (cover > 0) blend(to, pixel, im->c, fmin(cover, 1));
    }
  }
}

static void draw_ring(br_image *im, double x, double y, double radius, double half,
                      const uint8_t rgb[3]) {
  const double r = radius + half;
  const shape s = {{x, y, radius, half, 0}, cover_ring};
  const double bound[4] = {x - r, y - r, x + r, y + r};
  paint(im, &s, bound, rgb);
}

void br_draw_disk(br_image *im, double x, double y, double radius, const uint8_t rgb[3]) {
  if (radius > 0) draw_ring(im, x, y, 0, radius, rgb);
}

void br_draw_circle(br_image *im, double x, double y, double radius, double thickness,
                    const uint8_t rgb[3]) {
  if (radius > 0 && thickness > 0) draw_ring(im, x, y, radius, thickness / 2, rgb);
}

void br_draw_line(br_image *im, const double from[2], const double to[2],
                  double thickness, const uint8_t rgb[3]) {
  const double half = thickness / 2;
  const shape s = {{from[0], from[1], to[0], to[1], half}, cover_line, narrow_line};
  const double bound[4] = {fmin(from[0], to[0]) - half, fmin(from[1], to[1]) - half,
                           fmax(from[0], to[0]) + half, fmax(from[1], to[1]) + half};
  if (thickness > 0) paint(im, &s, bound, rgb);
}

void br_draw_rect(br_image *im, const double box[4], double thickness,
                  const uint8_t rgb[3]) {
  const double half = thickness / 2;
  const shape s = {{fmin(box[0], box[2]), fmin(box[1], box[3]), fmax(box[0], box[2]),
                    fmax(box[1], box[3]), half},
                   cover_rect};
  const double bound[4] = {s.p[0] - half, s.p[1] - half, s.p[2] + half, s.p[3] + half};
  /* fmin and fmax would hide a NaN. */
  for (int i = 0; i < 4; i++) {
    if (!isfinite(box[i])) return;
  }
  if (thickness > 0) paint(im, &s, bound, rgb);
}

/* ---- polygons -------------------------------------------------------------------- */

enum { SUBLINES = 4 };

/* Finds where the line at y crosses the polygon's edges: x in ascending order. Returns
   how many. */
static int64_t crossings(const double *xy, int64_t n, double y, double *at) {
  int64_t count = 0;
  for (int64_t i = 0, j = n - 1; i < n; j = i++) {
    const double x0 = xy[2 * j], y0 = xy[2 * j + 1], x1 = xy[2 * i], y1 = xy[2 * i + 1];
    if ((y0 <= y) == (y1 <= y)) continue;
    const double x = x0 + (y - y0) / (y1 - y0) * (x1 - x0);
    int64_t k = count++;
    for (; k > 0 && at[k - 1] > x; k--) at[k] = at[k - 1];
    at[k] = x;
  }
  return count;
}

/* Adds to `cover` what [from, to] covers of each pixel of a row, times `share`. */
static void cover_span(double *cover, int64_t w, double from, double to, double share) {
  const int64_t left = clip(from + 0.5, w), right = clip(to + 1.5, w);
  for (int64_t x = left; x < right; x++) {
    const double part = fmin((double)x + 0.5, to) - fmax((double)x - 0.5, from);
    if (part > 0) cover[x] += part * share;
  }
}

br_status br_draw_polygon(br_image *im, const double *xy, int64_t n, double opacity,
                          const uint8_t rgb[3]) {
  uint8_t pixel[3];
  double low = INFINITY, high = -INFINITY;
  if (!drawable(im) || n < 3 || !(opacity > 0)) return BR_OK;
  for (int64_t i = 0; i < 2 * n; i++) {
    if (!isfinite(xy[i])) return BR_OK;
    if (i % 2) low = fmin(low, xy[i]), high = fmax(high, xy[i]);
  }
  double *cover = br_alloc((size_t)(im->w + n) * sizeof *cover);
  if (!cover) return BR_ENOMEM;
  double *at = cover + im->w;
  pixel_of(im, rgb, pixel);
  for (int64_t y = clip(low, im->h), end = clip(high + 2, im->h); y < end; y++) {
    memset(cover, 0, (size_t)im->w * sizeof *cover);
    for (int s = 0; s < SUBLINES; s++) {
      const double line = (double)y - 0.5 + (s + 0.5) / SUBLINES;
      const int64_t count = crossings(xy, n, line, at);
      for (int64_t k = 0; k + 1 < count; k += 2)
        cover_span(cover, im->w, at[k], at[k + 1], fmin(opacity, 1) / SUBLINES);
    }
    uint8_t *to = im->data + y * im->w * im->c;
    for (int64_t x = 0; x < im->w; x++)
      if (cover[x] > 0) blend(to + x * im->c, pixel, im->c, fmin(cover[x], 1));
  }
  br_free(cover);
  return BR_OK;
}

/* ---- images ---------------------------------------------------------------------- */

static void copy_row(uint8_t *to, int64_t d, const uint8_t *from, int64_t c, int64_t n) {
  if (c == d) {
    memcpy(to, from, (size_t)(n * c));
  } else if (d == 3) {
    for (int64_t i = 0; i < n; i++) memset(to + i * 3, from[i], 3);
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = br_luma(from + i * 3);
  }
}

void br_draw_image(br_image *im, const br_image *src, int64_t x, int64_t y) {
  if (!drawable(im) || !drawable(src)) return;
  if (x >= im->w || y >= im->h || x <= -src->w || y <= -src->h) return;
  const int64_t left = x < 0 ? -x : 0, top = y < 0 ? -y : 0;
  const int64_t right = src->w < im->w - x ? src->w : im->w - x;
  const int64_t bottom = src->h < im->h - y ? src->h : im->h - y;
  for (int64_t j = top; j < bottom; j++)
    copy_row(im->data + ((y + j) * im->w + x + left) * im->c, im->c,
             src->data + (j * src->w + left) * src->c, src->c, right - left);
}
