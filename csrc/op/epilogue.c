/* Epilogues: elementwise operators applied to sums in the same call that makes the sums.
 */
#include "op/epilogue.h"

#include <string.h>

#include "base/threads.h"

enum { CHUNK = 16384 }; /* sums that a thread takes at a time */

/* Whether an operator can be an epilogue: it takes one tensor and at most one number. */
bool br_is_activation(const br_op *op) {
  const char *number = strchr(op->args, ' ');
  bool one = strncmp(op->args, "x:t", 3) == 0 && op->kernel && !(op->flags & BR_TO_BOOL);
  return one && (!number || (strstr(number, ":f") && !strchr(number + 1, ' ')));
}

void br_epilogue_set(br_call *c, const br_op *activation, double number) {
  c->activation = activation;
  c->number = number;
  c->keep |= activation->keep & BR_KEEP_OUT(0);
}

br_status br_epilogue_read(br_call *c, int at) {
  if (c->activation || !c->arg[at].given) return BR_OK;
  const br_op *op = br_op_find(c->arg[at].s);
  if (!op || !br_is_activation(op))
    return br_bad(c, "\"%s\" is not an elementwise operator of one tensor", c->arg[at].s);
  br_epilogue_set(c, op, c->arg[at + 1].f);
  return BR_OK;
}

br_status br_epilogue_start(br_call *c, br_tensor *slope, br_epilogue *e,
                            br_tensor **sums) {
  const br_op *a = c->activation;
  br_tensor *y = *sums = c->out[0];
  *e = (br_epilogue){.slope = slope ? slope->data : NULL, .number = c->number};
  if (!a) return BR_OK;
  e->relu = a->kernel == K(relu);
  if (!e->relu) e->map = br_kernel_at(br_kernels_of(y->dtype), a->kernel);
  if (!c->recorded || !(a->keep & BR_KEEP_IN(0))) return BR_OK;
  br_release(c->saved[0]); /* left by a first try that ran out of memory */
  *sums = c->saved[0] = br_tensor_like(y, y->dtype);
  if (!*sums) return BR_ENOMEM;
  e->from = c->saved[0]->data;
  e->to = y->data;
  return BR_OK;
}

void br_epilogue_run(const br_epilogue *e, int64_t n, char *at) {
  const void *const in[1] = {at};
  e->map(n, in, e->to ? e->to + (at - e->from) : at, &e->number);
}

void br_epilogue_rows(const br_epilogue *e, const br_kernels *k, int64_t rows,
                      int64_t columns, char *sums) {
  br_epilogue own = *e;
  if (own.relu) own.map = k->relu;
  int64_t n = rows * columns, chunks = (n + CHUNK - 1) / CHUNK;
  for (int64_t i = 0; own.slope && i < rows; i++) {
    char *row = sums + i * columns * k->size;
    const void *const in[2] = {row, own.slope};
    k->prelu(columns, in, row, NULL);
  }
  if (!own.map) return;
#pragma omp parallel for schedule(static) num_threads(br_threads()) if (chunks > 1)
  for (int64_t i = 0; i < chunks; i++)
    if (!br_stopped())
      br_epilogue_run(&own, i + 1 < chunks ? CHUNK : n - i * CHUNK,
                      sums + i * CHUNK * k->size);
}

br_status br_epilogue_back(const br_call *c, br_tensor **dy) {
  const br_op *a = c->activation;
  if (!a) return BR_OK;
  br_tensor *in[3] = {*dy};
  int n = 1;
  if (a->keep & BR_KEEP_IN(0)) in[n++] = c->saved[0];
  if (a->keep & BR_KEEP_OUT(0)) in[n++] = c->out[0];
  br_tensor *dx = br_map_new(a->grad[0], *dy, (*dy)->dtype, n, in, &c->number);
  if (!dx) return BR_ENOMEM;
  br_release(*dy);
  *dy = dx;
  return BR_OK;
}
