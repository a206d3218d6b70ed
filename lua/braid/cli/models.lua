--- `braid models [NAME]`: lists the networks that come with Braid, or prints the header of one.

local check <const> = require "braid.check"
local definition <const> = require "braid.model.definition"
local header <const> = require "braid.model.header"
local json <const> = require "braid.io.json"
local nearest <const> = require "braid.nearest"

local function row_of(name, path)
  local read <const> = header.read(path)
  return {name = name, title = read.title, parameters = read.parameters, path = path}
end

-- Rows as lines with aligned columns.
local function aligned(rows)
  local widths <const> = {name = 0, parameters = 0}
  for _, row in ipairs(rows) do
    for key, width in pairs(widths) do widths[key] = math.max(width, #(row[key] or "")) end
  end
  local lines <const> = {}
  for i, row in ipairs(rows) do
    local name <const>, count <const> = row.name, row.parameters or ""
    lines[i] = name .. (" "):rep(widths.name + widths.parameters + 2 - #name - #count) .. count
      .. "  " .. (row.title or "")
  end
  return table.concat(lines, "\n")
end

return {usage = "models [NAME]              list the published networks, or print a header",
  most = 1, words = {"model name"}, options = {json = false}, said = {json = "print JSON"},
  run = function(o, name)
    local paths <const> = definition.known()
    local known <const> = check.sorted_keys(paths)
    if name then
      local path <const> = paths[name:match("([^/]+)%.lua$") or name]
      if not path then
        check.fail("models: there is no '%s'; %s", name, nearest.hint(name, known))
      end
      return print(o.json and json.encode(row_of(name, path)) or header.read(path).text)
    end
    local rows <const> = {}
    for i, each in ipairs(known) do rows[i] = row_of(each, paths[each]) end
    print(o.json and json.encode(rows) or aligned(rows))
  end}
