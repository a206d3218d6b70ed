--- Counts samples by their class and their predicted class. The counts are exact for any number of
-- samples.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"

local Confusion <const> = class("confusion")

-- The counts of a single problem are in a table with keys label << 32 | answer. The counts of
-- several problems are in one tensor: each problem begins at its entry of `offsets` and has a row
-- for each label.
function Confusion:init(context, _)
  self.context, self.samples, self.missing = context, 0, 0
  self.summed, self.at = false, 0
  local problems <const>, side <const> = context.problems, (context.classes or 0) + 1
  self.n, self.table, self.ones = {}, false, false
  if problems > 1 then
    self.table = core.keep(core.new({problems * side * side}, "int64", 0))
    local offsets <const> = {}
    for a = 1, problems do offsets[a] = (a - 1) * side * side + 1 end
    self.offsets = core.keep(core.from_table(offsets, "int64"))
  end
end

local function refuse(context, label, i, most)
  check.fail("%s: label %d of sample %d is not one of the classes 1 to %d%s", context.what, label,
    i, most, label == 0 and "; labels count from 1 (counted from 0? add 1; if 0 marks a missing "
      .. "label, say {ignore = 0})" or ("; a missing one is %d"):format(context.ignore))
end

-- Counts all problems at once.
local function add_all(self, seen)
  local context <const>, labels <const> = self.context, seen.labels:to("int64")
  local classes <const> = context.classes
  local missing <const> = labels:eq(context.ignore)
  local strange <const> = labels:lt(1):logical_or(labels:gt(classes))
    :logical_and(missing:logical_not())
  if strange:any():item() then
    local row <const> = strange:any(2):to("int64"):argmax(1):item()
    refuse(context, labels[row]:masked_select(strange[row])[1]:item(), row, classes)
  end
  local places <const> = (labels:masked_fill(missing, 0) * (classes + 1) + seen:said()
    + self.offsets):reshape(-1)
  local count <const> = places:numel()
  if not self.ones or self.ones:numel() ~= count then
    self.ones = core.keep(core.new({count}, "int64", 1))
  end
  self.table:scatter_add_(1, places, self.ones)
  self.missing = self.missing + missing:sum():item()
end

local function add_one(self, seen)
  local ignore <const>, n <const> = self.context.ignore, self.n
  local most <const>, answers <const> = self.context.classes or 0xFFFFFF, seen:answers()
  for i, label in ipairs(seen:list()) do
    if label == ignore then
      self.missing = self.missing + 1
    else
      if label < 1 or label > most then refuse(self.context, label, i, most) end
      local key <const> = label << 32 | answers[i]
      n[key] = (n[key] or 0) + 1
    end
  end
end

--- Adds a batch.
function Confusion:add(seen)
  if self.table then add_all(self, seen) else add_one(self, seen) end
  self.samples = self.samples + seen.n
end

function Confusion:fits(other)
  return self.context.classes == other.context.classes
    and self.context.problems == other.context.problems
end

function Confusion:merge(other)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  for key, k in pairs(other.n) do self.n[key] = (self.n[key] or 0) + k end
  if self.table then self.table:add_(other.table) end
end

-- The counts of each problem as a table.
local function by_problem(self)
  if not self.table then return {self.n} end
  local list <const>, side <const>, all <const> = {}, self.context.classes + 1, self.table:totable()
  for a = 1, self.context.problems do
    local n <const>, before <const> = {}, (a - 1) * side * side + 1
    for label = 1, side - 1 do
      for answer = 0, side - 1 do
        local k <const> = all[before + label * side + answer]
        if k > 0 then n[label << 32 | answer] = k end
      end
    end
    list[a] = n
  end
  return list
end

-- Sums of a problem: of[c] samples have class c, said[c] are predicted as c, right[c] are both.
local function part_of(counts, size)
  local part <const> = {count = 0, lost = 0, hits = 0, of = {}, said = {}, right = {}, cells = {}}
  for key in pairs(counts) do
    size = math.max(size, key >> 32, key & 0xFFFFFFFF)
  end
  for c = 1, size do part.of[c], part.said[c], part.right[c] = 0, 0, 0 end
  for key, k in pairs(counts) do
    local label <const>, answer <const> = key >> 32, key & 0xFFFFFFFF
    part.of[label], part.count = part.of[label] + k, part.count + k
    if answer == 0 then part.lost = part.lost + k else part.said[answer] = part.said[answer] + k end
    if answer == label then part.right[label], part.hits = k, part.hits + k end
    part.cells[#part.cells + 1] = {label, answer, k}
  end
  part.size = size
  return part
end

--- The problems in the form that metrics take.
function Confusion:parts()
  if self.summed and self.at == self.samples then return self.summed end
  local list <const>, sizes <const> = {}, self.context.sizes
  for a, counts in ipairs(by_problem(self)) do
    list[a] = part_of(counts, sizes and sizes[a] or self.context.classes or 0)
    list[a].named = self.context.named
  end
  self.summed, self.at = list, self.samples
  return list
end

return Confusion
