/* Recipes: what happens to a picture and its points between the file and the batch.

   A recipe is a list of steps. Those of geometry (crop, resize, align, augment) only add
   to one affine map from pixels of the result to points of the picture; the first step
   that needs pixels, and the end, carries all of them out in one interpolation. One
   exception: a resize that follows nothing random makes a picture of bytes, which a cache
   may keep. A sample's own shift moves the frame that its first step of geometry gives.
   Coordinates are those of warp.h. */
#ifndef BR_LOAD_RECIPE_H
#define BR_LOAD_RECIPE_H

#include <stdbool.h>

#include "image/image.h"

enum { BR_RECIPE_STEPS = 24, BR_STEP_PARAMETERS = 12 };

typedef struct br_recipe_step {
  int kind; /* a row of the table of steps */
  double p[BR_STEP_PARAMETERS];
} br_recipe_step;

typedef struct br_recipe {
  int n;
  int fixed;         /* the steps whose bytes a cache may keep: 0 .. fixed-1 */
  int last_geometry; /* -1: none */
  br_recipe_step step[BR_RECIPE_STEPS];
} br_recipe;

/* Appends a step; BR_EINVAL, with a message, for a name or a number of parameters that
   does not exist, and for a step after one that must be the last. */
br_status br_recipe_add(br_recipe *r, const char *name, int n, const double *parameter);

/* The size of the result for pictures of h x w (0: they differ); false when it would not
   be the same for all. */
bool br_recipe_size(const br_recipe *r, int64_t h, int64_t w, int64_t *oh, int64_t *ow);

/* A map (a,b,c,d,e,f) from (u, v) to (a u + b v + c, d u + e v + f). */
typedef struct br_affine {
  double m[6];
  bool mirrored;
} br_affine;

void br_affine_inverse(const br_affine *map, double x, double y, double *u, double *v);

/* Buffers of one worker, which grow and are used again. */
enum { BR_SCRATCH = 6, BR_SCRATCH_CACHED = 5 }; /* the last for pictures of a cache */
typedef struct br_scratch {
  void *buffer[BR_SCRATCH];
  size_t size[BR_SCRATCH];
} br_scratch;

void *br_scratch_get(br_scratch *s, int which, size_t bytes); /* NULL: no memory */
void br_scratch_free(br_scratch *s);

/* The sample that a recipe starts from. Random numbers depend on seed, stream and place
   alone: step s draws from stream + s * 2^48 at place * 5 and on. */
typedef struct br_sample {
  uint8_t *data; /* (h,w,c), never written */
  int64_t h, w, c;
  double box[4];      /* box[0] NaN: none */
  double shift[2];    /* of what is seen, in shares of its width and height */
  const float *point; /* (points,2) in pixels of the picture, NaN missing; or NULL */
  int64_t points;
  const float *eyes; /* (pairs,4): x, y of the left and of the right one, NaN missing */
  int64_t pairs;
  uint64_t seed, stream, place; /* place: in the batch */
} br_sample;

/* Runs the fixed steps: `out` (from the scratch, or the picture itself) and its map. */
br_status br_recipe_fixed(const br_recipe *r, const br_sample *x, br_scratch *scratch,
                          br_image *out, br_affine *map);
/* Where a picture of the batch goes: y (h,w,c). */
typedef struct br_result {
  float *y;
  int64_t h, w;
} br_result;

/* Runs the others on what that gave. The map then leads from pixels of the result to the
   picture of x. */
br_status br_recipe_rest(const br_recipe *r, const br_sample *x, const br_image *fixed,
                         br_scratch *scratch, const br_result *out, br_affine *map);
/* The map and the size of the fixed steps alone, for pictures h x w. */
br_status br_recipe_fixed_map(const br_recipe *r, const br_sample *x, br_affine *map,
                              int64_t *oh, int64_t *ow);

#endif
