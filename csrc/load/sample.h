/* A sample on its way into a batch: its picture and points, the maps between pictures,
   and the memory of the worker that makes it. */
#ifndef BR_LOAD_SAMPLE_H
#define BR_LOAD_SAMPLE_H

#include <stdbool.h>

#include "image/image.h"

/* A map (a,b,c,d,e,f) from (u, v) to (a u + b v + c, d u + e v + f). */
typedef struct br_affine {
  double m[6];
  bool mirrored;
} br_affine;

/* A map that changes nothing. */
br_affine br_affine_identity(void);
/* The map that applies `inner` first and `outer` then. */
br_affine br_affine_compose(const br_affine *outer, const br_affine *inner);
/* The point that a map sends to (x, y). */
void br_affine_inverse(const br_affine *map, double x, double y, double *u, double *v);

/* A worker's buffers. They grow, and are used again for each sample. */
enum {
  BR_SCRATCH_BYTES,
  BR_SCRATCH_PICTURE,
  BR_SCRATCH_FLOATS,
  BR_SCRATCH_REDUCED,
  BR_SCRATCH_SUMS,
  BR_SCRATCH_CACHED, /* pictures of a cache */
  BR_SCRATCH_PLACES, /* where the pixels of a row come from */
  BR_SCRATCH
};

typedef struct br_scratch {
  void *buffer[BR_SCRATCH];
  size_t size[BR_SCRATCH];
} br_scratch;

void *br_scratch_get(br_scratch *s, int which, size_t bytes); /* NULL: no memory */
void br_scratch_free(br_scratch *s);

/* The sample that a recipe starts from. Its random numbers depend only on seed, stream
   and place: step s draws from stream + s * 2^48, from number place * 5 on; a step that
   draws many, from number (place + 1) * 2^32 on. */
typedef struct br_sample {
  uint8_t *data; /* (h,w,c), never written */
  int64_t h, w, c;
  double box[4];      /* box[0] NaN: none */
  double shift[2];    /* how far the frame moves, as shares of its width and height */
  const float *point; /* (points,2) in pixels of the picture, NaN missing; or NULL */
  int64_t points;
  const float *eyes; /* (pairs,4): x, y of the left and of the right eye, NaN missing */
  int64_t pairs;
  uint64_t seed, stream, place; /* place: in the batch */
} br_sample;

#endif
