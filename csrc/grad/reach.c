/* Finds the tensors on which values depend. From each value a walk goes back over all
   nodes of the graph, by a list and without recursion. Each walk has a unique number; the
   walks of one round have consecutive numbers. */
#include "grad/grad.h"

#include <stdatomic.h>
#include <string.h>

typedef struct round {
  uint64_t first, now; /* the numbers of its first and its current walk */
  br_var **list;       /* values to visit; not owned, as nothing is released meanwhile */
  int64_t count, room;
} round;

static br_status add(round *r, br_var *v) {
  if (r->count == r->room) {
    int64_t room = r->room ? 2 * r->room : 256;
    br_var **wider = br_alloc((size_t)room * sizeof *wider);
    if (!wider) return BR_ENOMEM;
    if (r->count > 0) memcpy(wider, r->list, (size_t)r->count * sizeof *wider);
    br_free(r->list);
    r->list = wider;
    r->room = room;
  }
  r->list[r->count++] = v;
  return BR_OK;
}

/* Notes that the current walk met this place. Returns false if it was here before. */
static bool meet(const round *r, uint64_t *walk, int *met) {
  if (*walk == r->now) return false;
  *met = *walk < r->first ? 1 : *met + 1;
  *walk = r->now;
  return true;
}

/* How many walks of the round met this place. */
static int met_in(const round *r, uint64_t walk, int met) {
  return walk < r->first ? 0 : met;
}

static br_status walk_from(round *r, br_var *start) {
  br_status status = start ? add(r, start) : BR_OK;
  while (!status && r->count > 0) {
    br_var *v = r->list[--r->count];
    if (!meet(r, &v->walk, &v->met) || !v->node) continue;
    if (!meet(r, &v->node->walk, &v->node->met)) continue;
    for (int i = 0; i < v->node->call.nin && !status; i++)
      if (v->node->edge[i].var) status = add(r, v->node->edge[i].var);
  }
  return status;
}

/* Reserves n numbers that no walk had, and returns the first. */
static uint64_t numbers(int n) {
  static atomic_uint_least64_t last;
  return atomic_fetch_add(&last, (uint64_t)n) + 1;
}

static br_status walk_all(round *r, int n, br_tensor *const *y) {
  br_status status = BR_OK;
  *r = (round){.first = numbers(n)};
  for (int i = 0; i < n && !status; i++) {
    r->now = r->first + (uint64_t)i;
    status = walk_from(r, br_var_of(y[i]));
  }
  return status;
}

br_status br_reach(int n, br_tensor *const *y, int count, br_tensor *const *targets,
                   int *reached) {
  round r;
  br_status status = walk_all(&r, n, y);
  for (int i = 0; i < count && !status; i++) {
    const br_var *v = br_var_of(targets[i]);
    reached[i] = v ? met_in(&r, v->walk, v->met) : 0;
  }
  br_free(r.list);
  return status;
}

/* A tensor of v's shape, without values, that stands for v in a call for its
   gradient. */
static br_tensor *handle(br_var *v) {
  br_tensor *t = br_tensor_bare(v->dtype, v->ndim, v->shape, BR_CONTIGUOUS);
  if (t) t->var = br_retain(&v->ref);
  return t;
}

/* Shared values where the part of the graph that serves only one tensor ends; and for
   each, whether the whole value is used there or only a part. */
typedef struct ends {
  round found; /* a list only */
  bool *whole;
} ends;

static bool takes_part_of(const br_node *node) {
  return strcmp(node->call.op->name, "narrow") == 0 ||
         strcmp(node->call.op->name, "select") == 0;
}

static br_status note_end(ends *e, br_var *v, bool whole) {
  int64_t at = 0, room = e->found.room;
  while (at < e->found.count && e->found.list[at] != v) at++;
  if (at == e->found.count) {
    if (add(&e->found, v) != BR_OK) return BR_ENOMEM;
    if (e->found.room > room) {
      bool *wider = br_alloc_zero((size_t)e->found.room);
      if (!wider) return BR_ENOMEM;
      if (e->whole) memcpy(wider, e->whole, (size_t)at);
      br_free(e->whole);
      e->whole = wider;
    }
  }
  e->whole[at] |= whole;
  return BR_OK;
}

/* Goes from one of the tensors through the values that serve it only. The counts of walks
   do not change. */
static br_status find_ends(round *r, br_var *start, ends *e) {
  if (!start) return BR_OK;
  br_status status = start->met > 1 ? note_end(e, start, true) : add(r, start);
  while (!status && r->count > 0) {
    br_var *v = r->list[--r->count];
    br_node *node = v->node;
    if (!node || node->walk == r->now) continue;
    node->walk = r->now;
    for (int i = 0; i < node->call.nin && !status; i++) {
      br_var *from = node->edge[i].var;
      if (!from) continue;
      status = from->met > 1 ? note_end(e, from, !takes_part_of(node)) : add(r, from);
    }
  }
  return status;
}

/* If each tensor uses only a part of a value, its gradients may never meet there. An
   example is the stacked maps that one mixing operator made. Then the operator's inputs
   are taken. */
static br_status open_parts(const ends *e, ends *opened) {
  br_status status = BR_OK;
  for (int64_t k = 0; k < e->found.count && !status; k++) {
    br_var *v = e->found.list[k];
    if (e->whole[k] || !v->node) {
      status = note_end(opened, v, true);
      continue;
    }
    for (int i = 0; i < v->node->call.nin && !status; i++)
      if (v->node->edge[i].var) status = note_end(opened, v->node->edge[i].var, true);
  }
  return status;
}

static br_status handles(const round *all, int *count, br_tensor ***found) {
  br_tensor **list = br_alloc((size_t)all->count * sizeof *list + 1);
  int n = 0;
  for (; list && n < all->count; n++)
    if (!(list[n] = handle(all->list[n]))) break;
  if (list && n == all->count) {
    *count = n;
    *found = list;
    return BR_OK;
  }
  while (n-- > 0) br_release(list[n]);
  br_free(list);
  return BR_ENOMEM;
}

br_status br_frontier(int n, br_tensor *const *y, int *count, br_tensor ***found) {
  round r;
  ends first = {0}, last = {0};
  br_status status = walk_all(&r, n, y);
  uint64_t number = numbers(n);
  *count = 0;
  *found = NULL;
  for (int i = 0; i < n && !status; i++) {
    r.now = number + (uint64_t)i;
    status = find_ends(&r, br_var_of(y[i]), &first);
  }
  if (!status) status = open_parts(&first, &last);
  if (!status) status = handles(&last.found, count, found);
  br_free(first.found.list);
  br_free(first.whole);
  br_free(last.found.list);
  br_free(last.whole);
  br_free(r.list);
  return status;
}
