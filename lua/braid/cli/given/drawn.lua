--- Pictures with a network's answers drawn on them.

local answers_of <const> = require "braid.model.answers"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local tensor <const> = require "braid.tensor"
local ops <const> = core.ops

local M <const> = {}

local POINT <const>, WORDS <const>, LINE <const> = {255, 60, 60}, {40, 220, 90}, 9

-- A path without redundant parts, to compare paths.
local function plain(path)
  local text <const> = path:sub(1, 1) == "/" and path or "./" .. path
  return (text:gsub("//+", "/"):gsub("/%./", "/"):gsub("^%./%./", "./"))
end

--- The file NAME.png in `dir` for each picture. Two pictures of the same name, or a file that is
-- already there, raise an error.
function M.places(dir, paths, overwrite)
  local places <const>, owners <const> = {}, {}
  local read <const> = {}
  for _, path in ipairs(paths) do read[plain(path)] = true end
  if core.path_kind(dir) == "file" then check.fail("--out: %s is a file", dir) end
  for i, path in ipairs(paths) do
    local name <const> = path:match("([^/]+)$"):gsub("%.%w+$", "") .. ".png"
    local place <const> = dir .. "/" .. name
    if owners[name] then
      check.fail("--out: %s and %s would both be %s", owners[name], path, place)
    end
    if read[plain(place)] then
      check.fail("--out: %s is one of the pictures to read; choose another directory",
        place)
    end
    if core.path_kind(place) and not overwrite then
      check.fail("--out: %s already exists; --overwrite replaces it", place)
    end
    places[i], owners[name] = place, path
  end
  return places
end

-- The picture as a canvas (h,w,3), with space below it for `lines` lines of text.
local function canvas_of(path, lines, scale)
  local image <const> = assert(core.image_read(path, 3))
  local pixels <const> = ops.contiguous_copy(ops.permute(image, 2, 3, 1))
  if lines == 0 then return pixels end
  local room <const> = tensor.zeros(lines * LINE * scale + 2, pixels:size(2), 3):to("uint8")
  return ops.contiguous_copy(ops.cat({pixels, room}, 1))
end

--- Makes the directory if it is not there.
function M.make(dir)
  if core.path_kind(dir) then return end
  local ok <const>, why <const> = core.make_folder(dir)
  if not ok then check.fail("--out: %s", why) end
end

--- Writes the pictures. Each file is written whole or not at all.
function M.write(dir, places, tasks, list)
  M.make(dir)
  for i, row in ipairs(list) do
    local lines <const>, points <const> = {}, {}
    for name in tasks:each() do
      local answer <const> = row.tasks[name]
      for _, p in ipairs(answer.points or {}) do points[#points + 1] = p end
      if not answer.points then
        lines[#lines + 1] = name .. " " .. answers_of.words(answer)
      end
    end
    local scale <const> = math.max(1, row.width // 320)
    local canvas <const> = canvas_of(row.picture, #lines, scale)
    local radius <const> = math.max(1, math.max(row.height, row.width) / 90)
    for _, p in ipairs(points) do core.draw_disk(canvas, p[1], p[2], radius, POINT) end
    for k, line in ipairs(lines) do
      core.draw_text(canvas, 1, row.height + 1 + (k - 1) * LINE * scale, line, scale, WORDS)
    end
    local ok <const>, why <const> = files.write(places[i], {core.image_encode(canvas)})
    if not ok then check.fail("--out: %s", why) end
  end
end

return M
