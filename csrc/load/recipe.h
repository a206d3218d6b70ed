/* Recipes: what happens to a picture and its points between the file and the batch.

   A recipe is a list of steps. Steps of geometry (crop, resize, align, augment, and the
   bends perspective and elastic) only change a map from pixels of the result to points of
   the picture. The first
   step that needs pixels, or the end, carries out the map in one interpolation. A
   resize is an exception if nothing random comes before it: it makes a picture of
   bytes, which a cache may keep. A sample's own shift moves the frame that its first
   step of geometry gives. Coordinates are those of warp.h. */
#ifndef BR_LOAD_RECIPE_H
#define BR_LOAD_RECIPE_H

#include "load/mapping.h"

enum { BR_RECIPE_STEPS = 24, BR_STEP_PARAMETERS = 12 };

typedef struct br_recipe_step {
  int kind; /* a row of the table of steps */
  double p[BR_STEP_PARAMETERS];
} br_recipe_step;

typedef struct br_recipe {
  int n;
  int fixed;         /* the steps whose bytes a cache may keep: 0 .. fixed-1 */
  int last_geometry; /* -1: none */
  int bends;
  br_recipe_step step[BR_RECIPE_STEPS];
} br_recipe;

/* Appends a step. An unknown name, a wrong number of parameters, or a step that may not
   follow the one before gives BR_EINVAL with a message. */
br_status br_recipe_add(br_recipe *r, const char *name, int n, const double *parameter);

/* The size of the result for pictures of h x w (0 if they differ). Returns false if the
   size differs between pictures. */
bool br_recipe_size(const br_recipe *r, int64_t h, int64_t w, int64_t *oh, int64_t *ow);

/* Runs the fixed steps: `out` (from the scratch, or the picture itself) and its map. */
br_status br_recipe_fixed(const br_recipe *r, const br_sample *x, br_scratch *scratch,
                          br_image *out, br_affine *map);
/* Where a picture goes in the batch: y (h,w,c). */
typedef struct br_result {
  float *y;
  int64_t h, w;
} br_result;

/* Runs the other steps on the result of br_recipe_fixed and its map, `first`. `map` then
   leads from pixels of the result to the picture of x. */
br_status br_recipe_rest(const br_recipe *r, const br_sample *x, const br_image *fixed,
                         br_scratch *scratch, const br_result *out,
                         const br_affine *first, br_mapping *map);
/* The map and the size of the fixed steps alone, for pictures h x w. */
br_status br_recipe_fixed_map(const br_recipe *r, const br_sample *x, br_affine *map,
                              int64_t *oh, int64_t *ow);

#endif
