/* Small optimisation programs over weights, in double. Quadratic programs are solved by
   active sets, exact up to rounding; the "fair" program by Newton's method. h (n,n) is
   symmetric and positive semidefinite, like a Gram matrix. The sizes of its rows may
   differ widely.

   If a factor has a pivot of 0, h is 0 along some direction. A tiny pivot takes its
   place. So the step along that direction becomes long, until a bound stops it. */
#include "op/op.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 20, STEPS = 100 }; /* ROUNDS: for each variable; STEPS: of Newton */
static const double TOLERANCE = 1e-14, LEAST_PIVOT = 1e-14;

/* The state of a quadratic program of n variables. `count` of them are free; the others
   are 0. */
typedef struct program {
  int64_t n, count;
  const double *h, *q; /* q may be NULL, for 0 */
  double shift;        /* added to all of h */
  int64_t *index;      /* numbers of the free variables */
  bool *blocked;       /* freeing these variables made no progress at this x */
  double *x, *gradient, *size, *factor, *a, *b;
} program;

static double *doubles(const br_tensor *t) { return (double *)(void *)t->data; }

static size_t room_of(int64_t n) { return (size_t)(n * n + 7 * n + 1); }

static void set_up(program *p, int64_t n, const double *h, const double *q,
                   double *room) {
  *p = (program){.n = n, .h = h, .q = q, .factor = room, .x = room + n * n};
  p->gradient = p->x + n;
  p->size = p->gradient + n;
  p->a = p->size + n;
  p->b = p->a + n;
  p->index = (int64_t *)(void *)(p->b + n);
  p->blocked = (bool *)(void *)(p->index + n);
}

/* Factors the free part of h + shift as l l^T. Returns false if a pivot was 0. */
static bool factorize(program *p) {
  const int64_t n = p->n, m = p->count;
  bool definite = true;
  for (int64_t i = 0; i < m; i++) {
    double *row = p->factor + i * n;
    for (int64_t j = 0; j <= i; j++) {
      const double *other = p->factor + j * n;
      double value = p->h[p->index[i] * n + p->index[j]] + p->shift, sum = value;
      for (int64_t k = 0; k < j; k++) sum -= row[k] * other[k];
      if (j < i) {
        row[j] = sum / other[j];
        continue;
      }
      definite = definite && sum > LEAST_PIVOT * value;
      row[i] = sqrt(fmax(sum, fmax(LEAST_PIVOT * value, 1e-290)));
    }
  }
  return definite;
}

/* Replaces b by the solution x of l l^T x = b. */
static void solve(const program *p, double *b) {
  const int64_t n = p->n, m = p->count;
  for (int64_t i = 0; i < m; i++) {
    for (int64_t k = 0; k < i; k++) b[i] -= p->factor[i * n + k] * b[k];
    b[i] /= p->factor[i * n + i];
  }
  for (int64_t i = m - 1; i >= 0; i--) {
    for (int64_t k = i + 1; k < m; k++) b[i] -= p->factor[k * n + i] * b[k];
    b[i] /= p->factor[i * n + i];
  }
}

/* The gradient h x + q, and the sum of the sizes of its terms. */
static void find_gradient(program *p) {
  for (int64_t i = 0; i < p->n; i++) {
    double sum = p->q ? p->q[i] : 0, size = fabs(sum);
    for (int64_t j = 0; j < p->n; j++) {
      double part = p->h[i * p->n + j] * p->x[j];
      sum += part;
      size += fabs(part);
    }
    p->gradient[i] = sum;
    p->size[i] = size;
  }
}

/* Moves the free variables of x to b, or towards b until one of them reaches 0. That
   one is no longer free. Returns whether x reached b. */
