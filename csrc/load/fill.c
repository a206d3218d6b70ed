/* Fills a row of the batch from a sample's number. */
#include "load/fill.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/codec.h"
#include "image/decode.h"

/* ---- plans and batches ----------------------------------------------------------- */

void br_plan_clear(br_plan *plan) {
  for (int s = 0; s < plan->sources; s++) {
    br_source *x = &plan->source[s];
    br_release(x->images);
    br_release(x->boxes);
    br_release(x->shifts);
    br_release(x->eyes);
    br_release(x->rows);
    for (int f = 0; f < BR_FIELDS; f++) br_release(x->label[f]);
    br_cache_close(&x->cache);
  }
  for (int f = 0; f < plan->fields; f++) {
    br_release(plan->field[f].flip);
    br_release(plan->field[f].follow);
  }
  br_free(plan->source);
  *plan = (br_plan){0};
}

void br_batch_clear(br_batch *b) {
  br_release(b->image);
  for (int f = 0; f < BR_FIELDS; f++) br_release(b->label[f]);
  *b = (br_batch){0};
}

br_status br_batch_new(const br_plan *plan, int64_t n, br_batch *b) {
  const int64_t rows[4] = {n, plan->oh, plan->ow, plan->c};
  *b = (br_batch){.n = n};
  br_tensor *image = br_tensor_new(BR_F32, 4, rows, BR_CONTIGUOUS);
  b->image = image ? br_view_permute(image, (const int[]){0, 3, 1, 2}) : NULL;
  br_release(image);
  bool good = b->image != NULL;
  for (int f = 0; f < plan->fields && good; f++) {
    const br_field *x = &plan->field[f];
    int64_t shape[BR_MAX_DIM] = {n};
    memcpy(shape + 1, x->shape, (size_t)x->ndim * sizeof *shape);
    const br_dtype dtype = x->kind == BR_FIELD_CLASS || x->bin > 0 ? BR_I64 : BR_F32;
    b->label[f] = br_tensor_new(dtype, 1 + x->ndim, shape, BR_CONTIGUOUS);
    good = b->label[f] != NULL;
  }
  if (good) return BR_OK;
  br_batch_clear(b);
  return BR_ENOMEM;
}

/* ---- labels ----------------------------------------------------------------------

   A stored class label of 0 is a missing one; a batch marks it BR_MISSING_CLASS. */

static int64_t *ints(const br_tensor *t) { return (int64_t *)(void *)t->data; }
static float *floats(const br_tensor *t) { return (float *)(void *)t->data; }

/* The class or bin that takes the place of `label` in a mirror image. */
static int64_t flipped(const br_field *f, bool mirrored, int64_t label) {
  const bool known = mirrored && f->flip && label >= 1 && label <= f->flip->numel;
  return known ? ints(f->flip)[label - 1] : label;
}

static void fill_classes(const br_field *f, const br_tensor *from, int64_t row,
                         bool mirrored, int64_t *to) {
  for (int64_t i = 0; i < f->width; i++) {
    int64_t label = 0;
    if (from)
      label = from->dtype == BR_U8 ? (uint8_t)from->data[row * f->width + i]
                                   : ints(from)[row * f->width + i];
    label = flipped(f, mirrored, label);
    to[i] = label ? label : BR_MISSING_CLASS;
  }
}

/* The bin, from 1 to `bins`, of a coordinate in pixels; a missing label if it lies
   outside. */
static int64_t bin_of(double u, double bin, int64_t bins) {
  const double at = floor((u + 0.5) / bin);
  return at >= 0 && at < (double)bins ? (int64_t)at + 1 : BR_MISSING_CLASS;
}

/* Where a sample's labels come from and go to: a row of a source's tensor (NULL if the
   source has none), and a place in the batch. */
typedef struct labels_of {
  const br_tensor *from;
  int64_t row, place;
} labels_of;

