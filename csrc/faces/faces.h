/* Rendered faces: an endless labelled sequence, for demos and tests without
   photographs. */
#ifndef BR_FACES_FACES_H
#define BR_FACES_FACES_H

#include <stdint.h>

#include "base/error.h"

enum { BR_FACE_POINTS = 5, BR_FACE_SIZE_MIN = 16, BR_FACE_SIZE_MAX = 512 };

/* Classes in the order of the MTFL data set, counted from 0. A "left" face looks towards
   the viewer's left. */
typedef struct br_face_labels {
  uint8_t gender;  /* 0 male, 1 female */
  uint8_t smile;   /* 0 yes, 1 no */
  uint8_t glasses; /* 0 yes, 1 no */
  uint8_t pose;    /* 0 left profile, 1 left, 2 frontal, 3 right, 4 right profile */
} br_face_labels;

/* Faces first .. first + n - 1 of the sequence of `seed`. Face i depends on seed and i
   alone. */
typedef struct br_faces {
  uint64_t seed;
  int64_t first, n;
  int size, channels; /* channels 1 (gray) or 3 (RGB) */
  uint8_t *images;    /* (n, size, size, channels) */
  /* (n, 5, 2): left eye, right eye, nose tip, left and right mouth corner as seen in the
     image, each x, y in pixels, with (0, 0) the centre of the top left pixel */
  float *points;
  br_face_labels *labels; /* (n) */
} br_faces;

/* Fills images, points and labels. */
br_status br_faces_render(const br_faces *all);

#endif
