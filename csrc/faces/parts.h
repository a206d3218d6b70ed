/* Declarations that the files of the face renderer share: parameters, canvas, head. */
#ifndef BR_FACES_PARTS_H
#define BR_FACES_PARTS_H

#include "faces/faces.h"

typedef struct br_rgb {
  float r, g, b; /* 0 black .. 1 full */
} br_rgb;

typedef struct br_vec2 {
  float x, y; /* pixels of the image; pixel (i, j) covers [j, j+1) x [i, i+1) */
} br_vec2;

/* Head frame: x to the viewer's right when the face looks at the camera, y down, z
   towards the camera. The unit is half the width of a face; y = 0 is the line of the
   eyes. */
typedef struct br_vec3 {
  float x, y, z;
} br_vec3;

/* Faster than fminf and fmaxf, which are calls that handle NaN. */
static inline float br_minf(float a, float b) { return a < b ? a : b; }
static inline float br_maxf(float a, float b) { return a > b ? a : b; }

static inline float br_clampf(float v, float low, float high) {
  return v < low ? low : v > high ? high : v;
}

static inline br_rgb br_rgb_mix(br_rgb a, br_rgb b, float t) {
  return (br_rgb){a.r + t * (b.r - a.r), a.g + t * (b.g - a.g), a.b + t * (b.b - a.b)};
}

static inline br_rgb br_rgb_scale(br_rgb a, float k) {
  return (br_rgb){a.r * k, a.g * k, a.b * k};
}

/* ---- parameters (draw.c) ---------------------------------------------------- */

enum { BR_FACE_CLUTTER = 6, BR_FACE_FINGERS = 4 };

typedef enum br_face_cover {
  BR_COVER_NONE,
  BR_COVER_BAR,   /* a plank, phone or microphone across the picture */
  BR_COVER_HAND,  /* fingers over the cheek or chin */
  BR_COVER_SCARF, /* cloth over the chin, up to the mouth */
  BR_COVER_BLOB   /* something round in front of one side */
} br_face_cover;

typedef struct br_face_blob {
  float x, y, rx, ry, turn; /* as shares of the image's size; turn in radians */
  br_rgb colour;
  float alpha;
  int sharp; /* a quadrangle with hard edges, not a soft spot */
} br_face_blob;

/* Everything random about one face. Lengths are in head units unless said otherwise. */
typedef struct br_face {
  br_face_labels labels;
  uint32_t grain; /* seed of the pixel noise */

  float yaw, pitch,
      roll;    /* radians; yaw > 0 looks right, pitch > 0 down, roll clockwise */
  float scale; /* head unit over image size, 0.32 .. 0.42 */
  float shift_x, shift_y; /* of the face's centre, over image size */
  float distance;         /* of the camera */

  float length;                 /* stretches the face below the eyes, 0.92 .. 1.1 */
  float jaw;                    /* widens the lower face, -0.12 .. 0.12 */
  float chin;                   /* pushes the chin forward, -0.05 .. 0.1 */
  float eye_x, eye_w, eye_open; /* half distance, half width, half height of the eyes */
  float eye_tilt;               /* outer corners up, as slope */
  float gaze_x, gaze_y;         /* of the iris, in half eye widths */
  float iris;                   /* radius */
  float lash;                   /* thickness of the upper lid line */
  float brow_y, brow_w, brow_thick, brow_arch, brow_tilt;
  float nose_w, nose_h;   /* half width of the base, height of the tip */
  float mouth_y, mouth_w; /* centre, half width */
  float smile;            /* rise of the corners in half widths, -0.25 .. 0.55 */
  float mouth_open;       /* half height of the gap between the lips */
  float lips;             /* thickness of the lower lip */
  int teeth;              /* shown when the mouth is open */

  br_rgb skin, lip, eye, brow, cloth, background[2];
  float background_x, background_y; /* direction of the background's gradient */
  float texture;                    /* contrast of the background's grain */
  br_face_blob clutter[BR_FACE_CLUTTER];
  int clutter_n;

  br_rgb hair;
  float hairline;    /* y of its lowest point on the forehead */
  float hair_arch;   /* the line's fall (> 0) or rise (< 0) to the temples */
  float hair_part;   /* slope of the hairline from one side to the other */
  float hair_side;   /* y of the lowest hair in front of the ears */
  float hair_volume; /* thickness over the skull */
  float hair_length; /* y of the ends; below 0.8 there is no hair behind the neck */
  float hair_strand; /* contrast of the strands */
  float hair_wave;   /* how many waves fit into half a head's width */
  float hair_fray;   /* depth of the notches in the hair's edge */
  int locks;         /* hair falls in front of the shoulders */
  float beard;       /* 0 none .. 1 dense */
  float moustache;   /* 0 none .. 1 dense */
  float beard_top;   /* y where it begins on the cheek */
  float blush;       /* 0 .. 0.35 */
  float crease;      /* darkness of the folds from nose to mouth */
  float shadow;      /* make-up or shade around the eyes */

  br_vec3 light;         /* unit vector to the light, camera frame */
  float ambient, direct; /* brightness in the shade, and how much the light adds */
  float gloss;

  float frame_w, frame_h; /* half width and height of a lens */
  float frame_thick;      /* of the rim; 0 is rimless */
  float frame_square;     /* 0 round .. 1 rectangular */
  float frame_drop;       /* of the lens centre below the eye */
  br_rgb frame, tint;
  float tint_alpha; /* 0.03 clear .. 0.95 sunglasses */
  float glint;

  br_face_cover cover;
  br_face_blob cover_at;

  float blur;             /* 0 .. 0.25: weight of each neighbour, at 64 pixels */
  float noise;            /* standard deviation, of full brightness */
  float gain, lift, bend; /* v -> gain v (1 + bend (1 - v)) + lift */
} br_face;

