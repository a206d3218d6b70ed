/* The only caller of OpenBLAS. Its own threads stay off: how it splits a product decides
   how sums round, so operators split products themselves, into blocks that depend on
   shapes only. */
#include "tensor/tensor.h"

#include <cblas.h>
#include <string.h>

__attribute__((constructor)) static void one_thread(void) { openblas_set_num_threads(1); }

void br_gemm(br_dtype dtype, bool at, bool bt, int64_t m, int64_t n, int64_t k,
             double alpha, const void *a, int64_t lda, const void *b, int64_t ldb,
             double beta, void *c, int64_t ldc) {
  if (m == 0 || n == 0) return;
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
