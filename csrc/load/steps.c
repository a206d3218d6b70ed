/* Steps of geometry compose maps; steps of pixels change values. The table at the end has
   a row for each. */
#include "load/steps.h"

#include <math.h>

#include "base/rng.h"
#include "image/codec.h"
#include "image/pixels.h"
#include "image/warp.h"

static const double PI = 3.14159265358979323846;

/* ---- the state between steps ------------------------------------------------------ */

static double draw(const br_run *r, uint64_t i) {
  return br_rng_uniform(r->x->seed, r->x->stream + ((uint64_t)r->number << 48),
                        r->x->place * 5 + i);
}

/* More random numbers, for a step that needs more than the five of draw(). */
static double draw_more(const br_run *r, uint64_t i) {
  return br_rng_uniform(r->x->seed, r->x->stream + ((uint64_t)(r->number + 64) << 48),
                        r->x->place * 5 + i);
}

/* Any number of random numbers, for a step that needs many. */
static double draw_many(const br_run *r, uint64_t i) {
  return br_rng_uniform(r->x->seed, r->x->stream + ((uint64_t)r->number << 48),
                        ((r->x->place + 1) << 32) + i);
}

void br_run_geometry(br_run *r, const br_affine *step, double w, double h) {
  const double *shift = r->x->shift;
  br_mapping_move(&r->pending, step);
  if (!r->shifted && (shift[0] != 0 || shift[1] != 0)) {
    const br_affine moved = {.m = {1, 0, -shift[0] * w, 0, 1, -shift[1] * h}};
    br_mapping_move(&r->pending, &moved);
  }
  r->shifted = true;
  r->w = w;
  r->h = h;
}

/* Maps a point of the sample's picture to the frame, as it is after the steps so far. */
static void in_frame(const br_run *r, const float *point, double *u, double *v) {
  double x, y;
  br_mapping_inverse(&r->done, (double)point[0], (double)point[1], &x, &y);
  br_mapping_inverse(&r->pending, x, y, u, v);
}

/* ---- steps of geometry ----------------------------------------------------------- */

static bool extent(const br_run *r, double box[4]) {
  bool any = false;
  for (int64_t i = 0; i < r->x->points; i++) {
    double u, v;
    in_frame(r, r->x->point + 2 * i, &u, &v);
    if (!isfinite(u) || !isfinite(v)) continue;
    box[0] = any ? fmin(box[0], u) : u;
    box[1] = any ? fmin(box[1], v) : v;
    box[2] = any ? fmax(box[2], u) : u;
    box[3] = any ? fmax(box[3], v) : v;
    any = true;
  }
  return any;
}

/* margin, square (0 or 1), by (0: the box, 1: the points, 2: the middle) */
static void crop(br_run *r, const double *p) {
  double box[4] = {-0.5, -0.5, r->w - 0.5, r->h - 0.5};
  if (p[2] == 0 && isfinite(r->x->box[0])) {
    const float corner[4] = {(float)r->x->box[0], (float)r->x->box[1],
                             (float)r->x->box[2], (float)r->x->box[3]};
    in_frame(r, corner, box, box + 1);
    in_frame(r, corner + 2, box + 2, box + 3);
  } else if (p[2] == 1) {
    (void)extent(r, box);
  }
  double w = fmax(box[2] - box[0], 1) * p[0], h = fmax(box[3] - box[1], 1) * p[0];
  if (p[1] != 0) w = h = fmax(w, h);
  const br_affine to = {.m = {1, 0, (box[0] + box[2] - w) / 2 + 0.5, 0, 1,
                              (box[1] + box[3] - h) / 2 + 0.5}};
  br_run_geometry(r, &to, w, h);
}

/* width, height, area (0 or 1) */
static void resize(br_run *r, const double *p) {
  const double x = r->w / p[0], y = r->h / p[1];
  const br_affine to = {.m = {x, 0, 0.5 * x - 0.5, 0, y, 0.5 * y - 0.5}};
  r->area = p[2] != 0;
  br_run_geometry(r, &to, p[0], p[1]);
}

