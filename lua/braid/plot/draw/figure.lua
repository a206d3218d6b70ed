--- A picture of one or several panels. The functions of plot return it if they get no path.
--
-- It prints as text in the terminal's width (80 columns without a terminal). figure:save(path)
-- writes an .svg, a .png or a .txt. figure:svg(), figure:canvas() (uint8 (h,w,3)) and
-- figure:text{columns =, colour =} return the same contents.
-- @usage
-- local figure <const> = plot.lines(history)
-- print(figure)
-- figure:save("curves.svg")

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local new_scene <const> = require "braid.plot.draw.scene"
local picture <const> = require "braid.io.picture"
local place_axes <const> = require "braid.plot.draw.axes"
local png <const> = require "braid.plot.draw.png"
local svg <const> = require "braid.plot.draw.svg"
local terminal <const> = require "braid.plot.draw.terminal"

local Figure <const> = class("figure")

--- Options that every picture has.
Figure.OPTIONS = {
  title = check.text(), width = check.whole{from = 120, to = 8000},
  theme = check.choice{"auto", "light", "dark"},
}

--- `what` is the name of the user's function; o has title, width, theme, and the columns of panels.
function Figure:init(what, panels, o)
  self.what, self.panels, self.title = what, panels, o.title
  self.width, self.theme, self.columns = o.width, o.theme, o.columns
end

-- The number of panels in a row, and the width of each.
local function grid(self, medium, width)
  local least <const> = medium.measure(("n"):rep(44))
  local most <const> = self.columns or (#self.panels > 2 and 2 or #self.panels)
  local columns <const> = math.max(1, math.min(most, #self.panels, width // least))
  local apart <const> = columns > 1 and 2 * medium.measure("n") or 0
  local each <const> = (width - (columns - 1) * apart) // columns
  return columns, math.max(medium.step, each // medium.step * medium.step), apart
end

-- The shapes of all panels, for a medium.
local function scene_of(self, medium, width)
  local scene <const> = new_scene(medium)
  local border <const> = medium.grid and 8 or 0
  local inner <const> = width - 2 * border
  local columns <const>, each <const>, apart <const> = grid(self, medium, inner)
  local y, row, widest = border, 0, 0
  if self.title then
    scene:text(border, y + medium.line / 2, self.title, {bold = true}, inner)
    y = y + medium.line + 2 * medium.pad
  end
  for i, panel in ipairs(self.panels) do
    local column <const> = (i - 1) % columns
    if column == 0 then y, row = y + row, 0 end
    local left <const> = border + column * (each + apart)
    local height <const>, own <const> = (panel.place or place_axes)(scene, panel, left, y, each)
    widest = math.max(widest, left + (own or each) + border)
    row = math.max(row, height + (#self.panels > columns and medium.line or 0))
  end
  scene.width, scene.height = widest, y + row // 1 + border
  return scene
end

--- The figure as the text of an SVG.
function Figure:svg(inside)
  local first <const> = self.panels[1] or {}
  return svg.render(scene_of(self, svg.medium, self.width or svg.medium.width),
    {theme = self.theme, label = self.title or first.title, inside = inside})
end

--- The figure as a canvas of pixels, uint8 (h,w,3).
function Figure:canvas()
  return png.render(scene_of(self, png.medium, self.width or png.medium.width),
    {theme = self.theme})
end

local TEXT <const> = check.declare("figure: text", {
  columns = check.whole{from = 10, to = 1000}, colour = check.flag(false),
})

--- The figure as lines of text, braille and blocks.
function Figure:text(given)
  local o <const> = check.options(TEXT, given)
  local columns <const> = o.columns or core.terminal_width() or 80
  local medium <const> = terminal.medium(math.max(10, columns), o.colour)
  return terminal.render(scene_of(self, medium, medium.width))
end

Figure.__tostring = function(self) return self:text{colour = terminal.has_colour()} end

--- Checks that a path has an ending that can be written.
function Figure.check_path(what, path)
  check.path(what, path)
  local ending <const> = path:lower():match("%.(%w+)$")
  if ending ~= "svg" and ending ~= "png" and ending ~= "txt" then
    check.fail("%s: the path must end in .svg or .png, not '%s' (or in .txt, for letters)", what,
      path)
  end
  return ending
end

--- Writes the picture to an .svg, a .png or a .txt.
-- @return true
function Figure:save(path)
  local what <const> = self.what
  local ending <const> = Figure.check_path(what, path)
  if ending == "png" then return picture.write(what, path, self:canvas()) end
  local ok <const>, why <const> = files.write(path, {ending == "svg" and self:svg()
    or self:text{columns = 80} .. "\n"})
  if not ok then check.fail("%s: %s", what, why) end
  return true
end

return Figure
