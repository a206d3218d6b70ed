/* Paints a face from back to front: background, hair behind the head, body, head, and
   things that cover the face. */
#include "faces/parts.h"

#include <math.h>
#include <string.h>

/* ---- background ------------------------------------------------------------------- */

static uint32_t scramble(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7FEB352Du;
  x ^= x >> 15;
  x *= 0x846CA68Bu;
  return x ^ x >> 16;
}

static void paint_blob(br_canvas *v, const br_face_blob *b) {
  float s = (float)v->size, c = cosf(b->turn), n = sinf(b->turn);
  br_vec2 at = {b->x * s, b->y * s};
  br_vec2 p = {c * b->rx * s, n * b->rx * s}, q = {-n * b->ry * s, c * b->ry * s};
  br_ink ink = {b->colour, b->alpha, NULL, NULL};
  if (!b->sharp) {
    br_canvas_spot(v, at, p, q, ink);
    return;
  }
  br_path path = {0};
  br_path_add(&path, (br_vec2){at.x - p.x - q.x, at.y - p.y - q.y});
  br_path_add(&path, (br_vec2){at.x + p.x - q.x, at.y + p.y - q.y});
  br_path_add(&path, (br_vec2){at.x + p.x + q.x, at.y + p.y + q.y});
  br_path_add(&path, (br_vec2){at.x - p.x + q.x, at.y - p.y + q.y});
  br_canvas_fill(v, &path, ink);
}

/* Paints a gradient, tiles of random brightness, and objects in the distance. */
static void paint_background(br_canvas *v, const br_face *f) {
  int s = v->size;
  float k = 1 / (float)s, from[3], to[3];
  br_canvas_colour(v, f->background[0], from);
  br_canvas_colour(v, f->background[1], to);
  float step_x = f->background_x * k, step_y = f->background_y * k;
  float start = 0.5f - 0.5f * (f->background_x + f->background_y);
  for (int y = 0; y < s; y++)
    for (int p = 0; p < v->planes; p++) {
      float *row = v->pixel + ((int64_t)p * s + y) * s;
      float t0 = start + (float)y * step_y;
      for (int x = 0; x < s; x++) {
        float t = br_clampf(t0 + (float)x * step_x, 0, 1);
        row[x] = from[p] + t * (to[p] - from[p]);
      }
      if (f->texture <= 0) continue;
      for (int x = 0; x < s; x++) {
        uint32_t tile = (uint32_t)(y * 24 / s) * 64 + (uint32_t)(x * 24 / s);
        row[x] += f->texture *
                  ((float)(scramble(tile ^ f->grain) >> 8) * 0x1p-24f - 0.5f);
      }
    }
  for (int i = 0; i < f->clutter_n; i++) paint_blob(v, &f->clutter[i]);
}

/* ---- body ------------------------------------------------------------------------- */

/* Closes a shape with two equal sides: n points (x, y) of its right side, from top to
   bottom, at depth z. */
static void symmetric(br_path *path, const br_head *h, int n, const br_vec2 *right,
                      float z) {
  path->n = 0;
  for (int i = 0; i < n; i++)
    br_path_add(path, br_head_project(h, (br_vec3){right[i].x, right[i].y, z}));
  for (int i = n - 1; i >= 0; i--)
    br_path_add(path, br_head_project(h, (br_vec3){-right[i].x, right[i].y, z}));
}

static void paint_hair_behind(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  if (f->hair_length < 0.8f) return;
  float w = 1.0f + f->hair_volume, end = f->hair_length;
  br_vec2 right[6] = {{0.6f * w, -0.9f},       {w, -0.5f},
                      {1.08f * w, 0.2f},       {1.1f * w, 0.9f},
                      {1.12f * w, end - 0.2f}, {0.8f * w, end}};
  br_path path = {0};
  symmetric(&path, h, 6, right, -0.25f);
  br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->hair, 0.75f), 1, NULL, NULL});
}

