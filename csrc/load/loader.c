/* A queue of batches. Workers take samples from the oldest batch that has some left; one
   lock guards the queue and the counters, and no work is done under it. */
#define _GNU_SOURCE
#include "load/loader.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/threads.h"
#include "load/fill.h"

enum { MESSAGE = 512, MAX_WORKERS = 256 };

typedef struct job {
  struct job *next;
  br_batch batch;
  int64_t *pick;
  unsigned char *failed;
  int64_t given, done; /* samples handed out, samples finished */
  int64_t bad;         /* the first that failed, or -1 */
  br_status status;
  uint64_t stream;
  int only;
  char message[MESSAGE];
} job;

struct br_loader {
  const br_plan *plan;
  pthread_mutex_t lock;
  pthread_cond_t wake, ready;
  job *first, *last;
  bool closing;
  int workers;
  pthread_t worker[MAX_WORKERS];
  br_scratch scratch; /* of the thread that takes batches */
  double waited;
  int64_t skipped;
  char first_skipped[MESSAGE];
};

/* ---- making samples -------------------------------------------------------------- */

/* Makes sample i, and notes a failure. Only the note needs the lock. */
static void make(br_loader *l, job *j, int64_t i, br_scratch *scratch) {
  const br_place at = {j->pick[i], i, j->stream, j->only};
  br_status status = br_fill_sample(l->plan, &j->batch, &at, scratch);
  if (!status) return;
  pthread_mutex_lock(&l->lock);
  j->failed[i] = 1;
  if (j->bad < 0 || i < j->bad) {
    j->bad = i;
    j->status = status;
    snprintf(j->message, sizeof j->message, "%s", br_error_message());
  }
  pthread_mutex_unlock(&l->lock);
}

/* Under the lock: makes the next sample of j. */
static void step(br_loader *l, job *j, br_scratch *scratch) {
  const int64_t i = j->given++;
  pthread_mutex_unlock(&l->lock);
  make(l, j, i, scratch);
  pthread_mutex_lock(&l->lock);
  if (++j->done == j->batch.n) pthread_cond_broadcast(&l->ready);
}

/* The worker runs as a batch job, so that on a busy machine it does not push aside the
   training thread that wakes it. */
