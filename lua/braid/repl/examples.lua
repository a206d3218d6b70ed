--- The values that examples in comments and operator rows use. help also shows how to make the
-- values of an example, so that the user can enter the example unchanged.

local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

-- The order matters: a value may use only values above it.
local GIVEN <const> = {
  {"x", "braid.tensor{{1, -2, 3}, {-4, 5, -6}}"},
  {"y", "braid.full({2, 3}, 2)"},
  {"images", "braid.rand(2, 3, 8, 8)"},
  {"labels", 'braid.tensor({1, 3}, {dtype = "int64"})'},
  {"tasks", "mtl.tasks{landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},"
    .. " smile = mtl.classes{2}}"},
  {"faces", "data.faces{n = 64, size = 40, seed = 1}"},
  {"loader", "data.loader(faces.train, {batch = 16})"},
  {"batch", "loader()"},
  {"net", 'braid.model("models/cross_stitch.lua", {tasks = tasks, input = 40})'},
  {"history",
    "train.fit{net = net, tasks = tasks, train = faces.train, val = faces.val, epochs = 2}"},
  {"opt", "optim.Adam(net:parameters(), {lr = 1e-3})"},
}

-- The names of variables in a text, without fields, methods and keys of tables.
local function names_in(text)
  local set <const>, before, list <const> = {}, nil, tokens(text)
  for i, token in ipairs(list) do
    local after <const> = list[i + 1] and list[i + 1].text
    if token.kind == "name" and before ~= "." and before ~= ":"
      and not (after == "=" and (before == "{" or before == ",")) then
      set[token.text] = true
    end
    before = token.text
  end
  return set
end

-- Whether a text itself makes a variable with this name.
local function makes(text, name)
  return text:find("%f[%w_]local%s[%w_%s,<>]-%f[%w_]" .. name .. "%f[^%w_]")
    or text:find("%f[^\n\0]" .. name .. " =") or text:find("^" .. name .. " =")
    or text:find("%f[%w_]for [^\n]-%f[%w_]" .. name .. "%f[^%w_][^\n]- in ")
    or text:find("function%s?[%w_.:]*%([^)]-%f[%w_]" .. name .. "%f[^%w_]")
end

--- The lines that make the values which an example uses but does not make itself.
function M.given(example)
  local text <const> = table.concat(example, "\n")
  local lines <const>, needed <const> = {}, names_in(text)
  for i = #GIVEN, 1, -1 do
    local name <const>, code <const> = table.unpack(GIVEN[i])
    if needed[name] and not makes(text, name) then
      table.insert(lines, 1, ("%s = %s"):format(name, code))
      for other in pairs(names_in(code)) do needed[other] = true end
    end
  end
  return lines
end

--- The examples on a line. Three spaces separate them.
function M.entries(line)
  local list <const> = {}
  if line:find("^%s") or line:find("   %-%-") then return {line} end
  for entry in (line .. "   "):gmatch("(.-)   +") do list[#list + 1] = entry end
  return list
end

return M
