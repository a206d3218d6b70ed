/* Parts of an image as a batch for a network. */
#include "image/area.h"

#include "bind/bind.h"

/* core.area(canvas (h,w,c) uint8, parts (m,4) int64: first column, first row, last
   column, last row, from 1; oh, ow, shift, scale): float32 (m,c,oh,ow); see io/area.h. */
static int area(lua_State *L) {
  lua_settop(L, 6);
  br_tensor *parts = br_check_tensor(L, 2);
  int64_t *part = lua_newuserdatauv(L, (size_t)parts->numel * sizeof *part + 1, 0);
  br_box *box = br_push_box(L);
  int64_t oh = luaL_checkinteger(L, 3), ow = luaL_checkinteger(L, 4);
  float shift = (float)luaL_optnumber(L, 5, 0), scale = (float)luaL_optnumber(L, 6, 1);
  br_tensor *canvas = br_check_tensor(L, 1);
  parts = br_check_tensor(L, 2);
  if (canvas->dtype != BR_U8 || canvas->ndim != 3 || !br_is_contiguous(canvas))
    return br_error(L, "area: wants contiguous uint8 (h, w, channels), not %s %s",
                    br_dtype_name(canvas->dtype), br_shape_of(canvas));
  if (parts->dtype != BR_I64 || parts->ndim != 2 || parts->shape[1] != 4 ||
      !br_is_contiguous(parts))
    return br_error(L, "area: parts must be int64 (m, 4), not %s %s",
                    br_dtype_name(parts->dtype), br_shape_of(parts));
  if (oh < 1 || ow < 1 || oh > BR_AREA_MAX || ow > BR_AREA_MAX)
    return br_error(L, "area: the size %d x %d is out of range", (int)oh, (int)ow);
  int64_t m = parts->shape[0], shape[4] = {m, oh, ow, canvas->shape[2]};
  br_image im = {.c = canvas->shape[2],
                 .h = canvas->shape[0],
                 .w = canvas->shape[1],
                 .data = (uint8_t *)canvas->data};
  for (int64_t i = 0; i < 4 * m; i++)
    part[i] = ((const int64_t *)(const void *)parts->data)[i] - (i % 4 < 2);
  br_tensor *rows = br_tensor_new(BR_F32, 4, shape, BR_CONTIGUOUS), *batch = NULL;
  if (rows && br_area_batch(&im, &(br_areas){part, m, oh, ow, shift, scale,
                                             (float *)(void *)rows->data}) == BR_OK)
    batch = br_view_permute(rows, (const int[]){0, 3, 1, 2});
  br_release(rows);
  br_fill_box(L, box, batch);
  return 1;
}

void br_open_area(lua_State *L) {
  static const luaL_Reg functions[] = {{"area", area}, {NULL, NULL}};
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
}
