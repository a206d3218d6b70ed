/* Arithmetic of sizes, which are never negative. A result that does not fit becomes
   BR_MANY, and later results stay BR_MANY. */
#ifndef BR_SIZES_H
#define BR_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BR_MANY INT64_MAX

int64_t br_size_mul(int64_t a, int64_t b);
int64_t br_size_add(int64_t a, int64_t b);

/* The number of elements from the first to the last of `kernel` taps, `dilation` apart.
 */
int64_t br_size_span(int64_t kernel, int64_t dilation);
/* How many windows of `span` elements, `stride` apart, fit into `size` elements. */
int64_t br_size_places(int64_t size, int64_t span, int64_t stride);
/* The number of elements that `places` windows, `stride` apart, cover together. */
int64_t br_size_cover(int64_t places, int64_t span, int64_t stride);

#endif
