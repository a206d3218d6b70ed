/* The part of zlib that zip files need. */
#ifndef BR_IO_INFLATE_H
#define BR_IO_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* No deflated byte gives more bytes than this. */
enum { BR_INFLATE_MOST = 1032 };

/* Raw deflate data of n bytes that must give exactly m bytes; else BR_EIO. */
br_status br_inflate(const uint8_t *from, size_t n, uint8_t *to, size_t m);

/* The first bytes of what raw deflate data of n bytes gives, at most m; *got is how many.
   BR_EIO when the data are damaged before that. */
br_status br_inflate_start(const uint8_t *from, size_t n, uint8_t *to, size_t m,
                           size_t *got);

/* The CRC-32 of what had `crc` (0: nothing) followed by n bytes. */
uint32_t br_crc32(uint32_t crc, const uint8_t *bytes, size_t n);

#endif
