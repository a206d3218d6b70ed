/* Reads and writes PNG by libpng.

   libpng reports errors by longjmp. All its calls that can fail run inside guarded(),
   whose frame holds only its arguments. Everything that the calls make is kept in a
   `codec` in the caller's frame, so the jump loses nothing. Memory comes from br_alloc.
 */
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/codec.h"
#include "io/write.h"

typedef struct codec {
  png_structp png;
  png_infop info;
  bool no_memory;
  char message[120];
  br_image image;            /* the image read (with its alpha) or written */
  const uint8_t *next, *end; /* the rest of the file being read */
  br_writer *writer;         /* the file being written, or NULL for memory */
  br_bytes *bytes;
  br_status written; /* whether writing succeeded, with its own message */
} codec;

/* ---- callbacks ------------------------------------------------------------------- */

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes) {
  void *p = br_alloc(bytes);
  if (!p) ((codec *)png_get_mem_ptr(png))->no_memory = true;
  return p;
}

static void on_free(png_structp png, png_voidp p) {
  (void)png;
  br_free(p);
}

static void on_error(png_structp png, png_const_charp message) {
  codec *s = png_get_error_ptr(png);
  snprintf(s->message, sizeof s->message, "%s", message);
  png_longjmp(png, 1);
}

/* Warnings concern text, colour profiles and the like, so they are ignored. */
static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void on_read(png_structp png, png_bytep bytes, size_t n) {
  codec *s = png_get_io_ptr(png);
  if ((size_t)(s->end - s->next) < n) png_error(png, "the file ends too early");
  memcpy(bytes, s->next, n);
  s->next += n;
}

/* Appends n bytes. The memory doubles when it is full. */
static br_status keep(br_bytes *b, const uint8_t *bytes, size_t n) {
  if (b->room - b->n < n) {
    const size_t room = 2 * (b->n + n);
    uint8_t *data = br_alloc(room);
    if (!data) return BR_ENOMEM;
    if (b->n) memcpy(data, b->data, b->n);
    br_free(b->data);
    b->data = data;
    b->room = room;
  }
  memcpy(b->data + b->n, bytes, n);
  b->n += n;
  return BR_OK;
}

static void on_write(png_structp png, png_bytep bytes, size_t n) {
  codec *s = png_get_io_ptr(png);
  s->written = s->writer ? br_writer_put(s->writer, bytes, n) : keep(s->bytes, bytes, n);
  if (s->written) png_error(png, "not written");
}

static void on_flush(png_structp png) { (void)png; }

static bool guarded(codec *s, void (*step)(codec *)) {
  if (setjmp(png_jmpbuf(s->png))) return false;
  step(s);
  return true;
}

/* ---- reading --------------------------------------------------------------------- */

static void read_header(codec *s) {
  static const png_byte skipped[] = "iCCP\0iTXt\0tEXt\0zTXt\0sPLT\0eXIf";
  png_set_read_fn(s->png, s, on_read);
  png_set_user_limits(s->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_keep_unknown_chunks(s->png, PNG_HANDLE_CHUNK_NEVER, skipped,
                              sizeof skipped / 5);
  png_read_info(s->png, s->info);
}

/* Asks libpng for 8 bits and no palette. There are then 1 to 4 channels. */
static void set_transforms(codec *s) {
  png_set_expand(s->png);
  png_set_scale_16(s->png);
  png_set_interlace_handling(s->png);
  png_read_update_info(s->png, s->info);
}

static void read_rows(codec *s) {
  const int64_t row = s->image.w * s->image.c;
  const int passes = png_get_interlace_type(s->png, s->info) == PNG_INTERLACE_NONE ? 1
                                                                                   : 7;
  if (png_get_rowbytes(s->png, s->info) != (size_t)row) png_error(s->png, "odd rows");
  for (int pass = 0; pass < passes; pass++) {
    for (int64_t y = 0; y < s->image.h; y++)
      png_read_row(s->png, s->image.data + y * row, NULL);
  }
  png_read_end(s->png, NULL);
}

/* x (h*w, c) -> y (h*w, d), d = 1 or 3: alpha is blended over white. */
static void convert(int64_t pixels, int64_t c, const uint8_t *x, int64_t d, uint8_t *y) {
  const bool alpha = c == 2 || c == 4, colour = c >= 3;
  for (int64_t i = 0; i < pixels; i++, x += c, y += d) {
    uint8_t rgb[3] = {x[0], x[colour ? 1 : 0], x[colour ? 2 : 0]};
    if (alpha) {
      const unsigned a = x[c - 1];
      for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)((rgb[k] * a + 255u * (255u - a) + 127u) / 255u);
    }
    if (d == 1)
      y[0] = colour ? br_luma(rgb) : rgb[0];
    else
      memcpy(y, rgb, 3);
  }
}

