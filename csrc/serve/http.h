/* A server of HTTP whose answers another thread gives.

   One thread of its own has all connections (libmicrohttpd with epoll). It receives
   requests, refuses those that are too large, too slow or too many, gives pages, and puts
   whole requests with work in them into a queue. The thread that computes takes them
   from there in batches and answers each. Only POST to `work` is such a request.

   A token, if there is one, must come with all but pages that are open and /health. */
#ifndef BR_SERVE_HTTP_H
#define BR_SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct br_http br_http;

typedef struct br_http_options {
  const char *host; /* an address or a name of this machine */
  int port;         /* 0: any free one */
  const char *work; /* the path of requests with work in them */
  const char *token;
  int64_t body;    /* bytes of a request's body */
  int connections; /* at most at once */
  int queue;       /* requests that wait to be taken */
  double seconds;  /* that a request may take to arrive, or its answer to leave */
} br_http_options;

/* A request as it is taken. The strings live until it is answered. */
typedef struct br_http_request {
  int64_t id;
  const char *type; /* Content-Type, or "" */
  const char *body;
  size_t bytes;
} br_http_request;

typedef struct br_http_answer {
  int status;
  const char *type;
  const char *body;
  size_t bytes;
} br_http_answer;

/* Listens. NULL with a message if it cannot. Connections wait until br_http_begin. */
br_http *br_http_new(const br_http_options *o);
int br_http_port(const br_http *h);
/* Adds a page for GET, before br_http_begin. The body is copied. */
br_status br_http_page(br_http *h, const char *path, bool open, const br_http_answer *a);
br_status br_http_begin(br_http *h);

/* Takes up to `most` requests, and returns how many. It waits up to `wait` seconds for
   the first one, and then up to `gather` seconds for others if such are just arriving. */
int br_http_take(br_http *h, int most, double wait, double gather, br_http_request *to);
/* Answers a request that was taken; false if there is no such. The body is copied. */
bool br_http_give(br_http *h, int64_t id, const br_http_answer *a);
/* Answers with this all that were taken and not answered. */
void br_http_give_up(br_http *h, const br_http_answer *a);

/* Ends listening and idle connections. Requests that have begun are still received. */
void br_http_drain(br_http *h);
/* Whether every request was answered, after br_http_drain. */
bool br_http_drained(br_http *h);
/* Ends all at once; NULL is allowed. */
void br_http_free(br_http *h);

#endif
