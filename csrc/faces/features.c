/* Paints the features on the skin: eyes, brows, nose, mouth, and glasses in front of
   them.

   Every shape is given by points of the head's surface. So turning the head moves,
   narrows and hides shapes just as it does the landmarks. */
#include "faces/parts.h"

#include <math.h>
#include <string.h>

enum { CURVE = 9 }; /* points along a lid, a lip or a brow */

static const br_rgb black = {0.04f, 0.03f, 0.03f}, white = {0.93f, 0.92f, 0.90f};

static br_vec2 on_skin(const br_head *h, float x, float y) {
  return br_head_project(h, br_head_surface(h, x, y));
}

static br_vec2 apart(br_vec2 a, br_vec2 b) { return (br_vec2){a.x - b.x, a.y - b.y}; }

/* A soft spot on the skin around a point. */
static void skin_spot(br_canvas *v, const br_head *h, br_vec2 at, br_vec2 half_axes,
                      br_ink ink) {
  br_vec2 c = on_skin(h, at.x, at.y);
  br_canvas_spot(v, c, apart(on_skin(h, at.x + half_axes.x, at.y), c),
                 apart(on_skin(h, at.x, at.y + half_axes.y), c), ink);
}

/* Sets `clip` to the visible skin of one side of the head: side < 0 left, > 0 right, 0
   both. `bare` also includes pixels outside the head. */
static void clip_side(br_canvas *v, float side, int bare) {
  int64_t n = (int64_t)v->size * v->size;
  const float *restrict solid = v->solid, *restrict at = v->side;
  float *restrict clip = v->clip;
  float offset = side == 0 ? 1.0f : 0.8f; /* lets a feature reach the ridge of the nose */
  for (int64_t i = 0; i < n; i++) {
    float seen = offset + 12 * side * at[i];
    seen = seen < 0 ? 0 : seen > 1 ? 1 : seen;
    clip[i] = bare ? 1 - solid[i] * (1 - seen) : solid[i] * seen;
  }
}

/* A curve from p[0] to p[2], bent towards p[1], widest in the middle. */
static void skin_curve(br_canvas *v, const br_head *h, const br_vec2 p[3], float wide,
                       br_ink ink) {
  const br_vec2 a = p[0], b = p[1], c = p[2];
  br_vec2 line[CURVE];
  float width[CURVE];
  for (int i = 0; i < CURVE; i++) {
    float t = (float)i / (CURVE - 1), s = 1 - t;
    line[i] = on_skin(h, s * s * a.x + 2 * s * t * b.x + t * t * c.x,
                      s * s * a.y + 2 * s * t * b.y + t * t * c.y);
    width[i] = h->unit * wide * (0.2f + 3.2f * s * t);
  }
  br_path path = {0};
  br_path_stroke(&path, CURVE, line, width);
  br_canvas_fill(v, &path, ink);
}

/* ---- eyes ------------------------------------------------------------------------- */

/* The edge of a lid at u from -1 (left corner) to 1. It is `open` above the eye's axis,
   or below it if negative. */
static br_vec2 lid(const br_head *h, float side, float u, float open) {
  const br_face *f = h->face;
  float outward = u * side; /* 1 at the outer corner */
  float y = -f->eye_tilt * outward * f->eye_w - open * (1 - u * u);
  return on_skin(h, side * f->eye_x + u * f->eye_w, y);
}

