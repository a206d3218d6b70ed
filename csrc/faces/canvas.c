/* Antialiased polygons and soft spots on planes of floats.

   A shape is traced edge by edge into `edges`. That plane holds how much each pixel's
   covered area differs from its left neighbour's. A running sum along the row gives the
   exact coverage. Edges shared by two parts of a shape cancel. */
#include "faces/parts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
  CANVAS_PLANES = 11
}; /* pixel (3), solid, depth, lit, hair, beard, side, clip, mask */

int64_t br_canvas_floats(int size) {
  int64_t s = size;
  return CANVAS_PLANES * s * s + s * (s + 2);
}

static void clear_bounds(br_canvas *v) {
  v->x0 = v->y0 = v->size;
  v->x1 = v->y1 = 0;
}

void br_canvas_open(br_canvas *v, int size, int planes, float *memory) {
  int64_t plane = (int64_t)size * size;
  float **part[] = {&v->solid, &v->depth, &v->lit,  &v->hair,
                    &v->beard, &v->side,  &v->clip, &v->mask};
  v->size = size;
  v->planes = planes;
  v->pixel = memory;
  for (int i = 0; i < 8; i++) *part[i] = memory + (3 + i) * plane;
  v->edges = memory + CANVAS_PLANES * plane;
  memset(memory, 0, sizeof(float) * (size_t)br_canvas_floats(size));
  clear_bounds(v);
}

/* ---- paths ------------------------------------------------------------------------ */

void br_path_add(br_path *path, br_vec2 p) {
  assert(path->n < BR_PATH_MAX);
  path->at[path->n++] = p;
}

void br_path_stroke(br_path *path, int n, const br_vec2 *at, const float *width) {
  br_vec2 normal[BR_PATH_MAX / 2];
  assert(n >= 2 && 2 * n <= BR_PATH_MAX);
  for (int i = 0; i < n; i++) {
    br_vec2 a = at[i > 0 ? i - 1 : 0], b = at[i < n - 1 ? i + 1 : n - 1];
    float dx = b.x - a.x, dy = b.y - a.y;
    float k = 0.5f * width[i] / sqrtf(dx * dx + dy * dy + 1e-12f);
    normal[i] = (br_vec2){-dy * k, dx * k};
  }
  path->n = 0;
  for (int i = 0; i < n; i++)
    br_path_add(path, (br_vec2){at[i].x + normal[i].x, at[i].y + normal[i].y});
  for (int i = n - 1; i >= 0; i--)
    br_path_add(path, (br_vec2){at[i].x - normal[i].x, at[i].y - normal[i].y});
}

void br_path_ellipse(br_path *path, br_vec2 centre, br_vec2 a, br_vec2 b, float square) {
  /* cos and sin of 15 degree steps */
  static const float wave[7] = {1.0f, 0.96593f, 0.86603f, 0.70711f, 0.5f, 0.25882f, 0.0f};
  path->n = 0;
  for (int i = 0; i < 24; i++) {
    int q = i / 6, k = i % 6;
    float c = q % 2 ? wave[6 - k] : wave[k], s = q % 2 ? wave[k] : wave[6 - k];
    float swell = 1 + square * (1 / br_maxf(c, s) - 1); /* square = 1: a rectangle */
    c *= (q == 1 || q == 2) ? -swell : swell;
    s *= q >= 2 ? -swell : swell;
    br_path_add(path,
                (br_vec2){centre.x + c * a.x + s * b.x, centre.y + c * a.y + s * b.y});
  }
}

/* ---- tracing ---------------------------------------------------------------------- */

/* For a point X uniform in [l, r]: the mean of max(0, t - X). */
static inline float mean_left(float t, float l, float r) {
  if (t <= l) return 0;
  if (t >= r) return t - 0.5f * (l + r);
  return 0.5f * (t - l) * (t - l) / (r - l);
}

/* Traces the part of an edge within one row, from x = l to x = r >= l. The coverage of
   everything to its right grows by `height`. */
static inline void trace_row(float *row, float l, float r, float height) {
  int from = (int)l, to = (int)r;
  if (from == to) {
    float left = 0.5f * (l + r) - (float)from; /* share of the pixel left of the edge */
    row[from] += height * (1 - left);
    row[from + 1] += height * left;
    return;
  }
  float before = 0, low = 0;
  for (int c = from; c <= to; c++) {
    float high = mean_left((float)(c + 1), l, r), covered = high - low;
    row[c] += height * (covered - before);
    before = covered;
    low = high;
  }
  row[to + 1] += height * (1 - before);
}

void br_canvas_edge(br_canvas *v, br_vec2 from, br_vec2 to) {
  float sign = 1, end = (float)v->size;
  if (from.y > to.y) {
    br_vec2 t = from;
    from = to;
    to = t;
    sign = -1;
  }
  if (!(to.y > 0 && from.y < end && to.y > from.y)) return;
  float slope = (to.x - from.x) / (to.y - from.y);
  float top = from.y > 0 ? from.y : 0, bottom = to.y < end ? to.y : end;
  int y0 = (int)top, y1 = (int)bottom;
  if (y1 >= v->size) y1 = v->size - 1;
  float low = br_clampf(br_minf(from.x, to.x), 0, end - 1);
  float high = br_clampf(br_maxf(from.x, to.x), 0, end - 1);
  if ((int)low < v->x0) v->x0 = (int)low;
  if ((int)high + 1 > v->x1) v->x1 = (int)high + 1;
  if (y0 < v->y0) v->y0 = y0;
  if (y1 + 1 > v->y1) v->y1 = y1 + 1;
  for (int y = y0; y <= y1; y++) {
    float a = top > (float)y ? top : (float)y;
    float b = bottom < (float)(y + 1) ? bottom : (float)(y + 1);
    float xa = br_clampf(from.x + slope * (a - from.y), 0, end);
    float xb = br_clampf(from.x + slope * (b - from.y), 0, end);
    float *row = v->edges + (int64_t)y * (v->size + 2);
    trace_row(row, br_minf(xa, xb), br_maxf(xa, xb), sign * (b - a));
  }
}

