/* Steps of geometry compose maps; steps of pixels change values. The table at the end has
   a row for each. */
#include "load/recipe.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "image/pixels.h"
#include "image/warp.h"

static const double PI = 3.14159265358979323846;

/* ---- maps ------------------------------------------------------------------------ */

static br_affine identity(void) { return (br_affine){.m = {1, 0, 0, 0, 1, 0}}; }

/* First `inner`, then `outer`. */
static br_affine compose(const br_affine *outer, const br_affine *inner) {
  const double *a = outer->m, *b = inner->m;
  return (br_affine){.m = {a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4],
                           a[0] * b[2] + a[1] * b[5] + a[2], a[3] * b[0] + a[4] * b[3],
                           a[3] * b[1] + a[4] * b[4], a[3] * b[2] + a[4] * b[5] + a[5]},
                     .mirrored = outer->mirrored != inner->mirrored};
}

void br_affine_inverse(const br_affine *map, double x, double y, double *u, double *v) {
  const double *m = map->m, determinant = m[0] * m[4] - m[1] * m[3];
  x -= m[2];
  y -= m[5];
  *u = (m[4] * x - m[1] * y) / determinant;
  *v = (m[0] * y - m[3] * x) / determinant;
}

void *br_scratch_get(br_scratch *s, int which, size_t bytes) {
  if (s->size[which] < bytes) {
    br_free(s->buffer[which]);
    s->buffer[which] = br_alloc(bytes);
    s->size[which] = s->buffer[which] ? bytes : 0;
  }
  return s->buffer[which];
}

void br_scratch_free(br_scratch *s) {
  for (int i = 0; i < BR_SCRATCH; i++) br_free(s->buffer[i]);
  *s = (br_scratch){0};
}

/* ---- the state while a recipe runs ----------------------------------------------- */

enum { BYTES, PICTURE, FLOATS, REDUCED, SUMS };

/* The state between two steps: a picture of bytes or of floats, the map from it to the
   picture of the sample, and the map not yet carried out, from a frame of w x h to it. */
typedef struct run {
  const br_sample *x;
  br_scratch *scratch;
  br_image bytes;
  float *floats; /* NULL: bytes are what counts */
  br_affine done, pending;
  double w, h;
  bool area, shifted;
  int number; /* of the step */
  br_status status;
} run;

static double draw(const run *r, uint64_t i) {
  return br_rng_uniform(r->x->seed, r->x->stream + ((uint64_t)r->number << 48),
                        r->x->place * 5 + i);
}

/* Further numbers, for what needs more than five. */
static double draw_more(const run *r, uint64_t i) {
  return br_rng_uniform(r->x->seed, r->x->stream + ((uint64_t)(r->number + 64) << 48),
                        r->x->place * 5 + i);
}

static void geometry(run *r, const br_affine *step, double w, double h) {
  const double *shift = r->x->shift;
  r->pending = compose(&r->pending, step);
  if (!r->shifted && (shift[0] != 0 || shift[1] != 0)) {
    const br_affine moved = {.m = {1, 0, -shift[0] * w, 0, 1, -shift[1] * h}};
    r->pending = compose(&r->pending, &moved);
  }
  r->shifted = true;
  r->w = w;
  r->h = h;
}

/* A point of the sample in the frame. */
static void in_frame(const run *r, const float *point, double *u, double *v) {
  const br_affine all = compose(&r->done, &r->pending);
  br_affine_inverse(&all, (double)point[0], (double)point[1], u, v);
}

/* ---- steps of geometry ----------------------------------------------------------- */