static void *work(void *argument) {
  br_loader *l = argument;
  br_scratch scratch = {0};
#ifdef SCHED_BATCH
  (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
#endif
  pthread_mutex_lock(&l->lock);
  while (!l->closing) {
    job *j = l->first;
    while (j && j->given == j->batch.n) j = j->next;
    if (j)
      step(l, j, &scratch);
    else
      pthread_cond_wait(&l->wake, &l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  br_scratch_free(&scratch);
  return NULL;
}

/* Makes all samples, on as many threads as an operator may use. Called if there are no
   workers. */
static void make_all(br_loader *l, job *j) {
#pragma omp parallel num_threads(br_threads()) if (j->batch.image->numel > 1 << 15)
  {
    br_scratch scratch = {0};
#pragma omp for schedule(static)
    for (int64_t i = 0; i < j->batch.n; i++) make(l, j, i, &scratch);
    br_scratch_free(&scratch);
  }
}

/* ---- jobs ------------------------------------------------------------------------ */

static void job_free(job *j) {
  if (!j) return;
  br_batch_clear(&j->batch);
  br_free(j->pick);
  br_free(j->failed);
  br_free(j);
}

br_status br_loader_submit(br_loader *l, const int64_t *pick, int64_t n, uint64_t stream,
                           int only) {
  job *j = br_alloc_zero(sizeof *j);
  if (!j) return BR_ENOMEM;
  j->pick = br_alloc((size_t)n * sizeof *pick + 1);
  j->failed = br_alloc_zero((size_t)n + 1);
  if (!j->pick || !j->failed || br_batch_new(l->plan, n, &j->batch) != BR_OK) {
    job_free(j);
    return BR_ENOMEM;
  }
  memcpy(j->pick, pick, (size_t)n * sizeof *pick);
  j->bad = -1;
  j->stream = stream;
  j->only = only;
  pthread_mutex_lock(&l->lock);
  if (l->last)
    l->last->next = j;
  else
    l->first = j;
  l->last = j;
  pthread_cond_broadcast(&l->wake);
  pthread_mutex_unlock(&l->lock);
  return BR_OK;
}

/* Copies row `from` of a batch to row `to`. */
static void move_row(const br_tensor *t, int64_t n, int64_t from, int64_t to) {
  const size_t bytes = (size_t)(t->numel / n * br_dtype_size(t->dtype));
  memcpy(t->data + (size_t)to * bytes, t->data + (size_t)from * bytes, bytes);
}

static br_status shorten(br_tensor **t, int64_t n) {
  br_tensor *part = br_view_narrow(*t, 0, 0, n, 1);
  if (!part) return BR_ENOMEM;
  br_release(*t);
  *t = part;
  return BR_OK;
}

/* Leaves out the rows that failed. */
static br_status leave_out(const br_plan *plan, job *j) {
  br_batch *b = &j->batch;
  const int64_t all = b->n;
  int64_t n = 0;
  for (int64_t i = 0; i < all; i++) {
    if (j->failed[i]) continue;
    if (i != n) {
      move_row(b->image, all, i, n);
      for (int f = 0; f < plan->fields; f++) move_row(b->label[f], all, i, n);
    }
    n++;
  }
  b->n = n;
  br_status status = shorten(&b->image, n);
  for (int f = 0; f < plan->fields && !status; f++) status = shorten(&b->label[f], n);
  return status;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

br_status br_loader_take(br_loader *l, br_batch *out) {
  const double begun = seconds();
  br_status status = BR_OK;
  *out = (br_batch){0};
  job *j = l->first;
  if (!j) return br_fail(BR_EINVAL, "loader: no batch was submitted");
  if (l->workers == 0) {
    make_all(l, j);
    pthread_mutex_lock(&l->lock);
  } else {
    pthread_mutex_lock(&l->lock);
    while (j->done < j->batch.n) {
      if (j->given < j->batch.n)
        step(l, j, &l->scratch); /* instead of waiting */
      else
        pthread_cond_wait(&l->ready, &l->lock);
    }
  }
  l->first = j->next;
  if (!l->first) l->last = NULL;
  pthread_mutex_unlock(&l->lock);
  if (j->bad >= 0 && !(l->plan->skip && j->status == BR_EIO)) {
    status = br_fail(j->status, "data.loader: %s%s", j->message,
                     j->status == BR_EIO ? " (skip = true leaves such samples out)" : "");
  } else if (j->bad >= 0) {
    if (l->skipped == 0) memcpy(l->first_skipped, j->message, sizeof j->message);
    const int64_t before = j->batch.n;
    status = leave_out(l->plan, j);
    l->skipped += before - j->batch.n;
  }
  if (!status) {
    *out = j->batch;
    j->batch = (br_batch){0};
  }
  job_free(j);
  l->waited += seconds() - begun;
  return status;
}

/* ---- beginning and end ----------------------------------------------------------- */

br_loader *br_loader_new(const br_plan *plan) {
  br_loader *l = br_alloc_zero(sizeof *l);
  if (!l) return NULL;
  l->plan = plan;
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->wake, NULL);
  pthread_cond_init(&l->ready, NULL);
  while (l->workers < plan->workers && l->workers < MAX_WORKERS) {
    if (pthread_create(&l->worker[l->workers], NULL, work, l) != 0) {
      br_fail(BR_ENOMEM, "data.loader: out of memory: no thread for worker %d of %d",
              l->workers + 1, plan->workers);
      br_loader_free(l);
      return NULL;
    }
    l->workers++;
  }
  return l;
}

void br_loader_free(br_loader *l) {
  if (!l) return;
  pthread_mutex_lock(&l->lock);
  l->closing = true;
  pthread_cond_broadcast(&l->wake);
  pthread_mutex_unlock(&l->lock);
  for (int i = 0; i < l->workers; i++) pthread_join(l->worker[i], NULL);
  while (l->first) {
    job *next = l->first->next;
    job_free(l->first);
    l->first = next;
  }
  br_scratch_free(&l->scratch);
  pthread_mutex_destroy(&l->lock);
  pthread_cond_destroy(&l->wake);
  pthread_cond_destroy(&l->ready);
  br_free(l);
}

double br_loader_waited(const br_loader *l) { return l->waited; }
int64_t br_loader_skipped(const br_loader *l) { return l->skipped; }
const char *br_loader_first_skipped(const br_loader *l) { return l->first_skipped; }
