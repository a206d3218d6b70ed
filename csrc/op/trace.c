/* See trace.h. */
#include "op/trace.h"

#include <string.h>

static _Thread_local br_trace now;
static _Thread_local bool on, paused;

br_status br_trace_begin(void) {
  if (on) return br_fail(BR_EINVAL, "trace: one is running already");
  now = (br_trace){0};
  on = true;
  paused = false;
  return BR_OK;
}

bool br_tracing(void) { return on && !paused; }

bool br_trace_pause(bool pause) {
  bool was = paused;
  paused = pause;
  return was;
}

br_trace br_trace_end(void) {
  br_trace trace = now;
  now = (br_trace){0};
  on = false;
  return trace;
}

static void entry_clear(br_trace_entry *e) {
  for (int i = 0; i < e->nin; i++) br_release(e->in[i]);
  for (int i = 0; i < e->nout; i++) br_release(e->out[i]);
  br_free(e->in);
  br_free(e->version);
  br_free(e->text);
}

void br_trace_free(br_trace *trace) {
  for (int i = 0; i < trace->count; i++) entry_clear(&trace->entry[i]);
  br_free(trace->entry);
  *trace = (br_trace){0};
}

/* A new entry with room for `nin` inputs, not counted yet; NULL if memory runs out. */
static br_trace_entry *next_entry(int nin) {
  if (now.count == now.room) {
    int room = now.room ? 2 * now.room : 64;
    br_trace_entry *entry = br_alloc((size_t)room * sizeof *entry);
    if (!entry) return NULL;
    if (now.count) memcpy(entry, now.entry, (size_t)now.count * sizeof *entry);
    br_free(now.entry);
    now.entry = entry;
    now.room = room;
  }
  br_trace_entry *e = &now.entry[now.count];
  memset(e, 0, sizeof *e);
  e->nin = nin;
  e->in = br_alloc_zero((size_t)nin * sizeof *e->in + 1);
  e->version = br_alloc_zero((size_t)nin * sizeof *e->version + 1);
  if (e->in && e->version) return e;
  entry_clear(e);
  return NULL;
}

/* Copies the arguments' strings, which may be Lua's. */
static bool copy_texts(br_trace_entry *e) {
  size_t bytes = 0;
  for (int i = 0; i < BR_MAX_ARG; i++)
    if (e->arg[i].s) bytes += strlen(e->arg[i].s) + 1;
  char *to = e->text = br_alloc(bytes + 1);
  if (!to) return false;
  for (int i = 0; i < BR_MAX_ARG; i++) {
    if (!e->arg[i].s) continue;
    size_t size = strlen(e->arg[i].s) + 1;
    memcpy(to, e->arg[i].s, size);
    e->arg[i].s = to;
    to += size;
  }
  return true;
}

static void take(br_trace_entry *e, int i, br_tensor *t) {
  e->in[i] = br_retain(t);
  e->version[i] = t && t->storage ? t->storage->version : 0;
}

br_status br_trace_call(const br_call *c) {
  if (!br_tracing()) return BR_OK;
  br_trace_entry *e = next_entry(c->nin);
  if (!e) return BR_ENOMEM;
  e->op = c->op;
  e->place = c->place;
  e->in_place = c->in_place;
  memcpy(e->arg, c->arg, sizeof e->arg);
  if (!copy_texts(e)) {
    entry_clear(e);
    return BR_ENOMEM;
  }
  for (int i = 0; i < c->nin; i++) take(e, i, c->in[i]);
  if (c->in_place) e->version[0]--; /* the call has counted its own change */
  e->nout = c->nout;
  for (int i = 0; i < c->nout; i++) {
    e->out[i] = br_retain(c->out[i]);
    e->made[i] = c->out[i]->storage->version;
  }
  now.count++;
  return BR_OK;
}

br_status br_trace_read(br_tensor *t) {
  if (!br_tracing()) return BR_OK;
  br_trace_entry *e = next_entry(1);
  if (!e) return BR_ENOMEM;
  e->place = br_profile_place();
  take(e, 0, t);
  now.count++;
  return BR_OK;
}
