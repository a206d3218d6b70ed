/* The only caller of OpenBLAS. Its own threads stay off: how it splits a product decides
   how sums round, so operators split products themselves, into blocks that depend on
   shapes only. */
#include "tensor/tensor.h"

#include <cblas.h>
#include <string.h>

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

/* An OpenBLAS that runs on OpenMP keeps the number for each thread that calls it. The
   first call also makes what all share: it is the one when the library is loaded. */
__attribute__((constructor)) static void one_thread(void) {
  static _Thread_local bool said;
  if (said) return;
  openblas_set_num_threads(1);
  said = true;
}

void br_gemm(br_dtype dtype, bool at, bool bt, int64_t m, int64_t n, int64_t k,
             double alpha, const void *a, int64_t lda, const void *b, int64_t ldb,
             double beta, void *c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  one_thread();
  CBLAS_TRANSPOSE ta = at ? CblasTrans : CblasNoTrans,
                  tb = bt ? CblasTrans : CblasNoTrans;
  if (lda < 1) lda = 1;
  if (ldb < 1) ldb = 1;
  if (dtype == BR_F32)
    cblas_sgemm(CblasRowMajor, ta, tb, (blasint)m, (blasint)n, (blasint)k, (float)alpha,
                a, (blasint)lda, b, (blasint)ldb, (float)beta, c, (blasint)ldc);
  else
    cblas_dgemm(CblasRowMajor, ta, tb, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

/* ---- small systems ---- */

int64_t br_lu(int64_t n, double *a, int32_t *pivot) {
  blasint size = (blasint)n, info = 0;
  one_thread();
  if (n > 0) dgetrf_(&size, &size, a, &size, pivot, &info);
  return info;
}

void br_lu_solve(bool transposed, int64_t n, int64_t k, const double *lu,
                 const int32_t *pivot, double *b) {
  blasint size = (blasint)n, columns = (blasint)k, info = 0;
  one_thread();
  if (n > 0 && k > 0)
    dgetrs_(transposed ? "T" : "N", &size, &columns, lu, &size, pivot, b, &size, &info,
            1);
}

int64_t br_cholesky(int64_t n, double *a) {
  blasint size = (blasint)n, info = 0;
  one_thread();
  if (n > 0) dpotrf_("U", &size, a, &size, &info, 1);
  return info;
}

void br_triangle_solve(bool right, bool transposed, int64_t n, const double *l,
                       double *b) {
  one_thread();
  if (n > 0)
    cblas_dtrsm(CblasRowMajor, right ? CblasRight : CblasLeft, CblasLower,
                transposed ? CblasTrans : CblasNoTrans, CblasNonUnit, (blasint)n,
                (blasint)n, 1, l, (blasint)n, b, (blasint)n);
}

int64_t br_eigh_room(int64_t n) { return (1 + 6 * n + 2 * n * n) + (3 + 5 * n); }

int64_t br_eigh(int64_t n, double *a, double *w, double *room) {
  blasint size = (blasint)n, info = 0, reals = 1 + 6 * size + 2 * size * size,
          whole = 3 + 5 * size;
  one_thread();
  if (n > 0)
    dsyevd_("V", "U", &size, a, &size, w, room, &reals, (blasint *)(void *)(room + reals),
            &whole, &info, 1, 1);
  return info;
}
