/* The only caller of OpenBLAS. OpenBLAS runs without its own threads: the way in which it
   splits a product changes how sums round. Operators split products themselves, into
   blocks that depend on shapes only. */
#include "base/stop.h"
#include "tensor/tensor.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* LAPACK's own names, from the same library. Fortran passes the length of a character
   argument at the end. */
void dgetrf_(const blasint *m, const blasint *n, double *a, const blasint *lda,
             blasint *pivot, blasint *info);
void dgetrs_(const char *trans, const blasint *n, const blasint *k, const double *a,
             const blasint *lda, const blasint *pivot, double *b, const blasint *ldb,
             blasint *info, size_t trans_length);
void dpotrf_(const char *half, const blasint *n, double *a, const blasint *lda,
             blasint *info, size_t half_length);
void dsyevd_(const char *job, const char *half, const blasint *n, double *a,
             const blasint *lda, double *w, double *work, const blasint *lwork,
             blasint *iwork, const blasint *liwork, blasint *info, size_t job_length,
             size_t half_length);

/* ---- the library ----

   OpenBLAS takes 128 MB of address space for a buffer when it is loaded, and again for
   each thread that uses it at the same time. If the system refuses, it tries for ever.
   So Braid loads it at the first product. It checks that there is enough address space
   before that, and before each buffer. */

enum {
  MAX_THREADS = 128,
  LONG_WORK = 1 << 28, /* multiply-adds: about a hundredth of a second */
  LEAST_DEPTH = 4096,  /* of the products that a long one is cut into */
  MOST_DEPTH = 1 << 22
};

static const size_t BUFFER = (size_t)129 << 20, LIBRARY = (size_t)40 << 20;

static struct {
  pthread_mutex_t lock;
  atomic_int ready; /* OpenBLAS has buffers for so many threads; 0: it is not loaded */
  void *library;
  __typeof__(openblas_set_num_threads) *set_num_threads;
  __typeof__(cblas_sgemm) *sgemm;
  __typeof__(cblas_dgemm) *dgemm;
  __typeof__(cblas_dtrsm) *dtrsm;
  __typeof__(dgetrf_) *dgetrf;
  __typeof__(dgetrs_) *dgetrs;
  __typeof__(dpotrf_) *dpotrf;
  __typeof__(dsyevd_) *dsyevd;
  void *(*memory_alloc)(int); /* both are NULL where the library does not export them */
  void (*memory_free)(void *);
} blas = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_room(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) br_mem_trim(); /* segments that are wholly free */
  if (p == MAP_FAILED)
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return false;
  munmap(p, bytes);
  return true;
}

