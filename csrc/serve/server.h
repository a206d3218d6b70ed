/* The parts of a server, for the files of this directory.

   The thread of the connections alone touches connections, pages' answers and everything
   of libmicrohttpd. `lock` guards the lists of requests and the counts. A request that
   waits or was taken belongs to a suspended connection, which cannot end meanwhile. */
#ifndef BR_SERVE_SERVER_H
#define BR_SERVE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "serve/http.h"
#include "serve/mhd.h"

enum {
  BR_TOKEN = 4096,   /* bytes of a token, with its end */
  BR_TYPE = 256,     /* bytes of a Content-Type, with its end */
  BR_STATUSES = 600, /* above every status */
  BR_TIMES = 14,     /* intervals of times, and of sizes of batches */
  BR_SIZES = 8
};

typedef enum br_phase {
  BR_IDLE,      /* no request, or its first lines are incomplete */
  BR_RECEIVING, /* its header is there */
  BR_WAITING,   /* it is complete: in the queue, or taken */
  BR_SENDING
} br_phase;

typedef struct br_connection {
  int fd;
  br_phase phase;
  double since; /* of the phase */
  bool named;   /* the first line of a request has come */
  bool served;  /* it had a request before */
  struct br_connection *prev, *next;
} br_connection;

typedef struct br_page {
  char *path, *type, *body;
  size_t bytes;
  bool open;
  struct br_page *next;
} br_page;

typedef struct br_request {
  br_http *http;
  struct MHD_Connection *own;
  br_connection *at;
  const br_page *page; /* what GET gives; NULL: work, health, metrics or a refusal */
  bool work, metrics;
  bool arriving;      /* is counted among those that arrive */
  int status;         /* why it is refused; 0: it is not */
  char reason[256];   /* the refusal in words */
  const char *header; /* a header of the refusal, and its value */
  const char *value;
  char type[BR_TYPE];
  char *body;
  size_t bytes, room, dropped;
  int64_t id;
  double received; /* when it was complete */
  br_http_answer answer;
  struct br_request *next;
} br_request;

/* The counts that /metrics tells; under the lock. */
typedef struct br_counts {
  int64_t status[BR_STATUSES], times[BR_TIMES], sizes[BR_SIZES], batches, taken;
  double seconds;
} br_counts;

typedef struct br_list {
  br_request *first, *last;
  int n;
} br_list;

struct br_http {
  br_http_options o;
  char token[BR_TOKEN], work[BR_TYPE];
  size_t token_bytes;
  const br_mhd *mhd;
  struct MHD_Daemon *daemon;
  int listening, port, wake; /* wake: an eventfd that the thread waits for */
  br_page *pages;
  pthread_t thread;
  bool running;
  atomic_bool stopping, draining, drained;
  atomic_int open;            /* connections */
  atomic_int_fast64_t held;   /* bytes of bodies */
  br_connection *connections; /* a list */
  pthread_mutex_t lock;
  pthread_cond_t came; /* a request is complete, or one fewer arrives */
  br_list waiting, taken, answered;
  int arriving;
  int64_t next_id;
  br_counts counts;
};

/* Seconds on a clock that never goes back. */
double br_http_now(void);

/* ---- request.c: libmicrohttpd's callbacks; `of` is the server ---- */

enum MHD_Result br_on_request(void *of, struct MHD_Connection *own, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *bytes, void **context);
void br_on_completed(void *of, struct MHD_Connection *own, void **context,
                     enum MHD_RequestTerminationCode why);
void br_on_connection(void *of, struct MHD_Connection *own, void **context,
                      enum MHD_ConnectionNotificationCode what);
void *br_on_line(void *of, const char *uri, struct MHD_Connection *own);
/* Ends connections that took too long, and idle ones where there are too many. */
void br_http_tidy(br_http *h);

/* ---- queue.c ---- */

void br_http_wake(br_http *h);
/* Puts a complete request into the queue; false if that is full. */
bool br_queue_put(br_request *r);
void br_queue_arrives(br_request *r, bool arrives);
/* All requests that were answered since the last call, as a list. */
br_request *br_queue_answered(br_http *h);
/* Answers all requests that still wait, too. */
void br_queue_end(br_http *h);

/* ---- metrics.c ---- */

void br_count_status(br_http *h, int status);
void br_count_time(br_http *h, double seconds); /* these two under the lock */
void br_count_batch(br_http *h, int requests);
/* The text of /metrics, from br_alloc; NULL without memory. */
char *br_metrics_text(br_http *h);

#endif