static bool extent(const run *r, double box[4]) {
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

/* margin, square (0 or 1), by: 0 the box, 1 the points, 2 the middle */
static void crop(run *r, const double *p) {
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
  geometry(r, &to, w, h);
}

/* width, height, area (0 or 1) */
static void resize(run *r, const double *p) {
  const double x = r->w / p[0], y = r->h / p[1];
  const br_affine to = {.m = {x, 0, 0.5 * x - 0.5, 0, y, 0.5 * y - 0.5}};
  r->area = p[2] != 0;
  geometry(r, &to, p[0], p[1]);
}

/* which of the sample's pairs of eyes, their height and distance in shares of the side,
   side. Where an eye is missing the frame is shrunk to the side as it is. */
static void align(run *r, const double *p) {
  const bool mirrored = r->done.mirrored != r->pending.mirrored;
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
      geometry(r, &to, p[3], p[3]);
      return;
    }
  }
  resize(r, (const double[]){p[3], p[3], 1});
}

/* rotate (degrees), scale, shift across, flip, shear (degrees), width and height of the
   result (0: as the frame), inner (0: the whole frame), area, shift down. The middle
   `inner` of the frame's width fills the result. */
static void augment(run *r, const double *p) {
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
  geometry(r, &to, ow, oh);
}

/* ---- steps of pixels ------------------------------------------------------------- */

static double around_one(const run *r, double spread) {
  return fmax(0, 1 + (2 * draw(r, 0) - 1) * spread);
}

static void brightness(run *r, const double *p) {
  br_pixels_brightness(r->floats, r->bytes.h * r->bytes.w * r->bytes.c,
                       around_one(r, p[0]));
}

static void contrast(run *r, const double *p) {
  br_pixels_contrast(r->floats, r->bytes.h * r->bytes.w, r->bytes.c, around_one(r, p[0]));
}

static void saturation(run *r, const double *p) {
  br_pixels_saturation(r->floats, r->bytes.h * r->bytes.w, r->bytes.c,
                       around_one(r, p[0]));
}

static void gray(run *r, const double *p) {
  if (draw(r, 0) < p[0])
    br_pixels_saturation(r->floats, r->bytes.h * r->bytes.w, r->bytes.c, 0);
}

static void equalize(run *r, const double *p) {
  if (draw(r, 0) < p[0])
    br_pixels_equalize(r->floats, r->bytes.h * r->bytes.w, r->bytes.c);
}

static void noise(run *r, const double *p) {
  br_pixels_noise(r->floats, r->bytes.h * r->bytes.w * r->bytes.c, 255 * p[0], r->x->seed,
                  r->x->stream + ((uint64_t)r->number << 48), (r->x->place + 1) << 32);
}

static void blur(run *r, const double *p) {
  const int64_t longest = r->bytes.h > r->bytes.w ? r->bytes.h : r->bytes.w;
  float *room = br_scratch_get(r->scratch, BYTES,
                               (size_t)(longest * r->bytes.c + 64) * sizeof *room);
  if (!room) {
    r->status = BR_ENOMEM;
    return;
  }
  br_pixels_blur(r->floats, r->bytes.h, r->bytes.w, r->bytes.c, p[0] * draw(r, 0), room);
}

static void cutout(run *r, const double *p) {
  const double w = (double)r->bytes.w, h = (double)r->bytes.h;
  if (draw(r, 0) < p[1])
    br_pixels_cutout(r->floats, r->bytes.h, r->bytes.w, r->bytes.c, draw(r, 1) * w - 0.5,
                     draw(r, 2) * h - 0.5, p[0] * fmin(w, h), (float)p[2]);
}

static void whiten(run *r, const double *p) {
  (void)p;
  br_whiten(r->floats, r->bytes.h * r->bytes.w * r->bytes.c);
}

/* mean (4), deviation (4) */
static void normalize(run *r, const double *p) {
  br_pixels_normalize(r->floats, r->bytes.h * r->bytes.w, r->bytes.c, p, p + 4);
}

/* ---- the table ------------------------------------------------------------------- */

typedef struct kind {
  const char *name;
  int parameters;
  bool pixels, random, last;
  int size; /* the parameter where the result's width stands, or -1 */
  void (*run)(run *r, const double *p);
} kind;