static bool advance(program *p) {
  double share = 1;
  int64_t first = -1, kept = 0;
  for (int64_t i = 0; i < p->count; i++) {
    double x = p->x[p->index[i]];
    if (p->b[i] > 0) continue;
    double own = x > 0 ? x / (x - p->b[i]) : 0;
    if (first >= 0 && own >= share) continue;
    share = own;
    first = i;
  }
  for (int64_t i = 0; i < p->count; i++) {
    double *x = &p->x[p->index[i]];
    *x = first < 0 ? p->b[i] : *x + share * (p->b[i] - *x);
    if (i == first || *x < 0) *x = 0;
    if (i != first) p->index[kept++] = p->index[i];
  }
  p->count = kept;
  return first < 0;
}

/* The fixed variable with the smallest gradient, if that is below `level`; else -1. */
static int64_t candidate(const program *p, double level) {
  int64_t best = -1;
  for (int64_t j = 0; j < p->n; j++) {
    bool out = p->blocked[j] || (best >= 0 && p->gradient[j] >= p->gradient[best]);
    if (out || p->gradient[j] >= level - TOLERANCE * (p->size[j] + fabs(level))) continue;
    bool is_free = false;
    for (int64_t i = 0; i < p->count; i++) is_free |= p->index[i] == j;
    if (!is_free) best = j;
  }
  return best;
}

static void note(program *p, int64_t j) {
  if (p->x[j] > 0)
    memset(p->blocked, 0, (size_t)p->n * sizeof *p->blocked);
  else
    p->blocked[j] = true;
}

/* min x' h x / 2 + q' x over x >= 0 */
static void solve_nonnegative(program *p) {
  memset(p->x, 0, (size_t)p->n * sizeof *p->x);
  memset(p->blocked, 0, (size_t)p->n * sizeof *p->blocked);
  p->count = 0;
  for (int64_t round = 0; round < ROUNDS * p->n && !br_stopped(); round++) {
    find_gradient(p);
    int64_t j = candidate(p, 0);
    if (j < 0) return;
    p->index[p->count++] = j;
    do {
      factorize(p);
      for (int64_t i = 0; i < p->count; i++) p->b[i] = -p->q[p->index[i]];
      solve(p, p->b);
    } while (!advance(p));
    note(p, j);
  }
}

/* Sets b to the solution of h x + q = level for the free variables, with sum 1. The
   shift does not change it, because the sum is fixed. It is used if h is singular but
   has one solution of that sum. */
static void solve_on_simplex(program *p) {
  double sum_a = 0, sum_b = 0;
  p->shift = 0;
  if (!factorize(p)) {
    for (int64_t i = 0; i < p->count; i++)
      p->shift = fmax(p->shift, p->h[p->index[i] * (p->n + 1)]);
    factorize(p);
  }
  for (int64_t i = 0; i < p->count; i++) {
    p->a[i] = 1;
    p->b[i] = p->q ? -p->q[p->index[i]] : 0;
  }
  solve(p, p->a);
  solve(p, p->b);
  for (int64_t i = 0; i < p->count; i++) {
    sum_a += p->a[i];
    sum_b += p->b[i];
  }
  for (int64_t i = 0; i < p->count; i++) p->b[i] += (1 - sum_b) / sum_a * p->a[i];
}

/* min x' h x / 2 + q' x over x >= 0 with sum 1 */
static void solve_simplex(program *p) {
  int64_t best = 0;
  double least = INFINITY;
  for (int64_t i = 0; i < p->n; i++) {
    double value = p->h[i * (p->n + 1)] / 2 + (p->q ? p->q[i] : 0);
    if (value < least) best = i;
    least = fmin(value, least);
  }
  memset(p->x, 0, (size_t)p->n * sizeof *p->x);
  memset(p->blocked, 0, (size_t)p->n * sizeof *p->blocked);
  p->x[best] = 1;
  p->index[0] = best;
  p->count = 1;
  for (int64_t round = 0; round < ROUNDS * p->n && !br_stopped(); round++) {
    double level = 0;
    find_gradient(p);
    for (int64_t i = 0; i < p->n; i++) level += p->x[i] * p->gradient[i];
    int64_t j = candidate(p, level);
    if (j < 0) return;
    p->index[p->count++] = j;
    do { solve_on_simplex(p); } while (!advance(p));
    note(p, j);
  }
}

