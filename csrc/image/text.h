/* Letters on images, for labels of pictures and plots. */
#ifndef BR_IMAGE_TEXT_H
#define BR_IMAGE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

/* A letter is 5 x 8 dots in a cell of 6 x 9. */
enum { BR_TEXT_WIDTH = 6, BR_TEXT_HEIGHT = 9 };

/* Draws n bytes of ASCII. The top-left corner of their first cell is at the pixel `at`
   (x, y), and a dot is scale x scale pixels. Any other byte is drawn as a box, and a
   UTF-8 character as one box. Parts outside the image are cut off. */
void br_draw_text(br_image *im, const int64_t at[2], const char *text, size_t n,
                  int64_t scale, const uint8_t rgb[3]);

#endif
