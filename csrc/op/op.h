/* Operators: the row that declares one, the call that carries it out, and the tools that
   the families share. A family file ends with its table of rows; table.c lists the
   tables. */
#ifndef BR_OP_H
#define BR_OP_H

#include "base/sizes.h"
#include "base/stop.h"
#include "tensor/tensor.h"

enum {
  BR_FEW_IN = 6, /* tensors a call holds without a list */
  BR_MAX_ARG = 11,
  BR_MAX_OUT = 5,
  BR_MAX_SAVED = 3
};

/* An argument other than a tensor. Dimensions and indices arrive counted from 0, or
   negative from the end. */
typedef struct br_arg {
  bool given;
  bool whole; /* a number given as an integer: i is exact where f may not be */
  double f;
  int64_t i;
  const char *s;
  int n; /* how many values v has */
  int64_t v[BR_MAX_DIM];
} br_arg;

typedef struct br_op br_op;

/* An operator applied to arguments. forward fills `out`; backward reads `dy` and fills
   `dx`. The caller owns `in`; the call owns `out`, `saved`, `dy` and `dx`. */
typedef struct br_call {
  const br_op *op;
  int nin, nout;
  br_tensor **in; /* NULL where an optional tensor was left out */
  br_tensor *few[BR_FEW_IN];
  br_arg arg[BR_MAX_ARG];
  br_tensor *out[BR_MAX_OUT]; /* set beforehand for a result in place */
  br_dtype compute;           /* the type that elementwise work is done in */
  bool in_place;
  bool waits;              /* results have no memory yet, infer only checks; see fuse.c */
  bool recording;          /* gradients are recorded for all inputs that need them */
  const char *rule;        /* the rule of fuse.c that made the call, or NULL */
  const br_op *activation; /* applied to the results, or NULL; see epilogue.h */
  double number;           /* the activation's number */
  bool recorded;           /* a gradient may be asked for: save what it needs */
  unsigned keep;           /* infer's additions to what the row keeps */
  br_tensor *saved[BR_MAX_SAVED]; /* what forward leaves for backward */
  uint64_t state[2];              /* random stream, and the like */
  int place;                      /* the module's place in a profile; 0: none */
  br_ref *user;                   /* what a backward from outside the core needs; owned */
  br_tensor *dy[BR_MAX_OUT];      /* NULL where no gradient arrived */
  br_tensor **dx;
  const bool *need; /* which dx are wanted */
  br_tensor **into; /* where a dx may be added to an earlier gradient, or NULL; `into`
                       is NULL outside the engine */
} br_call;

/* The tensors of a call whose values backward reads. Of all other tensors it gets only
   shape and type. */
#define BR_KEEP_IN(i) (1u << (i))
#define BR_KEEP_OUT(i) (256u << (i))

enum {
  BR_IN_PLACE = 1,  /* has a form that writes into its first argument: name_ */
  BR_TO_FLOAT = 2,  /* integers are computed in float32 */
  BR_TO_BOOL = 4,   /* the result is bool */
  BR_VIEW = 8,      /* the result shares its input's storage, or may */
  BR_WRITES = 16,   /* always changes its first argument */
  BR_HIDDEN = 32,   /* for the library's own use; no method of tensors */
  BR_NO_METHOD = 64 /* a function only */
};

/* The place that stands for "dy itself" in br_op.grad; 0 stands for no gradient. */
enum { BR_GRAD_DY = 1 };

/* A row names what it has; the rest is 0 or NULL. If an elementwise operator (a row
   with a kernel) leaves functions out, map.c has them: infer brings the inputs to a
   common type, forward calls the kernel, and backward calls those in grad. */
struct br_op {
  const char *name;
  const char *args; /* "x:t dim:d? keepdim:b=false", see signature.c */
  const char *doc;
  const char *usage;                 /* entries at the prompt, "   " between them */
  br_status (*infer)(br_call *c);    /* checks arguments, then makes the outputs */
  br_status (*forward)(br_call *c);  /* can fail for memory only */
  br_status (*backward)(br_call *c); /* NULL, and no grad: not differentiable */
  unsigned keep;
  unsigned flags;
  size_t kernel, grad[3]; /* elementwise operators: see map.c */
  int results;            /* the most results it returns; 0 counts as 1 */
  /* Called once when the result exists and is recorded, even if the call was tried
     again for lack of memory. May be NULL. */
  void (*finish)(br_call *c);
};

/* ---- the table (table.c) ---- */

/* The i-th operator, NULL past the end. */
const br_op *br_op_at(int i);
const br_op *br_op_find(const char *name);
bool br_op_has_gradient(const br_op *op);

/* ---- signatures (signature.c) ---- */

/* The numbers that a call takes: from low to high. An open side excludes its end.
   Without a range every number is valid, NaN too. */
typedef struct br_range {
  bool stated, low_open, high_open;
  double low, high;
} br_range;

typedef struct br_param {
  char name[24];
  char kind;
  bool optional, has_fallback;
  int slot; /* in c->in for tensors, else in c->arg */
  br_arg fallback;
  br_range range; /* of a number */
} br_param;

