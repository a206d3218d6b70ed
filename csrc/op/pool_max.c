/* The largest value of each window, where the caller does not need its place. Each row of
   the output is computed from the largest value of each column. */
#include <math.h>

#include "base/threads.h"
#include "op/pool.h"

enum {
  VECTOR = 64,    /* bytes of the widest vector */
  SHORT_LINE = 64 /* columns of padding that are always accepted */
};

/* The columns that the windows of a row cover, including padding. */
static int64_t reach(const br_window *win) {
  return br_size_cover(win->ow, br_size_span(win->kw, win->dw), win->sw);
}

/* Whether to compute a row through a line. It does not pay if most of the line is
   padding. */
static bool has_line(const br_window *win) {
  return reach(win) <= 4 * win->w + SHORT_LINE;
}

/* Computes one row of the output through a line: the largest values of the rows of its
   windows, between columns of -inf for the padding. Returns false if it cannot: values
   are NaN, or windows have no rows inside the image. */
static bool max_by_line(const br_window *win, const br_picture *im, int64_t oy,
                        char *room, char *y) {
  const br_kernels *k = im->k;
  const void **row = (void *)room;
  char *line = room + br_piece_room(win);
  int64_t rows = 0, pixel = win->c * k->size, width = reach(win) - win->pw;
  if (!has_line(win) || win->kh > br_piece_pointers(win)) return false;
  for (int64_t i = 0; i < win->kh; i++) {
    int64_t at = oy * win->sh - win->ph + i * win->dh;
    if (at >= 0 && at < win->h)
      row[rows++] = im->data + (at - im->first) * win->w * pixel;
  }
  if (width > win->w) width = win->w;
  if (rows == 0 || width <= 0) return false;
  if (!k->max_of_rows(rows, width * win->c, row, line + win->pw * pixel)) return false;
  k->max_of_columns(win->ow, &(br_strided){win->kw, win->sw * win->c, win->dw * win->c},
                    win->c, line, y);
  return true;
}

/* The memory for a window, followed by a line with room for one more vector. */
int64_t br_max_pool_room(const br_window *win, const br_kernels *k) {
  int64_t line = has_line(win) ? reach(win) * win->c * k->size : 0;
  return br_piece_room(win) + line + VECTOR;
}

void br_max_pool_start(const br_window *win, const br_kernels *k, char *room) {
  const double least = -(double)INFINITY;
  if (has_line(win))
    k->fill(reach(win) * win->c, NULL, room + br_piece_room(win), &least);
}

void br_max_pool_row(const br_window *win, const br_picture *im, int64_t oy, char *room,
                     char *y) {
  if (max_by_line(win, im, oy, room, y)) return;
  const br_piece p = br_piece_in(win, room);
  for (int64_t ox = 0; ox < win->ow; ox++, y += im->c * im->k->size) {
    br_region r = br_pool_region(win, oy, ox);
    br_pool_largest(im, &r, &p, y, NULL);
  }
}

br_status br_max_pool(const br_window *win, const br_kernels *k, br_tensor *x, char *y) {
  size_t apart;
  char *room = br_scratch_take(br_threads(), (size_t)br_max_pool_room(win, k), &apart);
  if (!room) return BR_ENOMEM;
#pragma omp parallel num_threads(br_threads()) if (x->numel > BR_POOL_GRAIN)
  {
    char *own = room + (size_t)br_thread_index() * apart;
    br_max_pool_start(win, k, own);
#pragma omp for schedule(static) nowait
    for (int64_t row = 0; row < win->n * win->oh; row++) {
      if (br_stopped()) continue;
      char *image = x->data + row / win->oh * win->h * win->w * win->c * k->size;
      const br_picture im = {k, image, 0, win->w, win->c};
      br_max_pool_row(win, &im, row % win->oh, own, y + row * win->ow * win->c * k->size);
    }
  }
  br_scratch_give(room);
  return BR_OK;
}
