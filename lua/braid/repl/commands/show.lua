--- show(x): draws a picture, a batch, a sample or a network's plan.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local drawing <const> = require "braid.repl.drawing"
local graphics <const> = require "braid.repl.graphics"
local printing <const> = require "braid.repl.printing"

local LIMIT <const> = 16 -- pictures of a batch

-- Whether a tensor can be a picture, (h, w) or (1 or 3, h, w), or a batch of pictures.
local function picture_dims(t)
  local shape <const> = t.shape
  local n <const> = #shape
  if n < 2 or n > 4 or t:numel() == 0 then return nil end
  if n > 2 and shape[n - 2] ~= 1 and shape[n - 2] ~= 3 then return nil end
  return n
end

local function describe(t)
  return ("picture {%s} %s"):format(table.concat(t.shape, ", "), t.dtype)
end

-- The pictures of a tensor that are shown.
local function list_of(t)
  if #t.shape < 4 then return {t} end
  local list <const> = {}
  for i = 1, math.min(t.shape[1], LIMIT) do list[i] = t[i] end
  return list
end

local function draw(list, landmarks)
  local columns <const>, rows <const> = core.terminal_size()
  local o <const> = {columns = columns, rows = rows - 3, landmarks = landmarks}
  local kind <const> = graphics.kind()
  io.write(kind and drawing.picture(kind, list, o) or drawing.grid(list, o))
end

local function show_pictures(session, t, landmarks)
  local page <const>, list <const> = session.page, list_of(t)
  if not page and not core.is_terminal(1) then
    print(describe(t))
    return
  end
  if page then page.pictures(list, describe(t), landmarks) else draw(list, landmarks) end
  if #t.shape == 4 and #list < t.shape[1] then
    print(("%d of %d"):format(#list, t.shape[1]))
  end
end

-- Shows a value that is not a picture.
local function show_value(session, x)
  if session.page then return session.page.value(x) end
  print(printing.text(x, session.width()))
end

return function(session, x)
  if x == nil then check.fail("show: wants a value, not nil") end
  if core.is_tensor(x) and picture_dims(x) then return show_pictures(session, x) end
  local is_plain <const> = type(x) == "table" and not class.of(x)
  local image <const> = is_plain and x.image
  if image and core.is_tensor(image) and picture_dims(image) then
    local points <const> = #image.shape == 3 and core.is_tensor(x.landmarks) and x.landmarks
    show_pictures(session, image, points or nil)
    local rest <const> = {}
    for name, value in pairs(x) do
      if not rawequal(value, image) and not rawequal(value, points) then rest[name] = value end
    end
    if next(rest) ~= nil then show_value(session, rest) end
    return
  end
  if class.is_a(x, require "braid.nn.module") then x = require "braid.plot".topology(x) end
  show_value(session, x)
end
