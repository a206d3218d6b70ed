--- Tasks, pictures and batches for specs of loaders.

local braid <const> = require "braid"
local pictures <const> = require "spec.support.pictures"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl

local M <const> = {}

M.TASKS = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = pictures.FLIP},
  pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}, yaw = mtl.real{1, flip = "negate"},
}

-- Everything in the batches of an epoch, as a list of lists.
function M.all_of(ds, options)
  local list <const> = {}
  for batch in data.loader(ds, options) do
    local row <const> = {count = batch.count, task = batch.task}
    for name, t in pairs(batch) do
      if type(t) == "userdata" then
        -- `same` cannot compare NaN.
        row[name] = t.dtype:find("float") and t:masked_fill(t:ne(t), 12345):totable() or t:totable()
      end
    end
    list[#list + 1] = row
  end
  return list
end

-- Tiny pictures that carry their number in their gray value and in the label `number`.
function M.numbered(n, labels)
  local values <const>, numbers <const> = {}, {}
  for i = 1, n do values[i], numbers[i] = {{{i % 256}}}, i end
  local all <const> = {number = braid.tensor(numbers, {dtype = "int64"})}
  for name, list in pairs(labels or {}) do all[name] = braid.tensor(list, {dtype = "int64"}) end
  return Dataset{images = braid.tensor(values, {dtype = "uint8"}), labels = all, missing = 0}
end

return M