static void paint_eye(br_canvas *v, const br_head *h, float side) {
  const br_face *f = h->face;
  const float *lit = v->lit;
  float x = side * f->eye_x;
  br_rgb dark = br_rgb_mix(f->skin, (br_rgb){0.25f, 0.12f, 0.10f}, 0.75f);
  clip_side(v, side, 0);
  br_ink socket = {dark, 0.25f + 0.5f * f->shadow, v->clip, lit};
  skin_spot(v, h, (br_vec2){x - side * 0.05f, -0.09f}, (br_vec2){0.34f, 0.2f}, socket);
  skin_spot(v, h, (br_vec2){x, 0.14f}, (br_vec2){0.26f, 0.12f},
            (br_ink){dark, 0.22f, v->clip, lit});

  br_path path = {0};
  for (int i = 0; i < CURVE; i++)
    br_path_add(&path, lid(h, side, -1 + 0.25f * (float)i, f->eye_open));
  for (int i = CURVE - 2; i > 0; i--)
    br_path_add(&path, lid(h, side, -1 + 0.25f * (float)i, -0.75f * f->eye_open));
  br_canvas_trace(v, &path);
  br_canvas_store(v, v->mask, v->clip);
  br_canvas_fill(v, &path, (br_ink){white, 0.92f, v->clip, lit});

  float ix = x + f->gaze_x * f->eye_w, iy = f->gaze_y * f->eye_w - 0.15f * f->eye_open;
  br_vec2 c = on_skin(h, ix, iy);
  br_vec2 a = apart(on_skin(h, ix + f->iris, iy), c),
          b = apart(on_skin(h, ix, iy + f->iris), c);
  br_path_ellipse(&path, c, a, b, 0);
  br_canvas_fill(v, &path, (br_ink){f->eye, 1, v->mask, lit});
  br_vec2 a2 = {0.45f * a.x, 0.45f * a.y}, b2 = {0.45f * b.x, 0.45f * b.y};
  br_path_ellipse(&path, c, a2, b2, 0);
  br_canvas_fill(v, &path, (br_ink){black, 1, v->mask, NULL});
  br_vec2 spark = {c.x - 0.3f * b.y, c.y - 0.35f * b.y};
  br_canvas_spot(v, spark, a2, b2, (br_ink){{1, 1, 1}, 0.8f, v->mask, NULL});

  br_vec2 line[CURVE], fold[CURVE];
  float width[CURVE], thin[CURVE];
  for (int i = 0; i < CURVE; i++) {
    float u = -1.04f + 0.26f * (float)i;
    line[i] = lid(h, side, u, f->eye_open);
    fold[i] = lid(h, side, 1.05f * u, 1.9f * f->eye_open);
    width[i] = h->unit * f->lash * (1.25f + 0.75f * u * side);
    thin[i] = 0.02f * h->unit;
  }
  br_path_stroke(&path, CURVE, line, width);
  br_canvas_fill(v, &path, (br_ink){black, 0.9f, v->clip, lit});
  br_path_stroke(&path, CURVE, fold, thin);
  br_canvas_fill(v, &path, (br_ink){dark, 0.45f, v->clip, lit});
}

static void paint_brow(br_canvas *v, const br_head *h, float side) {
  const br_face *f = h->face;
  br_vec2 line[CURVE];
  float width[CURVE];
  for (int i = 0; i < CURVE; i++) {
    float u = -1 + 0.25f * (float)i; /* -1 at the nose, 1 at the temple */
    float x = side * (f->eye_x + 0.02f + u * f->brow_w);
    float bend = u - 0.25f;
    float y = f->brow_y - f->brow_arch * (1 - bend * bend) - f->brow_tilt * 0.2f * u;
    line[i] = on_skin(h, x, y);
    width[i] = h->unit * f->brow_thick * (u < 0 ? 1 : 1 - 0.7f * u);
  }
  br_path path = {0};
  br_path_stroke(&path, CURVE, line, width);
  br_canvas_fill(v, &path, (br_ink){f->brow, 0.85f, v->clip, v->lit});
}

/* ---- nose ------------------------------------------------------------------------- */

static void paint_nose(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  br_rgb dark = br_rgb_mix(f->skin, (br_rgb){0.2f, 0.08f, 0.06f}, 0.7f);
  float base = 0.645f * f->length;
  clip_side(v, 0, 0);
  skin_spot(v, h, (br_vec2){0, base + 0.05f}, (br_vec2){0.3f, 0.1f},
            (br_ink){dark, 0.4f, v->clip, v->lit});
  for (float side = -1; side <= 1; side += 2) {
    clip_side(v, side, 0);
    float x = side * f->nose_w;
    const br_vec2 bag[3] = {
        {0.75f * x, base - 0.17f}, {1.3f * x, base - 0.07f}, {0.75f * x, base + 0.02f}};
    skin_curve(v, h, bag, 0.04f, (br_ink){dark, 0.5f, v->clip, v->lit});
    skin_spot(v, h, (br_vec2){side * 0.10f, base}, (br_vec2){0.085f, 0.05f},
              (br_ink){black, 0.8f, v->clip, v->lit});
  }
  clip_side(v, 0, 0);
  float shine = -0.06f * (h->light.x < 0 ? 1.0f : -1.0f);
  br_ink gloss = {{1, 0.97f, 0.93f}, f->gloss, v->clip, v->lit};
  skin_spot(v, h, (br_vec2){shine, 0.52f * f->length}, (br_vec2){0.1f, 0.09f}, gloss);
  skin_spot(v, h, (br_vec2){0.5f * shine, 0.25f}, (br_vec2){0.06f, 0.28f}, gloss);
  skin_spot(v, h, (br_vec2){5 * shine, -0.5f}, (br_vec2){0.4f, 0.2f}, gloss);
}

