/* The head as a surface in space: its shape, its projection, its light.

   The skull is a stack of horizontal sections, from a table. The nose is added to it,
   and hair makes it thicker. The surface becomes a mesh of triangles, drawn with a
   depth buffer. Its outline is traced exactly: it consists of the edges between a
   triangle turned to the camera and one turned away. */
#include "faces/parts.h"

#include <math.h>
#include <string.h>

typedef struct section {
  float y, half, front, back; /* half width, and how far it reaches to z and to -z */
} section;

static const section sections[] = {
    {-1.50f, 0.00f, -0.05f, 0.05f}, {-1.47f, 0.30f, 0.35f, 0.45f},
    {-1.38f, 0.56f, 0.62f, 0.78f},  {-1.22f, 0.77f, 0.86f, 1.02f},
    {-1.02f, 0.90f, 1.02f, 1.17f},  {-0.80f, 0.97f, 1.12f, 1.27f},
    {-0.58f, 1.00f, 1.18f, 1.31f},  {-0.38f, 1.00f, 1.21f, 1.32f},
    {-0.22f, 1.00f, 1.23f, 1.31f},  {-0.10f, 1.00f, 1.18f, 1.29f},
    {0.02f, 1.00f, 1.15f, 1.26f},   {0.14f, 1.00f, 1.16f, 1.22f},
    {0.26f, 0.99f, 1.18f, 1.17f},   {0.38f, 0.97f, 1.19f, 1.11f},
    {0.48f, 0.95f, 1.20f, 1.05f},   {0.56f, 0.93f, 1.20f, 1.00f},
    {0.64f, 0.91f, 1.20f, 0.95f},   {0.74f, 0.87f, 1.21f, 0.88f},
    {0.84f, 0.83f, 1.22f, 0.80f},   {0.96f, 0.765f, 1.20f, 0.70f},
    {1.08f, 0.69f, 1.19f, 0.58f},   {1.20f, 0.60f, 1.20f, 0.45f},
    {1.30f, 0.49f, 1.18f, 0.32f},   {1.38f, 0.36f, 1.08f, 0.20f},
    {1.43f, 0.20f, 0.85f, 0.08f},   {1.44f, 0.00f, 0.45f, -0.45f},
};

/* The places, as shares of the half width, where the mesh has a point of a section;
   dense around the nose. */
static const float cuts[] = {0.0f, 0.09f, 0.19f, 0.31f, 0.46f, 0.64f, 0.80f, 0.92f, 1.0f};
static const float cuts_back[] = {0.90f, 0.66f, 0.34f};

enum {
  ROWS = sizeof sections / sizeof *sections,
  HALF = sizeof cuts / sizeof *cuts,
  BACK = sizeof cuts_back / sizeof *cuts_back,
  COLS = 2 * (HALF - 1) + 1 + 2 * BACK + 1, /* around, from x = -1 over the front */
  CELLS = (ROWS - 1) * COLS
};

static const float nose_root = -0.08f, nose_tip = 0.56f, nose_base = 0.68f;

/* ---- shape ------------------------------------------------------------------------ */

/* The outline of a section's front half: 1 at t = 0, 0 at t = 1. */
static float bulge(float t) {
  float s = 1 - t * t * sqrtf(t);
  return s > 0 ? sqrtf(s) : 0;
}

/* How far the nose stands out from the face; y is unstretched. */
static float nose_height(const br_face *f, float x, float y) {
  if (y <= nose_root || y >= nose_base) return 0;
  float k = (y - nose_root) / (nose_tip - nose_root), height, width;
  if (k <= 1) {
    height = 0.2f * br_minf(1, 4 * k) + 0.8f * k * k;
    width = f->nose_w * (0.6f + 0.4f * k);
  } else {
    float below = (y - nose_tip) / (nose_base - nose_tip);
    height = 1 - below * below;
    width = f->nose_w;
  }
  float q = 1 - x * x / (width * width);
  return q > 0 ? f->nose_h * height * q * q : 0;
}

/* A section as this face has it: wider or narrower in the lower face, with its own
   chin. */
static section shape(const br_face *f, section s) {
  float lower = br_clampf((s.y - 0.4f) / 0.7f, 0, 1);
  s.half *= 1 + f->jaw * lower;
  s.front += f->chin * br_clampf((s.y - 0.9f) / 0.25f, 0, 1);
  return s;
}

static float stretch(const br_face *f, float y) { return y > 0 ? y * f->length : y; }