static const kind kinds[] = {
    {"crop", 3, .size = -1, .run = crop},
    {"resize", 3, .size = 0, .run = resize},
    {"align", 4, .size = 3, .run = align},
    {"augment", 10, .random = true, .size = 5, .run = augment},
    {"brightness", 1, .pixels = true, .random = true, .size = -1, .run = brightness},
    {"contrast", 1, .pixels = true, .random = true, .size = -1, .run = contrast},
    {"saturation", 1, .pixels = true, .random = true, .size = -1, .run = saturation},
    {"gray", 1, .pixels = true, .random = true, .size = -1, .run = gray},
    {"equalize", 1, .pixels = true, .random = true, .size = -1, .run = equalize},
    {"noise", 1, .pixels = true, .random = true, .size = -1, .run = noise},
    {"blur", 1, .pixels = true, .random = true, .size = -1, .run = blur},
    {"cutout", 3, .pixels = true, .random = true, .size = -1, .run = cutout},
    {"whiten", 0, .pixels = true, .last = true, .size = -1, .run = whiten},
    {"normalize", 8, .pixels = true, .last = true, .size = -1, .run = normalize},
};

br_status br_recipe_add(br_recipe *r, const char *name, int n, const double *parameter) {
  int k = 0, count = (int)(sizeof kinds / sizeof *kinds);
  while (k < count && strcmp(kinds[k].name, name) != 0) k++;
  if (k == count) return br_fail(BR_EINVAL, "transforms: there is no '%s'", name);
  if (n != kinds[k].parameters)
    return br_fail(BR_EINVAL, "transforms: %s wants %d numbers, not %d", name,
                   kinds[k].parameters, n);
  if (r->n == BR_RECIPE_STEPS)
    return br_fail(BR_EINVAL, "transforms: more than %d steps", BR_RECIPE_STEPS);
  if (r->n && kinds[r->step[r->n - 1].kind].last)
    return br_fail(BR_EINVAL, "transforms: %s must be the last step, %s comes after it",
                   kinds[r->step[r->n - 1].kind].name, name);
  if (r->n == 0) r->last_geometry = -1;
  br_recipe_step *s = &r->step[r->n];
  s->kind = k;
  memcpy(s->p, parameter, (size_t)n * sizeof *parameter);
  if (!kinds[k].pixels) r->last_geometry = r->n;
  r->n++;
  bool fixed = true;
  for (int i = 0; i < r->n; i++)
    fixed = fixed && !kinds[r->step[i].kind].random && !kinds[r->step[i].kind].pixels;
  if (fixed && (kinds[k].run == resize || kinds[k].run == align)) r->fixed = r->n;
  return BR_OK;
}

bool br_recipe_size(const br_recipe *r, int64_t h, int64_t w, int64_t *oh, int64_t *ow) {
  for (int i = 0; i < r->n; i++) {
    const kind *k = &kinds[r->step[i].kind];
    const double *p = r->step[i].p;
    if (k->run == crop) {
      h = w = 0;
    } else if (k->size >= 0 && p[k->size] > 0) {
      w = (int64_t)p[k->size];
      h = k->run == align ? w : (int64_t)p[k->size + 1];
    }
  }
  *oh = h;
  *ow = w;
  return h > 0 && w > 0;
}

/* ---- running --------------------------------------------------------------------- */

/* The part of the picture that a warp to oh x ow looks at, in whole pixels, and some
   more: from x0, y0 to before x1, y1. */
typedef struct part {
  int64_t x0, y0, x1, y1;
} part;

static int64_t within(double v, int64_t n) {
  return v > 0 ? (v < (double)n ? (int64_t)v : n) : 0;
}