/* index of the sample's pair of eyes, their height and distance as shares of the side,
   the side. If an eye is missing, the frame is only resized to the side. */
static void align(br_run *r, const double *p) {
  const bool mirrored = br_mapping_mirrored(&r->done) != br_mapping_mirrored(&r->pending);
  double x0, y0, x1, y1;
  if (p[0] < (double)r->x->pairs) {
    const float *pair = r->x->eyes + 4 * (int64_t)p[0];
    in_frame(r, pair + (mirrored ? 2 : 0), &x0, &y0);
    in_frame(r, pair + (mirrored ? 0 : 2), &x1, &y1);
    const double length = hypot(x1 - x0, y1 - y0);
    if (isfinite(length) && length > 0) {
      const double k = 1 / (p[2] * p[3]), a = (x1 - x0) * k, b = (y1 - y0) * k;
      const double u = (p[3] - 1) / 2, v = p[1] * p[3] - 0.5;
      const br_affine to = {.m = {a, -b, (x0 + x1) / 2 - a * u + b * v, b, a,
                                  (y0 + y1) / 2 - b * u - a * v}};
      r->area = true;
      br_run_geometry(r, &to, p[3], p[3]);
      return;
    }
  }
  resize(r, (const double[]){p[3], p[3], 1});
}

/* rotate (degrees), scale, shift across, flip, shear (degrees), width and height of the
   result (0: the frame's), inner (0: the whole frame), area, shift down. The result
   shows the middle part of the frame, `inner` pixels wide. */
static void augment(br_run *r, const double *p) {
  const double ow = p[5] > 0 ? p[5] : r->w, oh = p[6] > 0 ? p[6] : r->h;
  const double inner = p[7] > 0 ? p[7] : r->w, ratio = inner / ow;
  const double tall = p[7] > 0 ? inner : r->h;
  const double ratio_y = p[7] > 0 ? ratio : r->h / oh;
  const bool mirrored = draw(r, 4) < p[3];
  const double angle = (2 * draw(r, 0) - 1) * p[0] * (PI / 180);
  const double change = 1 + (2 * draw(r, 1) - 1) * p[1];
  const double scale = ratio * change, scale_y = ratio_y * change;
  const double x = (r->w - 1) / 2 + (2 * draw(r, 2) - 1) * p[2] * inner;
  const double y = (r->h - 1) / 2 + (2 * draw(r, 3) - 1) * p[9] * tall;
  const double slant = p[4] == 0 ? 0 : tan((2 * draw_more(r, 0) - 1) * p[4] * (PI / 180));
  const double sign = mirrored ? -1 : 1, mx = (ow - 1) / 2, my = (oh - 1) / 2;
  const double a = scale * cos(angle), d = scale * sin(angle);
  const double b = scale_y * sin(angle) - a * slant;
  const double e = scale_y * cos(angle) + d * slant;
  const br_affine to = {.m = {sign * a, -b, x - sign * a * mx + b * my, sign * d, e,
                              y - sign * d * mx - e * my},
                        .mirrored = mirrored};
  r->area = p[8] != 0;
  br_run_geometry(r, &to, ow, oh);
}

/* ---- bends ------------------------------------------------------------------------ */

/* The next bend of the pending map. The sample's shift comes before it. */
static br_bend *new_bend(br_run *r) {
  const br_affine none = br_affine_identity();
  br_run_geometry(r, &none, r->w, r->h);
  return br_mapping_bend(&r->pending);
}

/* amount (0 to 0.6), probability: each corner moves inwards, by up to half of `amount` of
   the width and of the height. */