br_vec3 br_head_surface(const br_head *head, float x, float y) {
  const br_face *f = head->face;
  float flat = y > 0 ? y / f->length : y;
  int i = 0;
  while (i < ROWS - 2 && sections[i + 1].y < flat) i++;
  section a = shape(f, sections[i]), b = shape(f, sections[i + 1]);
  float t = br_clampf((flat - a.y) / (b.y - a.y), 0, 1);
  float half = a.half + t * (b.half - a.half);
  float front = a.front + t * (b.front - a.front), back = a.back + t * (b.back - a.back);
  float middle = 0.5f * (front - back), depth = 0.5f * (front + back);
  float z = middle + depth * bulge(br_minf(1, fabsf(x) / half)) + nose_height(f, x, flat);
  return (br_vec3){x, y, z};
}

/* ---- projection ------------------------------------------------------------------- */

static br_vec3 to_camera(const br_head *h, br_vec3 p) {
  const float(*m)[3] = h->turn;
  return (br_vec3){m[0][0] * p.x + m[0][1] * p.y + m[0][2] * p.z,
                   m[1][0] * p.x + m[1][1] * p.y + m[1][2] * p.z,
                   m[2][0] * p.x + m[2][1] * p.y + m[2][2] * p.z};
}

br_vec2 br_head_project(const br_head *h, br_vec3 p) {
  br_vec3 c = to_camera(h, p);
  float k = h->unit * h->face->distance / (h->face->distance - c.z);
  float x = k * c.x, y = k * c.y;
  return (br_vec2){h->offset.x + h->cos_roll * x - h->sin_roll * y,
                   h->offset.y + h->sin_roll * x + h->cos_roll * y};
}

float br_head_depth(const br_head *h, br_vec3 p) { return to_camera(h, p).z; }

static void place_points(br_head *h) {
  const br_face *f = h->face;
  float rise = f->smile * f->mouth_w;
  float corner_y = f->mouth_y - rise;
  h->points[0] = br_head_surface(h, -f->eye_x, 0);
  h->points[1] = br_head_surface(h, f->eye_x, 0);
  h->points[2] = br_head_surface(h, 0, nose_tip * f->length);
  h->points[3] = br_head_surface(h, -f->mouth_w, corner_y);
  h->points[4] = br_head_surface(h, f->mouth_w, corner_y);
}

void br_head_open(br_head *h, const br_face *f, int size) {
  float cy = cosf(f->yaw), sy = sinf(f->yaw), cp = cosf(f->pitch), sp = sinf(f->pitch);
  const float turn[3][3] = {
      {cy, 0, sy}, {-sy * sp, cp, cy * sp}, {-sy * cp, -sp, cy * cp}};
  const br_vec3 middle = {0, 0.36f, 0.72f}; /* where face detectors centre their boxes */
  memcpy(h->turn, turn, sizeof turn);
  h->face = f;
  h->cos_roll = cosf(f->roll);
  h->sin_roll = sinf(f->roll);
  h->unit = f->scale * (float)size;
  h->offset = (br_vec2){0, 0};
  br_vec2 at = br_head_project(h, middle);
  h->offset.x = (0.5f + f->shift_x) * (float)size - at.x;
  h->offset.y = (0.5f + f->shift_y) * (float)size - at.y;
  br_vec3 l = f->light;
  h->light = (br_vec3){turn[0][0] * l.x + turn[1][0] * l.y + turn[2][0] * l.z,
                       turn[0][1] * l.x + turn[1][1] * l.y + turn[2][1] * l.z,
                       turn[0][2] * l.x + turn[1][2] * l.y + turn[2][2] * l.z};
  place_points(h);
}

/* ---- mesh ------------------------------------------------------------------------- */

enum { LIT, HAIR, BEARD, SIDE, VALUES };

typedef struct mesh {
  br_vec3 at[ROWS][COLS];   /* head frame */
  br_vec3 seen[ROWS][COLS]; /* pixels, and depth */
  float value[ROWS][COLS][VALUES];
  uint8_t front[2][CELLS]; /* whether the two triangles of a cell face the camera */
} mesh;

/* A column of the mesh: the place of its point on each section. */
typedef struct cut {
  float t;      /* signed share of the half width */
  float around; /* share of the depth, < 0 behind the middle */
  float sense;  /* 1 in front, -1 behind */
} cut;

static void place_cuts(cut out[COLS]) {
  for (int c = 0; c < COLS; c++) {
    int back = c - (2 * HALF - 1);
    float t = c < HALF      ? -cuts[HALF - 1 - c]
              : back < 0    ? cuts[c - HALF + 1]
              : back < BACK ? cuts_back[back]
              : back > BACK ? -cuts_back[2 * BACK - back]
                            : 0;
    float sense = back < 0 ? 1.0f : -1.0f;
    out[c] = (cut){t, sense * bulge(fabsf(t)), sense};
  }
}