typedef struct br_signature {
  int n;
  br_param param[15];
} br_signature;

void br_op_signature(const br_op *op, br_signature *out);
bool br_is_tensor_kind(char kind);
/* A copy of the word that lasts for ever, if it is one of the words that arguments
   take; else NULL. */
const char *br_known_word(const char *word);
bool br_in_range(const br_range *r, double f);
/* Writes "a number from 0 to 1" to the text, and returns it. */
const char *br_range_text(const br_range *r, char *text, size_t size);

/* ---- calls (call.c) ---- */

/* Prepares a call, so that in and arg can be set; arguments get the row's fallbacks. If
   the signature is NULL it is read from the row. */
void br_call_init(br_call *c, const br_op *op, const br_signature *signature, int nin);
/* Releases everything that the call owns. The tensors of `in` stay the caller's. */
void br_call_clear(br_call *c);
br_status br_call_run(br_call *c);  /* infer and forward, no recording */
br_status br_call_back(br_call *c); /* dx from dy; zeros where y had no elements */
/* Checks a call that waits: its results get no memory until it runs. */
br_status br_call_check(br_call *c);
/* Replaces the call's strings by those of br_known_word, which last. Returns whether
   all of them are known. */
bool br_call_lasts(br_call *c);
/* A copy that also owns its inputs, and takes over all that `c` owns. Returns NULL if
   memory runs out. */
br_call *br_call_own(br_call *c);
void br_call_free(br_call *own);
/* The operator's name, or the name of the rule that made the call. */
const char *br_call_name(const br_call *c);

