/* Applies maps of affine parts and bends, and inverts them. */
#include "load/mapping.h"

#include <math.h>
#include <string.h>

void br_mapping_begin(br_mapping *map, const br_affine *affine) {
  map->bends = 0;
  map->part[0] = *affine;
}

void br_mapping_move(br_mapping *map, const br_affine *inner) {
  br_affine *last = &map->part[map->bends];
  *last = br_affine_compose(last, inner);
}

br_bend *br_mapping_bend(br_mapping *map) {
  map->part[map->bends + 1] = br_affine_identity();
  return &map->bend[map->bends++];
}

void br_mapping_append(br_mapping *map, const br_mapping *inner) {
  br_mapping_move(map, &inner->part[0]);
  for (int k = 0; k < inner->bends; k++) {
    map->bend[map->bends] = inner->bend[k];
    map->part[++map->bends] = inner->part[k + 1];
  }
}

bool br_mapping_mirrored(const br_mapping *map) {
  bool mirrored = false;
  for (int k = 0; k <= map->bends; k++) mirrored = mirrored != map->part[k].mirrored;
  return mirrored;
}

/* ---- projective bends ------------------------------------------------------------- */

/* (x, y) of a projective matrix; `least` is the smallest denominator. */
static void project(const double *m, double u, double v, double least, double *x,
                    double *y) {
  const double w = m[6] * u + m[7] * v + m[8], d = w > least ? w : least;
  *x = (m[0] * u + m[1] * v + m[2]) / d;
  *y = (m[3] * u + m[4] * v + m[5]) / d;
}

void br_bend_project(br_bend *bend, double w, double h, double corner[4][2]) {
  double edge[2][2], sum[2], f[9];
  for (int d = 0; d < 2; d++) {
    edge[0][d] = corner[1][d] - corner[2][d];
    edge[1][d] = corner[3][d] - corner[2][d];
    sum[d] = corner[0][d] - corner[1][d] + corner[2][d] - corner[3][d];
  }
  const double det = edge[0][0] * edge[1][1] - edge[1][0] * edge[0][1];
  f[6] = (sum[0] * edge[1][1] - edge[1][0] * sum[1]) / det;
  f[7] = (edge[0][0] * sum[1] - sum[0] * edge[0][1]) / det;
  f[8] = 1;
  for (int d = 0; d < 2; d++) {
    f[3 * d] = corner[1][d] - corner[0][d] + f[6] * corner[1][d];
    f[3 * d + 1] = corner[3][d] - corner[0][d] + f[7] * corner[3][d];
    f[3 * d + 2] = corner[0][d];
  }
  memcpy(bend->from, f, sizeof f);
  /* The adjugate is the inverse up to a factor, which is chosen so that the denominator
     is 1 in the middle of the quadrangle. */
  double *t = bend->to;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      const int a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
      t[3 * i + j] = f[3 * a + c] * f[3 * b + d] - f[3 * a + d] * f[3 * b + c];
    }
  }
  double u, v;
  project(f, 0.5, 0.5, 0, &u, &v);
  const double middle = t[6] * u + t[7] * v + t[8];
  for (int i = 0; i < 9; i++) t[i] /= middle;
  bend->cells = 0;
  bend->w = w;
  bend->h = h;
}

/* ---- elastic bends ---------------------------------------------------------------- */

/* The cell of a coordinate; the weights of the four numbers around it, and their
   derivatives. Beyond the frame the displacement stays the same. */
static int spline(double at, double size, int cells, double w[4], double dw[4]) {
  const double scale = cells / size, t = (at + 0.5) * scale;
  const bool beyond = !(t >= 0 && t <= cells);
  const double inside = t > 0 ? (t < cells ? t : cells) : 0;
  const int cell = inside < cells ? (int)inside : cells - 1;
  const double f = inside - cell, g = 1 - f, k = beyond ? 0 : scale;
  w[0] = g * g * g / 6;
  w[1] = (3 * f * f * f - 6 * f * f + 4) / 6;
  w[2] = (3 * g * g * g - 6 * g * g + 4) / 6;
  w[3] = f * f * f / 6;
  dw[0] = -k * g * g / 2;
  dw[1] = k * (3 * f * f - 4 * f) / 2;
  dw[2] = -k * (3 * g * g - 4 * g) / 2;
  dw[3] = k * f * f / 2;
  return cell;
}

