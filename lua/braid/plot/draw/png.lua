--- Draws scenes as canvases of pixels. A unit is SCALE pixels.

local core <const> = require "braid.core"
local palette <const> = require "braid.plot.draw.palette"
local ops <const> = core.ops

local M <const> = {}

-- pixels of a unit; width and height of a letter in units
local SCALE <const>, LETTER <const>, HEIGHT <const> = 2, 6, 7

M.medium = {name = "png", width = 640, height = 260, line = 13, gap = 6, pad = 4, tick = 4,
  step = 1,
  grid = true,
  edge = 10, spread = 2.5,
  measure = function(words) return LETTER * (utf8.len(words) or #words) end}

-- The core can only draw ASCII letters.
local PLAIN <const> = {["×"] = "x", ["±"] = "+-", ["–"] = "-", ["—"] = "-", ["…"] = "..",
  ["α"] = "a", ["→"] = "->", ["←"] = "<-"}
local function plain(words) return (words:gsub("[\xC2-\xF4][\x80-\xBF]+", PLAIN)) end

local DRAW <const> = {}

-- Calls f with each piece of a dashed line.
local function dashed(points, dash, f)
  local k, left, on = 1, dash[1], true
  for i = 1, #points - 3, 2 do
    local x, y <const>, x1 <const>, y1 <const> = points[i], points[i + 1], points[i + 2],
      points[i + 3]
    local length <const> = math.sqrt((x1 - x) ^ 2 + (y1 - y) ^ 2)
    local done = 0.0
    while done < length do
      local step <const> = math.min(left, length - done)
      if on then
        f(x + (x1 - x) * done / length, y + (y1 - y) * done / length,
          x + (x1 - x) * (done + step) / length, y + (y1 - y) * (done + step) / length)
      end
      done, left = done + step, left - step
      if left <= 1e-9 then
        k, on = k % #dash + 1, not on
        left = dash[k]
      end
    end
  end
end

local function at(v) return v * SCALE - 0.5 end

function DRAW.line(canvas, s, colour)
  local width <const>, p <const> = (s.width or 1) * SCALE, s.points
  local function segment(x0, y0, x1, y1)
    core.draw_line(canvas, at(x0), at(y0), at(x1), at(y1), width, colour)
  end
  if s.dash and #s.dash > 0 then
    dashed(p, s.dash, segment)
  else
    for i = 1, #p - 3, 2 do segment(p[i], p[i + 1], p[i + 2], p[i + 3]) end
  end
end

local function polygon(canvas, points, opacity, colour)
  local own <const> = {}
  for i, v in ipairs(points) do own[i] = at(v) end
  core.draw_polygon(canvas, own, opacity or 1, colour)
end

function DRAW.area(canvas, s, colour) polygon(canvas, s.points, s.opacity, colour) end

function DRAW.rect(canvas, s, colour, colours)
  local x1 <const>, y1 <const> = s.x + s.w, s.y + s.h
  polygon(canvas, {s.x, s.y, x1, s.y, x1, y1, s.x, y1}, s.opacity, colour)
  if s.border then
    core.draw_rect(canvas, at(s.x), at(s.y), at(x1), at(y1), SCALE, colours[s.border])
  end
end

function DRAW.dot(canvas, s, colour)
  core.draw_disk(canvas, at(s.x), at(s.y), s.r * SCALE, colour)
end

function DRAW.dots(canvas, s, colour)
  local p <const> = s.points
  for i = 1, #p, 2 do core.draw_disk(canvas, at(p[i]), at(p[i + 1]), s.r * SCALE, colour) end
end

-- Draws text that runs upwards: it turns the canvas by a quarter, draws, and turns it back.
local function draw_upright(canvas, s, words, width, colour)
  local h <const>, w <const> = math.ceil(width * SCALE), HEIGHT * SCALE + SCALE
  local x <const> = math.floor((s.x - HEIGHT / 2) * SCALE)
  local y <const> = math.floor(s.y * SCALE - (s.anchor == "start" and h or s.anchor == "end" and 0
    or h / 2))
  if x < 0 or y < 0 or x + w > canvas:size(2) or y + h > canvas:size(1) then return end
  local part <const> = ops.narrow(ops.narrow(canvas, 1, y + 1, h), 2, x + 1, w)
  local lying <const> = ops.contiguous_copy(ops.flip(ops.permute(part, 2, 1, 3), 2))
  core.draw_text(lying, 0, 0, words, SCALE, colour)
  ops.copy_(part, ops.permute(ops.flip(lying, 2), 2, 1, 3))
end

function DRAW.text(canvas, s, colour)
  local words <const> = plain(s.text)
  local width <const> = M.medium.measure(words)
  if s.upright then return draw_upright(canvas, s, words, width, colour) end
  local x <const> = s.x - (s.anchor == "middle" and width / 2 or s.anchor == "end" and width or 0)
  local left <const>, top <const> = math.floor(x * SCALE), math.floor((s.y - HEIGHT / 2) * SCALE)
  core.draw_text(canvas, left, top, words, SCALE, colour)
  if s.bold then core.draw_text(canvas, left + 1, top, words, SCALE, colour) end
end

--- A canvas (h,w,3) of a scene.
function M.render(scene, o)
  local colours <const> = o.theme == "dark" and palette.dark or palette.light
  local h <const>, w <const> = math.ceil(scene.height * SCALE), math.ceil(scene.width * SCALE)
  local canvas <const> = ops.contiguous_copy(ops.expand(core.from_table({{colours.paper}}, "uint8"),
    h, w, 3))
  for _, item in ipairs(scene.items) do
    DRAW[item.kind](canvas, item, colours[item.colour], colours)
  end
  return canvas
end

return M
