/* Batches made ahead by worker threads.

   A plan says where pictures and labels come from and what happens to them. Batches are
   submitted as lists of samples, and taken in the same order. The content of a batch
   depends only on the plan, the list, the seed and the stream. It does not depend on
   which worker made it, or when. Nothing here sees a lua_State; workers use no OpenMP.
   */
#ifndef BR_LOAD_LOADER_H
#define BR_LOAD_LOADER_H

#include "load/cache.h"
#include "load/recipe.h"
#include "tensor/tensor.h"

enum { BR_SOURCES = 32, BR_FIELDS = 128 };

typedef enum br_field_kind {
  BR_FIELD_CLASS,  /* from int64 or uint8, labels from 1, 0 missing -> int64 */
  BR_FIELD_POINTS, /* from float32 (n,points,2), pixels -> float32, -1 to 1 across; NaN */
  BR_FIELD_REAL,   /* from float32, NaN missing -> float32 */
  BR_FIELD_BOX     /* from float32 (n,4), corners in pixels -> float32, as points */
} br_field_kind;

/* How a number changes with the geometry of a picture. It stays; or it is the angle of
   a direction, in degrees counted from rightwards, clockwise or anticlockwise; or it is
   a horizontal length in pixels, which the loader converts to half widths of the
   result. */
typedef enum br_follow {
  BR_FOLLOW_NOTHING,
  BR_FOLLOW_CLOCKWISE,
  BR_FOLLOW_ANTICLOCKWISE,
  BR_FOLLOW_WIDTH
} br_follow;

/* A kind of label. It has the same name in all sources. */
typedef struct br_field {
  br_field_kind kind;
  int ndim;
  int64_t shape[BR_MAX_DIM]; /* of one sample */
  int64_t width;             /* numbers in one sample */
  /* The class, bin or point (from 1) that takes the place of each in a mirror image.
     NULL: each stays. */
  br_tensor *flip;
  /* Reals: float32 (width,2), a br_follow and the factor of a mirror image for each
     number. NULL: they stay. */
  br_tensor *follow;
  /* How numbers become classes. Points: `bins` bins, each `bin` pixels of the result
     wide. Reals: `bins` bins, each `bin` wide; an odd number has its middle bin around
     0, an even number has two bins that meet at 0. 0: they stay numbers. */
  double bin;
  int64_t bins;
} br_field;

typedef struct br_source {
  int64_t n;
  br_tensor *images; /* uint8 (m,c,h,w), channels last; or NULL: from files */
  /* m file names: `text` holds all in a row, `ends` the end of each as an int64 of any
     alignment. The loader puts `root` (may be "") before names that are not absolute. The
     owner of the plan keeps all three. */
  const char *text, *ends, *root;
  bool encoded;                /* text has the files themselves, not their names */
  bool as_stored;              /* not turned as EXIF says */
  br_tensor *boxes;            /* float32 (n,4) or NULL */
  br_tensor *shifts;           /* float32 (n,2) or NULL, as a sample's shift */
  br_tensor *rows;             /* int64 (n), from 1: which pictures; NULL: all */
  br_tensor *label[BR_FIELDS]; /* each with n rows; NULL: missing */
  int points;                  /* the field whose points place a crop; -1 none */
  br_tensor *eyes;             /* float32 (n,pairs,4) for the recipe's aligns, or NULL */
  int64_t pairs;
  br_recipe recipe;
  br_cache cache; /* of the n samples */
} br_source;

typedef struct br_plan {
  int sources, fields, workers;
  bool skip; /* leave out what cannot be read */
  uint64_t seed;
  int64_t c, oh, ow;
  br_source *source; /* from br_alloc_zero */
  br_field field[BR_FIELDS];
} br_plan;

void br_plan_clear(br_plan *plan);

/* Opens the cache of a source in `directory`. */
br_status br_plan_cache(br_plan *plan, int source, const char *directory);

typedef struct br_loader br_loader;

typedef struct br_batch {
  int64_t n;
  br_tensor *image;            /* float32 (n,c,oh,ow), channels last */
  br_tensor *label[BR_FIELDS]; /* of each field */
} br_batch;

/* The plan must outlive the loader. Returns NULL with a message on failure. */
br_loader *br_loader_new(const br_plan *plan);
/* Ends and joins the workers; NULL is allowed. */
void br_loader_free(br_loader *l);
/* Samples are numbered from 0 through all sources. `only` is the one field with labels
   (the other fields are missing), or -1 for all fields. */
br_status br_loader_submit(br_loader *l, const int64_t *pick, int64_t n, uint64_t stream,
                           int only);
/* Waits for the oldest submitted batch. Returns the first failure in it unless failures
   are skipped. The caller releases the batch's tensors. */
br_status br_loader_take(br_loader *l, br_batch *out);
void br_batch_clear(br_batch *b);

/* Seconds that br_loader_take took, and how many samples were left out. */
double br_loader_waited(const br_loader *l);
int64_t br_loader_skipped(const br_loader *l);
/* The message of the first sample that was left out, or "". */
const char *br_loader_first_skipped(const br_loader *l);

#endif
