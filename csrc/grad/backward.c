/* Checks the backward passes that users ask for, and runs them by the engine. */
#include "grad/grad.h"

static br_status check_start(const char *name, const br_tensor *y, const br_tensor *dy) {
  if (!y->var)
    return br_fail(BR_EINVAL,
                   "%s: the tensor does not depend on any that requires a gradient "
                   "(computed under no_grad, or detached?)",
                   name);
  if (!dy && y->numel != 1)
    return br_fail(
        BR_EINVAL,
        "%s: the tensor has shape %s, so {gradient = ...} must be given; only a tensor of one element needs none",
        name, br_shape_of(y));
  if (dy && !br_same_shape(y, dy))
    return br_fail(BR_EINVAL, "%s: the gradient has shape %s, the tensor %s", name,
                   br_shape_of(dy), br_shape_of(y));
  return BR_OK;
}

br_status br_backward(br_tensor *y, br_tensor *dy, bool retain_graph) {
  br_status status = check_start("backward", y, dy);
  br_pass pass = {.n = 1, .y = &y, .dy = &dy, .retain = retain_graph};
  return status ? status : br_run_pass(&pass);
}

/* A target, and where an outer pass wants the target's gradient, if one does. */
typedef struct wanted {
  br_var *var; /* owned */
  br_tensor **want;
  int depth;
  br_tensor *row;
} wanted;

/* Tells the next pass to put the target's gradient into *grad. */
static br_status want(wanted *w, const br_tensor *target, int i, br_tensor **grad,
                      br_tensor *row) {
  br_var *v = br_var_of(target);
  if (!v)
    return br_fail(BR_EINVAL,
                   "grad: input %d does not require a gradient; "
                   "requires_grad_() asks for one, before y is computed",
                   i + 1);
  if (v->want && v->want_depth == br_next_depth())
    return br_fail(BR_EINVAL, "grad: input %d is given twice", i + 1);
  *w = (wanted){br_retain(v), v->want, v->want_depth, v->row};
  v->want = grad;
  v->row = row;
  v->want_depth = br_next_depth();
  return BR_OK;
}

/* Runs a pass that puts the gradients of the targets into grads, or none on failure; rows
   may be NULL. */
static br_status run_wanted(const br_pass *pass, int count, br_tensor *const *targets,
                            br_tensor *const *rows, br_tensor **grads) {
  wanted *list = br_alloc((size_t)count * sizeof *list + 1);
  if (!list) return BR_ENOMEM;
  br_status status = BR_OK;
  int held = 0;
  for (; held < count; held++) {
    status = want(&list[held], targets[held], held, &grads[held],
                  rows ? rows[held] : NULL);
    if (status) break;
  }
  if (!status) status = br_run_pass(pass);
  while (held-- > 0) {
    list[held].var->want = list[held].want;
    list[held].var->want_depth = list[held].depth;
    list[held].var->row = list[held].row;
    br_release(list[held].var);
  }
  br_free(list);
  for (int i = 0; i < count && status; i++) {
    br_release(grads[i]);
    grads[i] = NULL;
  }
  return status;
}

br_status br_backward_to(br_tensor *y, br_tensor *dy, bool retain_graph, int n,
                         br_tensor *const *targets, br_tensor **grads) {
  br_pass pass = {
      .n = 1, .y = &y, .dy = &dy, .retain = retain_graph, .wanted_only = true};
  for (int i = 0; i < n; i++) grads[i] = NULL; /* also if a check below fails */
  br_status status = check_start("grad", y, dy);
  return status ? status : run_wanted(&pass, n, targets, NULL, grads);
}

br_status br_backward_rows(const br_ends *e, bool retain_graph) {
  static const br_arg zero = {.given = true};
  br_pass pass = {
      .n = e->n, .y = e->y, .dy = e->dy, .retain = retain_graph, .ends = true};
  br_status status = BR_OK;
  for (int i = 0; i < e->n && !status; i++)
    status = check_start("backward", e->y[i], e->dy[i]);
  if (status) return status;
  br_tensor **grads = br_alloc_zero((size_t)e->targets * sizeof *grads + 1);
  if (!grads) return BR_ENOMEM;
  status = run_wanted(&pass, e->targets, e->target, e->row, grads);
  for (int i = 0; i < e->targets; i++) {
    if (!status && !grads[i]) status = br_fill(e->row[i], &zero);
    if (!status && grads[i] && grads[i] != e->row[i])
      status = br_copy(e->row[i], grads[i]);
    br_release(grads[i]);
  }
  br_free(grads);
  return status;
}
