/* Renders numbered faces into arrays: draws parameters, paints, and converts to
   bytes. */
#include "faces/faces.h"

#include "base/mem.h"
#include "base/threads.h"
#include "faces/parts.h"

#include <string.h>

/* ---- the camera ------------------------------------------------------------------- */

/* One pass of a blur with weights (w, 1 - 2w, w) along a row of n values. */
static void blur_row(float *row, int n, float w) {
  float before = row[0], here = row[0];
  for (int x = 0; x < n; x++) {
    float after = x + 1 < n ? row[x + 1] : here;
    row[x] = here + w * (before - 2 * here + after);
    before = here;
    here = after;
  }
}

/* The same pass along all columns; `before` has room for a row. */
static void blur_columns(float *plane, int s, float w, float *before) {
  memcpy(before, plane, sizeof(float) * (size_t)s);
  for (int y = 0; y < s; y++) {
    float *restrict row = plane + (int64_t)y * s;
    const float *after = y + 1 < s ? row + s : row;
    for (int x = 0; x < s; x++) {
      float here = row[x], next = y + 1 < s ? after[x] : here;
      row[x] = here + w * (before[x] - 2 * here + next);
      before[x] = here;
    }
  }
}

/* Applies blur, noise and the tone curve, and converts to bytes, channels last. */
static void develop(br_canvas *v, const br_face *f, uint8_t *image) {
  int s = v->size;
  int64_t n = (int64_t)s * s;
  int passes = s / 64 > 0 ? s / 64 : 1;
  float line[BR_FACE_SIZE_MAX];
  uint32_t state = f->grain | 1;
  /* the sum of four uniforms of width 1 has standard deviation 1 / sqrt 3 */
  float sigma = f->noise * 255 * 1.732f;
  for (int p = 0; p < v->planes; p++) {
    float *plane = v->pixel + p * n;
    for (int i = 0; i < passes; i++) {
      for (int y = 0; y < s; y++) blur_row(plane + (int64_t)y * s, s, f->blur);
      blur_columns(plane, s, f->blur, line);
    }
    for (int64_t i = 0; i < n; i++) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      int sum = (int)(state & 255) + (int)(state >> 8 & 255) + (int)(state >> 16 & 255) +
                (int)(state >> 24);
      float grain = sigma * ((float)sum * (1.0f / 256) - 1.992f); /* minus the mean */
      float t = plane[i];
      t = f->gain * t * (1 + f->bend * (1 - t)) + f->lift;
      t = br_clampf(255 * t + grain + 0.5f, 0, 255);
      image[i * v->planes + p] = (uint8_t)t;
    }
  }
}

/* ---- the sequence ----------------------------------------------------------------- */

static void render(const br_faces *all, int64_t i, float *memory) {
  br_face face;
  br_head head;
  br_canvas canvas;
  float *points = all->points + i * 2 * BR_FACE_POINTS;
  br_faces_draw(&face, all->seed, all->first + i);
  br_head_open(&head, &face, all->size);
  br_canvas_open(&canvas, all->size, all->channels, memory);
  br_faces_paint(&canvas, &head);
  develop(&canvas, &face,
          all->images + i * (int64_t)all->size * all->size * all->channels);
  for (int k = 0; k < BR_FACE_POINTS; k++) {
    br_vec2 at = br_head_project(&head, head.points[k]);
    points[2 * k] = at.x - 0.5f; /* from pixel borders to pixel centres */
    points[2 * k + 1] = at.y - 0.5f;
  }
  all->labels[i] = face.labels;
}

static br_status check(const br_faces *all) {
  if (all->size < BR_FACE_SIZE_MIN || all->size > BR_FACE_SIZE_MAX)
    return br_fail(BR_EINVAL, "faces: size must be %d to %d, got %d", BR_FACE_SIZE_MIN,
                   BR_FACE_SIZE_MAX, all->size);
  if (all->channels != 1 && all->channels != 3)
    return br_fail(BR_EINVAL, "faces: channels must be 1 or 3, got %d", all->channels);
  if (all->first < 0)
    return br_fail(BR_EINVAL, "faces: first must be 0 or more, got %lld",
                   (long long)all->first);
  if (all->n < 0)
    return br_fail(BR_EINVAL, "faces: n must be 0 or more, got %lld", (long long)all->n);
  if (all->n > INT64_MAX - all->first)
    return br_fail(BR_EINVAL, "faces: first + n is too large");
  return BR_OK;
}

br_status br_faces_render(const br_faces *all) {
  br_status status = check(all);
  if (status) return status;
  /* Each of a fixed number of strips of faces has its own canvas. So a face needs no
     memory of its own, and the loop cannot fail. */
  int strips = br_threads();
  if (strips > all->n) strips = (int)all->n;
  if (strips == 0) return BR_OK;
  int64_t floats = (br_canvas_floats(all->size) + 15) / 16 * 16; /* whole cache lines */
  float *memory = br_alloc(sizeof(float) * (size_t)floats * (size_t)strips);
  if (!memory) return BR_ENOMEM;
#pragma omp parallel for schedule(static) num_threads(strips) if (strips > 1)
  for (int k = 0; k < strips; k++)
    for (int64_t i = all->n * k / strips; i < all->n * (k + 1) / strips; i++)
      render(all, i, memory + k * floats);
  br_free(memory);
  return BR_OK;
}
