/* Counts of a server, in Prometheus's text format (version 0.0.4). */
#include "serve/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Upper ends of the intervals; the last one has none. */
static const double TIMES[BR_TIMES - 1] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
static const double SIZES[BR_SIZES - 1] = {1, 2, 4, 8, 16, 32, 64};

void br_count_status(br_http *h, int status) {
  pthread_mutex_lock(&h->lock);
  if (status > 0 && status < BR_STATUSES) h->counts.status[status]++;
  pthread_mutex_unlock(&h->lock);
}

static void count(int64_t *into, const double *ends, int n, double value) {
  int i = 0;
  while (i < n - 1 && value > ends[i]) i++;
  into[i]++;
}

void br_count_time(br_http *h, double seconds) {
  count(h->counts.times, TIMES, BR_TIMES, seconds);
  h->counts.seconds += seconds;
}

void br_count_batch(br_http *h, int requests) {
  count(h->counts.sizes, SIZES, BR_SIZES, requests);
  h->counts.batches++;
  h->counts.taken += requests;
}

enum { ROOM = 16384 }; /* more than all lines take */

typedef struct text {
  char *at;
  size_t n;
} text;

static void add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(t->at + t->n, ROOM - t->n, format, arguments);
  va_end(arguments);
  if (n > 0 && (size_t)n < ROOM - t->n) t->n += (size_t)n;
}

static void add_head(text *t, const char *name, const char *kind, const char *help) {
  add(t, "# HELP braid_%s %s\n# TYPE braid_%s %s\n", name, help, name, kind);
}

static void add_histogram(text *t, const char *name, const char *help, const int64_t *in,
                          const double *ends, int n, double sum) {
  int64_t total = 0;
  add_head(t, name, "histogram", help);
  for (int i = 0; i < n; i++) {
    total += in[i];
    if (i < n - 1)
      add(t, "braid_%s_bucket{le=\"%g\"} %" PRId64 "\n", name, ends[i], total);
    else
      add(t, "braid_%s_bucket{le=\"+Inf\"} %" PRId64 "\n", name, total);
  }
  add(t, "braid_%s_sum %g\nbraid_%s_count %" PRId64 "\n", name, sum, name, total);
}

static void add_number(text *t, const char *name, const char *help, int64_t value) {
  add_head(t, name, "gauge", help);
  add(t, "braid_%s %" PRId64 "\n", name, value);
}

/* The bytes of memory in which this process is; 0 where the system does not tell. */
static int64_t resident(void) {
  int64_t all = 0, pages = 0;
  FILE *f = fopen("/proc/self/statm", "re");
  if (!f) return 0;
  if (fscanf(f, "%" SCNd64 " %" SCNd64, &all, &pages) != 2) pages = 0;
  fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

char *br_metrics_text(br_http *h) {
  text t = {.at = br_alloc(ROOM)};
  if (!t.at) return NULL;
  t.at[0] = 0;
  pthread_mutex_lock(&h->lock);
  const br_counts c = h->counts;
  const int waiting = h->waiting.n, taken = h->taken.n;
  pthread_mutex_unlock(&h->lock);
  add_head(&t, "requests_total", "counter", "Answers by status.");
  for (int i = 0; i < BR_STATUSES; i++)
    if (c.status[i])
      add(&t, "braid_requests_total{code=\"%d\"} %" PRId64 "\n", i, c.status[i]);
  add_histogram(&t, "request_seconds",
                "Time from a complete request for a prediction to its answer.", c.times,
                TIMES, BR_TIMES, c.seconds);
  add_histogram(&t, "batch_requests", "Requests that were predicted together.", c.sizes,
                SIZES, BR_SIZES, (double)c.taken);
  add_number(&t, "queue_length", "Requests that wait.", waiting);
  add_number(&t, "in_work", "Requests that are being predicted.", taken);
  add_number(&t, "connections", "Open connections.", atomic_load(&h->open));
  add_number(&t, "body_bytes", "Bytes of bodies that are held.", atomic_load(&h->held));
  add_number(&t, "tensor_bytes", "Bytes of tensors.", br_mem_live());
  add_number(&t, "resident_bytes", "Memory of the process.", resident());
  return t.at;
}
