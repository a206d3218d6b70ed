/* Inflates the raw streams of zip files by zlib, into memory that the caller gives. */
#include "io/inflate.h"

#include <limits.h>
#include <stdbool.h>
#include <zlib.h>

static uInt piece(size_t n) { return n > UINT_MAX ? UINT_MAX : (uInt)n; }

br_status br_inflate(const uint8_t *from, size_t n, uint8_t *to, size_t m) {
  uint8_t spare; /* a stream that writes here gives more than m bytes */
  z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .next_out = to};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
    return br_fail(BR_ENOMEM, "no memory for inflating");
  int status = Z_OK;
  size_t in = n, out = m;
  while (status == Z_OK) {
    if (!z.avail_in) in -= z.avail_in = piece(in);
    if (!z.avail_out && out) out -= z.avail_out = piece(out);
    if (!z.avail_out) {
      z.next_out = &spare;
      z.avail_out = 1;
    }
    status = inflate(&z, Z_NO_FLUSH);
    if (z.next_out == &spare + 1) status = Z_DATA_ERROR;
  }
  size_t left = out + (z.next_out == &spare ? 0 : z.avail_out);
  const char *why = status == Z_MEM_ERROR ? "no memory for inflating"
                    : z.msg               ? z.msg
                                          : "its size is not the stated one";
  bool ended = status == Z_STREAM_END && !left && !in && !z.avail_in;
  br_status result = ended ? BR_OK : br_fail(BR_EIO, "cannot be inflated: %s", why);
  inflateEnd(&z);
  return result;
}

br_status br_inflate_start(const uint8_t *from, size_t n, uint8_t *to, size_t m,
                           size_t *got) {
  z_stream z = {.next_in = (Bytef *)(uintptr_t)from,
                .avail_in = piece(n),
                .next_out = to,
                .avail_out = piece(m)};
  *got = 0;
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
    return br_fail(BR_ENOMEM, "no memory for inflating");
  int status = inflate(&z, Z_SYNC_FLUSH);
  br_status result = BR_OK;
  if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
    result = br_fail(BR_EIO, "cannot be inflated: %s", z.msg ? z.msg : "damaged");
  *got = (size_t)(z.next_out - to);
  inflateEnd(&z);
  return result;
}

uint32_t br_crc32(uint32_t crc, const uint8_t *bytes, size_t n) {
  return (uint32_t)crc32_z(crc, bytes, n);
}