/* Messages begin with the operator's name. */
br_status br_bad(const br_call *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For infer: makes output i, or checks the one that is to be written in place. */
br_status br_out(br_call *c, int i, br_dtype dtype, int ndim, const int64_t *shape,
                 br_format format);
br_status br_out_like(br_call *c, int i, const br_tensor *t, br_dtype dtype);
/* Takes over `t` as output i; fails when it is NULL. */
br_status br_out_take(br_call *c, int i, br_tensor *t);
/* Takes over a gradient in the same way. */
br_status br_dx_take(br_call *c, int i, br_tensor *t);

/* Resolves a dimension against ndim. Fails with a message if the tensor has no such
   dimension. */
br_status br_dim(const br_call *c, const br_arg *arg, int ndim, int *dim);
/* The named dimensions, as a mask; all dimensions if none is named. */
br_status br_dims(const br_call *c, const br_arg *arg, int ndim, unsigned *mask);
/* Sizes among the arguments: an integer, or a pair as the user gave it, of values from
   `least` to `most`. No window, step or padding may exceed BR_MAX_SIZE, so that sums
   and products of two of them fit in int64. */
#define BR_MAX_SIZE INT32_MAX
br_status br_need_within(const br_call *c, const br_arg *arg, const char *what,
                         int64_t least, int64_t most);
/* "3" or "(3, 5)", in one of a few rotating buffers. */
const char *br_arg_text(const br_arg *arg);
br_status br_need_float(const br_call *c, const br_tensor *t, const char *what);
br_status br_need_dims(const br_call *c, const br_tensor *t, const char *what, int ndim);

/* ---- calls that run as one (fuse.c) ---- */

/* The rule for the two operators, whatever their arguments, or NULL. If `then` is NULL,
   a rule that begins with `first`. */
typedef struct br_rule br_rule;
const br_rule *br_fuse_rule(const br_op *first, const br_op *then);
/* Merges `then` into `first`, if the rule can. `then` is checked and has not run; its
   first input is first's result. Both wait and own their inputs. The caller still
   clears `then`. */
bool br_fuse(const br_rule *rule, br_call *first, br_call *then);

/* ---- elementwise work (map.c) ---- */

/* out = kernel(in...; arg), computed in `compute`; inputs broadcast to out's shape. */
br_status br_map(size_t kernel, br_dtype compute, br_tensor *out, int n,
                 br_tensor *const *in, const double *arg);
/* The same into a new tensor of shape and order of `like`. */
br_tensor *br_map_new(size_t kernel, const br_tensor *like, br_dtype dtype, int n,
                      br_tensor *const *in, const double *arg);
br_status br_map_infer(br_call *c); /* wants c->compute */
br_status br_map_promote(br_call *c);
br_status br_map_forward(br_call *c);
br_status br_map_backward(br_call *c);

/* ---- numbers (number.c) ---- */

/* Returns NULL if an element of that type can hold the number: integers exactly, floats
   rounded. Otherwise returns what is wrong, for a message; the text is valid until the
   next call. */
const char *br_misfit(br_dtype dtype, const br_arg *value);
/* The same for every value of a tensor. With `cut`, floats may have fractions. */
const char *br_misfits(br_dtype to, br_tensor *t, bool cut);
/* The number (which must fit) as kernels of that type take it: see kernel.h. */
double br_kernel_number(br_dtype compute, const br_arg *value);
/* Stores the number (which must fit) as element `at` of t's memory. */
void br_number_put(br_tensor *t, int64_t at, const br_arg *value);
/* The least or the largest value of a type; for floats an infinity. */
br_arg br_range_end(br_dtype dtype, bool least);
/* The first element of t. */
br_arg br_number_of(const br_tensor *t);

/* ---- copies (copy.c) ---- */

/* dst = src, broadcast and converted. */
br_status br_copy(br_tensor *dst, br_tensor *src);
/* Sets all of t to the value, which must fit (br_misfit). */
br_status br_fill(br_tensor *t, const br_arg *value);
/* src itself (retained) if it has that type and format, else a copy. */
br_tensor *br_as(br_tensor *src, br_dtype dtype, br_format format);
/* src itself (retained) if it is contiguous, else a contiguous copy. */
br_tensor *br_contiguous(br_tensor *src);
br_tensor *br_reshaped(br_tensor *src, int ndim, const int64_t *shape);

/* ---- expansions (fold.c) ---- */

/* Whether the tensor repeats one element along a dimension. */
bool br_repeats(const br_tensor *x, int dim);
/* br_folded: x with size 1 along the dimensions in `mask` that repeat one element.
   br_unfolded: expands t, computed from a folded x, to x's shape. */
br_tensor *br_folded(br_tensor *x, unsigned mask);
br_tensor *br_unfolded(br_tensor *t, const br_tensor *x);
/* How often one element is repeated along the dimensions in `mask`. */
int64_t br_repeat_count(const br_tensor *x, unsigned mask);

/* ---- lanes (lanes.c) ---- */

/* The lanes of a tensor: its values along the last dimensions of some order. An
   operator takes a few lanes, or some of their values, at a time. Lanes that lie side
   by side are best taken `together`, others one by one. */
enum { BR_LANES_TOGETHER = 64 };
typedef struct br_lanes_at {
  int64_t lanes, length, together, size;
  /* the rest is for lanes.c */
  bool dense; /* all values are contiguous */
  int64_t side, step, shape[BR_MAX_DIM], stride[BR_MAX_DIM];
  int outer;
  char *data;
  const br_kernels *k;
  br_iter it;
  br_tensor frame, view;
} br_lanes_at;

/* Describes t's lanes: `order` lists its dimensions, and those from `kept` on are the
   lanes'. `l` must not be moved, and t must stay alive. */
void br_lanes_find(br_lanes_at *l, br_tensor *t, int ndim, const int *order, int kept);
/* Values from .. from+n-1 of each of `count` lanes, one lane after the other. They are
   in the tensor itself or are copied to `room`. If count is above 1, take all values of
   each lane, or at most `together` lanes. */
const void *br_lanes_get(const br_lanes_at *l, int64_t lane, int64_t count, int64_t from,
                         int64_t n, void *room);
/* For writing: the operator writes values at br_lanes_room, which may be the tensor
   itself. br_lanes_put then copies them into the tensor if needed. */
void *br_lanes_room(const br_lanes_at *l, int64_t lane, int64_t from, void *room);
void br_lanes_put(const br_lanes_at *l, int64_t lane, int64_t count, int64_t from,
                  int64_t n, const void *values);

/* ---- profiles (profile.c) ---- */

enum { BR_FORWARD, BR_BACKWARD };

typedef struct br_profile_row {
  const char *name;
  int place;
  int64_t calls[2]; /* by direction */
  double seconds[2];
} br_profile_row;

/* From begin to end the calls of operators in this thread are counted and timed. */
br_status br_profile_begin(void);
int br_profile_rows(const br_profile_row **found); /* the number; valid until the end */
void br_profile_end(void);

typedef struct br_timer {
  bool on;
  double from, outside;
} br_timer;

/* The place of calls that begin now in this thread. The second function sets another
   place, and returns the old one. */
int br_profile_place(void);
int br_profile_move(int place);

/* Called before and after work. The time between counts for the operator or rule of
   that name. Without a profile they do nothing. */
br_timer br_timer_start(void);
void br_timer_stop(const br_timer *timer, const char *name, int direction, int place);

/* ---- threads (call.c) ---- */

/* The number of this thread within a parallel region, from 0. */
int br_thread_index(void);

/* ---- reductions (reduce.c) ---- */

/* The order of x's dimensions for lanes over those in `mask`. The kept dimensions come
   first, in their memory order, which is also that of a result of br_reduced_out. The
   others follow in their own order. Returns how many are kept. */
int br_kept_first(const br_tensor *x, unsigned mask, int *order);
/* Output i: the first input's shape. The dimensions in `mask` become 1, or are removed
   without keepdim. */
br_status br_reduced_out(br_call *c, int i, br_dtype dtype, unsigned mask, bool keepdim);

/* Backward of a single value chosen from all of x: equal elements share dy. x and the
   result must be kept. */
br_status br_share_backward(br_call *c);

/* The sum of t over the dimensions that were broadcast: it has the given shape. If t has
   that shape already, it is t itself (retained). */
br_tensor *br_sum_to(br_tensor *t, int ndim, const int64_t *shape);

#endif
