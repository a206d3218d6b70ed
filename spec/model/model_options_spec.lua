--- Every option of every definition in models/ refuses wrong values, with a message of Braid's.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.real{1}}
local WRONG <const> = {-1, 0 / 0, math.huge, "no such", {{}}, function() end, 1.5}
-- The values of WRONG that some options accept, because they may be negative or fractions.
local TAKES <const> = {
  diag = {-1, 1.5}, off = {-1, 1.5}, start = {-1, 1.5}, lr_mult = {1.5}, penalty = {1.5},
  lambda = {1.5}, bias = {-1, 1.5}, lambda_w = {1.5}, ratio = {1.5}, width = {1.5}, from = {},
}

local function takes(name, value)
  for _, v in ipairs(TAKES[name] or {}) do
    if v == value then return true end
  end
  return false
end

describe("the options of", function()
  for path in io.popen("ls models/*.lua"):lines() do
    local text <const>, names <const> = io.open(path):read("a"):gsub("%-%-[^\n]*", ""), {}
    for name in text:gmatch("%f[%w_]o%.([%a_][%w_]*)") do names[name] = true end

    it(path .. " refuse wrong values", function()
      for name in pairs(names) do
        for _, value in ipairs(WRONG) do
          if not takes(name, value) then
            local given <const> = {tasks = not path:find("mtcnn") and tasks or nil, width = 0.05}
            given[name] = value
            local ok <const>, message <const> = pcall(braid.model, path, given)
            assert(not ok, ("%s = %s is accepted"):format(name, tostring(value)))
            assert(type(message) == "string" and not message:find("attempt to", 1, true),
              ("%s = %s: %s"):format(name, tostring(value), message))
          end
        end
      end
    end)
  end
end)
