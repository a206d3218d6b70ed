/* The part of zlib that zip files need. */
#ifndef BR_IO_INFLATE_H
#define BR_IO_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The most bytes that one deflated byte can give. */
enum { BR_INFLATE_MOST = 1032 };

/* Inflates n bytes of raw deflate data. A result of any other size than m bytes gives
   BR_EIO. */
br_status br_inflate(const uint8_t *from, size_t n, uint8_t *to, size_t m);

/* Inflates up to m bytes of the result of n bytes of raw deflate data; *got counts
   them. Data damaged before that give BR_EIO. */
br_status br_inflate_start(const uint8_t *from, size_t n, uint8_t *to, size_t m,
                           size_t *got);

/* Continues the CRC-32 `crc` of earlier bytes (0: none) with n more bytes. */
uint32_t br_crc32(uint32_t crc, const uint8_t *bytes, size_t n);

#endif
