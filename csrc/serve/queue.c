/* The queue between the thread of the connections and the thread that computes. */
#define _GNU_SOURCE
#include "serve/server.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

double br_http_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void br_http_wake(br_http *h) {
  const uint64_t one = 1;
  while (write(h->wake, &one, sizeof one) < 0 && errno == EINTR) continue;
}

static void append(br_list *list, br_request *r) {
  r->next = NULL;
  if (list->last)
    list->last->next = r;
  else
    list->first = r;
  list->last = r;
  list->n++;
}

static br_request *take_first(br_list *list) {
  br_request *r = list->first;
  list->first = r->next;
  if (!list->first) list->last = NULL;
  list->n--;
  return r;
}

/* Takes the request with the number out of a list; NULL if it is not there. */
static br_request *take_out(br_list *list, int64_t id) {
  br_request *before = NULL, *r = list->first;
  for (; r && r->id != id; r = r->next) before = r;
  if (!r) return NULL;
  if (before)
    before->next = r->next;
  else
    list->first = r->next;
  if (list->last == r) list->last = before;
  list->n--;
  return r;
}

void br_queue_arrives(br_request *r, bool arrives) {
  br_http *h = r->http;
  if (r->arriving == arrives) return;
  pthread_mutex_lock(&h->lock);
  r->arriving = arrives;
  h->arriving += arrives ? 1 : -1;
  if (!arrives) pthread_cond_signal(&h->came);
  pthread_mutex_unlock(&h->lock);
}

bool br_queue_put(br_request *r) {
  br_http *h = r->http;
  pthread_mutex_lock(&h->lock);
  const bool room = h->waiting.n < h->o.queue;
  if (r->arriving) h->arriving--;
  r->arriving = false;
  if (room) {
    r->id = ++h->next_id;
    append(&h->waiting, r);
  }
  pthread_cond_signal(&h->came);
  pthread_mutex_unlock(&h->lock);
  return room;
}

/* Waits until that time for a request, or news of one; the lock is held. */
static bool wait_until(br_http *h, double time) {
  struct timespec t = {.tv_sec = (time_t)time};
  t.tv_nsec = (long)((time - (double)t.tv_sec) * 1e9);
  return pthread_cond_timedwait(&h->came, &h->lock, &t) == 0;
}

int br_http_take(br_http *h, int most, double wait, double gather, br_http_request *to) {
  int n = 0;
  size_t bytes = 0;
  pthread_mutex_lock(&h->lock);
  for (double end = br_http_now() + wait; !h->waiting.n;)
    if (!wait_until(h, end) && br_http_now() >= end) break;
  for (double end = br_http_now() + gather;
       h->waiting.n && h->waiting.n < most && h->arriving > 0;)
    if (!wait_until(h, end) && br_http_now() >= end) break;
  while (h->waiting.n && n < most && bytes <= (size_t)h->o.body) {
    br_request *r = take_first(&h->waiting);
    append(&h->taken, r);
    to[n++] = (br_http_request){
        .id = r->id, .type = r->type, .body = r->body, .bytes = r->bytes};
    bytes += r->bytes;
  }
  if (n) br_count_batch(h, n);
  pthread_mutex_unlock(&h->lock);
  return n;
}

/* Stores a copy of an answer; the lock is held. Without memory the answer is empty. */
static void answer(br_request *r, const br_http_answer *a) {
  char *type = br_alloc(strlen(a->type) + 1), *body = br_alloc(a->bytes + 1);
  if (type && body) {
    strcpy(type, a->type);
    memcpy(body, a->body, a->bytes);
    r->answer = (br_http_answer){a->status, type, body, a->bytes};
  } else {
    br_free(type);
    br_free(body);
    r->answer = (br_http_answer){.status = 503};
  }
  br_count_time(r->http, br_http_now() - r->received);
  append(&r->http->answered, r);
}

bool br_http_give(br_http *h, int64_t id, const br_http_answer *a) {
  pthread_mutex_lock(&h->lock);
  br_request *r = take_out(&h->taken, id);
  if (r) answer(r, a);
  pthread_mutex_unlock(&h->lock);
  if (r) br_http_wake(h);
  return r != NULL;
}

static void answer_all(br_list *list, const br_http_answer *a) {
  while (list->n) answer(take_first(list), a);
}

void br_http_give_up(br_http *h, const br_http_answer *a) {
  pthread_mutex_lock(&h->lock);
  answer_all(&h->taken, a);
  pthread_mutex_unlock(&h->lock);
  br_http_wake(h);
}

br_request *br_queue_answered(br_http *h) {
  pthread_mutex_lock(&h->lock);
  br_request *first = h->answered.first;
  h->answered = (br_list){0};
  pthread_mutex_unlock(&h->lock);
  return first;
}

void br_queue_end(br_http *h) {
  static const char text[] = "{\"error\":\"the server ends\"}\n";
  const br_http_answer a = {503, "application/json", text, sizeof text - 1};
  pthread_mutex_lock(&h->lock);
  answer_all(&h->taken, &a);
  answer_all(&h->waiting, &a);
  pthread_mutex_unlock(&h->lock);
}
