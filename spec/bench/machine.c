/* Measures the machine at its best; the benchmark shows shares of this. For 1 to N
   threads it runs multiply-adds in registers (two operations each), and a = a * s + b
   over arrays larger than any cache (three streams). The best of several tries counts,
   because other programs may be running.

   usage: machine N; prints a line `THREADS GFLOP/s GB/s` for each count. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#if defined __AVX512F__
enum { VL = 16 };
#elif defined __AVX__
enum { VL = 8 };
#else
enum { VL = 4 };
#endif

/* Enough chains for two units with a latency of four cycles, and few enough for 16
   registers. */
enum { CHAINS = 10, ROUNDS = 200000, TRIES = 60, FLOATS = 32 << 20 };

typedef float vec __attribute__((vector_size(VL * sizeof(float))));

static float multiply_add(void) {
  vec acc[CHAINS], a, b;
  for (int v = 0; v < VL; v++) {
    a[v] = 0.999f;
    b[v] = 0.001f * (float)v;
  }
  for (int i = 0; i < CHAINS; i++) acc[i] = b;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CHAINS; i++) acc[i] = acc[i] * a + b;
    __asm__ volatile("" : "+x"(a), "+x"(b)); /* every round is computed */
  }
  for (int i = 1; i < CHAINS; i++) acc[0] += acc[i];
  return acc[0][0];
}

static double peak(int threads) {
  double best = 0;
  for (int try = 0; try < TRIES; try++) {
    float sum = 0;
    double from = omp_get_wtime();
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    sum += multiply_add();
    double seconds = omp_get_wtime() - from;
    volatile float sink = sum;
    (void)sink;
    double rate = 2.0 * VL * CHAINS * ROUNDS * threads / seconds;
    if (rate > best) best = rate;
  }
  return best / 1e9;
}

static double triad(int threads, float *a, const float *b) {
  double best = 0;
  for (int try = 0; try < TRIES; try++) {
    double from = omp_get_wtime();
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (int i = 0; i < FLOATS; i++) a[i] = a[i] * 0.999f + b[i];
    double rate = 3.0 * sizeof(float) * FLOATS / (omp_get_wtime() - from);
    if (rate > best) best = rate;
  }
  return best / 1e9;
}

int main(int argc, char **argv) {
  int most = argc > 1 ? atoi(argv[1]) : 1;
  float *a = malloc(sizeof(float) * FLOATS), *b = malloc(sizeof(float) * FLOATS);
  if (most < 1 || !a || !b) return 1;
#pragma omp parallel for num_threads(most) schedule(static)
  for (int i = 0; i < FLOATS; i++) {
    a[i] = 1;
    b[i] = 0.001f;
  }
  for (int threads = 1; threads <= most; threads++)
    printf("%d %.1f %.1f\n", threads, peak(threads), triad(threads, a, b));
  free(a);
  free(b);
  return 0;
}