static br_status decode_failure(const codec *s, const char *name) {
  if (s->no_memory) return br_fail(BR_ENOMEM, "%s: out of memory while decoding", name);
  return br_fail(BR_EIO, "%s: damaged PNG: %s", name, s->message);
}

/* Decodes into s->image as the picture is stored, with alpha. */
static br_status decode_stored(codec *s, size_t n, const char *name) {
  if (!s->png || !s->info || !guarded(s, read_header)) return decode_failure(s, name);
  const int64_t w = png_get_image_width(s->png, s->info);
  const int64_t h = png_get_image_height(s->png, s->info);
  const int64_t bits = (int64_t)png_get_bit_depth(s->png, s->info) *
                       png_get_channels(s->png, s->info);
  /* Deflate expands one byte to at most 1032. */
  br_status status = br_codec_check_size(name, h, w, n, 1032 * 8 / bits);
  if (status) return status;
  if (!guarded(s, set_transforms)) return decode_failure(s, name);
  status = br_image_new(&s->image, png_get_channels(s->png, s->info), h, w);
  if (status) return status;
  return guarded(s, read_rows) ? BR_OK : decode_failure(s, name);
}

br_status br_png_decode(const uint8_t *bytes, size_t n, const char *name,
                        int64_t channels, br_image *out) {
  codec s = {.next = bytes, .end = bytes + n};
  s.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning, &s,
                                   on_alloc, on_free);
  if (s.png) s.info = png_create_info_struct(s.png);
  br_status status = decode_stored(&s, n, name);
  png_destroy_read_struct(&s.png, &s.info, NULL);
  br_image *im = &s.image;
  if (status) goto done;
  if (channels == 0) channels = im->c >= 3 ? 3 : 1;
  if (channels == im->c) {
    *out = *im;
    return BR_OK;
  }
  status = br_image_new(out, channels, im->h, im->w);
  if (status == BR_OK) convert(im->h * im->w, im->c, im->data, channels, out->data);

done:
  br_image_free(im);
  return status;
}

/* ---- writing --------------------------------------------------------------------- */

static void write_all(codec *s) {
  static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                              PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  const br_image *im = &s->image;
  png_set_write_fn(s->png, s, on_write, on_flush);
  png_set_user_limits(s->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(s->png, s->info, (png_uint_32)im->w, (png_uint_32)im->h, 8,
               types[im->c - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(s->png, s->info);
  for (int64_t y = 0; y < im->h; y++) png_write_row(s->png, im->data + y * im->w * im->c);
  png_write_end(s->png, NULL);
}

static br_status encode(br_writer *w, br_bytes *bytes, const char *path,
                        const br_image *im) {
  codec s = {.image = *im, .writer = w, .bytes = bytes};
  s.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning, &s,
                                    on_alloc, on_free);
  if (s.png) s.info = png_create_info_struct(s.png);
  const bool done = s.png && s.info && guarded(&s, write_all);
  png_destroy_write_struct(&s.png, &s.info);
  if (done) return BR_OK;
  if (s.written) return s.written;
  if (s.no_memory) return br_fail(BR_ENOMEM, "%s: out of memory while writing", path);
  return br_fail(BR_EIO, "cannot write %s: %s", path, s.message);
}

br_status br_image_write_png(const char *path, const br_image *im) {
  if (!im->data || im->c < 1 || im->c > 4)
    return br_fail(BR_EINVAL, "cannot write %s: not an image of 1 to 4 channels", path);
  br_status status;
  br_writer *w = br_writer_new(path, &status);
  if (!w) return status;
  status = encode(w, NULL, path, im);
  if (!status) status = br_writer_finish(w);
  br_writer_free(w);
  return status;
}

br_status br_image_encode_png(const br_image *im, br_bytes *out) {
  if (!im->data || im->c < 1 || im->c > 4)
    return br_fail(BR_EINVAL, "a PNG wants an image of 1 to 4 channels");
  br_status status = encode(NULL, out, "a PNG", im);
  if (status) br_bytes_free(out);
  return status;
}

void br_bytes_free(br_bytes *b) {
  br_free(b->data);
  *b = (br_bytes){0};
}
