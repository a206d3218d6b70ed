/* Images for Lua: files, crops, warps, drawing and rendered faces.

   An image from a file is a uint8 tensor (c,h,w). A canvas to draw on is (h,w,c), in
   the order of its memory. A batch of images is (n,c,h,w), channels-last in memory. */
#include "bind/bind.h"

#include <string.h>

#include "base/stop.h"
#include "base/threads.h"
#include "image/codec.h"
#include "image/decode.h"
#include "image/draw.h"
#include "faces/faces.h"
#include "image/gallery.h"
#include "image/image.h"
#include "image/probe.h"
#include "image/text.h"
#include "image/warp.h"

enum { MAX_PATHS = 1 << 26 };

static int push_failure(lua_State *L) {
  lua_pushnil(L);
  lua_pushstring(L, br_error_message());
  return 2;
}

/* Puts a picture into a box as a tensor (c,h,w), and takes over the picture's memory. */
static int give_picture(lua_State *L, br_box *box, br_status status, br_image *im) {
  if (status == BR_EIO) return push_failure(L);
  if (status) return br_raise(L);
  int64_t shape[3] = {im->h, im->w, im->c};
  br_tensor *rows = br_tensor_adopt(im->data, BR_U8, 3, shape);
  br_tensor *turned = rows ? br_view_permute(rows, (const int[]){2, 0, 1}) : NULL;
  br_tensor *planes = turned ? br_contiguous(turned) : NULL;
  br_release(rows);
  br_release(turned);
  br_fill_box(L, box, planes);
  return 1;
}

/* core.image_read(path, channels, as_stored): a tensor (c,h,w), or nil and a message.
   The picture is turned as its EXIF orientation says, unless as_stored is true. */
static int image_read(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const int64_t channels = luaL_optinteger(L, 2, 0);
  br_box *box = br_push_box(L);
  br_image im = {0};
  const br_status status = br_image_read(path, channels, !lua_toboolean(L, 3), &im);
  return give_picture(L, box, status, &im);
}

/* core.image_decode(bytes, channels, as_stored): the same from a file's bytes. */
static int image_decode(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  const int64_t channels = luaL_optinteger(L, 2, 0);
  br_box *box = br_push_box(L);
  br_image im = {0};
  const br_status status = br_image_decode((const uint8_t *)bytes, n, "the picture",
                                           channels, !lua_toboolean(L, 3), &im);
  return give_picture(L, box, status, &im);
}

/* core.image_probe(path): the height, width and channels (1 or 3) of a picture as it is
   stored, or nil and a message; see image/probe.h. */
static int image_probe(lua_State *L) {
  int64_t h, w, c;
  if (br_image_probe(luaL_checkstring(L, 1), &h, &w, &c) != BR_OK) return push_failure(L);
  lua_pushinteger(L, h);
  lua_pushinteger(L, w);
  lua_pushinteger(L, c);
  return 3;
}

/* Pushes an array of the n paths in the table at 1, and a table that keeps their
   strings alive. */
static const char **push_paths(lua_State *L, int64_t n, const char *what) {
  const char **path = lua_newuserdatauv(L, (size_t)n * sizeof *path + 1, 0);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    if (lua_geti(L, 1, i + 1) != LUA_TSTRING)
      luaL_error(L, "%s: path %d is not a string", what, (int)i + 1);
    path[i] = lua_tostring(L, -1);
    lua_rawseti(L, -2, i + 1);
  }
  return path;
}