/* ---- h w = w^-power ---- */

/* h is scaled to have ones on its diagonal, with w_i = s_i x_i. Then h x = c x^-power.
   There x' h x / 2 - sum_i c_i F(x_i) is smallest, with F' = x^-power. */
typedef struct fair {
  program p; /* h scaled; only rows of zeros are not free */
  double power, *c, *s;
} fair;

static double potential(double x, double power) {
  return power == 1 ? log(x) : pow(x, 1 - power) / (1 - power);
}

static double fair_value(const fair *f, const double *x) {
  const program *p = &f->p;
  double value = 0;
  for (int64_t i = 0; i < p->n; i++) {
    for (int64_t j = 0; j < p->n; j++) value += x[i] * p->h[i * p->n + j] * x[j] / 2;
    value -= f->c[i] * potential(x[i], f->power);
  }
  return value;
}

/* Makes one step of Newton's method that keeps x positive and lowers the value. Returns
   false if no step gains anything. */
static bool fair_step(fair *f, double *h) {
  program *p = &f->p;
  const int64_t n = p->n;
  double slope = 0, length = 1, value = fair_value(f, p->x), off = 0;
  find_gradient(p);
  for (int64_t i = 0; i < n; i++) {
    double pull = f->c[i] * pow(p->x[i], -f->power);
    off = fmax(off, fabs(p->gradient[i] - pull) / (p->size[i] + pull));
    p->gradient[i] -= pull;
    p->b[i] = -p->gradient[i];
    p->a[i] = h[i * (n + 1)];
    h[i * (n + 1)] += f->power * pull / p->x[i];
  }
  factorize(p);
  for (int64_t i = 0; i < n; i++) h[i * (n + 1)] = p->a[i];
  solve(p, p->b);
  for (int64_t i = 0; i < n; i++) {
    slope += p->gradient[i] * p->b[i];
    if (p->b[i] < 0) length = fmin(length, -0.95 * p->x[i] / p->b[i]);
  }
  for (int tries = 0; tries < 60; tries++, length /= 2) {
    for (int64_t i = 0; i < n; i++) p->a[i] = p->x[i] + length * p->b[i];
    if (fair_value(f, p->a) <= value + 1e-4 * length * slope + 1e-15 * fabs(value)) break;
  }
  memcpy(p->x, p->a, (size_t)n * sizeof *p->x);
  return off > 1e-13; /* the error after this step is the square of `off` */
}

/* Scales h, solves, and scales back. Rows of zeros get weight 0. A ridge as small as
   rounding errors keeps weights finite if no direction serves all. */
static void solve_fair(int64_t all, const double *given, double power, double *room,
                       double *w) {
  double *h = room, *s = h + all * all, *c = s + all;
  fair f = {.power = power, .c = c, .s = s};
  int64_t n = 0;
  set_up(&f.p, all, h, NULL, c + all);
  for (int64_t i = 0; i < all; i++) {
    w[i] = 0;
    if (given[i * (all + 1)] > 0) f.p.index[n++] = i;
  }
  for (int64_t i = 0; i < n; i++) {
    s[i] = 1 / sqrt(given[f.p.index[i] * (all + 1)]);
    c[i] = pow(s[i], 1 - power);
    for (int64_t j = 0; j <= i; j++)
      h[i * n + j] = h[j * n + i] = given[f.p.index[i] * all + f.p.index[j]] * s[i] *
                                    s[j];
    h[i * (n + 1)] = 1 + 1e-15;
    f.p.x[i] = pow(c[i], 1 / (1 + power));
    w[f.p.index[i]] = s[i];
  }
  f.p.n = f.p.count = n;
  int64_t *index = f.p.index;
  for (int64_t i = 0; i < n; i++) index[i] = i;
  for (int step = 0; step < STEPS && fair_step(&f, h); step++) continue;
  for (int64_t i = 0, k = 0; i < all; i++)
    if (w[i] > 0) w[i] *= f.p.x[k++];
}

