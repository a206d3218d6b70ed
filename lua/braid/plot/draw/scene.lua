--- A scene: a picture as a list of shapes in the units of a medium. Renderers draw it.
--
-- Units are pixels for an SVG or PNG (before scaling), and dots of braille in a terminal, where a
-- character has two across and four down. Colours are names of the palette or numbers of series.
--   {kind = "line", points = {x, y, ...}, colour =, width =, dash =}
--   {kind = "area", points = {x, y, ...}, colour =, opacity =}
--   {kind = "rect", x =, y =, w =, h =, colour =, opacity =, border =, title =}
--   {kind = "dot", x =, y =, r =, colour =}
--   {kind = "dots", points = {x, y, ...}, r =, colour =, opacity =}
--   {kind = "text", x =, y =, text =, colour =, anchor = "start", "middle" or "end", bold =,
--    upright = true}     x, y: the anchor, at the middle of the letters' height. Upright text runs
--    upwards, but downwards in a terminal

local text <const> = require "braid.plot.draw.text"

local Scene <const> = {}
Scene.__index = Scene

local function new(medium) return setmetatable({medium = medium, items = {}}, Scene) end

local function put(self, kind, item, style)
  for key, value in pairs(style or {}) do item[key] = value end
  item.kind = kind
  self.items[#self.items + 1] = item
end

function Scene:line(points, style) put(self, "line", {points = points}, style) end
function Scene:area(points, style) put(self, "area", {points = points}, style) end
function Scene:dot(x, y, r, style) put(self, "dot", {x = x, y = y, r = r}, style) end

function Scene:dots(points, r, style) put(self, "dots", {points = points, r = r}, style) end

function Scene:rect(x, y, w, h, style)
  put(self, "rect", {x = x, y = y, w = w, h = h}, style)
end

--- Adds axes at the left and bottom of the box, with ticks, for media that are made of letters.
function Scene:frame(box, across, along)
  put(self, "frame", {box = box, across = across, along = along})
end

--- Writes a text. If it is wider than `room`, it is cut and the full text becomes a title.
function Scene:text(x, y, words, style, room)
  words = text.clean(words)
  local shown <const> = room and text.fit(words, room, self.medium.measure) or words
  if shown == "" then return end
  put(self, "text", {x = x, y = y, text = shown, title = shown ~= words and words or nil,
    anchor = "start", colour = "ink"}, style)
end

return new
