/* Philox4x32-10, and the uniform and normal distributions made from it. */
#include "base/rng.h"

#include <math.h>
#include <stdatomic.h>

static atomic_uint_least64_t seed_now = 0, stream_next = 0;

void br_rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]) {
  uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
  uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

static double unit(uint32_t high, uint32_t low) {
  uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
  return (double)bits * 0x1p-53;
}

double br_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index) {
  uint32_t w[4];
  br_rng_block(seed, stream, index, w);
  return unit(w[0], w[1]);
}

double br_rng_normal(uint64_t seed, uint64_t stream, uint64_t index) {
  uint32_t w[4];
  br_rng_block(seed, stream, index, w);
  double radius = sqrt(-2 * log(1 - unit(w[0], w[1])));
  return radius * cos(6.283185307179586 * unit(w[2], w[3]));
}

void br_rng_go_on(uint64_t seed, uint64_t stream) {
  atomic_store(&seed_now, seed);
  atomic_store(&stream_next, stream);
}

void br_rng_set_seed(uint64_t seed) { br_rng_go_on(seed, 0); }

uint64_t br_rng_seed(void) { return atomic_load(&seed_now); }
uint64_t br_rng_stream(void) { return atomic_load(&stream_next); }
uint64_t br_rng_next_stream(void) { return atomic_fetch_add(&stream_next, 1); }