/* ---- operators ---- */

static br_status need_square(br_call *c, int64_t *n) {
  const br_tensor *h = c->in[0];
  if (h->dtype != BR_F64 || h->ndim != 2 || h->shape[0] != h->shape[1])
    return br_bad(c, "h must be float64 (n, n), not %s %s", br_dtype_name(h->dtype),
                  br_shape_of(h));
  *n = h->shape[0];
  return BR_OK;
}

/* q is (n); the nonnegative program also takes (k,n). */
static br_status quadratic_infer(br_call *c) {
  const br_tensor *q = c->in[1];
  int64_t n;
  br_status status = need_square(c, &n);
  if (status) return status;
  if (!q) return br_out(c, 0, BR_F64, 1, &n, BR_CONTIGUOUS);
  if (q->dtype != BR_F64 || q->ndim < 1 || q->ndim > 2 || q->shape[q->ndim - 1] != n)
    return br_bad(c, "q must be float64 (..., %lld), not %s %s", (long long)n,
                  br_dtype_name(q->dtype), br_shape_of(q));
  return br_out(c, 0, BR_F64, q->ndim, q->shape, BR_CONTIGUOUS);
}

/* Solves for each row of q. */
static br_status quadratic(br_call *c, void (*solver)(program *p)) {
  const int64_t n = c->in[0]->shape[0], count = n > 0 ? c->out[0]->numel / n : 0;
  br_tensor *h = br_contiguous(c->in[0]), *q = c->in[1] ? br_contiguous(c->in[1]) : NULL;
  double *room = br_alloc(room_of(n) * sizeof *room);
  br_status status = h && room && (q || !c->in[1]) ? BR_OK : BR_ENOMEM;
  for (int64_t i = 0; i < count && !status; i++) {
    program p;
    set_up(&p, n, doubles(h), q ? doubles(q) + i * n : NULL, room);
    solver(&p);
    memcpy(doubles(c->out[0]) + i * n, p.x, (size_t)n * sizeof *p.x);
  }
  br_release(h);
  br_release(q);
  br_free(room);
  return status;
}

static br_status nonnegative_forward(br_call *c) {
  return quadratic(c, solve_nonnegative);
}
static br_status simplex_forward(br_call *c) { return quadratic(c, solve_simplex); }

static br_status fair_infer(br_call *c) {
  int64_t n;
  br_status status = need_square(c, &n);
  return status ? status : br_out(c, 0, BR_F64, 1, &n, BR_CONTIGUOUS);
}

static br_status fair_forward(br_call *c) {
  const int64_t n = c->in[0]->shape[0];
  br_tensor *h = br_contiguous(c->in[0]);
  double *room = br_alloc((room_of(n) + (size_t)(n * n + 2 * n)) * sizeof *room);
  br_status status = h && room ? BR_OK : BR_ENOMEM;
  if (!status) solve_fair(n, doubles(h), c->arg[0].f, room, doubles(c->out[0]));
  br_release(h);
  br_free(room);
  return status;
}

/* clang-format off */
const br_op br_program_ops[] = {
    {.name = "nonnegative_program", .args = "h:t q:t",
     .doc = "the x >= 0 with the smallest x' h x / 2 + q' x, for each row of q (..., n)",
     .infer = quadratic_infer, .forward = nonnegative_forward, .flags = BR_HIDDEN},
    {.name = "simplex_program", .args = "h:t q:t?",
     .doc = "the x >= 0 with sum 1 and the smallest x' h x / 2 + q' x",
     .infer = quadratic_infer, .forward = simplex_forward, .flags = BR_HIDDEN},
    {.name = "fair_program", .args = "h:t power:f=1(0,inf)",
     .doc = "the w > 0 with h w = w^-power",
     .infer = fair_infer, .forward = fair_forward, .flags = BR_HIDDEN},
    {0},
};
/* clang-format on */
