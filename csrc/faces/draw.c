/* Draws the parameters of a face at random: their ranges, and how often each variant
   occurs.

   The traits of the two sexes overlap: each trait has a distribution for each sex, and
   a group of traits sometimes comes from the other sex's distributions. Only a beard
   tells the sex for certain. */
#include "faces/parts.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

/* The words of one random stream, in order. */
typedef struct dice {
  uint64_t seed, stream, block;
  uint32_t word[4];
  int left;
} dice;

static uint32_t word(dice *d) {
  if (d->left == 0) {
    br_rng_block(d->seed, d->stream, d->block++, d->word);
    d->left = 4;
  }
  return d->word[--d->left];
}

/* Uniform in [low, high). */
static float between(dice *d, float low, float high) {
  return low + (high - low) * (float)(word(d) >> 8) * 0x1p-24f;
}

static int chance(dice *d, float p) { return between(d, 0, 1) < p; }

/* Bell-shaped around `mean`, and never further than 2 `spread` from it. */
static float about(dice *d, float mean, float spread) {
  float sum = 0;
  for (int i = 0; i < 3; i++) sum += between(d, -1, 1);
  return mean + spread * sum * (2.0f / 3);
}

/* A colour between two. The calls are separate statements because C leaves the order of
   calls in an initializer open. */
static br_rgb colour_between(dice *d, br_rgb low, br_rgb high) {
  br_rgb c;
  c.r = between(d, low.r, high.r);
  c.g = between(d, low.g, high.g);
  c.b = between(d, low.b, high.b);
  return c;
}

static br_rgb any_colour(dice *d) {
  br_rgb c = colour_between(d, (br_rgb){0.05f, 0.05f, 0.05f}, (br_rgb){1, 1, 1});
  float gray = (c.r + c.g + c.b) / 3; /* most things are not brightly coloured */
  return br_rgb_mix(c, (br_rgb){gray, gray, gray}, between(d, 0, 0.9f));
}

/* A colour of a palette, mixed from two neighbours. */
static br_rgb shade_of(dice *d, const br_rgb *palette, int n) {
  float at = between(d, 0, (float)(n - 1));
  int i = (int)at < n - 2 ? (int)at : n - 2;
  return br_rgb_mix(palette[i], palette[i + 1], at - (float)i);
}

static const br_rgb skins[] = {{0.98f, 0.86f, 0.78f}, {0.95f, 0.79f, 0.67f},
                               {0.88f, 0.69f, 0.54f}, {0.76f, 0.56f, 0.41f},
                               {0.58f, 0.40f, 0.28f}, {0.43f, 0.29f, 0.21f}};
static const br_rgb hairs[] = {{0.05f, 0.04f, 0.04f}, {0.13f, 0.08f, 0.06f},
                               {0.28f, 0.17f, 0.10f}, {0.45f, 0.27f, 0.14f},
                               {0.65f, 0.46f, 0.25f}, {0.85f, 0.70f, 0.44f}};
static const br_rgb grays[] = {
    {0.40f, 0.40f, 0.40f}, {0.66f, 0.66f, 0.67f}, {0.90f, 0.90f, 0.89f}};
static const br_rgb irises[] = {{0.13f, 0.08f, 0.05f},
                                {0.33f, 0.20f, 0.10f},
                                {0.30f, 0.38f, 0.22f},
                                {0.30f, 0.45f, 0.58f}};

static const float degree = 0.017453293f;

static void draw_labels(br_face *f, dice *d) {
  f->labels.gender = (uint8_t)chance(d, 0.5f);
  f->labels.smile = (uint8_t)chance(d, 0.5f);
  f->labels.glasses = (uint8_t)chance(d, 0.75f);
  float p = between(d, 0, 1);
  f->labels.pose = (uint8_t)(p < 0.08f   ? 0
                             : p < 0.25f ? 1
                             : p < 0.75f ? 2
                             : p < 0.92f ? 3
                                         : 4);
}

static void draw_view(br_face *f, dice *d) {
  /* degrees; at the largest angles the eyes are as close to each other as in the
     photographs of MTFL */
  static const float from[] = {-52, -40, -14, 14, 40}, to[] = {-40, -14, 14, 40, 52};
  int pose = f->labels.pose;
  f->yaw = degree * between(d, from[pose], to[pose]);
  f->pitch = degree * about(d, 0, 11);
  f->roll = degree * about(d, 0, 12);
  f->scale = between(d, 0.305f, 0.40f);
  f->shift_x = about(d, 0, 0.045f);
  f->shift_y = about(d, 0, 0.045f);
  f->distance = between(d, 6, 14);

  float side = between(d, -1.2f, 1.2f), up = between(d, -0.2f, 1.1f);
  float k = 1 / sqrtf(side * side + up * up + 1);
  f->light = (br_vec3){side * k, -up * k, k};
  f->ambient = between(d, 0.35f, 0.68f);
  f->direct = between(d, 1.0f, 1.2f) - f->ambient;
  f->gloss = between(d, 0, 0.25f);

  f->blur = chance(d, 0.5f) ? between(d, 0, 0.25f) : 0.03f;
  f->noise = chance(d, 0.6f) ? between(d, 0.005f, 0.03f) : 0.004f;
  f->gain = between(d, 0.75f, 1.2f);
  f->lift = about(d, 0.02f, 0.05f);
  f->bend = about(d, 0.1f, 0.25f);
  f->grain = word(d);
}

