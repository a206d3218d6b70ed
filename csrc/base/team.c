/* The team of threads that shares the work of parallel regions.

   The compiler turns OpenMP's pragmas into calls of a runtime library. These are the ones
   that the core needs, for libgomp's wake by a system call at every barrier, sleeper or
   not, and start and end a region of small operators more slowly than the work in it
   takes. What they offer is what the core uses: regions that follow one another, loops
   with a static schedule, and barriers. A region within a region, and one that begins
   while another thread of the program is in one, runs on the thread that met it.

   Whoever waits spins, since the next region mostly begins within microseconds, and
   sleeps where it does not: soon, where others want the processors. A thread that spins
   there keeps from running the very one that it waits for. */
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

#ifndef __clang__ /* which calls a runtime library of another kind */

enum {
  MOST = 256,       /* threads of a region */
  ROUNDS = 8,       /* of a barrier of so many */
  LINE = 64,        /* bytes that go from one core's cache to another's together */
  HASTE = 2000,     /* spins before sleep where others want the processors */
  PATIENCE = 50000, /* and elsewhere */
  MEMORY = 8        /* milliseconds that having had to make way counts */
};

typedef void region(void *data);

void GOMP_parallel(region *run, void *data, unsigned threads, unsigned flags);
void GOMP_barrier(void);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

/* A number that counts up, and how many sleep until it does. */
typedef struct gate {
  atomic_uint now, asleep;
} gate;

/* A thread's place in the team. What different threads write lies on lines of its own. */
typedef struct seat {
  alignas(LINE) gate start; /* the next region, which is: */
  region *run;
  void *data;
  int threads;
  alignas(LINE) gate end;             /* says how many it has ended */
  alignas(LINE) gate arrived[ROUNDS]; /* opened by others, for this thread to go on */
  alignas(LINE) unsigned passed[ROUNDS];
} seat;

/* The first is that of whichever thread begins a region. */
static seat seats[MOST];

static struct {
  int threads, processors; /* that there are; with the thread that begins a region */
  atomic_int spins;
  alignas(LINE) atomic_bool taken;
  alignas(LINE) _Atomic int64_t crowded; /* until when */
} team = {.threads = 1};

static _Thread_local struct {
  int index, threads; /* 0 threads: in no region */
  long made_way;      /* how often the thread had to */
  int64_t when;       /* and when that was found */
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

/* Whether others want the processors: one of the team's threads has had to make way
   twice, not long ago. Once it may have been for the system. */
static bool crowded(void) {
  struct rusage use;
  int64_t now = milliseconds();
  if (getrusage(RUSAGE_THREAD, &use) == 0 && use.ru_nivcsw != here.made_way) {
    here.made_way = use.ru_nivcsw;
    if (now - here.when < MEMORY) atomic_store(&team.crowded, now + MEMORY);
    here.when = now;
  }
  return now < atomic_load(&team.crowded);
}

/* Returns once the gate no longer says `old`. */
static void wait_at(gate *g, unsigned old) {
  int spins = atomic_load_explicit(&team.spins, memory_order_relaxed);
  for (int i = 1; i <= spins; i++) {
    if (atomic_load_explicit(&g->now, memory_order_acquire) != old) return;
    relax();
    if (i % HASTE == 0 && crowded()) break;
  }
  atomic_fetch_add(&g->asleep, 1);
  while (atomic_load(&g->now) == old)
    syscall(SYS_futex, &g->now, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
  atomic_fetch_sub(&g->asleep, 1);
}

static void open_gate(gate *g) {
  atomic_fetch_add(&g->now, 1);
  if (atomic_load(&g->asleep) > 0)
    syscall(SYS_futex, &g->now, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void *sit(void *at) {
  seat *own = at;
  here.index = (int)(own - seats);
  for (unsigned turn = 0;; turn++) {
    wait_at(&own->start, turn);
    here.threads = own->threads;
    own->run(own->data);
    open_gate(&own->end);
  }
  return NULL;
}

/* After a fork there is but one thread. */
static void forget(void) {
  memset(seats, 0, sizeof seats);
  atomic_store(&team.taken, false);
  team.threads = 1;
}

__attribute__((constructor)) static void watch_forks(void) {
  pthread_atfork(NULL, NULL, forget);
}

/* Signals are for the program's own threads. */
static bool add_thread(void) {
  pthread_t thread;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool made = pthread_create(&thread, NULL, sit, &seats[team.threads]) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (!made) return false;
  pthread_detach(thread);
  team.threads++;
  return true;
}

static int processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : MOST;
}

/* Sees to it that there are `threads`, or as many as there can be: returns how many. */
static int gather(int threads) {
  if (threads > MOST) threads = MOST;
  if (team.threads < threads) team.processors = processors();
  while (team.threads < threads && add_thread()) continue;
  if (threads > team.threads) threads = team.threads;
  int spins = threads > team.processors ? 0 : PATIENCE;
  if (atomic_load_explicit(&team.spins, memory_order_relaxed) != spins)
    atomic_store(&team.spins, spins);
  return threads;
}

static void run_together(region *run, void *data, int threads) {
  for (int i = 1; i < threads; i++) {
    seats[i].run = run;
    seats[i].data = data;
    seats[i].threads = threads;
    open_gate(&seats[i].start);
  }
  here.threads = threads;
  run(data);
  here.threads = 0;
  for (int i = 1; i < threads; i++)
    wait_at(&seats[i].end, atomic_load(&seats[i].start.now) - 1);
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

/* Each round a thread tells another that it and all it has heard of are there, twice as
   far away as the round before (dissemination barrier: Hensgen, Finkel and Manber 1988).
   The gates count, for a thread may tell of the next barrier before this one is left. */
void GOMP_barrier(void) {
  int threads = here.threads, own = here.index;
  for (int round = 0, far = 1; far < threads; round++, far *= 2) {
    open_gate(&seats[(own + far) % threads].arrived[round]);
    wait_at(&seats[own].arrived[round], seats[own].passed[round]++);
  }
}

int omp_get_thread_num(void) { return here.index; }

int omp_get_num_threads(void) { return here.threads > 1 ? here.threads : 1; }

#endif