/* The displacement d at a point, and its derivatives by u (j[0], j[1]) and by v. */
static void displaced(const br_bend *b, double u, double v, double d[2], double j[4]) {
  double wx[4], wy[4], dx[4], dy[4];
  const int x = spline(u, b->w, b->cells, wx, dx), y = spline(v, b->h, b->cells, wy, dy);
  d[0] = d[1] = j[0] = j[1] = j[2] = j[3] = 0;
  for (int r = 0; r < 4; r++) {
    for (int c = 0; c < 4; c++) {
      const float *at = b->shift[(y + r) * (b->cells + 3) + x + c];
      for (int k = 0; k < 2; k++) {
        d[k] += wy[r] * wx[c] * (double)at[k];
        j[k] += wy[r] * dx[c] * (double)at[k];
        j[2 + k] += dy[r] * wx[c] * (double)at[k];
      }
    }
  }
}

/* Newton's method, with shorter steps where the whole one does not come nearer. */
static void undisplaced(const br_bend *b, double x, double y, double *u, double *v) {
  enum { STEPS = 40 };
  double d[2], j[4], step = 1, nearest = INFINITY, du = 0, dv = 0;
  *u = x;
  *v = y;
  for (int i = 0; i < STEPS; i++) {
    displaced(b, *u, *v, d, j);
    const double ex = *u + d[0] - x, ey = *v + d[1] - y, miss = hypot(ex, ey);
    if (miss < 1e-9) return;
    if (miss >= nearest) {
      step /= 2;
      *u += du * step;
      *v += dv * step;
      continue;
    }
    const double a = 1 + j[0], e = 1 + j[3], det = a * e - j[2] * j[1];
    nearest = miss;
    step = 1;
    du = (e * ex - j[2] * ey) / det;
    dv = (a * ey - j[1] * ex) / det;
    *u -= du;
    *v -= dv;
  }
}

/* ---- maps ------------------------------------------------------------------------- */

static void bent(const br_bend *b, double u, double v, double *x, double *y) {
  double d[2], j[4];
  if (b->cells) {
    displaced(b, u, v, d, j);
    *x = u + d[0];
    *y = v + d[1];
    return;
  }
  project(b->to, u, v, 1e-9, x, y);
  *x = *x * b->w - 0.5;
  *y = *y * b->h - 0.5;
}

static void unbent(const br_bend *b, double x, double y, double *u, double *v) {
  if (b->cells) {
    undisplaced(b, x, y, u, v);
    return;
  }
  const double p = (x + 0.5) / b->w, q = (y + 0.5) / b->h;
  project(b->from, p, q, 1e-9, u, v);
  /* A point beyond the horizon is nowhere in the result. */
  if (!(b->from[6] * p + b->from[7] * q + b->from[8] > 1e-9)) *u = *v = NAN;
}

static void moved(const br_affine *a, double u, double v, double *x, double *y) {
  *x = a->m[0] * u + a->m[1] * v + a->m[2];
  *y = a->m[3] * u + a->m[4] * v + a->m[5];
}

void br_mapping_point(const br_mapping *map, double u, double v, double *x, double *y) {
  moved(&map->part[map->bends], u, v, x, y);
  for (int k = map->bends - 1; k >= 0; k--) {
    double p, q;
    bent(&map->bend[k], *x, *y, &p, &q);
    moved(&map->part[k], p, q, x, y);
  }
}

void br_mapping_inverse(const br_mapping *map, double x, double y, double *u, double *v) {
  br_affine_inverse(&map->part[0], x, y, u, v);
  for (int k = 0; k < map->bends && !isnan(*u); k++) {
    double p, q;
    unbent(&map->bend[k], *u, *v, &p, &q);
    br_affine_inverse(&map->part[k + 1], p, q, u, v);
  }
}

br_affine br_mapping_near(const br_mapping *map, double w, double h) {
  if (map->bends == 0) return map->part[0];
  const double mx = (w - 1) / 2, my = (h - 1) / 2;
  double left[2], right[2], up[2], down[2], middle[2];
  br_affine near = {.mirrored = br_mapping_mirrored(map)};
  br_mapping_point(map, mx - w / 4, my, &left[0], &left[1]);
  br_mapping_point(map, mx + w / 4, my, &right[0], &right[1]);
  br_mapping_point(map, mx, my - h / 4, &up[0], &up[1]);
  br_mapping_point(map, mx, my + h / 4, &down[0], &down[1]);
  br_mapping_point(map, mx, my, &middle[0], &middle[1]);
  for (int d = 0; d < 2; d++) {
    near.m[3 * d] = (right[d] - left[d]) * 2 / w;
    near.m[3 * d + 1] = (down[d] - up[d]) * 2 / h;
    near.m[3 * d + 2] = middle[d] - near.m[3 * d] * mx - near.m[3 * d + 1] * my;
  }
  return near;
}
