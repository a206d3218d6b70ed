/* Decoding of JPEG by libjpeg-turbo, which converts to gray or RGB while it decodes.

   After damage the library only warns, and leaves gray where data are missing. Here any
   warning is an error, except a few harmless ones. */
#include <stdbool.h>
#include <string.h>

#include <turbojpeg.h>

#include "image/codec.h"

/* A Huffman code has at least one bit, and a block of 64 pixels at least one code: at
   most 512 pixels for each byte. Arithmetic coding of an empty image needs slightly
   less. */
enum { PIXELS_PER_BYTE = 1024 };

/* Whether the markers of the file lead to an end-of-image marker. The library keeps
   only its first warning, so after a harmless one this check finds missing data at the
   end. */
static bool has_end(const uint8_t *bytes, size_t n) {
  size_t i = 2;
  while (i + 1 < n) {
    uint8_t marker = bytes[i + 1];
    if (bytes[i] != 0xff || marker == 0x00 || marker == 0xff) {
      i++; /* coded data, fill bytes or stray bytes */
    } else if (marker == 0xd9) {
      return true;
    } else if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      i += 2; /* restart markers and others without a length */
    } else {
      if (i + 3 >= n) return false;
      i += 2 + ((size_t)bytes[i + 2] << 8 | bytes[i + 3]);
    }
  }
  return false;
}

/* Whether a warning means that no pixel is lost. */
static bool harmless(const char *text) {
  static const char *const allowed[] = {
      "extraneous bytes before marker",
      "Unknown Adobe color transform code",
      "unknown JFIF revision number",
      "Invalid SOS parameters for sequential JPEG",
  };
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
    if (strstr(text, allowed[i])) return true;
  }
  return false;
}

static br_status failure(const char *text, const char *name) {
  if (strstr(text, "nsufficient memory") || strstr(text, "Memory allocation failure"))
    return br_fail(BR_ENOMEM, "%s: out of memory while decoding", name);
  return br_fail(BR_EIO, "%s: damaged JPEG: %s", name, text);
}

br_status br_jpeg_decode(const uint8_t *bytes, size_t n, const char *name,
                         int64_t channels, br_image *out) {
  br_status status = BR_OK;
  int w = 0, h = 0, sampling = 0, space = -1;
  tjhandle handle = tjInitDecompress();
  if (!handle) return br_fail(BR_ENOMEM, "%s: no memory for a JPEG decoder", name);
  /* The result does not matter if the values were set. Warnings come again below, and
     an unusual subsampling, which fails here, can still be decoded. */
  (void)tjDecompressHeader3(handle, bytes, (unsigned long)n, &w, &h, &sampling, &space);
  if (w < 1 || h < 1 || space < 0) {
    status = failure(tjGetErrorStr2(handle), name);
    goto done;
  }
  if (space == TJCS_CMYK || space == TJCS_YCCK) {
    status = br_fail(BR_EIO, "%s: a CMYK JPEG; only gray and RGB can be read: convert it",
                     name);
    goto done;
  }
  status = br_codec_check_size(name, h, w, n, PIXELS_PER_BYTE);
  if (status) goto done;
  if (channels == 0) channels = space == TJCS_GRAY ? 1 : 3;
  status = br_image_new(out, channels, h, w);
  if (status) goto done;
  /* LIMITSCANS, because a small progressive file can keep the decoder busy for
     hours. */
  if (tjDecompress2(handle, bytes, (unsigned long)n, out->data, w, 0, h,
                    channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_LIMITSCANS) != 0) {
    /* An error after a warning also counts as a warning, but has the error's text. */
    const char *text = tjGetErrorStr2(handle);
    if (tjGetErrorCode(handle) != TJERR_WARNING || !harmless(text))
      status = failure(text, name);
    else if (!has_end(bytes, n))
      status = failure("the file ends too early", name);
  }

done:
  if (status) br_image_free(out);
  tjDestroy(handle);
  return status;
}

br_status br_jpeg_again(br_pixels p, int quality, uint8_t *room) {
  br_status status = BR_OK;
  const int64_t n = p.h * p.w * p.c;
  const int w = (int)p.w, h = (int)p.h, format = p.c == 1 ? TJPF_GRAY : TJPF_RGB;
  unsigned char *packed = NULL;
  unsigned long size = 0;
  if (p.c != 1 && p.c != 3) return br_fail(BR_EINVAL, "jpeg: gray or colour wanted");
  if (p.w > 65500 || p.h > 65500) return br_fail(BR_EINVAL, "jpeg: too large a picture");
  for (int64_t i = 0; i < n; i++) {
    const float v = p.x[i];
    room[i] = (uint8_t)(v > 0 ? (v < 255 ? v + 0.5f : 255) : 0);
  }
  tjhandle to = tjInitCompress(), from = tjInitDecompress();
  if (!to || !from ||
      tjCompress2(to, room, w, 0, h, format, &packed, &size,
                  p.c == 1 ? TJSAMP_GRAY : TJSAMP_420, quality, 0) != 0)
    status = br_fail(BR_ENOMEM, "jpeg: no memory for its compression");
  else if (tjDecompress2(from, packed, size, room, w, 0, h, format, 0) != 0)
    status = br_fail(BR_ENOMEM, "jpeg: no memory to read it again");
  for (int64_t i = 0; i < n && !status; i++) p.x[i] = (float)room[i];
  tjFree(packed);
  if (to) tjDestroy(to);
  if (from) tjDestroy(from);
  return status;
}
