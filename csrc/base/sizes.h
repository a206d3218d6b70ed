/* Arithmetic of sizes, none of which is negative: what does not fit into a number is
   BR_MANY, and stays it. */
#ifndef BR_SIZES_H
#define BR_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BR_MANY INT64_MAX

int64_t br_size_mul(int64_t a, int64_t b);
int64_t br_size_add(int64_t a, int64_t b);

/* The elements that a window of `kernel` taps reaches over, `dilation` apart. */
int64_t br_size_span(int64_t kernel, int64_t dilation);
/* The places of such a reach within `size` elements, `stride` apart; 0 for none. */
int64_t br_size_places(int64_t size, int64_t span, int64_t stride);
/* The elements that `places` of such a reach take up side by side. */
int64_t br_size_cover(int64_t places, int64_t span, int64_t stride);

#endif