void br_faces_draw(br_face *face, uint64_t seed, int64_t index);

/* ---- canvas (canvas.c) ------------------------------------------------------ */

enum { BR_PATH_MAX = 96 };

typedef struct br_path {
  int n;
  br_vec2 at[BR_PATH_MAX];
} br_path;

/* Planes are (size, size) floats, one after the other; `edges` has rows of size + 2. */
typedef struct br_canvas {
  int size, planes; /* planes 1: colours are reduced to their luma */
  float *pixel;     /* (planes, size, size), 0 .. 1 */
  float *edges; /* coverage of the traced paths, as differences along a row; all 0 again
                   after a path is painted */
  float *solid; /* coverage of the head */
  float *depth, *lit, *hair, *beard, *side; /* the head's surface, where solid > 0 */
  float *clip, *mask;                       /* limit where a colour is painted */
  int x0, y0, x1, y1;                       /* bounds of the traced paths in `edges` */
} br_canvas;

typedef struct br_ink {
  br_rgb colour;
  float alpha;
  const float *clip; /* a plane that scales alpha, or NULL */
  const float *lit;  /* a plane that scales the colour, or NULL */
} br_ink;

/* How many floats a canvas of this size needs; br_canvas_open clears the memory. */
int64_t br_canvas_floats(int size);
void br_canvas_open(br_canvas *canvas, int size, int planes, float *memory);

/* Writes the value of a colour on each plane to `out`. */
void br_canvas_colour(const br_canvas *canvas, br_rgb colour, float out[3]);

void br_path_add(br_path *path, br_vec2 p);
/* The outline of a line through n <= BR_PATH_MAX / 2 points, `width[i]` pixels wide. */
void br_path_stroke(br_path *path, int n, const br_vec2 *at, const float *width);
/* Points centre + a cos t + b sin t; `square` 0 .. 1 swells it towards its corners. */
void br_path_ellipse(br_path *path, br_vec2 centre, br_vec2 a, br_vec2 b, float square);

/* Adds a closed path, or a single edge of a path, to the current shape. A path traced in
   the opposite direction cuts a hole. */
void br_canvas_trace(br_canvas *canvas, const br_path *path);
void br_canvas_edge(br_canvas *canvas, br_vec2 from, br_vec2 to);
/* Ends the current shape: blends it in, or stores its coverage times `clip`. */
void br_canvas_paint(br_canvas *canvas, br_ink ink);
void br_canvas_store(br_canvas *canvas, float *plane, const float *clip);

void br_canvas_fill(br_canvas *canvas, const br_path *path, br_ink ink);
/* A soft spot: densest in the centre, and nothing outside the ellipse of half axes a,
   b. */
void br_canvas_spot(br_canvas *canvas, br_vec2 centre, br_vec2 a, br_vec2 b, br_ink ink);

/* ---- head (head.c) ---------------------------------------------------------- */

typedef struct br_head {
  const br_face *face;
  float turn[3][3]; /* head frame -> camera frame */
  float cos_roll, sin_roll;
  float unit;     /* pixels per head unit */
  br_vec2 offset; /* pixels */
  br_vec3 light;  /* to the light, head frame */
  br_vec3 points[BR_FACE_POINTS];
} br_head;

void br_head_open(br_head *head, const br_face *face, int size);
/* The point of the skin at (x, y), with |x| < 1. */
br_vec3 br_head_surface(const br_head *head, float x, float y);
br_vec2 br_head_project(const br_head *head, br_vec3 p);
/* Depth of a point in the camera frame; greater is nearer. */
float br_head_depth(const br_head *head, br_vec3 p);
/* Fills the canvas' solid, lit, hair, beard and side. */
void br_head_trace(const br_head *head, br_canvas *canvas);

/* ---- layers (paint.c, features.c)
 * ------------------------------------------ */

void br_faces_paint(br_canvas *canvas, const br_head *head);
void br_faces_paint_features(br_canvas *canvas, const br_head *head);
void br_faces_paint_glasses(br_canvas *canvas, const br_head *head);

#endif
