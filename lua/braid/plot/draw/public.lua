--- The functions of plot as users call them. With a path as first argument the figure is written
-- there, otherwise it is returned.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Figure <const> = require "braid.plot.draw.figure"

local M <const> = {}

--- Declares the options of a kind of plot: the options of all plots, and its own.
function M.declare(what, own, relation)
  local known <const> = {}
  for key, kind in pairs(Figure.OPTIONS) do known[key] = kind end
  for key, kind in pairs(own) do known[key] = kind end
  return check.declare(what, known, relation)
end

--- The path or nil, the data and the options of a call f([path,] data, options). A value before the
-- data must be a path. is_data(v), if given, tells data from options if both are tables by name.
function M.arguments(what, is_data, first, second, ...)
  local later <const> = core.is_tensor(second) or type(second) == "table" and (#second > 0
    or is_data and is_data(second))
  if type(first) == "string" or later or select("#", ...) > 0 and (...) ~= nil
    or first == nil and second ~= nil then
    check.none_beyond(what, 3, first, second, ...)
    Figure.check_path(what, first)
    return first, second, (...)
  end
  return nil, first, second
end

--- Makes the function f([path,] data, options) -> true, or the figure of the panels that
-- build(data, o) returns.
function M.define(options, build)
  local what <const> = options.what
  return function(...)
    local path <const>, data <const>, given <const> = M.arguments(what, nil, ...)
    local o <const> = check.options(options, given)
    local figure <const> = Figure(what, build(data, o), o)
    if path then return figure:save(path) end
    return figure
  end
end

return M