static void paint_body(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  float u = h->unit;
  br_vec2 top = br_head_project(h, (br_vec3){0, 1.0f, -0.1f});
  float w = (0.62f + 0.6f * f->jaw) * u;
  float lean = -0.3f * h->sin_roll * u; /* the body rolls less than the head */
  br_vec2 low = {top.x + lean, top.y + 1.0f * u};
  br_path path = {0};
  br_path_add(&path, (br_vec2){top.x - w, top.y});
  br_path_add(&path, (br_vec2){top.x + w, top.y});
  br_path_add(&path, (br_vec2){low.x + w * 1.05f, low.y});
  br_path_add(&path, (br_vec2){low.x - w * 1.05f, low.y});
  float lit = 0.7f * (f->ambient + 0.5f * f->direct);
  br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->skin, lit), 1, NULL, NULL});
  br_vec2 jaw = {top.x, top.y + 0.45f * u};
  br_canvas_spot(v, jaw, (br_vec2){1.1f * w, 0}, (br_vec2){0, 0.55f * u},
                 (br_ink){br_rgb_scale(f->skin, 0.3f), 0.6f, NULL, NULL});

  static const br_vec2 collar[5] = {
      {0.0f, 0.95f}, {0.45f, 0.8f}, {0.9f, 0.85f}, {1.8f, 1.15f}, {2.4f, 2.6f}};
  path.n = 0;
  for (int i = 0; i < 5; i++)
    br_path_add(&path,
                (br_vec2){top.x + lean + collar[i].x * u, top.y + collar[i].y * u});
  for (int i = 4; i > 0; i--)
    br_path_add(&path,
                (br_vec2){top.x + lean - collar[i].x * u, top.y + collar[i].y * u});
  br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->cloth, lit + 0.2f), 1, NULL, NULL});
}

static void paint_ear(br_canvas *v, const br_head *h, float side) {
  const br_face *f = h->face;
  float x = 1.0f * side, y = 0.2f;
  br_vec2 c = br_head_project(h, (br_vec3){x, y, -0.1f});
  br_vec2 a = br_head_project(h, (br_vec3){x + side * 0.12f, y, -0.24f});
  br_vec2 b = br_head_project(h, (br_vec3){x, y + 0.3f, -0.03f});
  a = (br_vec2){a.x - c.x, a.y - c.y};
  b = (br_vec2){b.x - c.x, b.y - c.y};
  br_vec3 l = h->light;
  float lit = f->ambient + f->direct * br_clampf(0.6f * side * l.x + 0.6f * l.z, 0, 1);
  br_path path = {0};
  br_path_ellipse(&path, c, a, b, 0);
  br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->skin, 0.92f * lit), 1, NULL, NULL});
  br_vec2 a2 = {0.6f * a.x, 0.6f * a.y}, b2 = {0.7f * b.x, 0.7f * b.y};
  br_canvas_spot(v, c, a2, b2,
                 (br_ink){br_rgb_scale(f->skin, 0.35f * lit), 0.7f, NULL, NULL});
}

static void paint_ears(br_canvas *v, const br_head *h, int near) {
  for (float side = -1; side <= 1; side += 2) {
    /* the cheek hides an ear unless the head is turned away from it */
    int before = side * h->face->yaw < -0.35f;
    if (before == near && h->face->hair_side < 0.35f) paint_ear(v, h, side);
  }
}

