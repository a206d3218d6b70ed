/* Reads a picture file into memory and decodes it there. */
#include "image/decode.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "image/codec.h"
#include "image/exif.h"
#include "io/slice.h"

br_status br_image_decode(const uint8_t *bytes, size_t n, const char *name,
                          int64_t channels, bool upright, br_image *out) {
  static const uint8_t png[8] = {137, 'P', 'N', 'G', 13, 10, 26, 10};
  static const uint8_t jpeg[3] = {0xff, 0xd8, 0xff};
  *out = (br_image){0};
  if (channels != 0 && channels != 1 && channels != 3)
    return br_fail(BR_EINVAL, "%s: channels must be 0, 1 or 3, not %" PRId64, name,
                   channels);
  if (n == 0) return br_fail(BR_EIO, "%s: the file is empty", name);
  br_status status;
  if (n >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
    status = br_png_decode(bytes, n, name, channels, out);
  else if (n >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
    status = br_jpeg_decode(bytes, n, name, channels, out);
  else
    status = br_codec_other(name, bytes, n);
  if (!status && upright) status = br_image_turn(out, br_exif_orientation(bytes, n));
  if (status) br_image_free(out);
  return status;
}

/* Reads up to `n` bytes; fewer if the file ends before. Returns -1 with errno on
   failure. */
static int64_t read_bytes(int fd, uint8_t *bytes, int64_t n) {
  int64_t got = 0;
  while (got < n) {
    ssize_t k = read(fd, bytes + got, (size_t)(n - got));
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return -1;
    if (k == 0) break;
    got += k;
  }
  return got;
}

br_status br_image_read(const char *path, int64_t channels, bool upright, br_image *out) {
  *out = (br_image){0};
  uint8_t *bytes = NULL;
  br_slice file;
  br_status status = br_slice_open(path, &file);
  if (status) return status;
  status = br_limit_check(BR_LIMIT_PICTURE, file.size, path, "bytes");
  if (status) goto done;
  bytes = br_alloc((size_t)file.size);
  if (!bytes) {
    status = BR_ENOMEM;
    goto done;
  }
  int64_t n = read_bytes(file.fd, bytes, file.size);
  if (n < 0)
    status = br_fail(BR_EIO, "cannot read %s: %s", path, strerror(errno));
  else
    status = br_image_decode(bytes, (size_t)n, path, channels, upright, out);

done:
  br_free(bytes);
  close(file.fd);
  return status;
}
