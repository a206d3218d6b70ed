--- Draws a table of numbers as coloured cells, for any medium.
--
-- A panel of cells is {values = rows of numbers, texts = rows of words or nil, titles = rows of
-- words, rows =, columns = names, low =, high =, cell =, title =, xlabel =, ylabel =, note =}.

local scale <const> = require "braid.plot.draw.scale"

local M <const> = {}

local LIMIT <const> = 120 -- cells in a row or column; if there are more values, a cell is a mean
local LINES <const> = 40 -- rows of cells in a terminal, where each takes a line of text
local BOLD <const> = 1.12 -- how much wider bold letters are

--- Whether a value has a colour of the scale.
function M.is_number(v) return v == v and v ~= math.huge and v ~= -math.huge end

--- The ends of the scale.
function M.ends(values, o)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(values) do
    for _, v in ipairs(row) do
      if M.is_number(v) then low, high = math.min(low, v), math.max(high, v) end
    end
  end
  if low > high then low, high = 0, 1 end
  return o.low or low, o.high or high
end

--- Makes a function from a value to a colour's name and its strength from 0 to 1.
function M.scale(low, high)
  return function(v)
    if not M.is_number(v) then return "gap", 1 end
    if low < 0 and high > 0 then
      local t <const> = math.max(-1, math.min(1, v / math.max(-low, high)))
      return t < 0 and "cold" or "hot", math.abs(t)
    end
    local t <const> = high > low and math.max(0, math.min(1, (v - low) / (high - low))) or 0
    if high <= 0 then return "cold", 1 - t end
    return "hot", t
  end
end

-- Joins blocks of cells into single cells, if there are too many to see.
local function reduced(values, rows, columns)
  local h <const>, w <const> = #values, #values[1]
  local by <const>, bx <const> = (h + rows - 1) // rows, (w + columns - 1) // columns
  if by == 1 and bx == 1 then return values end
  local out <const> = {}
  for i = 1, (h + by - 1) // by do
    out[i] = {}
    for j = 1, (w + bx - 1) // bx do
      local sum, n = 0.0, 0
      for y = (i - 1) * by + 1, math.min(h, i * by) do
        for x = (j - 1) * bx + 1, math.min(w, j * bx) do
          local v <const> = values[y][x]
          if M.is_number(v) then sum, n = sum + v, n + 1 end
        end
      end
      out[i][j] = n > 0 and sum / n or 0 / 0
    end
  end
  return out, ("each cell is the mean of %d x %d values"):format(by, bx)
end

local function widest(rows, measure)
  local most = 0
  for _, words in ipairs(rows or {}) do
    if type(words) == "table" then
      most = math.max(most, widest(words, measure))
    else
      most = math.max(most, measure(tostring(words)))
    end
  end
  return most
end

-- The size of a cell, whether its text fits, and whether the columns' names stand upright.
local function sizes(panel, m, values, texts, room)
  local n <const> = #values[1]
  local words <const> = texts and widest(texts, m.measure) + m.gap or math.huge
  local names <const> = widest(panel.columns, m.measure) + m.gap
  local each <const> = room / n
  local w, h
  if not m.grid then
    w = math.max(m.step, math.floor(math.min(words < math.huge and words or 2 * m.step,
      each) / m.step) * m.step)
    h = m.line
  else
    w = panel.cell or math.max(words <= each and words or 4, math.min(48, each))
    h = panel.cell or math.max(4, math.min(48, w))
    if panel.cell and words < math.huge then w = math.max(w, words, names) end
    if words <= w then h = math.max(h, m.line) end
  end
  if names > w and names <= each then w = math.ceil(names / m.step) * m.step end
  return w, h, words <= w and h >= m.line, names > w
end

-- Draws the names above the columns -> their height.
local function place_columns(scene, panel, left, top, w, upright, n)
  local m <const> = scene.medium
  if not panel.columns then return 0 end
  local height <const> = not upright and m.line or m.grid
    and math.min(140, widest(panel.columns, m.measure) + m.gap)
    or m.line * math.min(12, math.ceil(widest(panel.columns, m.measure) / m.step))
  local last = -math.huge
  for j, name in ipairs(panel.columns) do
    local x <const> = left + (j - 0.5) * w
    if j > n then break end
    if not upright then
      scene:text(x, top + height / 2, name, {anchor = "middle"}, w)
    elseif x >= last + (m.grid and m.line - 3 or m.step) then
      scene:text(x, top + height - (m.grid and m.gap / 2 or m.line / 2), name,
        {upright = true, anchor = "start"}, m.grid and height - m.gap / 2 or height / m.line
        * m.step)
      last = x
    end
  end
  return height
