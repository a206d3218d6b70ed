/* The steps of recipes, and the state that they work on. */
#ifndef BR_LOAD_STEPS_H
#define BR_LOAD_STEPS_H

#include "load/mapping.h"

/* The state between two steps. The picture is in bytes or floats. `done` maps it to the
   sample's picture. `pending`, not yet carried out, maps a frame of w x h to it. */
typedef struct br_run {
  const br_sample *x;
  br_scratch *scratch;
  br_image bytes;
  float *floats; /* NULL: the picture is in `bytes` */
  br_mapping done, pending;
  double w, h;
  bool area, shifted;
  int number; /* of the step */
  br_status status;
} br_run;

/* A kind of step. */
typedef struct br_step_kind {
  const char *name;
  int parameters;
  bool pixels, random, last;
  bool fits;   /* its result may be kept by a cache */
  bool square; /* the parameter at `size` is the height too */
  bool varies; /* the result is as large as the box */
  int size;    /* the parameter where the result's width stands, or -1 */
  bool bends;  /* it adds a bend to the map */
  int area;    /* the parameter that says whether means are taken; -1: always */
  void (*run)(br_run *r, const double *p);
} br_step_kind;

enum { BR_STEP_KINDS = 20 };
extern const br_step_kind br_step_kinds[BR_STEP_KINDS];

/* Adds a map from a frame of w x h to the pending map. */
void br_run_geometry(br_run *r, const br_affine *step, double w, double h);

#endif
