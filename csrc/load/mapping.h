/* Maps from the pixels of a result to points of the sample's picture: affine maps, with
   bends between them. Coordinates are those of warp.h. */
#ifndef BR_LOAD_MAPPING_H
#define BR_LOAD_MAPPING_H

#include "load/sample.h"

enum { BR_BENDS = 4, BR_BEND_CELLS = 12, BR_BEND_GRID = BR_BEND_CELLS + 3 };

/* A map of a frame of w x h to itself. Without cells it is projective: `to` leads from
   the result to the frame in shares of its width and height, and `from` back. With cells
   it adds a displacement, in pixels: a cubic B-spline over cells x cells, whose numbers
   stand in the first (cells + 3)^2 pairs of `shift`. As long as they are at most 0.48 of
   a cell, nothing folds (Choi and Lee 2000). */
typedef struct br_bend {
  int cells;
  double w, h, to[9], from[9];
  float shift[BR_BEND_GRID * BR_BEND_GRID][2];
} br_bend;

/* part[bends] is applied first, then bend[bends - 1], part[bends - 1], ..., part[0]. */
typedef struct br_mapping {
  int bends;
  br_affine part[BR_BENDS + 1];
  br_bend bend[BR_BENDS];
} br_mapping;

/* Makes an affine map. */
void br_mapping_begin(br_mapping *map, const br_affine *affine);
/* Makes the map that applies an affine map first. */
void br_mapping_move(br_mapping *map, const br_affine *inner);
/* Makes the map that applies a bend first, to be filled by the caller. A map has at most
   BR_BENDS bends. */
br_bend *br_mapping_bend(br_mapping *map);
/* Makes the map that applies `inner` first. Both have at most BR_BENDS bends together. */
void br_mapping_append(br_mapping *map, const br_mapping *inner);
bool br_mapping_mirrored(const br_mapping *map);

/* The point to which (u, v) goes. */
void br_mapping_point(const br_mapping *map, double u, double v, double *x, double *y);
/* The point that goes to (x, y); NaN if there is none. */
void br_mapping_inverse(const br_mapping *map, double x, double y, double *u, double *v);
/* The affine map that is closest to the map in the middle half of a result of w x h: the
   map itself without bends, otherwise by differences across that half. */
br_affine br_mapping_near(const br_mapping *map, double w, double h);

/* Makes a bend projective: the corners of the frame, from the upper left one clockwise,
   come to `corner` (x, y) in the result. These must form a convex quadrangle. */
void br_bend_project(br_bend *bend, double w, double h, double corner[4][2]);

#endif