/* ---- mouth ------------------------------------------------------------------------ */

/* The line between the lips is a parabola through the corners, which are landmarks. */
static br_vec2 lip_point(const br_head *h, float u, float below) {
  const br_face *f = h->face;
  float rise = f->smile * f->mouth_w;
  return on_skin(h, u * f->mouth_w, f->mouth_y - rise * u * u + below);
}

/* Closes the band between two lines of the mouth. Both are offsets from the line
   between the lips, times 1 - u^2; the upper one has a dent in the middle. */
static void lip_band(br_path *path, const br_head *h, float upper, float dent,
                     float lower) {
  path->n = 0;
  for (int i = 0; i < CURVE; i++) {
    float u = -1 + 0.25f * (float)i, w = 1 - u * u;
    float middle = 1 - br_clampf(4 * fabsf(u), 0, 1);
    br_path_add(path, lip_point(h, u, -upper * w + dent * middle));
  }
  for (int i = CURVE - 2; i > 0; i--) {
    float u = -1 + 0.25f * (float)i, w = 1 - u * u;
    br_path_add(path, lip_point(h, u, lower * w));
  }
}

static void paint_mouth(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  const float *lit = v->lit;
  float gap = f->mouth_open, upper = 0.65f * f->lips;
  br_rgb dark = br_rgb_mix(f->skin, (br_rgb){0.2f, 0.08f, 0.06f}, 0.7f);
  br_path path = {0};
  clip_side(v, 0, 0);
  for (float side = -1; side <= 1; side += 2) {
    float x = side * f->mouth_w, y = f->mouth_y - f->smile * f->mouth_w;
    const br_vec2 crease[3] = {{side * (f->nose_w + 0.02f), 0.58f * f->length},
                               {x + side * 0.10f, 0.70f * f->length},
                               {x + side * 0.09f, y + 0.07f}};
    skin_curve(v, h, crease, 0.045f, (br_ink){dark, f->crease, v->clip, lit});
    skin_spot(v, h, (br_vec2){x, y}, (br_vec2){0.07f, 0.06f},
              (br_ink){dark, 0.5f, v->clip, lit});
  }
  skin_spot(v, h, (br_vec2){0, f->mouth_y + gap + f->lips + 0.09f},
            (br_vec2){0.26f, 0.08f}, (br_ink){dark, 0.35f, v->clip, lit});

  lip_band(&path, h, gap + upper, 0.3f * upper, gap + f->lips);
  br_canvas_fill(v, &path, (br_ink){f->lip, 0.9f, v->clip, lit});
  skin_spot(v, h, (br_vec2){0, f->mouth_y + gap + 0.6f * f->lips},
            (br_vec2){0.13f, 0.03f}, (br_ink){white, 0.6f * f->gloss, v->clip, lit});
  if (gap > 0) {
    lip_band(&path, h, gap, 0, gap);
    br_canvas_fill(v, &path, (br_ink){{0.22f, 0.05f, 0.05f}, 1, v->clip, lit});
    if (f->teeth) {
      float low = br_minf(gap, 0.09f - gap);
      lip_band(&path, h, gap * 0.9f, 0, low);
      br_canvas_fill(v, &path, (br_ink){white, 0.95f, v->clip, lit});
    }
    return;
  }
  br_vec2 line[CURVE];
  float width[CURVE];
  for (int i = 0; i < CURVE; i++) {
    float u = -1.02f + 0.255f * (float)i;
    line[i] = lip_point(h, u, 0);
    width[i] = 0.035f * h->unit;
  }
  br_path_stroke(&path, CURVE, line, width);
  br_canvas_fill(v, &path, (br_ink){br_rgb_scale(f->lip, 0.35f), 0.9f, v->clip, lit});
}