static void perspective(br_run *r, const double *p) {
  double corner[4][2];
  if (draw(r, 0) >= p[1]) return;
  for (int k = 0; k < 4; k++) {
    const double x = draw_many(r, (uint64_t)(2 * k)) * p[0] / 2 * r->w;
    const double y = draw_many(r, (uint64_t)(2 * k + 1)) * p[0] / 2 * r->h;
    corner[k][0] = (k == 1 || k == 2 ? r->w - x : x) - 0.5;
    corner[k][1] = (k >= 2 ? r->h - y : y) - 0.5;
  }
  br_bend_project(new_bend(r), r->w, r->h, corner);
}

/* amount (as a share of the side, at most 0.48 / cells), cells, probability */
static void elastic(br_run *r, const double *p) {
  if (draw(r, 0) >= p[2]) return;
  br_bend *b = new_bend(r);
  b->cells = (int)p[1];
  b->w = r->w;
  b->h = r->h;
  for (int i = 0; i < (b->cells + 3) * (b->cells + 3); i++) {
    b->shift[i][0] = (float)((2 * draw_many(r, (uint64_t)(2 * i)) - 1) * p[0] * r->w);
    b->shift[i][1] = (float)((2 * draw_many(r, (uint64_t)(2 * i + 1)) - 1) * p[0] * r->h);
  }
}

/* ---- steps of pixels ------------------------------------------------------------- */

static double around_one(const br_run *r, double spread) {
  return fmax(0, 1 + (2 * draw(r, 0) - 1) * spread);
}

static br_pixels pixels_of(const br_run *r) {
  return (br_pixels){r->floats, r->bytes.h, r->bytes.w, r->bytes.c};
}

static void brightness(br_run *r, const double *p) {
  br_pixels_brightness(pixels_of(r), around_one(r, p[0]));
}

static void contrast(br_run *r, const double *p) {
  br_pixels_contrast(pixels_of(r), around_one(r, p[0]));
}

static void saturation(br_run *r, const double *p) {
  br_pixels_saturation(pixels_of(r), around_one(r, p[0]));
}

static void gray(br_run *r, const double *p) {
  if (draw(r, 0) < p[0]) br_pixels_saturation(pixels_of(r), 0);
}

static void equalize(br_run *r, const double *p) {
  if (draw(r, 0) < p[0]) br_pixels_equalize(pixels_of(r));
}

static void noise(br_run *r, const double *p) {
  const br_draws draws = {.seed = r->x->seed,
                          .stream = r->x->stream + ((uint64_t)r->number << 48),
                          .first = (r->x->place + 1) << 32};
  br_pixels_noise(pixels_of(r), 255 * p[0], draws);
}

static void blur(br_run *r, const double *p) {
  const int64_t longest = r->bytes.h > r->bytes.w ? r->bytes.h : r->bytes.w;
  float *room = br_scratch_get(r->scratch, BR_SCRATCH_BYTES,
                               (size_t)(longest * r->bytes.c + 64) * sizeof *room);
  if (!room) {
    r->status = BR_ENOMEM;
    return;
  }
  br_pixels_blur(pixels_of(r), p[0] * draw(r, 0), room);
}

static void cutout(br_run *r, const double *p) {
  const double w = (double)r->bytes.w, h = (double)r->bytes.h;
  if (draw(r, 0) < p[1])
    br_pixels_cutout(pixels_of(r), draw(r, 1) * w - 0.5, draw(r, 2) * h - 0.5,
                     p[0] * fmin(w, h), (float)p[2]);
}