end

-- Draws a bar of the scale's colours with numbers at its ends.
local function place_scale(scene, left, top, low, high, colour)
  local m <const> = scene.medium
  local steps <const>, w <const> = 24, m.grid and 6 or m.step / 2
  local x = left
  local function put(words)
    scene:text(x, top + m.line / 2, words, {colour = "muted"})
    x = x + m.measure(words) + m.gap
  end
  put(scale.value(low))
  for k = 0, steps - 1 do
    local name <const>, strength <const> = colour(low + (high - low) * k / (steps - 1))
    scene:rect(x, top + m.line / 4, w, m.line / 2, {colour = name, opacity = strength, cell = true,
      plain = true})
    x = x + w
  end
  x = x + m.gap
  put(scale.value(high))
  return m.line
end

-- Draws the cells with their text and the names of the rows.
local function place_cells(g, panel, values, texts, words_fit)
  local scene <const>, m <const>, w <const>, h <const> = g.scene, g.m, g.w, g.h
  local last = -math.huge
  for i, row in ipairs(values) do
    local y <const> = g.top + (i - 1) * h
    local name <const> = panel.rows and #values == #g.all and panel.rows[i]
    if name and y >= last + (h >= m.line and 0 or m.line) then
      scene:text(g.left - m.gap, y + h / 2, name, {anchor = "end"}, g.margin)
      last = y
    end
    for j, v in ipairs(row) do
      local colour <const>, strength <const> = g.colour(v)
      local x <const> = g.left + (j - 1) * w
      scene:rect(x, y, w, h, {colour = colour, opacity = strength, cell = true,
        plain = not words_fit, title = panel.titles and panel.titles[i][j]})
      if words_fit then
        scene:text(x + w / 2, y + h / 2, texts[i][j], {anchor = "middle",
          colour = (strength > 0.55 and colour ~= "gap") and "bright" or "ink"})
      end
    end
  end
end

--- Draws the table with its top left corner at (left, top) -> its height and width.
function M.place(scene, panel, left, top, width)
  local m <const> = scene.medium
  local values <const>, note <const> = reduced(panel.values, m.grid and LIMIT or LINES,
    math.max(1, math.min(LIMIT, width // m.step)))
  local texts <const> = not note and panel.texts or nil
  local low <const>, high <const> = M.ends(panel.values, panel)
  local colour <const> = M.scale(low, high)
  local y, right = top, left
  local function put(words, style)
    if not words then return end
    scene:text(left, y + m.line / 2, words, style, width)
    right = math.max(right, left + math.min(width, m.measure(words) * (style.bold and BOLD or 1)))
    y = y + m.line + m.pad
  end
  put(panel.title, {bold = true})
  put(panel.xlabel, {colour = "muted"})
  local margin <const> = panel.rows and math.ceil((math.min(width * 0.4, widest(panel.rows,
    m.measure)) + m.gap) / m.step) * m.step or 0
  local w <const>, h <const>, words_fit <const>, upright <const> = sizes(panel, m, values, texts,
    width - margin)
  y = y + place_columns(scene, panel, left + margin, y, w, upright, #values[1])
  local g <const> = {scene = scene, m = m, left = left + margin, top = y, w = w, h = h,
    margin = margin - m.gap, colour = colour, all = panel.values}
  place_cells(g, panel, values, texts, words_fit)
  y = y + #values * h + m.pad
  right = math.max(right, left + margin + #values[1] * w)
  if not words_fit and panel.bar ~= false then
    y = y + place_scale(scene, left + margin, y, low, high, colour)
    right = math.max(right, left + margin + 24 * (m.grid and 6
      or 1) + m.measure("0000000000000000"))
  end
  put(panel.ylabel, {colour = "muted"})
  put(note or panel.note, {colour = "muted"})
  return y - top, math.min(width, right - left)
end

return M
