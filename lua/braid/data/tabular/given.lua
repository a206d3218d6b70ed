--- Reads the table that a user gave (a file, a list of rows, or columns by name) into the form that
-- columns.lua describes.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.data.damage"
local limits <const> = require "braid.limits"
local npz <const> = require "braid.io.npz"
local sheets <const> = require "braid.data.tabular.sheets"

local fail <const> = damage.fail

local M <const> = {}

local CSV <const> = {separator = nil, decimal = nil, header = true}

-- Adds a tensor (n) as one column, or a tensor (n,k) as k columns.
local function add_tensor(t, name, x)
  if x:dim() < 1 or x:dim() > 2 then
    fail("%s: column '%s' must be (n) or (n, k), not (%s)", t.path, name,
      table.concat(x.shape, ", "))
  end
  limits.bound("cells", x:numel(), "cells in '%s' of %s", name, t.path)
  if x:dim() == 1 then
    t.columns[name] = x:totable()
    return x:size(1)
  end
  limits.bound("columns", x:size(2), "columns in '%s' of %s", name, t.path)
  for k = 1, x:size(2) do
    t.columns[("%s.%d"):format(name, k)] = x:select(2, k):totable()
  end
  return x:size(1)
end

-- Columns by name: tensors or lists.
local function of_columns(path, given)
  local t <const> = {path = path, lines = {}, columns = {}, decimal = "."}
  for _, name in ipairs(check.sorted_keys(given)) do
    local x <const>, n = given[name], nil
    if core.is_tensor(x) then
      n = add_tensor(t, name, x)
    elseif type(x) == "table" then
      t.columns[name], n = x, #x
    else
      fail("%s: column '%s' must be a tensor or a list, not %s", path, name, check.shown(x))
    end
    if t.n and n ~= t.n then
      fail("%s: column '%s' has %d values, but another has %d", path, name, n, t.n)
    end
    t.n = n
  end
  t.n, t.names = t.n or 0, check.sorted_keys(t.columns)
  for i = 1, t.n do t.lines[i] = i end
  return t
end

-- A list of rows with values by name (or by number).
local function of_rows(path, given)
  local t <const> = {path = path, n = #given, lines = {}, columns = {}, decimal = "."}
  for i, row in ipairs(given) do
    if type(row) ~= "table" or core.is_tensor(row) then
      fail("%s:%d: a row is a table of values by name, not %s", path, i, check.shown(row))
    end
    t.lines[i] = i
    for key, value in next, row do
      local name <const> = tostring(key)
      if not t.columns[name] then t.columns[name] = {} end
      t.columns[name][i] = value
    end
  end
  t.names = check.sorted_keys(t.columns)
  return t
end

-- Reads a file by its ending.
local function of_file(path, o)
  local ending <const> = (path:gsub("%.gz$", ""):match("%.(%w+)$") or ""):lower()
  if ending == "jsonl" or ending == "json" or ending == "ndjson" then return sheets.jsonl(path) end
  if ending ~= "npz" then return sheets.csv(path, o) end
  local tensors <const>, message <const> = npz.read(path)
  return of_columns(path, tensors or fail("%s", message))
end

--- Reads the table -> {path, n, lines, names, columns, decimal}. `o` has the options of data.csv
-- for a file of cells.
function M.read(given, o)
  if type(given) == "string" then return of_file(given, o or CSV) end
  if type(given[1]) == "table" then return of_rows("rows", given) end
  return of_columns("columns", given)
end

--- Whether a value may be given as a table.
function M.fits(value)
  return type(value) == "string" and value ~= ""
    or type(value) == "table" and not check.is_object(value)
end

return M
