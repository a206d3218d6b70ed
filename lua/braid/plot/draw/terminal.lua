--- Draws scenes as text in the width of the terminal: braille for lines, blocks for bars. It uses
-- no colours if NO_COLOR is set or the output is not a terminal.

local core <const> = require "braid.core"
local palette <const> = require "braid.plot.draw.palette"
local text <const> = require "braid.plot.draw.text"

local M <const> = {}

local ACROSS <const>, DOWN <const> = 2, 4 -- dots in a character
local RIGHT <const> = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}
local UP <const> = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
local SHADES <const> = {" ", "░", "▒", "▓", "█"}
local DOTS <const> = { {0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80} }

--- The medium of a terminal with `columns` columns.
function M.medium(columns, colour)
  return {name = "terminal", width = columns * ACROSS, height = 14 * DOWN, line = DOWN,
    gap = ACROSS, pad = 0, tick = DOWN, step = ACROSS, edge = 0, spread = 2.4, letters = not colour,
    colour = colour, measure = function(words) return ACROSS * text.columns(words) end}
end

--- Whether standard output is a terminal that shows colours.
function M.has_colour()
  local none <const> = os.getenv("NO_COLOR")
  return core.terminal_width() ~= nil and (none == nil or none == "")
    and os.getenv("TERM") ~= "dumb"
end

-- ---- a page of characters --------------------------------------------------------------

local Page <const> = {}
Page.__index = Page

local function new_page(scene)
  return setmetatable({w = math.ceil(scene.width / ACROSS), h = math.ceil(scene.height / DOWN),
    cells = {}, colour = scene.medium.colour}, Page)
end

function Page:cell(column, row)
  if column < 0 or row < 0 or column >= self.w or row >= self.h then return nil end
  local key <const> = row * self.w + column
  local cell = self.cells[key]
  if not cell then
    cell = {bits = 0}
    self.cells[key] = cell
  end
  return cell
end

function Page:letter(column, row, letter, fore)
  local cell <const> = self:cell(column, row)
  if cell then cell.letter, cell.fore = letter, fore end
end

function Page:dot(x, y, fore)
  local column <const>, row <const> = x // ACROSS, y // DOWN
  local cell <const> = self:cell(column, row)
  if not cell then return end
  if cell.letter and not cell.weak then return end
  cell.letter, cell.weak = nil, nil
  cell.bits = cell.bits | DOTS[x - column * ACROSS + 1][y - row * DOWN + 1]
  cell.fore = fore
end

local function whole(v) return math.tointeger(math.floor(v)) end

-- Sets the dots of a line, by Bresenham's method.
function Page:line(x0, y0, x1, y1, fore)
  local dx <const>, dy <const> = math.abs(x1 - x0), -math.abs(y1 - y0)
  local sx <const>, sy <const> = x0 < x1 and 1 or -1, y0 < y1 and 1 or -1
  local e = dx + dy
  while true do
    self:dot(x0, y0, fore)
    if x0 == x1 and y0 == y1 then return end
    local twice <const> = 2 * e
    if twice >= dy then e, x0 = e + dy, x0 + sx end
    if twice <= dx then e, y0 = e + dx, y0 + sy end
  end
end

-- ---- shapes ------------------------------------------------------------------------------

-- One of the terminal's 256 colours for {r, g, b}.
local function number_of(rgb)
  local function level(v) return v < 48 and 0 or v < 115 and 1 or (v - 35) // 40 end
  return 16 + 36 * level(rgb[1]) + 6 * level(rgb[2]) + level(rgb[3])
end

local DRAW <const> = {}

-- The last dot of the plot's area also takes places exactly at its far edge, which is at a whole
-- character.
local function last_dot(v, edge) return v == edge and v % 1 == 0 and v - 1 or v end

function DRAW.line(page, s, fore, limits)
  local p <const> = s.points
  for i = 1, #p - 3, 2 do
    page:line(whole(last_dot(p[i], limits.right)), whole(last_dot(p[i + 1], limits.bottom)),
      whole(last_dot(p[i + 2], limits.right)), whole(last_dot(p[i + 3], limits.bottom)), fore)
  end
end

function DRAW.dot(page, s, fore, limits)
  page:dot(whole(last_dot(s.x, limits.right)), whole(last_dot(s.y, limits.bottom)), fore)
end

function DRAW.dots(page, s, fore, limits)
  local p <const> = s.points
  for i = 1, #p, 2 do DRAW.dot(page, {x = p[i], y = p[i + 1]}, fore, limits) end
end

-- Whether (x, y) lies in the polygon.
local function inside(p, x, y)
  local odd, j = false, #p - 1
  for i = 1, #p, 2 do
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> = p[j], p[j + 1], p[i], p[i + 1]
    if (y0 <= y) ~= (y1 <= y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0) then odd = not odd end
    j = i
  end
  return odd
end

function DRAW.area(page, s, fore)
  for row = 0, page.h - 1 do
    for column = 0, page.w - 1 do
      if inside(s.points, column * ACROSS + 1, row * DOWN + 2) then
        page:letter(column, row, "░", fore)
        page:cell(column, row).weak = true
      end
    end
  end
end

-- Draws a cell of a table as a background, or as a shade if there are no colours.
local function draw_cell(page, s)
  local colour <const> = palette.dark[s.colour]
  local back <const> = s.opacity > 0.06 and number_of(palette.blend(palette.dark.paper, colour,
    s.opacity))
  local shade <const> = SHADES[1 + math.floor(s.opacity * 4 + 0.5)]
  for row = whole(s.y / DOWN), math.ceil((s.y + s.h) / DOWN) - 1 do
    for column = whole(s.x / ACROSS), math.ceil((s.x + s.w) / ACROSS) - 1 do
      local cell <const> = page:cell(column, row)
      if cell and page.colour then
        cell.back, cell.fore = back or nil, back and 255 or nil
        cell.letter = " "
      elseif cell and s.plain then
        cell.letter = shade
      end
    end
  end
