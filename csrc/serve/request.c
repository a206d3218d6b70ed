/* A request is refused, gets a page, or goes into the queue. */
#define _GNU_SOURCE
#include "serve/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"

enum {
  FIRST_ROOM = 1 << 16,   /* bytes of a body's buffer at first */
  MOST_DROPPED = 1 << 26, /* bytes of a refused body that are read before its answer */
  BODIES = 16             /* all bodies together may take so many times a body's limit */
};

/* ---- connections ---- */

static void enter(br_connection *c, br_phase phase) {
  c->phase = phase;
  c->since = br_http_now();
  if (phase == BR_IDLE) c->named = false;
}

static br_connection *connection_of(br_http *h, struct MHD_Connection *own) {
  const union MHD_ConnectionInfo *info = h->mhd->get_connection_info(
      own, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

void br_on_connection(void *of, struct MHD_Connection *own, void **context,
                      enum MHD_ConnectionNotificationCode what) {
  br_http *h = of;
  br_connection *c = *context;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info = h->mhd->get_connection_info(
        own, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = info ? br_alloc_zero(sizeof *c) : NULL;
    *context = c;
    if (!c) { /* nobody would watch it */
      if (info) shutdown(info->connect_fd, SHUT_RDWR);
      return;
    }
    c->fd = info->connect_fd;
    enter(c, BR_IDLE);
    c->next = h->connections;
    if (c->next) c->next->prev = c;
    h->connections = c;
    atomic_fetch_add(&h->open, 1);
  } else if (c) {
    if (c->prev)
      c->prev->next = c->next;
    else
      h->connections = c->next;
    if (c->next) c->next->prev = c->prev;
    atomic_fetch_sub(&h->open, 1);
    br_free(c);
    *context = NULL;
  }
}

void *br_on_line(void *of, const char *uri, struct MHD_Connection *own) {
  br_connection *c = connection_of(of, own);
  (void)uri;
  if (!c) return NULL;
  /* A connection that rested since its last answer has all its time again. */
  if (c->phase == BR_IDLE && !c->named && c->served) c->since = br_http_now();
  c->named = true;
  return NULL;
}

/* Writes an answer past libmicrohttpd, which answers only whole requests, and ends the
   connection. Nothing else of an answer may have been written. */
static void end_with(br_http *h, br_connection *c, int status, const char *words,
                     const char *reason) {
  char text[512];
  const int n = snprintf(text, sizeof text,
                         "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
                         "Connection: close\r\nContent-Length: %zu\r\n\r\n"
                         "{\"error\":\"%s\"}\n",
                         status, words, strlen(reason) + 13, reason);
  br_count_status(h, status);
  if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) errno = 0;
  shutdown(c->fd, SHUT_RDWR);
}

/* Ends a connection that has been in its phase for too long. A client that has sent
   nothing since its last answer is not told why: it could take that for the next one. */
static void end_late(br_http *h, br_connection *c) {
  const bool begun = c->phase == BR_RECEIVING || c->named || !c->served;
  if (c->phase == BR_SENDING || !begun)
    shutdown(c->fd, SHUT_RDWR);
  else
    end_with(h, c, 408, "Request Timeout", "the request did not arrive in time");
  enter(c, BR_SENDING);
}

void br_http_tidy(br_http *h) {
  const double now = br_http_now();
  const bool draining = atomic_load(&h->draining);
  br_connection *oldest = NULL;
  bool busy = false;
  for (br_connection *c = h->connections; c; c = c->next) {
    const bool idle = c->phase == BR_IDLE && !c->named;
    busy = busy || !idle;
    if (idle && draining) shutdown(c->fd, SHUT_RDWR);
    if (c->phase != BR_WAITING && now - c->since > h->o.seconds)
      end_late(h, c);
    else if (idle && c->served && (!oldest || c->since < oldest->since))
      oldest = c;
  }
  if (oldest && atomic_load(&h->open) >= h->o.connections)
    shutdown(oldest->fd, SHUT_RDWR);
  pthread_mutex_lock(&h->lock);
  busy = busy || h->waiting.n || h->taken.n || h->answered.n;
  pthread_mutex_unlock(&h->lock);
  atomic_store(&h->drained, draining && !busy);
}

/* ---- refusals ---- */

static void refuse(br_request *r, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(br_request *r, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(r->reason, sizeof r->reason, format, arguments);
  va_end(arguments);
  r->status = status;
  r->header = r->value = NULL;
  atomic_fetch_sub(&r->http->held, (int_fast64_t)r->room);
  br_free(r->body);
  r->body = NULL;
  r->bytes = r->room = 0;
  br_queue_arrives(r, false);
}

static void refuse_busy(br_request *r, const char *what) {
  refuse(r, 429, "%s: try again later", what);
  r->header = "Retry-After";
  r->value = "1";
}

/* Compares in a time that depends on the length of `given` alone. */
static bool same_token(const br_http *h, const char *given) {
  const size_t n = strlen(given);
  unsigned differ = n != h->token_bytes;
  for (size_t i = 0; i < n; i++)
    differ |= (unsigned)(given[i] ^ h->token[i % h->token_bytes]) & 0xff;
  return differ == 0;
}

static const char *header_of(const br_request *r, const char *name) {
  const char *value = r->http->mhd->lookup_connection_value(r->own, MHD_HEADER_KIND,
                                                            name);
  return value ? value : "";
}

static bool may(const br_request *r) {
  const char *given = header_of(r, "Authorization");
  if (!r->http->token_bytes) return true;
  return strncasecmp(given, "Bearer ", 7) == 0 && same_token(r->http, given + 7);
}

static bool is_get(const char *method) {
  return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Decides what a request is for, by its first line. */
static void route(br_request *r, const char *url, const char *method) {
  br_http *h = r->http;
  bool open = strcmp(url, "/health") == 0, known = open;
  r->work = strcmp(url, h->work) == 0;
  r->metrics = strcmp(url, "/metrics") == 0;
  known = known || r->work || r->metrics;
  for (const br_page *p = h->pages; p && !known; p = p->next)
    if (strcmp(url, p->path) == 0) {
      r->page = p;
      known = true;
      open = p->open;
    }
  const bool fits = r->work ? strcmp(method, "POST") == 0 : is_get(method);
  if (!known) {
    refuse(r, 404, "there is no such page");
  } else if (!open && !may(r)) {
    refuse(r, 401, "wants the header Authorization: Bearer and the server's token");
    r->header = "WWW-Authenticate";
    r->value = "Bearer";
  } else if (!fits) {
    refuse(r, 405, "wants %s", r->work ? "POST" : "GET");
    r->header = "Allow";
    r->value = r->work ? "POST" : "GET, HEAD";
  } else if (r->work && atomic_load(&h->draining)) {
    refuse(r, 503, "the server ends");
  }
}

/* ---- bodies ---- */

/* Makes room for n bytes and an end. False: all bodies together take too much. */
static bool grow(br_request *r, size_t n) {
  br_http *h = r->http;
  size_t room = r->room ? r->room : FIRST_ROOM;
  while (room < n + 1) room *= 2;
  if (room == r->room) return true;
  if (atomic_load(&h->held) + (int64_t)room > BODIES * h->o.body + FIRST_ROOM)
    return false;
  char *body = br_alloc(room);
  if (!body) return false;
  if (r->body) memcpy(body, r->body, r->bytes);
  br_free(r->body);
  atomic_fetch_add(&h->held, (int_fast64_t)room - (int_fast64_t)r->room);
  r->body = body;
  r->room = room;
  return true;
}

static void refuse_size(br_request *r) {
  refuse(r, 413, "the body is larger than %lld bytes", (long long)r->http->o.body);
}

static void receive(br_request *r, const char *data, size_t n) {
  if (!r->status && !r->work) refuse(r, 400, "wants no body");
  if (!r->status && r->bytes + n > (size_t)r->http->o.body) refuse_size(r);
  if (!r->status && !grow(r, r->bytes + n)) refuse_busy(r, "too many bytes wait");
  if (r->status) {
    r->dropped += n;
    return;
  }
  memcpy(r->body + r->bytes, data, n);
  r->bytes += n;
}

static void begin_work(br_request *r) {
  br_http *h = r->http;
  const char *length = header_of(r, "Content-Length");
  snprintf(r->type, sizeof r->type, "%s", header_of(r, "Content-Type"));
  if (strtoull(length, NULL, 10) > (unsigned long long)h->o.body) {
    refuse_size(r);
    return;
  }
  pthread_mutex_lock(&h->lock);
  const bool full = h->waiting.n >= h->o.queue;
  pthread_mutex_unlock(&h->lock);
  if (full)
    refuse_busy(r, "too many requests wait");
  else
    br_queue_arrives(r, true);
}

static br_request *begin(br_http *h, struct MHD_Connection *own, const char *url,
                         const char *method) {
  br_connection *at = connection_of(h, own);
  br_request *r = at ? br_alloc_zero(sizeof *r) : NULL;
  if (!r) return NULL;
  r->http = h;
  r->own = own;
  r->at = at;
  enter(at, BR_RECEIVING);
  route(r, url, method);
  if (r->work && !r->status) begin_work(r);
  return r;
}

void br_on_completed(void *of, struct MHD_Connection *own, void **context,
                     enum MHD_RequestTerminationCode why) {
  br_request *r = *context;
  (void)of, (void)own, (void)why;
  if (!r) return;
  br_queue_arrives(r, false);
  enter(r->at, BR_IDLE);
  r->at->served = true;
  atomic_fetch_sub(&r->http->held, (int_fast64_t)r->room);
  br_free(r->body);
  br_free((void *)(uintptr_t)r->answer.type);
  br_free((void *)(uintptr_t)r->answer.body);
  br_free(r);
  *context = NULL;
}

/* ---- answers ---- */

static enum MHD_Result send_answer(br_request *r, const br_http_answer *a) {
  static const char *const always[][2] = {
      {"X-Content-Type-Options", "nosniff"},
      {"Cache-Control", "no-store"},
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
       "img-src blob: data:; media-src blob:; connect-src 'self'; frame-ancestors 'none'"},
  };
  const br_mhd *mhd = r->http->mhd;
  struct MHD_Response *response = mhd->create_response_from_buffer(
      a->bytes, (void *)(uintptr_t)a->body, MHD_RESPMEM_MUST_COPY);
  if (!response) return MHD_NO;
  if (a->type) mhd->add_response_header(response, "Content-Type", a->type);
  if (r->status && r->header) mhd->add_response_header(response, r->header, r->value);
  if (atomic_load(&r->http->draining))
    mhd->add_response_header(response, "Connection", "close");
  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    mhd->add_response_header(response, always[i][0], always[i][1]);
  const enum MHD_Result done = mhd->queue_response(r->own, (unsigned)a->status, response);
  mhd->destroy_response(response);
  br_count_status(r->http, a->status);
  enter(r->at, BR_SENDING);
  return done;
}

static enum MHD_Result send_text(br_request *r, int status, const char *type,
                                 const char *text) {
  return send_answer(r, &(br_http_answer){status, type, text, strlen(text)});
}

static enum MHD_Result send_refusal(br_request *r) {
  char text[sizeof r->reason + 32];
  snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", r->reason);
  return send_text(r, r->status, "application/json", text);
}

static enum MHD_Result respond(br_request *r) {
  if (r->answer.status) return send_answer(r, &r->answer);
  if (r->status) return send_refusal(r);
  if (r->page)
    return send_answer(
        r, &(br_http_answer){200, r->page->type, r->page->body, r->page->bytes});
  if (!r->metrics)
    return send_text(r, 200, "application/json",
                     atomic_load(&r->http->draining) ? "{\"status\":\"draining\"}\n"
                                                     : "{\"status\":\"ok\"}\n");
  char *text = br_metrics_text(r->http);
  const enum MHD_Result done =
      text ? send_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", text) : MHD_NO;
  br_free(text);
  return done;
}

/* Puts a complete request into the queue; its connection rests until the answer. */
static enum MHD_Result put(br_request *r) {
  if (!r->bytes) {
    refuse(r, 400, "the body is empty: send a picture (PNG or JPEG), or JSON");
    return respond(r);
  }
  if (atomic_load(&r->http->stopping)) { /* nobody would answer */
    refuse(r, 503, "the server ends");
    return respond(r);
  }
  r->body[r->bytes] = 0;
  r->received = br_http_now();
  enter(r->at, BR_WAITING);
  r->http->mhd->suspend_connection(r->own);
  if (br_queue_put(r)) return MHD_YES;
  r->http->mhd->resume_connection(r->own);
  refuse_busy(r, "too many requests wait");
  return MHD_YES;
}

enum MHD_Result br_on_request(void *of, struct MHD_Connection *own, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *bytes, void **context) {
  br_request *r = *context;
  (void)version;
  if (!r) {
    r = begin(of, own, url, method);
    *context = r;
    if (!r) return MHD_NO;
    const bool asks = strcasecmp(header_of(r, "Expect"), "100-continue") == 0;
    return r->status && asks ? respond(r) : MHD_YES;
  }
  if (*bytes) {
    receive(r, data, *bytes);
    *bytes = 0;
    if (r->dropped < MOST_DROPPED) return MHD_YES;
    end_with(of, r->at, r->status, "Refused", r->reason);
    return MHD_NO;
  }
  return r->work && !r->status && !r->answer.status ? put(r) : respond(r);
}