static part part_seen(const run *r, int64_t oh, int64_t ow) {
  enum { MORE = 2 };
  const double *m = r->pending.m, corner[2] = {(double)ow, (double)oh};
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (int k = 0; k < 4; k++) {
    const double u = k & 1 ? corner[0] : -1, v = k & 2 ? corner[1] : -1;
    for (int d = 0; d < 2; d++) {
      const double at = m[3 * d] * u + m[3 * d + 1] * v + m[3 * d + 2];
      low[d] = fmin(low[d], at);
      high[d] = fmax(high[d], at);
    }
  }
  const int64_t w = r->bytes.w, h = r->bytes.h;
  part p = {within(low[0] - MORE, w - 1), within(low[1] - MORE, h - 1),
            within(high[0] + MORE, w), within(high[1] + MORE, h)};
  if (p.x1 <= p.x0) p.x1 = p.x0 + 1;
  if (p.y1 <= p.y0) p.y1 = p.y0 + 1;
  return p;
}

/* When the warp shrinks by 2 or more: takes the means of blocks first, and changes the
   map from the result to lead to them. */
static br_status reduce_first(run *r, int64_t oh, int64_t ow, br_image *im, double *m) {
  enum { MOST = 64 };
  const double x = hypot(m[0], m[3]), y = hypot(m[1], m[4]), least = fmin(x, y);
  const int64_t f = least < MOST ? (int64_t)(least + 0.01) : MOST;
  if (!r->area || f < 2) return BR_OK;
  const part p = part_seen(r, oh, ow);
  const int64_t w = (p.x1 - p.x0 + f - 1) / f, h = (p.y1 - p.y0 + f - 1) / f;
  uint8_t *to = br_scratch_get(r->scratch, REDUCED, (size_t)(h * w * im->c));
  uint16_t *sum = br_scratch_get(r->scratch, SUMS,
                                 (size_t)((p.x1 - p.x0) * im->c) * sizeof *sum);
  if (!to || !sum) return BR_ENOMEM;
  br_reduce(im->data, im->w, im->c, f, p.x0, p.y0, p.x1, p.y1, sum, to);
  *im = (br_image){.c = im->c, .h = h, .w = w, .data = to};
  const double middle = 0.5 * (double)(f - 1);
  for (int i = 0; i < 6; i++) m[i] /= (double)f;
  m[2] -= ((double)p.x0 + middle) / (double)f;
  m[5] -= ((double)p.y0 + middle) / (double)f;
  return BR_OK;
}

/* Carries out what is pending, into floats at `to` of oh x ow. */
static br_status to_floats(run *r, int64_t oh, int64_t ow, float *to) {
  br_image im = r->bytes;
  double m[6];
  memcpy(m, r->pending.m, sizeof m);
  br_status status = reduce_first(r, oh, ow, &im, m);
  if (status) return status;
  br_warp_one(im.data, im.h, im.w, im.c, m, r->area, oh, ow, to);
  r->done = compose(&r->done, &r->pending);
  r->pending = identity();
  r->bytes.h = oh;
  r->bytes.w = ow;
  r->floats = to;
  return BR_OK;
}

static int64_t whole(double v) { return v >= 1 ? (int64_t)(v + 0.5) : 1; }

/* Floats back to bytes, for geometry that follows pixels. */
static br_status to_bytes(run *r, int which) {
  const int64_t n = r->bytes.h * r->bytes.w * r->bytes.c;
  uint8_t *to = br_scratch_get(r->scratch, which, (size_t)n);
  if (!to) return BR_ENOMEM;
  for (int64_t i = 0; i < n; i++) {
    const float v = r->floats[i];
    to[i] = (uint8_t)(v > 0 ? (v < 255 ? v + 0.5f : 255) : 0);
  }
  r->bytes.data = to;
  r->floats = NULL;
  return BR_OK;
}

static run start(const br_sample *x, br_scratch *scratch) {
  return (run){.x = x,
               .scratch = scratch,
               .done = identity(),
               .pending = identity(),
               .w = (double)x->w,
               .h = (double)x->h,
               .area = true,
               .bytes = {.c = x->c, .h = x->h, .w = x->w, .data = x->data}};
}

