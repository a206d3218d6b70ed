--- Rows of option_rows.lua for data that are not pictures: tables, tensors, functions, archives.

local braid <const> = require "braid"
local data <const> = braid.data

local recipe <const> = require "braid.data.recipe"

local function wanted(wrong)
  if wrong then require "braid.check".fail("%s", wrong) end
end

-- Checks the recipe of a table with a part that holds the options.
local function stored(part)
  local whole <const> = {inputs = { {column = "x", mean = 0.5} }, index = {}, labels = {}}
  for key, value in pairs(part) do whole[key] = value end
  local _, wrong <const> = recipe.options{table = whole}
  wanted(wrong)
end

return function(folder)
  local rows <const> = {}
  local numbers <const> = { {x = 1, y = 2}, {x = 3, y = 5}, {x = 2, y = 1}, {x = 0, y = 1} }
  local x <const>, y <const> = braid.ones(4, 2), braid.ones(4)
  rows["data.table"] = {options = {reals = {"y"}}, refused_ends = {val = true, test = true},
    call = function(_, o) data.table(numbers, o) end}
  rows["data.tensors"] = {arguments = {tensors = {x = x, y = y}},
    call = function(a, o) data.tensors(a.tensors, o) end}
  rows["data.of"] = {options = {n = 2, get = function(i) return {x = {i}, y = i} end},
    call = function(_, o) data.of(o) end}
  rows["data.tar"] = {elsewhere = true, call = function(_, o) data.tar(folder .. "/no.tar", o) end}
  rows["recipe of rows"] = {no_names = true, options = {tensors = {x = {2}}}, call = function(_, o)
    local _, wrong <const> = recipe.options(o)
    wanted(wrong)
  end}
  rows["recipe of a table"] = {no_names = true,
    options = {inputs = { {column = "x", mean = 0.5} }, index = {}, labels = {}},
    call = function(_, o)
      local _, wrong <const> = recipe.options{table = o}
      wanted(wrong)
    end}
  rows["recipe of a table: input"] = {no_names = true, options = {column = "x", mean = 0.5},
    skip = {classes = true}, call = function(_, o) stored{inputs = {o}} end}
  rows["recipe of a table: index"] = {no_names = true, options = {column = "x", classes = {"a"}},
    call = function(_, o) stored{index = {o}} end}
  rows["recipe of a table: label"] = {no_names = true, options = {mean = {0}, deviation = {1}},
    call = function(_, o) stored{labels = {y = o}} end}
  rows["recipe of a table: file"] = {no_names = true, call = function(_, o) stored{file = o} end}
  return rows
end
