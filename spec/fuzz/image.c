/* Fuzzes the image decoders. The first byte of an input chooses the channels and
   whether the picture is turned; the rest is the file. Each piece of a PNG gets its CRC
   after every change, because random changes would not find it. A file that
   br_image_probe refuses must not decode. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/codec.h"
#include "image/decode.h"
#include "image/probe.h"
#include "io/inflate.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t big(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 16 == 0 || size < 9 || memcmp(data + 1, "\x89PNG", 4)) return size;
  for (size_t at = 9; size - at >= 12;) {
    size_t n = big(data + at);
    if (n > size - at - 12) break;
    uint32_t crc = br_crc32(0, data + at + 4, n + 4);
    for (size_t i = 0; i < 4; i++) data[at + 8 + n + i] = (uint8_t)(crc >> (24 - 8 * i));
    at += n + 12;
  }
  return size;
}

/* The result of br_image_probe for bytes, which are written to a file first. */
static br_status probed(const uint8_t *bytes, size_t n) {
  char path[64];
  int64_t h, w, c;
  int fd = memfd_create("picture", 0);
  if (fd < 0 || write(fd, bytes, n) != (ssize_t)n) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  br_status status = br_image_probe(path, &h, &w, &c);
  close(fd);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t channels[] = {0, 1, 3};
  if (!size) return 0;
  br_image im = {0};
  br_status status = br_image_decode(data + 1, size - 1, "file", channels[*data % 3],
                                     *data & 64, &im);
  if (status == BR_OK ? !im.data || im.c < 1 || im.h < 1 || im.w < 1 : im.data != NULL)
    abort();
  if (status == BR_OK && probed(data + 1, size - 1) != BR_OK) abort();
  unsigned sum = 0; /* reads every pixel, so that the sanitizer checks it */
  for (int64_t i = 0; i < im.c * im.h * im.w; i++) sum += im.data[i];
  static volatile unsigned sink;
  sink = sum;
  (void)sink;
  br_image_free(&im);
  return 0;
}