/* core.probe_images(paths): {[i] = what is wrong with file i, ...} */
static int probe_images(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const int64_t n = br_check_length(L, 1, MAX_PATHS, "probe_images");
  unsigned char *failed = lua_newuserdatauv(L, (size_t)n + 1, 0);
  const char **path = push_paths(L, n, "probe_images");
  const bool allowed = br_stop_allow(true);
  br_image_probe_all(n, path, failed);
  const br_status status = br_stop_status(BR_OK);
  br_stop_allow(allowed);
  if (status) return br_raise(L);
  lua_newtable(L);
  for (int64_t i = 0; i < n; i++) {
    int64_t h, w, c;
    if (!failed[i] || br_image_probe(path[i], &h, &w, &c) == BR_OK) continue;
    lua_pushstring(L, br_error_message());
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* The canvas at `arg` as an image that shares its memory. */
static br_image check_canvas(lua_State *L, int arg) {
  br_tensor *t = br_check_tensor(L, arg);
  if (t->dtype != BR_U8 || t->ndim != 3 || !br_is_contiguous(t))
    luaL_error(L, "a canvas must be contiguous uint8 (h, w, channels), not %s %s",
               br_dtype_name(t->dtype), br_shape_of(t));
  return (br_image){
      .c = t->shape[2], .h = t->shape[0], .w = t->shape[1], .data = (uint8_t *)t->data};
}

/* core.image_write(path, canvas): true, or nil and a message. */
static int image_write(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  br_image im = check_canvas(L, 2);
  br_status status = br_image_write_png(path, &im);
  if (status == BR_EIO) return push_failure(L);
  if (status) return br_raise(L);
  lua_pushboolean(L, 1);
  return 1;
}

/* core.image_encode(canvas): the bytes of a PNG. */
static int image_encode(lua_State *L) {
  br_image im = check_canvas(L, 1);
  br_bytes bytes = {0};
  if (br_image_encode_png(&im, &bytes) != BR_OK) return br_raise(L);
  lua_pushlstring(L, (const char *)bytes.data, bytes.n);
  br_bytes_free(&bytes);
  return 1;
}

/* ---- drawing ---- */

static void check_colour(lua_State *L, int arg, uint8_t rgb[3]) {
  luaL_checktype(L, arg, LUA_TTABLE);
  for (int i = 0; i < 3; i++) {
    lua_geti(L, arg, i + 1);
    lua_Integer v = luaL_checkinteger(L, -1);
    rgb[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    lua_pop(L, 1);
  }
}

/* Reads n numbers from argument 2 on, and the colour after them. Returns the canvas,
   argument 1. */
static br_image check_drawing(lua_State *L, int n, double *number, uint8_t rgb[3]) {
  for (int i = 0; i < n; i++) number[i] = luaL_checknumber(L, 2 + i);
  check_colour(L, 2 + n, rgb);
  return check_canvas(L, 1);
}

/* core.draw_disk(canvas, x, y, radius, colour) */
static int draw_disk(lua_State *L) {
  uint8_t rgb[3];
  double v[3];
  br_image im = check_drawing(L, 3, v, rgb);
  br_draw_disk(&im, v[0], v[1], v[2], rgb);
  return 0;
}

/* core.draw_circle(canvas, x, y, radius, thickness, colour) */
static int draw_circle(lua_State *L) {
  uint8_t rgb[3];
  double v[4];
  br_image im = check_drawing(L, 4, v, rgb);
  br_draw_circle(&im, v[0], v[1], v[2], v[3], rgb);
  return 0;
}

/* core.draw_line(canvas, x0, y0, x1, y1, thickness, colour) */
static int draw_line(lua_State *L) {
  uint8_t rgb[3];
  double v[5];
  br_image im = check_drawing(L, 5, v, rgb);
  br_draw_line(&im, v, v + 2, v[4], rgb);
  return 0;
}

/* core.draw_rect(canvas, x0, y0, x1, y1, thickness, colour) */
static int draw_rect(lua_State *L) {
  uint8_t rgb[3];
  double v[5];
  br_image im = check_drawing(L, 5, v, rgb);
  br_draw_rect(&im, v, v[4], rgb);
  return 0;
}

/* core.draw_polygon(canvas, {x, y, x, y ...}, opacity, colour) */
static int draw_polygon(lua_State *L) {
  uint8_t rgb[3];
  luaL_checktype(L, 2, LUA_TTABLE);
  const int64_t n = luaL_len(L, 2) / 2;
  double *xy = lua_newuserdatauv(L, (size_t)(2 * n + 1) * sizeof *xy, 0);
  for (int64_t i = 0; i < 2 * n; i++) {
    lua_geti(L, 2, i + 1);
    xy[i] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  const double opacity = luaL_checknumber(L, 3);
  check_colour(L, 4, rgb);
  br_image im = check_canvas(L, 1);
  if (br_draw_polygon(&im, xy, n, opacity, rgb) != BR_OK) return br_raise(L);
  return 0;
}

/* core.draw_text(canvas, x, y, text, scale, colour); x, y: the top-left pixel, from
   0 */
static int draw_text(lua_State *L) {
  uint8_t rgb[3];
  size_t n;
  int64_t at[2] = {luaL_checkinteger(L, 2), luaL_checkinteger(L, 3)};
  const char *text = luaL_checklstring(L, 4, &n);
  int64_t scale = luaL_checkinteger(L, 5);
  check_colour(L, 6, rgb);
  br_image im = check_canvas(L, 1);
  br_draw_text(&im, at, text, n, scale, rgb);
  return 0;
}

/* core.draw_image(canvas, image canvas, x, y); x, y: the top-left pixel, from 0 */
static int draw_image(lua_State *L) {
  br_image im = check_canvas(L, 1), src = check_canvas(L, 2);
  if (im.data == src.data)
    return luaL_error(
        L, "draw_image: an image cannot be drawn onto itself; clone() it first");
  br_draw_image(&im, &src, luaL_checkinteger(L, 3), luaL_checkinteger(L, 4));
  return 0;
}

/* core.image_resize(canvas, h, w): a new canvas, averaged or interpolated. */
static int image_resize(lua_State *L) {
  int64_t h = luaL_checkinteger(L, 2), w = luaL_checkinteger(L, 3);
  br_box *box = br_push_box(L);
  br_image im = check_canvas(L, 1);
  int64_t shape[3] = {h, w, im.c};
  double whole[4] = {-0.5, -0.5, (double)im.w - 0.5, (double)im.h - 0.5};
  br_fill_box(L, box, br_tensor_new(BR_U8, 3, shape, BR_CONTIGUOUS));
  if (br_image_crop(&im, whole, shape[0], shape[1], (uint8_t *)box->t->data) != BR_OK)
    return br_raise(L);
  return 1;
}

/* ---- batches ---- */

/* A batch (n,c,h,w) over memory (n,h,w,c). */
static br_tensor *as_batch(br_tensor *rows) {
  static const int order[4] = {0, 3, 1, 2};
  br_tensor *batch = rows ? br_view_permute(rows, order) : NULL;
  br_release(rows);
  return batch;
}

/* core.load_crops(paths, areas (n,4) float64, size, channels, as_stored): images
   (n,c,size,size), and a table {[i] = message} of the files that could not be read. */
static int load_crops(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t n = br_check_length(L, 1, MAX_PATHS, "load_crops");
  int64_t size = luaL_checkinteger(L, 3), channels = luaL_checkinteger(L, 4);
  const bool as_stored = lua_toboolean(L, 5);
  if (size < 1 || size > 4096 || (channels != 1 && channels != 3))
    return luaL_error(L, "load_crops: size must be from 1 to 4096 and channels 1 or 3");
  char *notes = lua_newuserdatauv(L, (size_t)n * (1 + BR_GALLERY_MESSAGE) + 1, 0);
  const char **path = push_paths(L, n, "load_crops");
  br_box *box = br_push_box(L);
  br_tensor *areas = br_check_tensor(L, 2);
  if (areas->dtype != BR_F64 || areas->numel != 4 * n || !br_is_contiguous(areas))
    return luaL_error(L, "load_crops: areas must be float64 (%d, 4), not %s %s", (int)n,
                      br_dtype_name(areas->dtype), br_shape_of(areas));
  int64_t shape[4] = {n, size, size, channels};
  br_tensor *rows = br_tensor_new(BR_U8, 4, shape, BR_CONTIGUOUS);
  if (rows)
    br_gallery_load(&(br_gallery){.n = n,
                                  .size = size,
                                  .channels = channels,
                                  .path = path,
                                  .box = (const double *)(const void *)areas->data,
                                  .upright = !as_stored,
                                  .images = (uint8_t *)rows->data},
                    (unsigned char *)notes, notes + n);
  br_fill_box(L, box, as_batch(rows));
  lua_newtable(L);
  for (int64_t i = 0; i < n; i++) {
    if (!notes[i]) continue;
    lua_pushstring(L, notes + n + i * BR_GALLERY_MESSAGE);
    lua_rawseti(L, -2, i + 1);
  }
  return 2;
}

/* core.warp(images (n,c,h,w) uint8, pick (m) int64 from 1, matrix (m,6) float64, oh, ow,
   whiten): float32 (m,c,oh,ow); see warp.h for the matrix. */
static int warp(lua_State *L) {
  int64_t m = br_check_tensor(L, 2)->numel;
  int64_t oh = luaL_checkinteger(L, 4), ow = luaL_checkinteger(L, 5);
  bool whiten = lua_toboolean(L, 6);
  int64_t *from_zero = lua_newuserdatauv(L, (size_t)m * sizeof *from_zero + 1, 0);
  br_box *box = br_push_box(L);
  br_tensor *images = br_check_tensor(L, 1), *pick = br_check_tensor(L, 2);
  br_tensor *matrix = br_check_tensor(L, 3);
  if (images->dtype != BR_U8 || !br_is_channels_last(images))
    return luaL_error(L,
                      "warp: images must be uint8 (n, c, h, w), channels last in memory");
  if (pick->dtype != BR_I64 || !br_is_contiguous(pick) || matrix->dtype != BR_F64 ||
      matrix->numel != 6 * m || !br_is_contiguous(matrix))
    return luaL_error(L, "warp: wants int64 indices (m) and a float64 matrix (m, 6)");
  int64_t shape[4] = {m, oh, ow, images->shape[1]};
  for (int64_t i = 0; i < m; i++)
    from_zero[i] = ((const int64_t *)(const void *)pick->data)[i] - 1;
  br_tensor *rows = br_tensor_new(BR_F32, 4, shape, BR_CONTIGUOUS);
  if (rows) {
    float *to = (float *)(void *)rows->data;
    const int64_t *from = images->shape;
    br_status status = br_warp_batch(
        &(br_warps){.images = (const uint8_t *)images->data,
                    .n = from[0],
                    .c = from[1],
                    .h = from[2],
                    .w = from[3],
                    .m = m,
                    .oh = oh,
                    .ow = ow,
                    .pick = from_zero,
                    .matrix = (const double *)(const void *)matrix->data,
                    .dst = to});
    if (!status && whiten) br_whiten_batch(to, m, oh * ow * images->shape[1]);
    if (status) {
      br_release(rows);
      rows = NULL;
    }
  }
  br_fill_box(L, box, as_batch(rows));
  return 1;
}

/* core.faces(seed, first, n, size, channels): images (n,c,size,size) uint8, points
   (n,5,2) float32, labels (n,4) int64 from 1: gender, smile, glasses, pose; see faces.h.
 */
static int faces(lua_State *L) {
  uint64_t seed = (uint64_t)luaL_checkinteger(L, 1);
  int64_t first = luaL_checkinteger(L, 2), n = luaL_checkinteger(L, 3);
  int64_t size = luaL_checkinteger(L, 4), channels = luaL_checkinteger(L, 5);
  if (n < 0 || n > 1 << 28 || size < 1 || size > 4096 || (channels != 1 && channels != 3))
    return luaL_error(
        L,
        "faces: n must not be negative, size must be from 1 to 4096 and channels 1 or 3, not %d, %d and %d",
        (int)n, (int)size, (int)channels);
  int64_t image_shape[4] = {n, size, size, channels};
  br_face_labels *face = lua_newuserdatauv(L, (size_t)n * sizeof *face + 1, 0);
  br_box *images = br_push_box(L), *points = br_push_box(L), *labels = br_push_box(L);
  br_fill_box(
      L, points,
      br_tensor_new(BR_F32, 3, (const int64_t[]){n, BR_FACE_POINTS, 2}, BR_CONTIGUOUS));
  br_fill_box(L, labels,
              br_tensor_new(BR_I64, 2, (const int64_t[]){n, 4}, BR_CONTIGUOUS));
  br_tensor *rows = br_tensor_new(BR_U8, 4, image_shape, BR_CONTIGUOUS);
  if (rows && br_faces_render(&(br_faces){.seed = seed,
                                          .first = first,
                                          .n = n,
                                          .size = (int)size,
                                          .channels = (int)channels,
                                          .images = (uint8_t *)rows->data,
                                          .points = (float *)(void *)points->t->data,
                                          .labels = face}) != BR_OK) {
    br_release(rows);
    rows = NULL;
  }
  br_fill_box(L, images, as_batch(rows));
  int64_t *to = (int64_t *)(void *)labels->t->data;
  for (int64_t i = 0; i < n; i++) {
    *to++ = face[i].gender + 1;
    *to++ = face[i].smile + 1;
    *to++ = face[i].glasses + 1;
    *to++ = face[i].pose + 1;
  }
  return 3;
}

void br_open_images(lua_State *L) {
  static const luaL_Reg functions[] = {{"image_read", image_read},
                                       {"image_decode", image_decode},
                                       {"image_write", image_write},
                                       {"image_probe", image_probe},
                                       {"probe_images", probe_images},
                                       {"image_resize", image_resize},
                                       {"image_encode", image_encode},
                                       {"draw_disk", draw_disk},
                                       {"draw_circle", draw_circle},
                                       {"draw_line", draw_line},
                                       {"draw_rect", draw_rect},
                                       {"draw_polygon", draw_polygon},
                                       {"draw_text", draw_text},
                                       {"draw_image", draw_image},
                                       {"load_crops", load_crops},
                                       {"warp", warp},
                                       {"faces", faces},
                                       {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
