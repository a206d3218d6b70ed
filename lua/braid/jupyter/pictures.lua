--- Tensors as pictures for a page: small pictures are magnified, several pictures stand in rows.

local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

local SIDE <const> = 224 -- a picture whose sides are all smaller is magnified up to this
local WIDE <const> = 960 -- a row of pictures has at most this many pixels
local GAP <const> = 4    -- pixels between pictures
local PAPER <const> = 255
local GREEN <const> = {40, 230, 90}

-- A picture (h,w) or (1 or 3,h,w) of any range as a canvas (h,w,3).
local function canvas_of(t)
  if #t.shape == 2 then t = t:reshape(1, t.shape[1], t.shape[2]) end
  if t.dtype ~= "uint8" then
    t = core.detach(t):to("float32")
    t = ops.where(ops.eq(t, t), t, 0)
    local low <const>, high <const> = t:min():item(), t:max():item()
    if low >= 0 and high <= 1 then
      t = t * 255
    elseif not (low >= 0 and high <= 255) and high > low then
      t = (t - low) * (255 / (high - low))
    end
    t = t:round():clamp(0, 255):to("uint8")
  end
  local pixels <const> = ops.permute(t, 2, 3, 1)
  return ops.contiguous_copy(ops.expand(pixels, pixels:size(1), pixels:size(2), 3))
end

-- Every pixel as a square of `times` pixels.
local function magnified(canvas, times)
  if times == 1 then return canvas end
  local h <const>, w <const> = canvas:size(1), canvas:size(2)
  local wide <const> = ops.expand(canvas:reshape(h, 1, w, 1, 3), h, times, w, times, 3)
  return ops.contiguous_copy(wide):reshape(h * times, w * times, 3)
end

-- Points (n,2) in pixels of the picture, on its magnified canvas.
local function draw_points(canvas, points, times)
  local radius <const> = math.max(1.5, math.max(canvas:size(1), canvas:size(2)) / 90)
  for _, p in ipairs(core.detach(points):to("float64"):totable()) do
    if p[1] == p[1] and p[2] == p[2] then
      core.draw_disk(canvas, (p[1] + 0.5) * times - 0.5, (p[2] + 0.5) * times - 0.5, radius, GREEN)
    end
  end
end

--- A list of pictures, all of one size, as a canvas (h,w,3). landmarks (n,2) belong to the first.
function M.canvas(list, landmarks)
  local parts <const> = {}
  for i, t in ipairs(list) do parts[i] = canvas_of(t) end
  local h <const>, w <const> = parts[1]:size(1), parts[1]:size(2)
  local each <const> = math.max(1, math.min(#list, 8, WIDE // (w + GAP)))
  local room <const> = math.min(SIDE, WIDE // each)
  local times <const> = math.max(1, room // math.max(h, w))
  for i, part in ipairs(parts) do parts[i] = magnified(part, times) end
  if landmarks then draw_points(parts[1], landmarks, times) end
  if #parts == 1 then return parts[1] end
  local rows <const>, step_h <const>, step_w <const> = (#parts + each - 1) // each, h * times + GAP,
    w * times + GAP
  local all <const> = core.new({rows * step_h - GAP, each * step_w - GAP, 3}, "uint8", PAPER)
  for i, part in ipairs(parts) do
    core.draw_image(all, part, (i - 1) % each * step_w, (i - 1) // each * step_h)
  end
  return all
end

return M
