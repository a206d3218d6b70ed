/* Lanes: the values of a tensor along some dimensions. They are read in place, for
   operators that go through one run of values at a time. */
#include "op/op.h"

/* Finds lanes that lie side by side: their values have one step in all dimensions of
   the lanes. Sets `side` to how many there are, and `step`. */
static void find_tiles(br_lanes_at *l, const br_tensor *view, int kept) {
  int64_t side = 1, step = 0, length = 1;
  for (int d = view->ndim - 1; d >= kept; d--) {
    if (view->shape[d] == 1) continue;
    if (length > 1 && view->stride[d] != step * length) return;
    if (length == 1) step = view->stride[d];
    length *= view->shape[d];
  }
  int d = kept - 1;
  for (; d >= 0 && (view->shape[d] == 1 || view->stride[d] == side); d--)
    side *= view->shape[d];
  if (side < 4 || !br_kernels_of(view->dtype)->transpose) return;
  l->side = side;
  l->step = step;
  for (; d >= 0; d--) { /* the other dimensions, innermost first */
    if (view->shape[d] == 1) continue;
    l->shape[l->outer] = view->shape[d];
    l->stride[l->outer++] = view->stride[d];
  }
}

void br_lanes_find(br_lanes_at *l, br_tensor *t, int ndim, const int *order, int kept) {
  br_tensor *frame = &l->frame, *view = &l->view;
  *frame = (br_tensor){.dtype = t->dtype, .ndim = ndim, .numel = 1};
  *view = *frame;
  view->storage = t->storage;
  view->data = t->data;
  l->lanes = l->length = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    view->shape[i] = frame->shape[i] = t->shape[order[i]];
    view->stride[i] = t->stride[order[i]];
    frame->stride[i] = frame->numel;
    frame->numel *= frame->shape[i];
    *(i < kept ? &l->lanes : &l->length) *= frame->shape[i];
  }
  view->numel = frame->numel;
  l->data = t->data;
  l->size = br_dtype_size(t->dtype);
  l->k = br_kernels_of(t->dtype);
  l->side = l->outer = 0;
  br_tensor *both[2] = {frame, view};
  br_iter_init(&l->it, 2, both);
  l->dense = br_iter_dense(&l->it, 1);
  if (!l->dense) find_tiles(l, view, kept);
  l->together = l->side || l->dense ? BR_LANES_TOGETHER : 1;
}

/* Where lane `lane` begins. *beside: how many lanes lie side by side from it on. */
static char *tile_at(const br_lanes_at *l, int64_t lane, int64_t *beside) {
  int64_t rest = lane / l->side, offset = lane % l->side;
  *beside = l->side - offset;
  for (int d = 0; d < l->outer; d++) {
    offset += rest % l->shape[d] * l->stride[d];
    rest /= l->shape[d];
  }
  return l->data + offset * l->size;
}

enum { ROWS = 64 }; /* pointers at a time */

/* Values from .. from+n-1 of `count` lanes. */
typedef struct part {
  int64_t lane, count, from, n;
} part;

/* Copies lanes that lie side by side into `values`, one after the other, or back. */
static void turn_tiles(const br_lanes_at *l, const part *p, char *values, bool back) {
  const int64_t lane = p->lane, count = p->count, from = p->from, n = p->n;
  const int64_t size = l->size, step = l->step * size;
  for (int64_t done = 0, beside; done < count; done += beside) {
    char *at = tile_at(l, lane + done, &beside) + from * step;
    char *own = values + done * n * size;
    if (beside > count - done) beside = count - done;
    for (int64_t i = 0; i < n; i += ROWS) {
      void *theirs[ROWS], *ours[BR_LANES_TOGETHER];
      int64_t rows = n - i < ROWS ? n - i : ROWS;
      for (int64_t r = 0; r < rows; r++) theirs[r] = at + (i + r) * step;
      for (int64_t j = 0; j < beside; j++) ours[j] = own + (j * n + i) * size;
      if (back)
        l->k->transpose(beside, rows, (const void *const *)ours, theirs);
      else
        l->k->transpose(rows, beside, (const void *const *)theirs, ours);
    }
  }
}

const void *br_lanes_get(const br_lanes_at *l, int64_t lane, int64_t count, int64_t from,
                         int64_t n, void *room) {
  if (n == 0) return room;
  if (!l->side)
    return br_iter_load(&l->it, 1, l->view.dtype, lane * l->length + from, count * n,
                        room);
  turn_tiles(l, &(part){lane, count, from, n}, room, false);
  return room;
}

void *br_lanes_room(const br_lanes_at *l, int64_t lane, int64_t from, void *room) {
  return l->dense ? l->data + (lane * l->length + from) * l->size : room;
}

void br_lanes_put(const br_lanes_at *l, int64_t lane, int64_t count, int64_t from,
                  int64_t n, const void *values) {
  if (l->dense) return;
  if (!l->side) {
    br_iter_store(&l->it, 1, lane * l->length + from, count * n, values);
    return;
  }
  turn_tiles(l, &(part){lane, count, from, n}, (char *)(uintptr_t)values, true);
}