static void draw_skull(br_face *f, dice *d, int female) {
  f->length = about(d, female ? 0.99f : 1.02f, 0.04f);
  f->jaw = about(d, female ? -0.06f : 0.04f, 0.05f);
  f->chin = about(d, female ? 0.0f : 0.03f, 0.03f);
  f->nose_w = about(d, female ? 0.215f : 0.235f, 0.02f);
  f->nose_h = about(d, female ? 0.26f : 0.29f, 0.045f);
  f->mouth_y = about(d, 0.90f, 0.02f) * f->length;
}

static void draw_features(br_face *f, dice *d, int female) {
  f->eye_x = about(d, 0.43f, 0.02f);
  f->eye_w = about(d, female ? 0.195f : 0.18f, 0.013f);
  f->eye_open = about(d, female ? 0.088f : 0.072f, 0.016f);
  f->eye_tilt = about(d, 0.06f, 0.08f);
  f->gaze_x = about(d, 0, 0.2f);
  f->gaze_y = about(d, 0, 0.08f);
  f->iris = about(d, 0.088f, 0.006f);
  f->lash = female && chance(d, 0.65f) ? between(d, 0.03f, 0.06f)
                                       : between(d, 0.015f, 0.03f);
  f->brow_y = about(d, female ? -0.235f : -0.205f, 0.025f);
  f->brow_w = about(d, 0.25f, 0.02f);
  f->brow_thick = about(d, female ? 0.055f : 0.085f, 0.018f);
  f->brow_arch = about(d, female ? 0.06f : 0.03f, 0.02f);
  f->brow_tilt = about(d, 0, 0.1f);
  f->lips = about(d, female ? 0.10f : 0.075f, 0.02f);
  f->shadow = between(d, 0.05f, female && chance(d, 0.4f) ? 0.5f : 0.25f);
}

static void draw_mouth(br_face *f, dice *d) {
  float strength;
  int open;
  if (f->labels.smile == 0) {
    strength = between(d, 0.16f, 0.42f);
    open = chance(d, 0.65f);
    f->teeth = chance(d, 0.85f);
    f->mouth_w = about(d, 0.345f, 0.03f) + 0.12f * strength;
    f->mouth_open = between(d, 0.03f, 0.10f);
    f->eye_open *= 1 - 0.6f * strength;
  } else {
    strength = between(d, -0.20f, 0.05f);
    open = chance(d, 0.3f);
    f->teeth = chance(d, 0.35f);
    f->mouth_w = about(d, 0.315f, 0.03f);
    f->mouth_open = between(d, 0.03f, 0.14f);
  }
  f->smile = strength;
  if (!open) f->mouth_open = 0;
  f->crease = between(d, 0, 0.12f);
  f->crease += br_maxf(0, strength) * between(d, 0.3f, 0.9f);
}

static void draw_hair(br_face *f, dice *d, int female) {
  int old = chance(d, 0.15f), hat = chance(d, 0.06f);
  int longish = chance(d, female ? 0.78f : 0.10f);
  f->hair = old ? shade_of(d, grays, 3) : shade_of(d, hairs, 6);
  f->hairline = about(d, -0.80f, 0.12f);
  f->hair_arch = about(d, female ? 0.4f : -0.02f, 0.4f);
  f->hair_part = about(d, 0, 0.3f);
  f->hair_side = longish ? between(d, 0.3f, 1.1f) : between(d, -0.25f, 0.3f);
  f->hair_volume = longish ? between(d, 0.06f, 0.2f) : between(d, 0.02f, 0.13f);
  f->hair_length = longish ? between(d, 1.0f, 2.6f) : 0;
  f->locks = longish && chance(d, 0.6f);
  f->hair_strand = between(d, 0.05f, 0.3f);
  f->hair_wave = between(d, 3, 10);
  f->hair_fray = between(d, 0.02f, 0.09f);
  if (chance(d, female ? 0.25f : 0.1f)) f->hairline += 0.28f; /* a fringe */
  if (!female && !longish && chance(d, 0.18f)) {              /* bald, or nearly so */
    f->hairline = between(d, -1.7f, -1.15f);
    f->hair_volume = 0.02f;
  }
  f->brow = br_rgb_scale(f->hair, 0.75f);
  if (hat) {
    f->hair = any_colour(d);
    f->hair_volume = between(d, 0.12f, 0.22f);
    f->hairline = between(d, -0.7f, -0.45f);
    f->hair_arch = f->hair_part = f->hair_strand = f->hair_fray = 0;
    f->hair_side = between(d, -0.35f, -0.1f);
  }
}