/* least and most (shares of the area), ratio, probability, value (below 0: noise) */
static void erase(br_run *r, const double *p) {
  enum { TRIES = 10 };
  const double w = (double)r->bytes.w, h = (double)r->bytes.h;
  if (draw(r, 0) >= p[3]) return;
  for (uint64_t k = 0; k < TRIES; k++) {
    const double area = (p[0] + draw_many(r, 4 * k) * (p[1] - p[0])) * w * h;
    const double ratio = pow(p[2], 2 * draw_many(r, 4 * k + 1) - 1);
    const double ew = floor(sqrt(area * ratio) + 0.5),
                 eh = floor(sqrt(area / ratio) + 0.5);
    if (ew > w || eh > h || ew < 1 || eh < 1) continue;
    const double x = floor(draw_many(r, 4 * k + 2) * (w - ew + 1));
    const double y = floor(draw_many(r, 4 * k + 3) * (h - eh + 1));
    const br_draws draws = {.seed = r->x->seed,
                            .stream = r->x->stream + ((uint64_t)r->number << 48),
                            .first = ((r->x->place + 1) << 32) + 4 * TRIES};
    br_pixels_erase(pixels_of(r),
                    (br_rows){(int64_t)x, (int64_t)y, (int64_t)ew, (int64_t)eh},
                    (float)p[4], draws);
    return;
  }
}

/* spread: the exponent is from 1 / (1 + spread) to 1 + spread */
static void gamma_of(br_run *r, const double *p) {
  br_pixels_gamma(pixels_of(r), pow(1 + p[0], 2 * draw(r, 0) - 1));
}

/* spread, in turns of the circle of colours */
static void hue(br_run *r, const double *p) {
  br_pixels_hue(pixels_of(r), (2 * draw(r, 0) - 1) * p[0]);
}

/* least and most quality, probability */
static void jpeg(br_run *r, const double *p) {
  if (draw(r, 0) >= p[2]) return;
  const br_pixels x = pixels_of(r);
  uint8_t *bytes = br_scratch_get(r->scratch, BR_SCRATCH_BYTES,
                                  (size_t)(x.h * x.w * x.c));
  r->status = bytes ? br_jpeg_again(x, (int)(p[0] + draw(r, 1) * (p[1] - p[0]) + 0.5),
                                    bytes)
                    : BR_ENOMEM;
}

static void whiten(br_run *r, const double *p) {
  (void)p;
  br_whiten(r->floats, r->bytes.h * r->bytes.w * r->bytes.c);
}

/* mean (4), deviation (4) */
static void normalize(br_run *r, const double *p) {
  br_pixels_normalize(pixels_of(r), p, p + 4);
}

/* ---- the table ------------------------------------------------------------------- */

#define PIXELS .pixels = true, .size = -1, .area = -1

const br_step_kind br_step_kinds[BR_STEP_KINDS] = {
    {"crop", 3, .varies = true, .size = -1, .area = -1, .run = crop},
    {"resize", 3, .fits = true, .size = 0, .area = 2, .run = resize},
    {"align", 4, .fits = true, .square = true, .size = 3, .area = -1, .run = align},
    {"augment", 10, .random = true, .size = 5, .area = -1, .run = augment},
    {"perspective", 2, .random = true, .size = -1, .area = -1, .bends = true,
     .run = perspective},
    {"elastic", 3, .random = true, .size = -1, .area = -1, .bends = true, .run = elastic},
    {"brightness", 1, PIXELS, .random = true, .run = brightness},
    {"contrast", 1, PIXELS, .random = true, .run = contrast},
    {"saturation", 1, PIXELS, .random = true, .run = saturation},
    {"gray", 1, PIXELS, .random = true, .run = gray},
    {"equalize", 1, PIXELS, .random = true, .run = equalize},
    {"noise", 1, PIXELS, .random = true, .run = noise},
    {"blur", 1, PIXELS, .random = true, .run = blur},
    {"cutout", 3, PIXELS, .random = true, .run = cutout},
    {"erase", 5, PIXELS, .random = true, .run = erase},
    {"gamma", 1, PIXELS, .random = true, .run = gamma_of},
    {"hue", 1, PIXELS, .random = true, .run = hue},
    {"jpeg", 3, PIXELS, .random = true, .run = jpeg},
    {"whiten", 0, PIXELS, .last = true, .run = whiten},
    {"normalize", 8, PIXELS, .last = true, .run = normalize},
};