static void fill_points(const br_plan *plan, const br_field *f, labels_of of,
                        const br_mapping *map, br_tensor *to) {
  const br_tensor *from = of.from;
  const bool mirrored = br_mapping_mirrored(map);
  const int64_t points = f->width / 2, size[2] = {plan->ow, plan->oh};
  for (int64_t i = 0; i < points; i++) {
    double at[2] = {NAN, NAN};
    int64_t p = i;
    if (mirrored && f->flip && i < f->flip->numel) p = ints(f->flip)[i] - 1;
    if (from) {
      const float *x = floats(from) + of.row * f->width + 2 * p;
      if (!isnan(x[0]) && !isnan(x[1]))
        br_mapping_inverse(map, (double)x[0], (double)x[1], at, at + 1);
    }
    for (int d = 0; d < 2; d++) {
      const int64_t j = of.place * f->width + 2 * i + d;
      if (f->bin > 0)
        ints(to)[j] = isnan(at[d]) ? BR_MISSING_CLASS
                                   : bin_of(at[d], f->bin,
                                            (int64_t)ceil((double)size[d] / f->bin));
      else
        floats(to)[j] = (float)((2 * at[d] + 1) / (double)size[d] - 1);
    }
  }
}

/* (x, y) of the sample's picture in the units of points; NaN for a missing one. */
static void in_units(const br_plan *plan, const br_mapping *map, double x, double y,
                     double *u, double *v) {
  br_mapping_inverse(map, x, y, u, v);
  *u = (2 * *u + 1) / (double)plan->ow - 1;
  *v = (2 * *v + 1) / (double)plan->oh - 1;
}

/* The upright box around the mapped corners of a box; with bends, around points of its
   edges, too. */
static void fill_box(const br_plan *plan, const br_tensor *from, int64_t row,
                     const br_mapping *map, float *to) {
  enum { POINTS = 8 }; /* of an edge */
  const float *box = from ? floats(from) + 4 * row : NULL;
  const int steps = map->bends ? POINTS : 1;
  double low[2] = {NAN, NAN}, high[2] = {NAN, NAN};
  const bool known = box && !isnan(box[0] + box[1] + box[2] + box[3]);
  for (int k = 0; k < 4 * steps && known; k++) {
    const int edge = k / steps; /* above, on the right, below, on the left */
    const double t = (double)(k % steps) / steps, back = edge < 2 ? t : 1 - t;
    const double x = edge % 2 == 0 ? back : edge == 1, y = edge % 2 ? back : edge == 2;
    double at[2];
    in_units(plan, map, (double)box[0] + x * (double)(box[2] - box[0]),
             (double)box[1] + y * (double)(box[3] - box[1]), at, at + 1);
    for (int d = 0; d < 2; d++) {
      low[d] = fmin(low[d], at[d]); /* fmin and fmax ignore a NaN beside a number */
      high[d] = fmax(high[d], at[d]);
    }
  }
  for (int d = 0; d < 2; d++) {
    to[d] = (float)low[d];
    to[2 + d] = (float)high[d];
  }
}

/* A number after the map. The factor for mirror images is applied later. */
static double followed(const br_plan *plan, const br_affine *map, int rule, double v) {
  static const double DEGREE = 3.14159265358979323846 / 180;
  const double *m = map->m, side = map->mirrored ? -1 : 1;
  const double determinant = m[0] * m[4] - m[1] * m[3];
  if (rule == BR_FOLLOW_WIDTH)
    return 2 * v * hypot(m[4], m[3]) / (fabs(determinant) * (double)plan->ow);
  if (rule == BR_FOLLOW_NOTHING || !(m[1] != 0 || m[3] != 0 || m[0] * side != m[4]))
    return v;
  const double sense = rule == BR_FOLLOW_CLOCKWISE ? 1 : -1, angle = sense * v * DEGREE;
  const double c = cos(angle), s = sin(angle), sign = determinant < 0 ? -1 : 1;
  return sense *
         atan2(sign * (m[0] * s - m[3] * c), side * sign * (m[4] * c - m[1] * s)) /
         DEGREE;
}

/* The bin of a number, from 1. The first and the last bin have no outer limit. */
static int64_t bin_of_real(const br_field *f, double v) {
  const double half = f->bins % 2 ? 0.5 : 0, middle = (double)(f->bins / 2 + 1);
  const double at = floor(v / f->bin + half) + middle;
  return isnan(v) ? BR_MISSING_CLASS : (int64_t)fmin(fmax(at, 1), (double)f->bins);
}

static void fill_reals(const br_plan *plan, const br_field *f, labels_of of,
                       const br_affine *map, br_tensor *to) {
  const br_tensor *from = of.from;
  for (int64_t i = 0; i < f->width; i++) {
    const int64_t j = of.place * f->width + i;
    const float *rule = f->follow ? floats(f->follow) + 2 * i : NULL;
    float v = from ? floats(from)[of.row * f->width + i] : NAN;
    if (rule && rule[0] != BR_FOLLOW_NOTHING)
      v = (float)followed(plan, map, (int)rule[0], (double)v);
    if (rule && map->mirrored) v *= rule[1];
    if (f->bin > 0)
      ints(to)[j] = flipped(f, map->mirrored, bin_of_real(f, (double)v));
    else
      floats(to)[j] = v;
  }
}