static void draw_beard(br_face *f, dice *d) {
  if (chance(d, 0.42f)) {
    f->beard = chance(d, 0.5f) ? between(d, 0.1f, 0.35f) : between(d, 0.5f, 0.95f);
    f->moustache = f->beard;
  } else if (chance(d, 0.12f))
    f->moustache = between(d, 0.4f, 0.9f);
  f->beard_top = between(d, 0.8f, 1.1f);
}

static void draw_colours(br_face *f, dice *d, int female) {
  f->skin = shade_of(d, skins, 6);
  br_rgb tint = colour_between(d, (br_rgb){0.94f, 0.95f, 0.92f},
                               (br_rgb){1.04f, 1.03f, 1.06f});
  f->skin = (br_rgb){f->skin.r * tint.r, f->skin.g * tint.g, f->skin.b * tint.b};
  br_rgb red = {f->skin.r * 0.85f, f->skin.g * 0.55f, f->skin.b * 0.55f};
  br_rgb paint = colour_between(d, (br_rgb){0.5f, 0.05f, 0.1f},
                                (br_rgb){0.85f, 0.3f, 0.35f});
  float painted = female && chance(d, 0.6f) ? between(d, 0.3f, 0.95f) : 0;
  f->lip = br_rgb_mix(br_rgb_mix(f->skin, red, between(d, 0.5f, 1)), paint, painted);
  f->eye = shade_of(d, irises, 4);
  f->blush = between(d, 0, female ? 0.35f : 0.2f);
  f->cloth = any_colour(d);
}

static void draw_glasses(br_face *f, dice *d) {
  int sun = chance(d, 0.2f);
  f->frame_w = between(d, 0.27f, 0.35f);
  f->frame_h = between(d, 0.19f, 0.30f);
  f->frame_square = between(d, 0, 0.5f);
  f->frame_thick = chance(d, 0.15f) ? 0.018f : between(d, 0.03f, 0.085f);
  f->frame_drop = between(d, 0.0f, 0.07f);
  f->frame = chance(d, 0.6f) ? br_rgb_scale(any_colour(d), 0.25f) : any_colour(d);
  f->tint = br_rgb_scale(any_colour(d), sun ? 0.25f : 1);
  f->tint_alpha = sun ? between(d, 0.6f, 0.95f) : between(d, 0.02f, 0.18f);
  f->glint = chance(d, 0.4f) ? between(d, 0.2f, 0.7f) : 0;
}

static br_face_blob any_blob(dice *d) {
  br_face_blob b;
  b.x = between(d, 0, 1);
  b.y = between(d, 0, 1);
  b.rx = between(d, 0.05f, 0.5f);
  b.ry = between(d, 0.05f, 0.5f);
  b.turn = between(d, 0, 3.14f);
  b.colour = any_colour(d);
  b.alpha = between(d, 0.3f, 1);
  b.sharp = chance(d, 0.4f);
  return b;
}

static void draw_surroundings(br_face *f, dice *d) {
  f->background[0] = any_colour(d);
  f->background[1] = chance(d, 0.3f) ? f->background[0] : any_colour(d);
  f->background_x = between(d, -1, 1);
  f->background_y = between(d, -1, 1);
  f->texture = chance(d, 0.5f) ? between(d, 0, 0.15f) : 0;
  f->clutter_n = (int)between(d, 0, BR_FACE_CLUTTER + 0.99f);
  for (int i = 0; i < f->clutter_n; i++) f->clutter[i] = any_blob(d);

  float p = between(d, 0, 1);
  f->cover = p < 0.035f  ? BR_COVER_BAR
             : p < 0.08f ? BR_COVER_HAND
             : p < 0.10f ? BR_COVER_SCARF
             : p < 0.13f ? BR_COVER_BLOB
                         : BR_COVER_NONE;
  f->cover_at = any_blob(d);
  if (f->cover == BR_COVER_BLOB) {
    f->cover_at.rx = between(d, 0.08f, 0.2f);
    f->cover_at.ry = between(d, 0.08f, 0.3f);
  }
}

/* The sex whose distributions a group of traits comes from. In one of sixteen cases it
   is the other sex. */
static int usual(dice *d, int female) { return chance(d, 0.0625f) ? !female : female; }

void br_faces_draw(br_face *face, uint64_t seed, int64_t index) {
  dice d = {.seed = seed, .stream = (uint64_t)index};
  memset(face, 0, sizeof *face);
  draw_labels(face, &d);
  int female = face->labels.gender == 1;
  draw_view(face, &d);
  draw_skull(face, &d, usual(&d, female));
  draw_features(face, &d, usual(&d, female));
  draw_mouth(face, &d);
  draw_hair(face, &d, usual(&d, female));
  if (!female) draw_beard(face, &d);
  draw_colours(face, &d, usual(&d, female));
  draw_glasses(face, &d);
  draw_surroundings(face, &d);
}
