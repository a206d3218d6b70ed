/* Builds recipes step by step, and runs them over a sample. */
#include "load/recipe.h"

#include <math.h>
#include <string.h>

#include "image/warp.h"
#include "load/steps.h"

/* ---- the steps ------------------------------------------------------------------- */

br_status br_recipe_add(br_recipe *r, const char *name, int n, const double *parameter) {
  int k = 0;
  while (k < BR_STEP_KINDS && strcmp(br_step_kinds[k].name, name) != 0) k++;
  if (k == BR_STEP_KINDS) return br_fail(BR_EINVAL, "transforms: there is no '%s'", name);
  if (n != br_step_kinds[k].parameters)
    return br_fail(BR_EINVAL, "transforms: %s wants %d numbers, not %d", name,
                   br_step_kinds[k].parameters, n);
  if (r->n == BR_RECIPE_STEPS)
    return br_fail(BR_EINVAL, "transforms: more than %d steps", BR_RECIPE_STEPS);
  if (r->n && br_step_kinds[r->step[r->n - 1].kind].last)
    return br_fail(BR_EINVAL, "transforms: %s must be the last step, %s comes after it",
                   br_step_kinds[r->step[r->n - 1].kind].name, name);
  if (r->n == 0) r->last_geometry = -1;
  if (br_step_kinds[k].bends && ++r->bends > BR_BENDS)
    return br_fail(BR_EINVAL, "transforms: more than %d of perspective and elastic",
                   BR_BENDS);
  br_recipe_step *s = &r->step[r->n];
  s->kind = k;
  memcpy(s->p, parameter, (size_t)n * sizeof *parameter);
  if (!br_step_kinds[k].pixels) r->last_geometry = r->n;
  r->n++;
  bool fixed = true;
  for (int i = 0; i < r->n; i++)
    fixed = fixed && !br_step_kinds[r->step[i].kind].random &&
            !br_step_kinds[r->step[i].kind].pixels;
  if (fixed && br_step_kinds[k].fits) r->fixed = r->n;
  return BR_OK;
}

bool br_recipe_size(const br_recipe *r, int64_t h, int64_t w, int64_t *oh, int64_t *ow) {
  for (int i = 0; i < r->n; i++) {
    const br_step_kind *k = &br_step_kinds[r->step[i].kind];
    const double *p = r->step[i].p;
    if (k->varies) {
      h = w = 0;
    } else if (k->size >= 0 && p[k->size] > 0) {
      w = (int64_t)p[k->size];
      h = k->square ? w : (int64_t)p[k->size + 1];
    }
  }
  *oh = h;
  *ow = w;
  return h > 0 && w > 0;
}

/* ---- running --------------------------------------------------------------------- */

static int64_t within(double v, int64_t n) {
  return v > 0 ? (v < (double)n ? (int64_t)v : n) : 0;
}

/* The part of the picture that a result of oh x ow shows. */
static br_part part_seen(const br_run *r, int64_t oh, int64_t ow) {
  enum { MORE = 2 };
  const bool bent = r->pending.bends > 0;
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  /* An affine map has its extremes at the corners, and a bend may have them anywhere. */
  for (int64_t j = -1; j <= oh; j += bent ? 1 : oh + 1) {
    for (int64_t i = -1; i <= ow; i += bent ? 1 : ow + 1) {
      double at[2];
      br_mapping_point(&r->pending, (double)i, (double)j, &at[0], &at[1]);
      for (int d = 0; d < 2; d++) {
        low[d] = fmin(low[d], at[d]);
        high[d] = fmax(high[d], at[d]);
      }
    }
  }
  const int64_t w = r->bytes.w, h = r->bytes.h;
  br_part p = {within(low[0] - MORE, w - 1), within(low[1] - MORE, h - 1),
               within(high[0] + MORE, w), within(high[1] + MORE, h)};
  if (p.x1 <= p.x0) p.x1 = p.x0 + 1;
  if (p.y1 <= p.y0) p.y1 = p.y0 + 1;
  return p;
}

/* If the warp shrinks by 2 or more, first averages blocks of pixels, and changes m, the
   last part of the pending map, so that it reads from the averaged picture. `near` is the
   pending map. */