/* A result of a warp must have room. */
static br_status check_size(double h, double w) {
  if (h * w <= (double)(1 << 26)) return BR_OK;
  return br_fail(BR_EINVAL, "transforms: a picture of %g x %g pixels", w, h);
}

br_status br_recipe_fixed_map(const br_recipe *r, const br_sample *x, br_affine *map,
                              int64_t *oh, int64_t *ow) {
  run now = start(x, NULL);
  for (int i = 0; i < r->fixed; i++) kinds[r->step[i].kind].run(&now, r->step[i].p);
  *map = now.pending;
  *oh = whole(now.h);
  *ow = whole(now.w);
  return check_size(now.h, now.w);
}

br_status br_recipe_fixed(const br_recipe *r, const br_sample *x, br_scratch *scratch,
                          br_image *out, br_affine *map) {
  int64_t oh, ow;
  *out = (br_image){.c = x->c, .h = x->h, .w = x->w, .data = x->data};
  *map = identity();
  if (r->fixed == 0) return BR_OK;
  br_status status = br_recipe_fixed_map(r, x, map, &oh, &ow);
  if (status) return status;
  uint8_t *to = br_scratch_get(scratch, PICTURE, (size_t)(oh * ow * x->c));
  if (!to) return BR_ENOMEM;
  const double *m = map->m;
  const br_recipe_step *last = &r->step[r->fixed - 1];
  const bool upright = m[1] == 0 && m[3] == 0 && m[0] > 0 && m[4] > 0;
  if (upright && !(kinds[last->kind].run == resize && last->p[2] == 0)) {
    const double box[4] = {m[2] - 0.5 * m[0], m[5] - 0.5 * m[4],
                           m[2] + ((double)ow - 0.5) * m[0],
                           m[5] + ((double)oh - 0.5) * m[4]};
    const br_image whole_picture = *out;
    status = br_image_crop(&whole_picture, box, oh, ow, to);
  } else {
    run now = start(x, scratch);
    float *floats = br_scratch_get(scratch, FLOATS,
                                   (size_t)(oh * ow * x->c) * sizeof *floats);
    if (!floats) return BR_ENOMEM;
    now.pending = *map;
    now.area = kinds[last->kind].run != resize || last->p[2] != 0;
    status = to_floats(&now, oh, ow, floats);
    if (!status) status = to_bytes(&now, PICTURE);
  }
  *out = (br_image){.c = x->c, .h = oh, .w = ow, .data = to};
  return status;
}

br_status br_recipe_rest(const br_recipe *r, const br_sample *x, const br_image *fixed,
                         br_scratch *scratch, int64_t oh, int64_t ow, float *y,
                         br_affine *map) {
  run now = start(x, scratch);
  br_status status = BR_OK;
  now.bytes = *fixed;
  now.done = *map;
  now.w = (double)fixed->w;
  now.h = (double)fixed->h;
  now.shifted = r->fixed > 0;
  if (r->last_geometry < 0)
    geometry(&now, &(br_affine){.m = {1, 0, 0, 0, 1, 0}}, now.w, now.h);
  for (int i = r->fixed; i < r->n && !status; i++) {
    const kind *k = &kinds[r->step[i].kind];
    now.number = i;
    if (!k->pixels && now.floats) {
      status = to_bytes(&now, BYTES);
    } else if (k->pixels && !now.floats) {
      const bool final = i > r->last_geometry;
      const int64_t h = final ? oh : whole(now.h), w = final ? ow : whole(now.w);
      status = check_size((double)h, (double)w);
      if (status) break;
      float *to = final ? y
                        : br_scratch_get(scratch, FLOATS,
                                         (size_t)(h * w * x->c) * sizeof *to);
      if (!to) return BR_ENOMEM;
      status = to_floats(&now, h, w, to);
      now.h = (double)h;
      now.w = (double)w;
    }
    if (!status) k->run(&now, r->step[i].p);
    if (!status) status = now.status;
  }
  if (!status && now.floats != y) status = to_floats(&now, oh, ow, y);
  *map = now.done;
  return status;
}
