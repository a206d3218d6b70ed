--- A value in the forms that a notebook can show, by their MIME types: always as text, and also as
-- HTML, a drawing or a picture if that says more.

local base64 <const> = require "braid.train.reporting.samples".base64
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Figure <const> = require "braid.plot.draw.figure"
local html <const> = require "braid.jupyter.html"
local Module <const> = require "braid.nn.module"
local pictures <const> = require "braid.jupyter.pictures"
local printing <const> = require "braid.repl.printing"
local Table <const> = require "braid.train.table"

local M <const> = {}

local COLUMNS <const> = 80
local ROWS <const> = 40 -- a list of more records is only text

--- A picture from a list of tensors (pictures.lua), and a text for pages that cannot show it.
function M.picture(list, text, landmarks)
  return {["text/plain"] = text,
    ["image/png"] = base64(core.image_encode(pictures.canvas(list, landmarks)))}
end

-- Pages choose between light and dark in their own ways, so an undecided figure is light. The HTML
-- is for nbconvert, some versions of which lose most of a plain SVG.
local function of_figure(figure)
  local theme <const> = figure.theme
  if theme ~= "dark" then figure.theme = "light" end
  local canvas <const>, svg <const> = figure:canvas(), figure:svg()
  local data <const> = {["text/plain"] = figure:text{columns = COLUMNS},
    ["text/html"] = html.image(base64(svg), figure.title), ["image/svg+xml"] = svg,
    ["image/png"] = base64(core.image_encode(canvas))}
  figure.theme = theme
  return data, {["image/png"] = {width = canvas:size(2) // 2, height = canvas:size(1) // 2}}
end

-- The rows of a list of records with the same plain fields, with the fields' names first; or nil.
local function records_of(list)
  local first <const>, n <const> = list[1], #list
  if n < 2 or n > ROWS or type(first) ~= "table" or debug.getmetatable(list) then return nil end
  local names <const>, rows <const> = {}, {}
  for name in next, first do
    if type(name) ~= "string" then return nil end
    names[#names + 1] = name
  end
  if #names < 2 then return nil end
  table.sort(names)
  rows[1] = names
  for i, record in ipairs(list) do
    if type(record) ~= "table" or debug.getmetatable(record) then return nil end
    local count, row <const> = 0, {}
    for _ in next, record do count = count + 1 end
    for c, name in ipairs(names) do
      local value <const> = record[name]
      if value == nil or type(value) == "table" and not core.is_tensor(value) then return nil end
      row[c] = type(value) == "string" and value or printing.line(value)
    end
    if count ~= #names then return nil end
    rows[i + 1] = row
  end
  for key in next, list do
    if math.type(key) ~= "integer" then return nil end
  end
  return rows
end

-- The HTML of a value, or nil if its text says as much.
local function html_of(value, text)
  if core.is_tensor(value) then return html.tensor(text) end
  if type(value) ~= "table" then return nil end
  if class.is_a(value, Table) then return value:html() end
  if class.is_a(value, Module) then return html.tree(text) end
  if not class.of(value) then
    local rows <const> = records_of(value)
    return rows and html.table(rows)
  end
  local as_table <const> = class.trusted(value, "table")
  local made <const> = as_table and as_table(value)
  if class.is_a(made, Table) then return made:html() end
  return html.aligned(type(made) == "string" and made or text)
end

--- The forms of a value {MIME type = text or base64}, and metadata of some of them, by type.
function M.of(value)
  if class.is_a(value, Figure) then return of_figure(value) end
  local text <const> = printing.text(value, COLUMNS)
  return {["text/plain"] = text, ["text/html"] = html_of(value, text)}
end

return M
