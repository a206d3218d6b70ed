/* Operators on boxes (x1, y1, x2, y2): non-maximum suppression. */
#include "op/op.h"

#include <math.h>
#include <stdlib.h>

enum { THRESHOLD, MINIMUM };

typedef struct candidate {
  double x1, y1, x2, y2, area, score;
  int64_t at; /* from 1; 0 once it is suppressed */
} candidate;

/* Sorts by falling score, with NaN last; equal scores keep their order. */
static int by_score(const void *a, const void *b) {
  const candidate *p = a, *q = b;
  if (p->score > q->score || (isnan(q->score) && !isnan(p->score))) return -1;
  if (q->score > p->score || (isnan(p->score) && !isnan(q->score))) return 1;
  return p->at < q->at ? -1 : 1;
}

static double side(double from, double to) { return to > from ? to - from : 0; }

/* The area of the intersection divided by that of the union, or of the smaller box. */
static double overlap(const candidate *p, const candidate *q, bool minimum) {
  double w = side(fmax(p->x1, q->x1), fmin(p->x2, q->x2));
  double h = side(fmax(p->y1, q->y1), fmin(p->y2, q->y2));
  double common = w * h;
  if (common <= 0) return 0;
  return common / (minimum ? fmin(p->area, q->area) : p->area + q->area - common);
}

/* Moves the boxes that stay to the front, in order, and returns how many they are. */
static int64_t suppress(candidate *c, int64_t n, double threshold, bool minimum) {
  int64_t kept = 0;
  qsort(c, (size_t)n, sizeof *c, by_score);
  for (int64_t i = 0; i < n && !br_stopped(); i++) {
    if (c[i].at == 0) continue;
    const candidate best = c[i];
    c[kept++] = best;
    for (int64_t j = i + 1; j < n; j++)
      if (c[j].at != 0 && overlap(&best, &c[j], minimum) > threshold) c[j].at = 0;
  }
  return kept;
}

static candidate *gather(br_call *c) {
  int64_t n = c->in[0]->shape[0];
  br_tensor *boxes = br_as(c->in[0], BR_F64, BR_CONTIGUOUS);
  br_tensor *scores = br_as(c->in[1], BR_F64, BR_CONTIGUOUS);
  candidate *all = boxes && scores ? br_alloc((size_t)n * sizeof *all + 1) : NULL;
  for (int64_t i = 0; all && i < n; i++) {
    const double *b = (const double *)(const void *)boxes->data + 4 * i;
    all[i] = (candidate){.x1 = b[0],
                         .y1 = b[1],
                         .x2 = b[2],
                         .y2 = b[3],
                         .area = side(b[0], b[2]) * side(b[1], b[3]),
                         .score = br_get_double(scores, i),
                         .at = i + 1};
  }
  br_release(boxes);
  br_release(scores);
  return all;
}

/* The result's size depends on the values, so the work is done here; saved[0] keeps the
   result for nms_forward. */
static br_status nms_infer(br_call *c) {
  const br_tensor *boxes = c->in[0], *scores = c->in[1];
  if (boxes->ndim != 2 || boxes->shape[1] != 4)
    return br_bad(c, "boxes must have shape (n, 4), not %s", br_shape_of(boxes));
  if (scores->ndim != 1 || scores->shape[0] != boxes->shape[0])
    return br_bad(c, "scores must have shape (%lld), one for each box, not %s",
                  (long long)boxes->shape[0], br_shape_of(scores));
  double threshold = c->arg[THRESHOLD].f;
  candidate *all = gather(c);
  if (!all) return BR_ENOMEM;
  int64_t kept = suppress(all, boxes->shape[0], threshold, c->arg[MINIMUM].i);
  br_tensor *places = br_tensor_new(BR_I64, 1, &kept, BR_CONTIGUOUS);
  for (int64_t i = 0; places && i < kept; i++)
    ((int64_t *)(void *)places->data)[i] = all[i].at;
  br_free(all);
  c->saved[0] = places;
  return places ? br_out(c, 0, BR_I64, 1, &kept, BR_CONTIGUOUS) : BR_ENOMEM;
}

static br_status nms_forward(br_call *c) { return br_copy(c->out[0], c->saved[0]); }

/* clang-format off */
const br_op br_boxes_ops[] = {
    {.name = "nms", .args = "boxes:t scores:t threshold:f=0.5[0,1] minimum:b=false",
     .doc = "non-maximum suppression of boxes (n,4: x1 y1 x2 y2) with scores (n): from the best on, each box removes later ones that it overlaps by more than threshold. Returns the indices of the boxes that stay, best first. Overlap is intersection over union; with minimum, over the smaller box",
     .usage = "F.nms(braid.tensor{{0, 0, 9, 9}, {1, 1, 9, 9}, {20, 20, 30, 30}}, braid.tensor{0.9, 0.8, 0.7})",
     .infer = nms_infer, .forward = nms_forward, .flags = BR_NO_METHOD},
    {0},
};
/* clang-format on */