/* ---- the sample ------------------------------------------------------------------ */

static void place_sample(const br_plan *plan, const br_source *s, int64_t i,
                         br_sample *x) {
  *x = (br_sample){.box = {NAN}, .c = plan->c, .seed = plan->seed};
  if (s->boxes) {
    const float *box = floats(s->boxes) + 4 * i;
    for (int d = 0; d < 4; d++) x->box[d] = (double)box[d];
  }
  for (int d = 0; d < 2 && s->shifts; d++)
    x->shift[d] = (double)floats(s->shifts)[2 * i + d];
  x->pairs = s->pairs;
  if (s->eyes) x->eyes = floats(s->eyes) + 4 * s->pairs * i;
  if (s->points >= 0 && s->label[s->points]) {
    x->points = plan->field[s->points].width / 2;
    x->point = floats(s->label[s->points]) + i * plan->field[s->points].width;
  }
}

static int64_t row_of(const br_source *s, int64_t i) {
  return s->rows ? ints(s->rows)[i] - 1 : i;
}

/* Picture `row` of a tensor as (h,w,c) with the plan's channels. It is in place if the
   tensor has that layout, else a copy in the scratch. */
static uint8_t *interleaved(const br_tensor *t, int64_t row, int64_t c,
                            br_scratch *scratch) {
  const int64_t *shape = t->shape, *stride = t->stride, own = shape[1];
  const int64_t h = shape[2], w = shape[3];
  uint8_t *from = (uint8_t *)t->data + row * stride[0];
  if (own == c && br_is_channels_last(t)) return from;
  uint8_t *to = br_scratch_get(scratch, 0, (size_t)(h * w * c)), *p = to;
  if (!to) return NULL;
  for (int64_t j = 0; j < h; j++) {
    for (int64_t i = 0; i < w; i++, p += c) {
      const uint8_t *at = from + j * stride[2] + i * stride[3];
      const uint8_t rgb[3] = {at[0], own < 3 ? at[0] : at[stride[1]],
                              own < 3 ? at[0] : at[2 * stride[1]]};
      if (c == 1)
        p[0] = own < 3 ? rgb[0] : br_luma(rgb);
      else
        memcpy(p, rgb, (size_t)c);
    }
  }
  return to;
}

enum { PATH = 4096 };

static int64_t end_of(const br_source *s, int64_t row) {
  int64_t end = 0;
  if (row >= 0) memcpy(&end, s->ends + row * (int64_t)sizeof end, sizeof end);
  return end;
}

static br_status path_of(const br_source *s, int64_t row, char path[PATH]) {
  const char *name = s->text + end_of(s, row - 1);
  const int n = (int)(end_of(s, row) - end_of(s, row - 1));
  const bool whole = s->root[0] == 0 || (n > 0 && name[0] == '/');
  const int length = snprintf(path, PATH, "%s%s%.*s", whole ? "" : s->root,
                              whole ? "" : "/", n, name);
  if (length < PATH) return BR_OK;
  return br_fail(BR_EIO, "%.200s...: the path is too long", path);
}

/* A picture after the fixed steps of its recipe, and the map of these steps. */
typedef struct picture {
  br_sample sample;
  br_image owned, im; /* what was decoded, to be freed; the picture itself */
  br_affine map;
} picture;

/* The picture of sample i. `p` is empty at first; p->owned must be freed after. */
static br_status fixed_picture(const br_plan *plan, const br_source *s, int64_t i,
                               br_scratch *scratch, picture *p) {
  const int64_t row = row_of(s, i);
  br_sample *x = &p->sample;
  place_sample(plan, s, i, x);
  if (s->images) {
    const int64_t *shape = s->images->shape;
    x->h = shape[2];
    x->w = shape[3];
    x->data = interleaved(s->images, row, plan->c, scratch);
    if (!x->data) return BR_ENOMEM;
    return br_recipe_fixed(&s->recipe, x, scratch, &p->im, &p->map);
  }
  br_cache_entry entry;
  if (s->cache.open && br_cache_read(&s->cache, i, scratch, &p->im, &entry)) {
    int64_t oh, ow;
    x->h = entry.file_h;
    x->w = entry.file_w;
    return br_recipe_fixed_map(&s->recipe, x, &p->map, &oh, &ow);
  }
  char path[PATH];
  br_status status = BR_OK;
  if (s->encoded) {
    const int64_t from = end_of(s, row - 1);
    status = br_image_decode((const uint8_t *)s->text + from,
                             (size_t)(end_of(s, row) - from), "the picture", plan->c,
                             !s->as_stored, &p->owned);
  } else {
    status = path_of(s, row, path);
    if (!status) status = br_image_read(path, plan->c, !s->as_stored, &p->owned);
  }
  if (status) return status;
  x->h = p->owned.h;
  x->w = p->owned.w;
  x->data = p->owned.data;
  return br_recipe_fixed(&s->recipe, x, scratch, &p->im, &p->map);
}

