/* Signatures: words of the form "name:kind=fallback". A '?' after the kind, or a
   fallback, makes an argument optional. Optional arguments are given in order, or by
   name in a table at the end. A range may follow a number: p:f=0.5[0,1],
   eps:f=1e-5(0,inf). "inf]" allows infinity.

   kinds   t tensor     n tensor or number       l list of tensors
           f number     v number or boolean, a tensor's value
           i integer    b boolean        s string     y element
   type d dimension  k index                  (both counted from 1, negative from the end)
           D dimensions I integers (in a row, or as a table)
           p a number or a pair {h, w}           P the same, or "same" */
#include "op/op.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a range such as "[0,inf)" that ends at `end`. */
static void read_range(br_range *r, const char *text, const char *end) {
  char *after;
  r->stated = true;
  r->low_open = *text == '(';
  r->low = strtod(text + 1, &after);
  r->high = strtod(after + 1, &after);
  r->high_open = *after == ')';
  assert(after + 1 == end);
  (void)end;
}

bool br_in_range(const br_range *r, double f) {
  if (!r->stated) return true;
  return (r->low_open ? f > r->low : f >= r->low) &&
         (r->high_open ? f < r->high : f <= r->high);
}

const char *br_range_text(const br_range *r, char *text, size_t size) {
  char low[48] = "", high[48] = "";
  if (r->low != -HUGE_VAL)
    snprintf(low, sizeof low, " %s %g", r->low_open ? "above" : "from", r->low);
  if (r->high != HUGE_VAL)
    snprintf(high, sizeof high, " %s %g",
             r->high_open          ? "and below"
             : r->low_open         ? "and up to"
             : r->low != -HUGE_VAL ? "to"
                                   : "up to",
             r->high);
  snprintf(text, size, "a %snumber%s%s",
           r->high_open && r->high == HUGE_VAL ? "finite " : "", low, high);
  return text;
}

static void read_fallback(br_param *p, const char *text, size_t length) {
  char word[24];
  if (length >= sizeof word) length = sizeof word - 1;
  memcpy(word, text, length);
  word[length] = '\0';
  br_arg *a = &p->fallback;
  a->f = strtod(word, NULL);
  a->i = strcmp(word, "true") == 0 ? 1 : (int64_t)a->f;
  a->s = p->kind == 's' ? text : NULL; /* it ends at a blank: see br_op_signature */
  a->v[0] = a->v[1] = a->i;
  a->n = p->kind == 'p' || p->kind == 'P' ? 2 : 0;
}

/* The few words that fallbacks use. These copies end in NUL. */
static const char *known_word(const char *text, size_t length) {
  static const char *const words[] = {"mean",  "sum",      "none", "bilinear",
                                      "zeros", "constant", "same", "relu"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
      return words[i];
  return NULL;
}

const char *br_known_word(const char *word) { return known_word(word, strlen(word)); }

bool br_is_tensor_kind(char kind) { return kind == 't' || kind == 'n' || kind == 'l'; }

void br_op_signature(const br_op *op, br_signature *out) {
  memset(out, 0, sizeof *out);
  int tensors = 0, others = 0;
  for (const char *at = op->args; *at;) {
    size_t length = strcspn(at, " ");
    const char *colon = memchr(at, ':', length), *end = at + length;
    const char *range = at + strcspn(at, " [(");
    br_param *p = &out->param[out->n++];
    assert((size_t)(colon - at) < sizeof p->name);
    memcpy(p->name, at, (size_t)(colon - at));
    p->kind = colon[1];
    if (range < end) read_range(&p->range, range, end);
    p->optional = colon + 2 < range;
    p->slot = br_is_tensor_kind(p->kind) ? tensors++ : others++;
    if (p->optional && colon[2] == '=') {
      size_t rest = (size_t)(range - colon - 3);
      p->has_fallback = true;
      read_fallback(p, colon + 3, rest);
      if (p->kind == 's') p->fallback.s = known_word(colon + 3, rest);
    }
    at = end + strspn(end, " ");
  }
}