end

-- Draws the frames of boxes, for pictures of networks.
local function draw_border(page, s, fore)
  local left <const>, top <const> = whole(s.x / ACROSS), whole(s.y / DOWN)
  local right <const>, bottom <const> = whole((s.x + s.w) / ACROSS) - 1, whole((s.y + s.h) / DOWN)
    - 1
  if bottom <= top or right <= left then return end
  for c = left, right do
    for r = top, bottom do
      local edge <const> = (c == left and "l" or c == right and "r" or "")
        .. (r == top and "t" or r == bottom and "b" or "")
      local letters <const> = {lt = "┌", rt = "┐", lb = "└", rb = "┘", l = "│", r = "│", t = "─",
        b = "─", [""] = " "}
      page:letter(c, r, letters[edge], fore)
    end
  end
end

function DRAW.rect(page, s, fore)
  if s.border then return draw_border(page, s, palette.terminal[s.border]) end
  if s.cell then return draw_cell(page, s) end
  if s.grows == "up" then
    local tall <const>, from <const> = s.y + s.h, s.y
    for column = whole(s.x / ACROSS + 0.5), math.max(whole(s.x / ACROSS + 0.5),
      whole((s.x + s.w) / ACROSS + 0.5) - 1) do
      for row = whole(from / DOWN), math.ceil(tall / DOWN) - 1 do
        local part <const> = math.min(1, ((row + 1) * DOWN - from) / DOWN)
        local eighths <const> = whole(part * 8 + 0.5)
        if eighths > 0 then page:letter(column, row, UP[eighths], fore) end
      end
    end
    return
  end
  local first <const>, last <const> = whole(s.y / DOWN + 0.5), whole((s.y + s.h) / DOWN + 0.5) - 1
  for row = first, math.max(first, last) do
    for column = whole(s.x / ACROSS), math.ceil((s.x + s.w) / ACROSS) - 1 do
      local part <const> = math.min(1, (s.x + s.w - column * ACROSS) / ACROSS)
      local eighths <const> = whole(part * 8 + 0.5)
      if eighths > 0 then page:letter(column, row, RIGHT[eighths], fore) end
    end
  end
end

function DRAW.text(page, s, fore)
  local words <const>, row = s.text, whole(s.y / DOWN)
  local width <const> = text.columns(words)
  local x <const> = s.x / ACROSS - (s.anchor == "end" and width or s.anchor == "middle"
    and width / 2 or 0)
  local column = whole(x + 0.5)
  if s.upright then
    column = whole(s.x / ACROSS)
    row = row - (s.anchor == "start" and width - 1 or s.anchor == "middle" and width // 2 or 0)
  end
  for _, code in utf8.codes(words) do
    local letter <const> = utf8.char(code)
    local cell <const> = page:cell(column, row)
    if cell then
      cell.letter, cell.weak = letter, nil
      if not cell.back then cell.fore = fore end
      cell.bold = s.bold
    end
    local step <const> = text.columns(letter)
    if s.upright then row = row + 1 else column = column + step end
    if step == 2 and not s.upright then
      local next_cell <const> = page:cell(column - 1, row)
      if next_cell then next_cell.letter = "" end
    end
  end
end

function DRAW.frame(page, s)
  local b <const>, fore <const> = s.box, palette.terminal.frame
  local left <const>, bottom <const> = whole(b[1] / ACROSS) - 1, whole(b[4] / DOWN)
  for row = whole(b[2] / DOWN), bottom - 1 do page:letter(left, row, "│", fore) end
  for column = left, whole(b[3] / ACROSS) - 1 do
    page:letter(column, bottom, column == left and "└" or "─", fore)
  end
  for _, y in ipairs(s.along) do
    local row <const> = math.min(bottom, whole(y / DOWN))
    page:letter(left, row, row == bottom and "┴" or "┤", fore)
  end
  for _, x in ipairs(s.across) do
    local column <const> = math.min(whole(b[3] / ACROSS) - 1, whole(x / ACROSS))
    if column > left then page:letter(column, bottom, "┬", fore) end
  end
end

-- ---- the page as text ------------------------------------------------------------------

local function row_text(page, row)
  local words <const>, style = {}, ""
  for column = 0, page.w - 1 do
    local cell <const> = page.cells[row * page.w + column]
    local letter <const> = not cell and " " or cell.letter
      or cell.bits > 0 and utf8.char(0x2800 + cell.bits) or " "
    if page.colour then
      local want = ""
      if cell then
        want = (cell.bold and "\27[1m" or "") .. (cell.fore and ("\27[38;5;%dm"):format(cell.fore)
          or "") .. (cell.back and ("\27[48;5;%dm"):format(cell.back) or "")
      end
      if want ~= style then
        words[#words + 1] = (style ~= "" and "\27[0m" or "") .. want
        style = want
      end
    end
    words[#words + 1] = letter
  end
  return (table.concat(words) .. (style ~= "" and "\27[0m" or "")):gsub(" +$", "")
end

--- The lines of a scene as one text.
function M.render(scene)
  local page <const>, lines <const> = new_page(scene), {}
  local limits = {}
  for _, s in ipairs(scene.items) do
    if s.kind == "frame" then limits = {right = s.box[3], bottom = s.box[4]} end
    DRAW[s.kind](page, s, page.colour and palette.terminal[s.colour] or nil, limits)
  end
  for row = 0, page.h - 1 do lines[#lines + 1] = row_text(page, row) end
  while lines[#lines] == "" do lines[#lines] = nil end
  return table.concat(lines, "\n")
end

return M
