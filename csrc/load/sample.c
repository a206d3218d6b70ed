#include "load/sample.h"

#include "base/mem.h"

br_affine br_affine_identity(void) { return (br_affine){.m = {1, 0, 0, 0, 1, 0}}; }

br_affine br_affine_compose(const br_affine *outer, const br_affine *inner) {
  const double *a = outer->m, *b = inner->m;
  return (br_affine){.m = {a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4],
                           a[0] * b[2] + a[1] * b[5] + a[2], a[3] * b[0] + a[4] * b[3],
                           a[3] * b[1] + a[4] * b[4], a[3] * b[2] + a[4] * b[5] + a[5]},
                     .mirrored = outer->mirrored != inner->mirrored};
}

void br_affine_inverse(const br_affine *map, double x, double y, double *u, double *v) {
  const double *m = map->m, determinant = m[0] * m[4] - m[1] * m[3];
  x -= m[2];
  y -= m[5];
  *u = (m[4] * x - m[1] * y) / determinant;
  *v = (m[0] * y - m[3] * x) / determinant;
}

void *br_scratch_get(br_scratch *s, int which, size_t bytes) {
  if (s->size[which] < bytes) {
    br_free(s->buffer[which]);
    s->buffer[which] = br_alloc(bytes);
    s->size[which] = s->buffer[which] ? bytes : 0;
  }
  return s->buffer[which];
}

void br_scratch_free(br_scratch *s) {
  for (int i = 0; i < BR_SCRATCH; i++) br_free(s->buffer[i]);
  *s = (br_scratch){0};
}