/* Paints hair that falls in front of one shoulder. */
static void paint_lock(br_canvas *v, const br_head *h, float side) {
  const br_face *f = h->face;
  float w = 1 + f->hair_volume, end = br_maxf(f->hair_length - 0.2f, 1.2f);
  static const float x[5] = {0.95f, 1.03f, 1.02f, 1.0f, 0.95f};
  static const float z[5] = {-0.15f, -0.1f, 0.0f, 0.05f, 0.0f};
  br_vec2 line[5];
  float width[5];
  for (int i = 0; i < 5; i++) {
    float t = 0.25f * (float)i;
    line[i] = br_head_project(h,
                              (br_vec3){side * x[i] * w, -0.3f + t * (end + 0.3f), z[i]});
    width[i] = h->unit * (0.26f + 0.35f * t - 0.52f * t * t * t);
  }
  br_path path = {0};
  br_path_stroke(&path, 5, line, width);
  float lit = f->ambient + f->direct * br_clampf(0.4f * side * h->light.x + 0.5f, 0, 1);
  br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->hair, lit), 1, NULL, NULL});
}

/* ---- head ------------------------------------------------------------------------- */

/* A wave between -1 and 1 with period 1. */
static inline float zigzag(float t) {
  t = fabsf(t);
  t -= (float)(int)t;
  return 1 - 4 * fabsf(t - 0.5f);
}

/* Paints skin, hair and beard, from the surface that br_head_trace left on the
   canvas. */
static void paint_head(br_canvas *v, const br_face *f, float unit) {
  int64_t n = (int64_t)v->size * v->size;
  float sharp = br_maxf(unit * 0.4f, 4); /* hair's edge is a few pixels wide */
  float soft = 0.6f * sharp, wave = f->hair_wave, fray = f->hair_fray;
  br_rgb stubble = br_rgb_mix(f->brow, f->skin, 0.15f);
  float colour[3][3];
  br_canvas_colour(v, f->skin, colour[0]);
  br_canvas_colour(v, f->hair, colour[1]);
  br_canvas_colour(v, stubble, colour[2]);
  const float *restrict solid = v->solid, *restrict lit = v->lit,
                        *restrict side = v->side;
  const float *restrict in_hair = v->hair, *restrict in_beard = v->beard;
  for (int p = 0; p < v->planes; p++) {
    float *restrict to = v->pixel + p * n;
    float skin = colour[0][p], lock = colour[1][p], shave = colour[2][p] - skin;
    for (int64_t i = 0; i < n; i++) {
      /* strands run along the skull and bend as they leave the hairline */
      float along = wave * (side[i] + 1.3f) + 0.8f * in_hair[i];
      float coarse = zigzag(along), fine = zigzag(2.7f * along);
      float hair = 0.5f + (in_hair[i] + fray * coarse * fine) * sharp;
      float beard = 0.5f + (in_beard[i] + 0.04f * fine) * soft;
      hair = hair < 0 ? 0 : hair > 1 ? 1 : hair;
      beard = beard < 0 ? 0 : beard > 1 ? 1 : beard;
      float c = skin + f->beard * beard * shave;
      c += hair * (lock * (1 + f->hair_strand * (0.6f * coarse + 0.4f * fine)) - c);
      to[i] += solid[i] * (c * lit[i] - to[i]);
    }
  }
}

static void paint_moustache(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  if (f->moustache <= 0) return;
  float y = f->mouth_y - f->mouth_open - 0.12f, w = f->mouth_w;
  br_vec2 line[5];
  float width[5];
  for (int i = 0; i < 5; i++) {
    float u = -1 + 0.5f * (float)i;
    line[i] = br_head_project(h, br_head_surface(h, u * w * 1.05f, y + 0.13f * u * u));
    width[i] = h->unit * 0.13f * (1.05f - 0.6f * u * u);
  }
  br_path path = {0};
  br_path_stroke(&path, 5, line, width);
  br_canvas_fill(v, &path, (br_ink){f->brow, f->moustache, v->solid, v->lit});
}

/* ---- covers ----------------------------------------------------------------------- */

