/* PNG and JPEG: the decoders, the writer, and the conversion to gray. */
#ifndef BR_IMAGE_CODEC_H
#define BR_IMAGE_CODEC_H

#include <stdbool.h>

#include "image/image.h"
#include "image/pixels.h"

/* `out` is empty before the call, and also after a failure. */
br_status br_png_decode(const uint8_t *bytes, size_t n, const char *name,
                        int64_t channels, br_image *out);
br_status br_jpeg_decode(const uint8_t *bytes, size_t n, const char *name,
                         int64_t channels, br_image *out);

/* Compresses a picture as a JPEG of this quality (1 to 100) and reads it again, in place.
   `room` holds h * w * c bytes. */
br_status br_jpeg_again(br_pixels p, int quality, uint8_t *room);

/* Writes the picture beside `path` and renames it, so that an old file stays until the
   new one is complete. */
br_status br_image_write_png(const char *path, const br_image *im);

/* The same into memory. `out` is empty before the call, and also after a failure. */
typedef struct br_bytes {
  uint8_t *data;
  size_t n, room;
} br_bytes;

br_status br_image_encode_png(const br_image *im, br_bytes *out);
void br_bytes_free(br_bytes *b);

/* Returns BR_EIO unless a file of n bytes, with at most `per_byte` pixels for each
   byte, may hold an image of h x w. A small file must not cause a large allocation. */
br_status br_codec_check_size(const char *name, int64_t h, int64_t w, size_t n,
                              int64_t per_byte);

/* Whether n bytes begin with a text; an empty text always matches. */
bool br_codec_begins(const uint8_t *bytes, size_t n, const char *with);

/* Returns BR_EIO, with a message that says what the file's first bytes are instead. */
br_status br_codec_other(const char *name, const uint8_t *bytes, size_t n);

/* 0.299 r + 0.587 g + 0.114 b in 16-bit fixed point, as in libjpeg. */
static inline uint8_t br_luma(const uint8_t rgb[3]) {
  return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

#endif
