/* Fuzzes the decoders of images. The first byte of an input says how many channels are
   asked for, the rest is the file. */
#include <stdlib.h>

#include "io/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t channels[] = {0, 1, 3};
  if (!size) return 0;
  br_image im = {0};
  br_status status = br_image_decode(data + 1, size - 1, "file", channels[*data % 3],
                                     &im);
  if (status == BR_OK ? !im.data || im.c < 1 || im.h < 1 || im.w < 1 : im.data != NULL)
    abort();
  unsigned sum = 0; /* every pixel must be there */
  for (int64_t i = 0; i < im.c * im.h * im.w; i++) sum += im.data[i];
  static volatile unsigned sink;
  sink = sum;
  (void)sink;
  br_image_free(&im);
  return 0;
}
