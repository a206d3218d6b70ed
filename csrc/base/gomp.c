/* Braid's own runtime behind the compiler's OpenMP pragmas, in place of libgomp.

   gcc turns a pragma into calls of libgomp's functions. This file defines the ones that
   the core needs, under the same names. libgomp is too slow for small operators: starting
   and ending a region takes longer than the work in it, because libgomp makes a system
   call at every barrier, even if no thread sleeps. `make OPENMP=system` leaves this file
   out and links the compiler's runtime; clang always uses its own.

   The file offers only what the core uses: regions that follow one another, loops with a
   static schedule, and barriers. Two kinds of region run on the calling thread alone: a
   nested one, and one that begins while another thread of the program is in a region.

   A waiting thread first spins, because the next region mostly begins within
   microseconds, and then sleeps. It sleeps sooner if other programs want the processors,
   because a spinning thread could take the processor of the one that it waits for. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/threads.h"

#if !defined(__clang__) && !defined(BR_SYSTEM_OPENMP)

enum {
  MAX_THREADS = 256,       /* of threads in a region */
  MAX_ROUNDS = 8,          /* of a barrier: log2 of MAX_THREADS */
  CACHE_LINE = 64,         /* bytes */
  SPINS = 50000,           /* before a waiting thread sleeps */
  SPINS_CROWDED = 2000,    /* the same where other programs want the processors */
  CROWDED_MILLISECONDS = 8 /* how long after a preemption they count as there */
};

typedef void region(void *data);

void GOMP_parallel(region *run, void *data, unsigned threads, unsigned flags);
void GOMP_barrier(void);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

/* A counter that threads wait for, and the number of threads that sleep until it
   changes. */
typedef struct gate {
  atomic_uint count, sleepers;
} gate;

/* A thread of the team. Fields that different threads write have cache lines of their
   own. */
typedef struct worker {
  alignas(CACHE_LINE) gate start; /* opened when run, data and threads are set */
  region *run;
  void *data;
  int threads;
  alignas(CACHE_LINE) gate end;                 /* counts the regions it has ended */
  alignas(CACHE_LINE) gate arrived[MAX_ROUNDS]; /* opened by other threads at a barrier */
  alignas(CACHE_LINE) unsigned passed[MAX_ROUNDS];
} worker;

/* workers[0] stands for the thread that begins a region. */
static worker workers[MAX_THREADS];

static struct {
  int threads, processors; /* threads includes the one that begins a region */
  atomic_int spins;
  alignas(CACHE_LINE) atomic_bool taken;
  alignas(CACHE_LINE) _Atomic int64_t crowded_until; /* milliseconds */
} team = {.threads = 1};

static _Thread_local struct {
  int index, threads; /* threads is 0 outside of regions */
  long preemptions;   /* as last counted */
  int64_t preempted;  /* when that count last grew, in milliseconds */
} here __attribute__((tls_model("initial-exec")));

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether other programs want the processors: a thread of the team was preempted twice
   within CROWDED_MILLISECONDS. A single preemption may be the system's own. */
static bool crowded(void) {
  struct rusage use;
  int64_t now = milliseconds();
  if (getrusage(RUSAGE_THREAD, &use) == 0 && use.ru_nivcsw != here.preemptions) {
    here.preemptions = use.ru_nivcsw;
    if (now - here.preempted < CROWDED_MILLISECONDS)
      atomic_store(&team.crowded_until, now + CROWDED_MILLISECONDS);
    here.preempted = now;
  }
  return now < atomic_load(&team.crowded_until);
}

/* Returns once the gate's count is no longer `old`. */
static void wait_at(gate *g, unsigned old) {
  int spins = atomic_load_explicit(&team.spins, memory_order_relaxed);
  for (int i = 1; i <= spins; i++) {
    if (atomic_load_explicit(&g->count, memory_order_acquire) != old) return;
    relax();
    if (i % SPINS_CROWDED == 0 && crowded()) break;
  }
  atomic_fetch_add(&g->sleepers, 1);
  while (atomic_load(&g->count) == old)
    syscall(SYS_futex, &g->count, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
  atomic_fetch_sub(&g->sleepers, 1);
}

static void open_gate(gate *g) {
  atomic_fetch_add(&g->count, 1);
  if (atomic_load(&g->sleepers) > 0)
    syscall(SYS_futex, &g->count, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void *work(void *at) {
  worker *own = at;
  here.index = (int)(own - workers);
  for (unsigned turn = 0;; turn++) {
    wait_at(&own->start, turn);
    here.threads = own->threads;
    own->run(own->data);
    open_gate(&own->end);
  }
  return NULL;
}

/* A forked process has only the thread that forked. */
static void forget_threads(void) {
  memset(workers, 0, sizeof workers);
  atomic_store(&team.taken, false);
  team.threads = 1;
}

__attribute__((constructor)) static void watch_forks(void) {
  pthread_atfork(NULL, NULL, forget_threads);
}

/* Starts a thread. It blocks all signals, which are for the program's own threads. */
static bool add_thread(void) {
  pthread_t thread;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool made = pthread_create(&thread, NULL, work, &workers[team.threads]) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (!made) return false;
  pthread_detach(thread);
  team.threads++;
  return true;
}

static int processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : MAX_THREADS;
}

/* Makes threads until there are `threads`, or as many as the system allows. Returns
   their number. */
static int gather(int threads) {
  if (threads > MAX_THREADS) threads = MAX_THREADS;
  if (team.threads < threads) team.processors = processors();
  while (team.threads < threads && add_thread()) continue;
  if (threads > team.threads) threads = team.threads;
  int spins = threads > team.processors ? 0 : SPINS;
  if (atomic_load_explicit(&team.spins, memory_order_relaxed) != spins)
    atomic_store(&team.spins, spins);
  return threads;
}

static void run_together(region *run, void *data, int threads) {
  for (int i = 1; i < threads; i++) {
    workers[i].run = run;
    workers[i].data = data;
    workers[i].threads = threads;
    open_gate(&workers[i].start);
  }
  here.threads = threads;
  run(data);
  here.threads = 0;
  for (int i = 1; i < threads; i++)
    wait_at(&workers[i].end, atomic_load(&workers[i].start.count) - 1);
}

static void run_alone(region *run, void *data) {
  int index = here.index, threads = here.threads;
  here.index = 0;
  here.threads = 1;
  run(data);
  here.index = index;
  here.threads = threads;
}

void GOMP_parallel(region *run, void *data, unsigned threads, unsigned flags) {
  (void)flags;
  if (threads == 1 || here.threads > 0 || atomic_exchange(&team.taken, true)) {
    run_alone(run, data);
    return;
  }
  int count = gather(threads ? (int)threads : br_threads());
  if (count > 1)
    run_together(run, data, count);
  else
    run_alone(run, data);
  atomic_store(&team.taken, false);
}

/* A dissemination barrier (Hensgen, Finkel and Manber 1988): in each round a thread opens
   the gate of another, twice as far away as in the round before. A gate has a count, not
   a flag, because a thread may reach the next barrier before another has left this one.
 */
void GOMP_barrier(void) {
  int threads = here.threads, own = here.index;
  for (int round = 0, far = 1; far < threads; round++, far *= 2) {
    open_gate(&workers[(own + far) % threads].arrived[round]);
    wait_at(&workers[own].arrived[round], workers[own].passed[round]++);
  }
}

int omp_get_thread_num(void) { return here.index; }

int omp_get_num_threads(void) { return here.threads > 1 ? here.threads : 1; }

#endif