/* How far a point is inside the hair; negative on the skin. t is as in a cut. */
static float hair_field(const br_face *f, float t, float sense, float y) {
  float a = fabsf(t), line = f->hairline;
  if (sense < 0) {
    float nape = br_maxf(f->hair_side, 0.75f);
    float k = br_clampf((1 - a) * 3, 0, 1);
    line = f->hair_side + k * (nape - f->hair_side);
  } else {
    float front = line + f->hair_arch * t * t + f->hair_part * t;
    float k = br_clampf((a - 0.5f) / 0.47f, 0, 1); /* around the temple to the ear */
    line = front + k * k * k * (f->hair_side - front);
  }
  return line - y;
}

/* How far a point is inside the beard; negative outside. y is unstretched. */
static float beard_field(const br_face *f, float t, float sense, float y) {
  float a = fabsf(t);
  if (sense < 0) return -0.5f;
  float cheek = f->beard_top - 0.55f * a * a; /* the line rises to the sideburns */
  float mouth = 0.10f - fabsf(y - f->mouth_y) * 0.6f + (0.38f - a) * 0.3f;
  return br_minf(y - cheek, a < 0.5f && mouth > 0 ? 0.05f - mouth : 1);
}

static void place_vertices(const br_head *h, mesh *m) {
  const br_face *f = h->face;
  cut columns[COLS];
  place_cuts(columns);
  for (int r = 0; r < ROWS; r++) {
    section s = shape(f, sections[r]);
    float middle = 0.5f * (s.front - s.back), depth = 0.5f * (s.front + s.back);
    for (int c = 0; c < COLS; c++) {
      float t = columns[c].t, sense = columns[c].sense;
      br_vec3 p = {t * s.half, stretch(f, s.y), middle + depth * columns[c].around};
      if (sense > 0) p.z += nose_height(f, p.x, s.y);
      float *value = m->value[r][c];
      value[HAIR] = hair_field(f, t, sense, s.y);
      value[BEARD] = beard_field(f, t, sense, s.y);
      value[SIDE] = sense > 0 ? t : t < 0 ? -1.0f : 1.0f;
      float thick = f->hair_volume * br_clampf(4 * value[HAIR], 0, 1);
      p.x *= 1 + thick;
      p.z *= 1 + thick;
      if (p.y < 0) p.y *= 1 + 0.6f * thick;
      m->at[r][c] = p;
      br_vec2 q = br_head_project(h, p);
      m->seen[r][c] = (br_vec3){q.x, q.y, br_head_depth(h, p)};
    }
  }
}

static br_vec3 minus(br_vec3 a, br_vec3 b) {
  return (br_vec3){a.x - b.x, a.y - b.y, a.z - b.z};
}

static void light_vertices(const br_head *h, mesh *m) {
  const br_face *f = h->face;
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < COLS; c++) {
      int above = r > 0 ? r - 1 : 0, below = r < ROWS - 1 ? r + 1 : r;
      br_vec3 u = minus(m->at[r][(c + 1) % COLS], m->at[r][(c + COLS - 1) % COLS]);
      br_vec3 v = minus(m->at[below][c], m->at[above][c]);
      br_vec3 n = {u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x};
      float k = 1 / sqrtf(n.x * n.x + n.y * n.y + n.z * n.z + 1e-12f);
      float cosine = k * (n.x * h->light.x + n.y * h->light.y + n.z * h->light.z);
      /* light reaches a little around the edge, because skin scatters it */
      float lit = br_clampf((cosine + 0.15f) / 1.15f, 0, 1);
      m->value[r][c][LIT] = f->ambient * (0.85f - 0.15f * n.y * k) + f->direct * lit;
    }
}