void br_canvas_trace(br_canvas *v, const br_path *path) {
  for (int i = 0; i < path->n; i++)
    br_canvas_edge(v, path->at[i], path->at[i + 1 < path->n ? i + 1 : 0]);
}

/* Turns a row of edges into coverage in place. */
static void sum_row(float *row, int n) {
  float sum = 0;
  for (int x = 0; x < n; x++) {
    sum += row[x];
    float c = fabsf(sum);
    row[x] = c < 1 ? c : 1;
  }
}

/* ---- painting --------------------------------------------------------------------- */

static float luma(br_rgb c) { return 0.299f * c.r + 0.587f * c.g + 0.114f * c.b; }

void br_canvas_colour(const br_canvas *v, br_rgb c, float out[3]) {
  out[0] = v->planes == 1 ? luma(c) : c.r;
  out[1] = c.g;
  out[2] = c.b;
}

/* Blends `ink` into n pixels from offset `at`, with the coverage given. */
static void blend_row(br_canvas *v, int64_t at, int n, float *restrict cover,
                      const br_ink *ink) {
  float colour[3];
  br_canvas_colour(v, ink->colour, colour);
  if (ink->clip)
    for (int x = 0; x < n; x++) cover[x] *= ink->clip[at + x];
  for (int p = 0; p < v->planes; p++) {
    float *restrict to = v->pixel + (int64_t)p * v->size * v->size + at;
    float c = colour[p], alpha = ink->alpha;
    if (ink->lit) {
      const float *restrict lit = ink->lit + at;
      for (int x = 0; x < n; x++) to[x] += alpha * cover[x] * (c * lit[x] - to[x]);
    } else
      for (int x = 0; x < n; x++) to[x] += alpha * cover[x] * (c - to[x]);
  }
}

void br_canvas_paint(br_canvas *v, br_ink ink) {
  int n = v->x1 - v->x0;
  for (int y = v->y0; y < v->y1; y++) {
    float *row = v->edges + (int64_t)y * (v->size + 2);
    sum_row(row + v->x0, n);
    blend_row(v, (int64_t)y * v->size + v->x0, n, row + v->x0, &ink);
    memset(row + v->x0, 0, sizeof(float) * (size_t)(v->size + 2 - v->x0));
  }
  clear_bounds(v);
}

void br_canvas_store(br_canvas *v, float *plane, const float *clip) {
  int n = v->x1 - v->x0;
  memset(plane, 0, sizeof(float) * (size_t)v->size * (size_t)v->size);
  for (int y = v->y0; y < v->y1; y++) {
    float *row = v->edges + (int64_t)y * (v->size + 2) + v->x0;
    int64_t at = (int64_t)y * v->size + v->x0;
    sum_row(row, n);
    for (int x = 0; x < n; x++) plane[at + x] = clip ? row[x] * clip[at + x] : row[x];
    memset(row, 0, sizeof(float) * (size_t)(v->size + 2 - v->x0));
  }
  clear_bounds(v);
}

void br_canvas_fill(br_canvas *v, const br_path *path, br_ink ink) {
  br_canvas_trace(v, path);
  br_canvas_paint(v, ink);
}

void br_canvas_spot(br_canvas *v, br_vec2 centre, br_vec2 a, br_vec2 b, br_ink ink) {
  float det = a.x * b.y - a.y * b.x, end = (float)v->size;
  if (fabsf(det) < 1e-6f) return;
  float rx = sqrtf(a.x * a.x + b.x * b.x), ry = sqrtf(a.y * a.y + b.y * b.y);
  int x0 = (int)br_clampf(centre.x - rx, 0, end),
      x1 = (int)br_clampf(centre.x + rx + 1, 0, end);
  int y0 = (int)br_clampf(centre.y - ry, 0, end),
      y1 = (int)br_clampf(centre.y + ry + 1, 0, end);
  float cover[BR_FACE_SIZE_MAX];
  for (int y = y0; y < y1; y++) {
    float dx = (float)x0 + 0.5f - centre.x, dy = (float)y + 0.5f - centre.y;
    float p = (dx * b.y - dy * b.x) / det, q = (dy * a.x - dx * a.y) / det;
    float p_step = b.y / det, q_step = -a.y / det;
    for (int x = 0; x < x1 - x0; x++) {
      float s = p + (float)x * p_step, t = q + (float)x * q_step;
      float f = 1 - s * s - t * t;
      f = f > 0 ? f : 0;
      cover[x] = f * f;
    }
    blend_row(v, (int64_t)y * v->size + x0, x1 - x0, cover, &ink);
  }
}