static br_status reduce_first(br_run *r, const br_result *out, const double *near,
                              br_image *im, double *m) {
  enum { MAX_FACTOR = 64 };
  const double x = hypot(near[0], near[3]), y = hypot(near[1], near[4]);
  const double least = fmin(x, y);
  const int64_t f = least < MAX_FACTOR ? (int64_t)(least + 0.01) : MAX_FACTOR;
  if (!r->area || f < 2) return BR_OK;
  const br_part p = part_seen(r, out->h, out->w);
  const int64_t w = (p.x1 - p.x0 + f - 1) / f, h = (p.y1 - p.y0 + f - 1) / f;
  uint8_t *to = br_scratch_get(r->scratch, BR_SCRATCH_REDUCED, (size_t)(h * w * im->c));
  uint16_t *sum = br_scratch_get(r->scratch, BR_SCRATCH_SUMS,
                                 (size_t)((p.x1 - p.x0) * im->c) * sizeof *sum);
  if (!to || !sum) return BR_ENOMEM;
  br_reduce(im, &p, f, sum, to);
  *im = (br_image){.c = im->c, .h = h, .w = w, .data = to};
  const double middle = 0.5 * (double)(f - 1);
  for (int i = 0; i < 6; i++) m[i] /= (double)f;
  m[2] -= ((double)p.x0 + middle) / (double)f;
  m[5] -= ((double)p.y0 + middle) / (double)f;
  return BR_OK;
}

/* Warps by a map with bends, row by row; near as above, for the map from `im`. */
static br_status warp_bent(br_run *r, const br_image *im, const double *near,
                           const br_result *out) {
  const int64_t n = out->w, kx = r->area ? br_warp_samples(near[0], near[3]) : 1,
                ky = r->area ? br_warp_samples(near[1], near[4]) : 1;
  double *at = br_scratch_get(r->scratch, BR_SCRATCH_PLACES,
                              (size_t)(2 * n) * sizeof *at);
  if (!at) return BR_ENOMEM;
  memset(out->y, 0, (size_t)(out->h * n * im->c) * sizeof *out->y);
  for (int64_t j = 0; j < out->h; j++) {
    for (int64_t k = 0; k < kx * ky; k++) {
      const double v = (double)j + ((double)(k / kx) + 0.5) / (double)ky - 0.5;
      const double u = ((double)(k % kx) + 0.5) / (double)kx - 0.5;
      for (int64_t i = 0; i < n; i++)
        br_mapping_point(&r->pending, (double)i + u, v, &at[2 * i], &at[2 * i + 1]);
      br_warp_places(im, at, n, 1 / (float)(kx * ky), out->y + j * n * im->c);
    }
  }
  return BR_OK;
}

/* Carries out the pending map, into floats at `to` of oh x ow. */
static br_status to_floats(br_run *r, int64_t oh, int64_t ow, float *to) {
  br_image im = r->bytes;
  br_mapping *map = &r->pending;
  const br_result out = {to, oh, ow};
  const br_affine last = map->part[0];
  br_affine near = br_mapping_near(map, (double)ow, (double)oh);
  br_status status = reduce_first(r, &out, near.m, &im, map->part[0].m);
  if (status) return status;
  near = br_mapping_near(map, (double)ow, (double)oh);
  if (map->bends == 0)
    br_warp_one(&im, near.m, r->area, oh, ow, to);
  else
    status = warp_bent(r, &im, near.m, &out);
  map->part[0] = last;
  br_mapping_append(&r->done, map);
  br_mapping_begin(map, &(br_affine){.m = {1, 0, 0, 0, 1, 0}});
  r->bytes.h = oh;
  r->bytes.w = ow;
  r->floats = to;
  return status;
}

static int64_t whole(double v) { return v >= 1 ? (int64_t)(v + 0.5) : 1; }