/* Twice the area on the image; positive if the corners run clockwise there. */
static float area(br_vec3 a, br_vec3 b, br_vec3 c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/* The corners of triangle k of the cell at (r, c): k = 0 above the diagonal, 1 below. */
static void corners(int r, int c, int k, int row[3], int col[3]) {
  int next = (c + 1) % COLS;
  row[0] = r, col[0] = c;
  row[1] = k ? r + 1 : r, col[1] = next;
  row[2] = r + 1, col[2] = k ? c : next;
}

static void draw_triangle(const mesh *m, int r, int c, int k, br_canvas *v) {
  int row[3], col[3];
  corners(r, c, k, row, col);
  br_vec3 p[3];
  for (int i = 0; i < 3; i++) p[i] = m->seen[row[i]][col[i]];
  float end = (float)v->size;
  int x0 = (int)br_clampf(br_minf(p[0].x, br_minf(p[1].x, p[2].x)) + 0.5f, 0, end);
  int x1 = (int)br_clampf(br_maxf(p[0].x, br_maxf(p[1].x, p[2].x)) + 0.5f, 0, end);
  int y0 = (int)br_clampf(br_minf(p[0].y, br_minf(p[1].y, p[2].y)) + 0.5f, 0, end);
  int y1 = (int)br_clampf(br_maxf(p[0].y, br_maxf(p[1].y, p[2].y)) + 0.5f, 0, end);
  if (x0 >= x1 || y0 >= y1) return;
  const float *a[3];
  for (int i = 0; i < 3; i++) a[i] = m->value[row[i]][col[i]];
  float k_area = 1 / area(p[0], p[1], p[2]);
  /* weights of corners 1 and 2, and how they change along x and y */
  float dx1 = (p[2].y - p[0].y) * k_area, dy1 = (p[0].x - p[2].x) * k_area;
  float dx2 = (p[0].y - p[1].y) * k_area, dy2 = (p[1].x - p[0].x) * k_area;
  for (int y = y0; y < y1; y++) {
    float dx = (float)x0 + 0.5f - p[0].x, dy = (float)y + 0.5f - p[0].y;
    float w1 = dx * dx1 + dy * dy1, w2 = dx * dx2 + dy * dy2;
    int64_t at = (int64_t)y * v->size + x0;
    for (int x = x0; x < x1; x++, at++, w1 += dx1, w2 += dx2) {
      float w0 = 1 - w1 - w2;
      if (br_minf(w0, br_minf(w1, w2)) < -1e-4f) continue;
      float z = w0 * p[0].z + w1 * p[1].z + w2 * p[2].z + 64; /* > 0: 0 is "nothing" */
      if (z <= v->depth[at]) continue;
      v->depth[at] = z;
      v->lit[at] = w0 * a[0][LIT] + w1 * a[1][LIT] + w2 * a[2][LIT];
      v->hair[at] = w0 * a[0][HAIR] + w1 * a[1][HAIR] + w2 * a[2][HAIR];
      v->beard[at] = w0 * a[0][BEARD] + w1 * a[1][BEARD] + w2 * a[2][BEARD];
      v->side[at] = w0 * a[0][SIDE] + w1 * a[1][SIDE] + w2 * a[2][SIDE];
    }
  }
}

static void draw_triangles(mesh *m, br_canvas *v) {
  for (int r = 0; r < ROWS - 1; r++)
    for (int c = 0; c < COLS; c++)
      for (int k = 0; k < 2; k++) {
        int row[3], col[3];
        corners(r, c, k, row, col);
        m->front[k][r * COLS + c] = area(m->seen[row[0]][col[0]], m->seen[row[1]][col[1]],
                                         m->seen[row[2]][col[2]]) > 1e-6f;
        if (m->front[k][r * COLS + c]) draw_triangle(m, r, c, k, v);
      }
}

/* Traces the edge from a to b if just one of its two triangles faces the camera.
   `right` tells whether the triangle on its right does, `left` the other one. */
static void outline(br_canvas *v, br_vec3 a, br_vec3 b, int right, int left) {
  br_vec2 p = {a.x, a.y}, q = {b.x, b.y};
  if (right > left) br_canvas_edge(v, p, q);
  if (left > right) br_canvas_edge(v, q, p);
}

static void draw_outline(const mesh *m, br_canvas *v) {
  for (int r = 0; r < ROWS - 1; r++)
    for (int c = 0; c < COLS; c++) {
      const uint8_t *upper = m->front[0] + r * COLS, *lower = m->front[1] + r * COLS;
      int next = (c + 1) % COLS;
      outline(v, m->seen[r][c], m->seen[r + 1][next], lower[c], upper[c]);
      outline(v, m->seen[r + 1][c], m->seen[r][c], lower[c],
              upper[(c + COLS - 1) % COLS]);
      /* the first and the last row are points, so only rows between have edges */
      if (r > 0)
        outline(v, m->seen[r][c], m->seen[r][next], upper[c],
                m->front[1][(r - 1) * COLS + c]);
    }
  br_canvas_store(v, v->solid, NULL);
}

/* The outline covers some pixels in part whose centres are outside. They take their
   surface from a neighbour. */
static void extend(br_canvas *v) {
  int s = v->size;
  for (int y = 0; y < s; y++)
    for (int x = 0; x < s; x++) {
      int64_t at = (int64_t)y * s + x;
      if (v->solid[at] <= 0 || v->depth[at] > 0) continue;
      for (int k = 0; k < 9; k++) {
        int fx = x + k % 3 - 1, fy = y + k / 3 - 1;
        int64_t from = (int64_t)fy * s + fx;
        if (fx < 0 || fy < 0 || fx >= s || fy >= s || v->depth[from] <= 0) continue;
        v->lit[at] = v->lit[from];
        v->hair[at] = v->hair[from];
        v->beard[at] = v->beard[from];
        v->side[at] = v->side[from];
        break;
      }
    }
}

void br_head_trace(const br_head *head, br_canvas *canvas) {
  mesh m;
  place_vertices(head, &m);
  light_vertices(head, &m);
  draw_triangles(&m, canvas);
  draw_outline(&m, canvas);
  extend(canvas);
}
