/* Counter-based random numbers: each value is a pure function of (seed, stream, index),
   so a result depends neither on the order of drawing nor on the number of threads. */
#ifndef BR_RNG_H
#define BR_RNG_H

#include <stdint.h>

/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
   3", 2011): four words for one index. */
void br_rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/* Uniform in [0, 1), 53 bits. */
double br_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Standard normal, by Box and Muller from one block. */
double br_rng_normal(uint64_t seed, uint64_t stream, uint64_t index);

/* The numbers of a stream, starting with number `first`. */
typedef struct br_draws {
  uint64_t seed, stream, first;
} br_draws;

/* The process-wide generator: its seed, and a fresh stream for each drawing operation. */
void br_rng_set_seed(uint64_t seed);               /* streams count from 0 again */
void br_rng_go_on(uint64_t seed, uint64_t stream); /* goes on with that stream */
uint64_t br_rng_seed(void);
uint64_t br_rng_stream(void);      /* the next stream; it stays unused */
uint64_t br_rng_next_stream(void); /* the next stream; it is then used up */

#endif