/* Converts floats back to bytes, because a geometry step follows the pixel steps. */
static br_status to_bytes(br_run *r, int which) {
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

static void start(br_run *r, const br_sample *x, br_scratch *scratch,
                  const br_affine *pending) {
  const br_affine none = br_affine_identity();
  r->x = x;
  r->scratch = scratch;
  r->bytes = (br_image){.c = x->c, .h = x->h, .w = x->w, .data = x->data};
  r->floats = NULL;
  br_mapping_begin(&r->done, &none);
  br_mapping_begin(&r->pending, pending ? pending : &none);
  r->w = (double)x->w;
  r->h = (double)x->h;
  r->area = true;
  r->shifted = false;
  r->number = 0;
  r->status = BR_OK;
}

/* Checks that the result of a warp is not too large. */
static br_status check_size(double h, double w) {
  if (h * w <= (double)(1 << 26)) return BR_OK;
  return br_fail(BR_EINVAL, "transforms: a result of %g x %g pixels is too large", w, h);
}

br_status br_recipe_fixed_map(const br_recipe *r, const br_sample *x, br_affine *map,
                              int64_t *oh, int64_t *ow) {
  br_run now;
  start(&now, x, NULL, NULL);
  for (int i = 0; i < r->fixed; i++)
    br_step_kinds[r->step[i].kind].run(&now, r->step[i].p);
  *map = now.pending.part[0];
  *oh = whole(now.h);
  *ow = whole(now.w);
  return check_size(now.h, now.w);
}

br_status br_recipe_fixed(const br_recipe *r, const br_sample *x, br_scratch *scratch,
                          br_image *out, br_affine *map) {
  int64_t oh, ow;
  *out = (br_image){.c = x->c, .h = x->h, .w = x->w, .data = x->data};
  *map = br_affine_identity();
  if (r->fixed == 0) return BR_OK;
  br_status status = br_recipe_fixed_map(r, x, map, &oh, &ow);
  if (status) return status;
  uint8_t *to = br_scratch_get(scratch, BR_SCRATCH_PICTURE, (size_t)(oh * ow * x->c));
  if (!to) return BR_ENOMEM;
  const double *m = map->m;
  const br_recipe_step *last = &r->step[r->fixed - 1];
  const int area = br_step_kinds[last->kind].area;
  const bool means = area < 0 || last->p[area] != 0;
  const bool upright = m[1] == 0 && m[3] == 0 && m[0] > 0 && m[4] > 0;
  if (upright && means) {
    const double box[4] = {m[2] - 0.5 * m[0], m[5] - 0.5 * m[4],
                           m[2] + ((double)ow - 0.5) * m[0],
                           m[5] + ((double)oh - 0.5) * m[4]};
    const br_image whole_picture = *out;
    status = br_image_crop(&whole_picture, box, oh, ow, to);
  } else {
    br_run now;
    float *floats = br_scratch_get(scratch, BR_SCRATCH_FLOATS,
                                   (size_t)(oh * ow * x->c) * sizeof *floats);
    if (!floats) return BR_ENOMEM;
    start(&now, x, scratch, map);
    now.area = means;
    status = to_floats(&now, oh, ow, floats);
    if (!status) status = to_bytes(&now, BR_SCRATCH_PICTURE);
  }
  *out = (br_image){.c = x->c, .h = oh, .w = ow, .data = to};
  return status;
}

br_status br_recipe_rest(const br_recipe *r, const br_sample *x, const br_image *fixed,
                         br_scratch *scratch, const br_result *out,
                         const br_affine *first, br_mapping *map) {
  const int64_t oh = out->h, ow = out->w;
  float *y = out->y;
  br_run now;
  br_status status = BR_OK;
  start(&now, x, scratch, NULL);
  now.bytes = *fixed;
  br_mapping_begin(&now.done, first);
  now.w = (double)fixed->w;
  now.h = (double)fixed->h;
  now.shifted = r->fixed > 0;
  if (r->last_geometry < 0)
    br_run_geometry(&now, &(br_affine){.m = {1, 0, 0, 0, 1, 0}}, now.w, now.h);
  for (int i = r->fixed; i < r->n && !status; i++) {
    const br_step_kind *k = &br_step_kinds[r->step[i].kind];
    now.number = i;
    if (!k->pixels && now.floats) {
      status = to_bytes(&now, BR_SCRATCH_BYTES);
    } else if (k->pixels && !now.floats) {
      const bool final = i > r->last_geometry;
      const int64_t h = final ? oh : whole(now.h), w = final ? ow : whole(now.w);
      status = check_size((double)h, (double)w);
      if (status) break;
      float *to = final ? y
                        : br_scratch_get(scratch, BR_SCRATCH_FLOATS,
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
  br_mapping_begin(map, &now.done.part[0]);
  for (int k = 0; k < now.done.bends; k++) {
    *br_mapping_bend(map) = now.done.bend[k];
    map->part[k + 1] = now.done.part[k + 1];
  }
  return status;
}