br_status br_fill_sample(const br_plan *plan, const br_batch *b, const br_place *at,
                         br_scratch *scratch) {
  const br_source *s = plan->source;
  int64_t pick = at->pick;
  while (pick >= s->n) pick -= s++->n;
  picture p = {0};
  br_mapping map;
  br_affine near = {0};
  br_status status = fixed_picture(plan, s, pick, scratch, &p);
  if (!status) {
    p.sample.stream = at->stream;
    p.sample.place = (uint64_t)at->place;
    float *y = floats(b->image) + at->place * plan->oh * plan->ow * plan->c;
    status = br_recipe_rest(&s->recipe, &p.sample, &p.im, scratch,
                            &(br_result){y, plan->oh, plan->ow}, &p.map, &map);
    near = br_mapping_near(&map, (double)plan->ow, (double)plan->oh);
  }
  br_image_free(&p.owned);
  for (int f = 0; f < plan->fields && !status; f++) {
    const br_field *field = &plan->field[f];
    const bool wanted = at->only < 0 || at->only == f;
    const labels_of of = {wanted ? s->label[f] : NULL, pick, at->place};
    if (field->kind == BR_FIELD_CLASS)
      fill_classes(field, of.from, pick, near.mirrored,
                   ints(b->label[f]) + at->place * field->width);
    else if (field->kind == BR_FIELD_POINTS)
      fill_points(plan, field, of, &map, b->label[f]);
    else if (field->kind == BR_FIELD_BOX)
      fill_box(plan, of.from, pick, &map, floats(b->label[f]) + 4 * at->place);
    else
      fill_reals(plan, field, of, &near, b->label[f]);
  }
  return status;
}

/* ---- caches ---------------------------------------------------------------------- */

typedef struct making {
  const br_plan *plan;
  const br_source *source;
} making;

static br_status make_entry(void *context, int64_t i, br_scratch *scratch, br_image *im,
                            br_image *owned, br_cache_entry *entry) {
  const making *m = context;
  picture p = {0};
  br_status status = fixed_picture(m->plan, m->source, i, scratch, &p);
  *owned = p.owned;
  *im = p.im;
  entry->file_h = p.sample.h;
  entry->file_w = p.sample.w;
  return status;
}

br_status br_plan_cache(br_plan *plan, int source, const char *directory) {
  br_source *s = &plan->source[source];
  making m = {plan, s};
  br_cache_key key;
  if (s->images || s->encoded) return BR_OK; /* in memory already */
  br_cache_key_begin(&key);
  br_cache_key_add(&key, &plan->c, sizeof plan->c);
  br_cache_key_add(&key, &s->n, sizeof s->n);
  br_cache_key_add(&key, &s->as_stored, sizeof s->as_stored);
  for (int i = 0; i < s->recipe.fixed; i++)
    br_cache_key_add(&key, &s->recipe.step[i], sizeof s->recipe.step[i]);
  for (int64_t i = 0; i < s->n; i++) {
    br_sample x;
    place_sample(plan, s, i, &x);
    char path[PATH];
    if (path_of(s, row_of(s, i), path) == BR_OK) br_cache_key_add_file(&key, path);
    br_cache_key_add(&key, x.box, sizeof x.box);
    br_cache_key_add(&key, x.shift, sizeof x.shift);
    if (x.point) br_cache_key_add(&key, x.point, (size_t)(2 * x.points) * sizeof(float));
    if (x.eyes) br_cache_key_add(&key, x.eyes, (size_t)(4 * x.pairs) * sizeof(float));
  }
  return br_cache_open(&s->cache, directory, &key, s->n, make_entry, &m);
}