void br_faces_paint_features(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  br_rgb red = {0.85f, 0.25f, 0.22f};
  for (float side = -1; side <= 1; side += 2) {
    clip_side(v, side, 0);
    skin_spot(v, h, (br_vec2){side * 0.56f, 0.42f}, (br_vec2){0.3f, 0.26f},
              (br_ink){red, f->blush, v->clip, v->lit});
    paint_eye(v, h, side);
    paint_brow(v, h, side);
  }
  paint_nose(v, h);
  paint_mouth(v, h);
}

/* ---- glasses ---------------------------------------------------------------------- */

/* A point of the bowed plane of the lenses. */
static br_vec2 on_glass(const br_head *h, float x, float y) {
  return br_head_project(h, (br_vec3){x, y, 1.40f - 0.30f * x * x});
}

static void lens(const br_head *h, float side, float grow, br_path *path) {
  const br_face *f = h->face;
  float x = side * (f->eye_x + 0.01f), y = f->frame_drop;
  br_vec2 unit = {0, 0};
  br_path_ellipse(path, unit, (br_vec2){f->frame_w + grow, 0},
                  (br_vec2){0, f->frame_h + grow}, f->frame_square);
  for (int i = 0; i < path->n; i++)
    path->at[i] = on_glass(h, x + path->at[i].x, y + path->at[i].y);
}

/* The side piece, from the rim to the ear. */
static void temple(br_canvas *v, const br_head *h, float side) {
  const br_face *f = h->face;
  float x = side * (f->eye_x + f->frame_w), y = f->frame_drop - 0.3f * f->frame_h;
  br_vec2 line[3] = {on_glass(h, x, y),
                     br_head_project(h, (br_vec3){side * 1.02f, y, 0.75f}),
                     br_head_project(h, (br_vec3){side * 1.05f, y - 0.03f, -0.05f})};
  float w = h->unit * br_maxf(0.03f, 0.8f * f->frame_thick), width[3] = {w, w, w};
  br_path path = {0};
  br_path_stroke(&path, 3, line, width);
  br_canvas_fill(v, &path, (br_ink){f->frame, 1, v->clip, NULL});
}

void br_faces_paint_glasses(br_canvas *v, const br_head *h) {
  const br_face *f = h->face;
  br_path path = {0};
  float first = f->yaw < 0 ? 1.0f : -1.0f; /* the far side is painted first */
  for (int i = 0; i < 2; i++) {
    float side = i == 0 ? first : -first;
    clip_side(v, side, 1);
    lens(h, side, 0, &path);
    br_canvas_fill(v, &path, (br_ink){f->tint, f->tint_alpha, v->clip, NULL});
    if (f->glint > 0) {
      float x = side * f->eye_x - 0.1f, y = f->frame_drop - 0.05f;
      br_vec2 c = on_glass(h, x, y), a = apart(on_glass(h, x + 0.11f, y - 0.08f), c);
      br_vec2 b = apart(on_glass(h, x + 0.03f, y + 0.04f), c);
      br_canvas_spot(v, c, a, b, (br_ink){{1, 1, 1}, f->glint, v->clip, NULL});
    }
    lens(h, side, f->frame_thick, &path);
    br_canvas_trace(v, &path);
    lens(h, side, 0, &path);
    for (int k = 0; k < path.n; k++) /* opposite to the outer rim: a hole */
      br_canvas_edge(v, path.at[k + 1 < path.n ? k + 1 : 0], path.at[k]);
    br_canvas_paint(v, (br_ink){f->frame, 1, v->clip, NULL});
    if (side * f->yaw <= 0.1f) temple(v, h, side);
  }
  float x = f->eye_x - f->frame_w, y = f->frame_drop - 0.25f * f->frame_h;
  br_vec2 line[3] = {on_glass(h, -x - 0.02f, y), on_glass(h, 0, y - 0.04f),
                     on_glass(h, x + 0.02f, y)};
  float w = h->unit * br_maxf(0.025f, 0.8f * f->frame_thick), width[3] = {w, w, w};
  br_path_stroke(&path, 3, line, width);
  br_canvas_fill(v, &path, (br_ink){f->frame, 1, NULL, NULL});
}