static void paint_hand(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  float side = f->cover_at.x < 0.5f ? -1.0f : 1.0f, u = h->unit;
  br_vec2 root = br_head_project(h, (br_vec3){side * 0.75f, 1.35f, 1.1f});
  for (int i = 0; i < BR_FACE_FINGERS; i++) {
    float t = (float)i;
    float away = (0.25f + 0.35f * f->cover_at.y) * (1 + 0.08f * t);
    br_vec2 line[3] = {{root.x + side * 0.35f * u, root.y + (0.2f * t + 0.3f) * u},
                       {root.x - side * 0.1f * u, root.y + (0.2f * t - 0.25f) * u},
                       {root.x - side * away * u, root.y + (0.2f * t - 0.42f) * u}};
    float width[3] = {0.26f * u, 0.20f * u, 0.13f * u};
    br_path path = {0};
    br_path_stroke(&path, 3, line, width);
    float lit = (f->ambient + 0.5f * f->direct) * (1 - 0.09f * t);
    br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->skin, lit), 1, NULL, NULL});
  }
}

/* Traces a quadrangle, always in the same direction. So neighbours in a folded strip
   add up and do not cancel each other. */
static void trace_quad(br_canvas *v, br_vec2 a, br_vec2 b, br_vec2 c, br_vec2 d) {
  float area = (c.x - a.x) * (d.y - b.y) - (c.y - a.y) * (d.x - b.x);
  br_path path = {0};
  br_path_add(&path, a);
  br_path_add(&path, area > 0 ? b : d);
  br_path_add(&path, c);
  br_path_add(&path, area > 0 ? d : b);
  br_canvas_trace(v, &path);
}

/* Paints cloth around the chin and the neck. */
static void paint_scarf(br_canvas *v, const br_head *h) {
  static const float x[7] = {-1.1f, -0.72f, -0.4f, 0.0f, 0.4f, 0.72f, 1.1f};
  static const float z[7] = {0.0f, 0.62f, 1.1f, 1.3f, 1.1f, 0.62f, 0.0f};
  const br_face *f = h->face;
  br_vec2 top[7], low[7];
  for (int i = 0; i < 7; i++) {
    float y = 0.98f + 0.25f * f->cover_at.y - 0.25f * x[i] * x[i];
    top[i] = br_head_project(h, (br_vec3){x[i], y, z[i]});
    low[i] = br_head_project(h, (br_vec3){1.1f * x[i], 2.2f, 0.8f * z[i] - 0.2f});
  }
  for (int i = 0; i < 6; i++) trace_quad(v, top[i], top[i + 1], low[i + 1], low[i]);
  br_canvas_paint(v, (br_ink){f->cover_at.colour, 1, NULL, NULL});
}

static void paint_cover(br_canvas *v, const br_head *h) {
  br_face_blob b = h->face->cover_at;
  switch (h->face->cover) {
  case BR_COVER_NONE: break;
  case BR_COVER_HAND: paint_hand(v, h); break;
  case BR_COVER_SCARF: paint_scarf(v, h); break;
  case BR_COVER_BAR:
    b.rx = 0.9f;
    b.ry = 0.03f + 0.1f * b.ry;
    b.y = b.y < 0.5f ? b.y : 0.35f + 0.7f * b.y;
    b.sharp = 1;
    b.alpha = 1;
    paint_blob(v, &b);
    break;
  case BR_COVER_BLOB:
    b.x = b.x < 0.5f ? 0.3f * b.x : 0.7f + 0.3f * b.x;
    b.sharp = b.rx < 0.14f;
    b.alpha = 1;
    paint_blob(v, &b);
    break;
  }
}

void br_faces_paint(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  float near = f->yaw < 0 ? 1.0f : -1.0f; /* the side that is turned to the camera */
  paint_background(v, f);
  paint_hair_behind(v, h);
  paint_body(v, h);
  paint_ears(v, h, 0);
  if (f->locks) paint_lock(v, h, -near);
  br_head_trace(h, v);
  paint_head(v, f, h->unit);
  paint_ears(v, h, 1);
  br_faces_paint_features(v, h);
  paint_moustache(v, h);
  if (f->locks) paint_lock(v, h, near);
  if (f->labels.glasses == 0) br_faces_paint_glasses(v, h);
  paint_cover(v, h);
}
