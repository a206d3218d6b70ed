/* A parallel region of one thread, without a team.

   The compiler turns every region into a call of libgomp's GOMP_parallel, one whose `if`
   is false as well; for a single thread that makes and frees a team, which takes longer
   than many a small operator. The linker sends those calls here (--wrap): one thread runs
   the body as it is, where all that OpenMP tells it is the same. */
#include <omp.h>

typedef void body(void *);

void __real_GOMP_parallel(body *f, void *data, unsigned threads, unsigned flags);
void __wrap_GOMP_parallel(body *f, void *data, unsigned threads, unsigned flags);

void __wrap_GOMP_parallel(body *f, void *data, unsigned threads, unsigned flags) {
  if (threads == 1 && omp_get_level() == 0)
    f(data);
  else
    __real_GOMP_parallel(f, data, threads, flags);
}