static bool find(const char *name, void *function) {
  void *symbol = dlsym(blas.library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool find_all(void) {
  find("blas_memory_alloc", &blas.memory_alloc);
  find("blas_memory_free", &blas.memory_free);
  return find("openblas_set_num_threads", &blas.set_num_threads) &&
         find("cblas_sgemm", &blas.sgemm) && find("cblas_dgemm", &blas.dgemm) &&
         find("cblas_dtrsm", &blas.dtrsm) && find("dgetrf_", &blas.dgetrf) &&
         find("dgetrs_", &blas.dgetrs) && find("dpotrf_", &blas.dpotrf) &&
         find("dsyevd_", &blas.dsyevd);
}

static char *set_variable(const char *name, const char *value) {
  const char *was = getenv(name);
  char *kept = was ? strdup(was) : NULL;
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
  return kept;
}

/* Opens OpenBLAS: the library that Braid was built with, if it is there. The variables
   keep it from taking a buffer for each processor. */
static void open_library(void) {
  static const char *const files[] = {BR_BLAS_DIR "/libopenblas.so.0", "libopenblas.so.0",
                                      "libopenblas.so", "libopenblas.dylib", NULL};
  static const char *const variables[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};
  char *kept[2];
  for (int i = 0; i < 2; i++) kept[i] = set_variable(variables[i], "1");
  for (int i = 0; files[i] && !blas.library; i++)
    blas.library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  for (int i = 0; i < 2; i++) {
    free(set_variable(variables[i], kept[i]));
    free(kept[i]);
  }
}

static br_status load(void) {
  if (!is_room(2 * BUFFER + LIBRARY))
    return br_fail(
        BR_ENOMEM,
        "out of memory: OpenBLAS, which products of matrices need, wants %zu MB "
        "of address space; is there a limit (ulimit -v)?",
        (2 * BUFFER + LIBRARY) >> 20);
  open_library();
  if (blas.library && find_all()) return BR_OK;
  blas.library = NULL;
  return br_fail(BR_EINVAL, "OpenBLAS cannot be loaded: %s", dlerror());
}

/* Makes buffers for up to n threads, as many as there is address space for, and returns
   how many. The lock must be held. */
static int make_buffers(int n) {
  void *taken[MAX_THREADS];
  int made = 0;
  while (made < n && is_room(BUFFER)) {
    taken[made] = blas.memory_alloc ? blas.memory_alloc(0) : NULL;
    made++;
  }
  for (int i = 0; i < made && blas.memory_alloc && blas.memory_free; i++)
    blas.memory_free(taken[i]);
  return made;
}

int br_blas_threads(int n) {
  if (n > MAX_THREADS) n = MAX_THREADS;
  int ready = atomic_load(&blas.ready);
  if (n <= ready) return n;
  pthread_mutex_lock(&blas.lock);
  ready = atomic_load(&blas.ready);
  if (blas.library || load() == BR_OK) {
    int made = n > ready ? make_buffers(n) : ready;
    if (made > ready) atomic_store(&blas.ready, ready = made);
    if (ready == 0) br_fail(BR_ENOMEM, "out of memory: no buffer for OpenBLAS");
  }
  pthread_mutex_unlock(&blas.lock);
  return n < ready ? n : ready;
}

/* Turns off OpenBLAS's own threads. Where OpenBLAS uses OpenMP, the setting holds for the
   calling thread only, and with the system's OpenMP only until the region ends. */
static void one_thread(void) {
#ifdef BR_SYSTEM_OPENMP
  blas.set_num_threads(1);
#else
  static _Thread_local bool said;
  if (said) return;
  blas.set_num_threads(1);
  said = true;
#endif
}

/* ---- products ---- */

static CBLAS_TRANSPOSE turned(const br_matrix *a) {
  return a->transposed ? CblasTrans : CblasNoTrans;
}

/* BLAS wants a leading dimension of at least 1, also where there is nothing to read. */
static blasint leading(const br_matrix *a) { return a->ld < 1 ? 1 : (blasint)a->ld; }

static void multiply(const br_blas_product *p, double beta) {
  const blasint m = (blasint)p->m, n = (blasint)p->n, k = (blasint)p->k;
  const blasint lda = leading(&p->a), ldb = leading(&p->b), ldc = (blasint)p->ldc;
  const CBLAS_TRANSPOSE ta = turned(&p->a), tb = turned(&p->b);
  if (p->dtype == BR_F32)
    blas.sgemm(CblasRowMajor, ta, tb, m, n, k, (float)p->alpha, p->a.data, lda, p->b.data,
               ldb, (float)beta, p->c, ldc);
  else
    blas.dgemm(CblasRowMajor, ta, tb, m, n, k, p->alpha, p->a.data, lda, p->b.data, ldb,
               beta, p->c, ldc);
}

/* The part of an operand from the inner index `from` on; `down` tells whether that index
   counts its rows in memory. */
static br_matrix rest_of(const br_matrix *a, int64_t from, bool down, br_dtype dtype) {
  const int64_t at = from * (down ? a->ld : 1) * br_dtype_size(dtype);
  return (br_matrix){(const char *)a->data + at, a->ld, a->transposed};
}

/* A long product is the sum of several, between which it can be stopped. */
void br_gemm(const br_blas_product *p) {
  if (p->m == 0 || p->n == 0) return;
  one_thread();
  const int64_t most = LONG_WORK / (p->m * p->n);
  const int64_t step = most < LEAST_DEPTH  ? LEAST_DEPTH
                       : most > MOST_DEPTH ? MOST_DEPTH
                                           : most;
  for (int64_t from = 0; !from || (from < p->k && !br_stopped()); from += step) {
    br_blas_product part = *p;
    part.k = p->k - from < step ? p->k - from : step;
    part.a = rest_of(&p->a, from, p->a.transposed, p->dtype);
    part.b = rest_of(&p->b, from, !p->b.transposed, p->dtype);
    multiply(&part, from ? 1 : p->beta);
  }
}

/* ---- small systems ---- */

int64_t br_lu(int64_t n, double *a, int32_t *pivot) {
  blasint size = (blasint)n, info = 0;
  one_thread();
  if (n > 0) blas.dgetrf(&size, &size, a, &size, pivot, &info);
  return info;
}

void br_lu_solve(bool transposed, int64_t n, int64_t k, const double *lu,
                 const int32_t *pivot, double *b) {
  blasint size = (blasint)n, columns = (blasint)k, info = 0;
  one_thread();
  if (n > 0 && k > 0)
    blas.dgetrs(transposed ? "T" : "N", &size, &columns, lu, &size, pivot, b, &size,
                &info, 1);
}

int64_t br_cholesky(int64_t n, double *a) {
  blasint size = (blasint)n, info = 0;
  one_thread();
  if (n > 0) blas.dpotrf("U", &size, a, &size, &info, 1);
  return info;
}

void br_triangle_solve(bool right, bool transposed, int64_t n, const double *l,
                       double *b) {
  one_thread();
  if (n > 0)
    blas.dtrsm(CblasRowMajor, right ? CblasRight : CblasLeft, CblasLower,
               transposed ? CblasTrans : CblasNoTrans, CblasNonUnit, (blasint)n,
               (blasint)n, 1, l, (blasint)n, b, (blasint)n);
}

int64_t br_eigh_room(int64_t n) { return (1 + 6 * n + 2 * n * n) + (3 + 5 * n); }

int64_t br_eigh(int64_t n, double *a, double *w, double *room) {
  blasint size = (blasint)n, info = 0, reals = 1 + 6 * size + 2 * size * size,
          whole = 3 + 5 * size;
  one_thread();
  if (n > 0)
    blas.dsyevd("V", "U", &size, a, &size, w, room, &reals,
                (blasint *)(void *)(room + reals), &whole, &info, 1, 1);
  return info;
}
