--- Getter: gets samples from a user's function and checks them, for data.of.
--
-- A sample is {image = uint8 (c,h,w)}, or has the inputs that the data set names, and labels: whole
-- numbers are classes from 1, other numbers and tensors are numbers or points. The kinds of labels
-- are those of sample 1, and those that the user gave. A label that a sample does not have is
-- missing.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local ops <const> = core.ops

local Getter <const> = class("Getter")

local USUAL <const> = {"x", "input"} -- the names looked for if the user names no inputs
local RESERVED <const> = {box = true, path = true, count = true, inputs = true, units = true,
  task = true}

local function fail(i, form, ...)
  check.fail("data.of: sample %d: " .. form, i, ...)
end

-- o: n, get, cache, inputs (a list of names, or nil), kinds, points
function Getter:init(o)
  self.n, self.get, self.cache = o.n, o.get, o.cache and {} or nil
  self.names, self.kinds, self.points, self.shapes = o.inputs, o.kinds or {}, o.points or {}, {}
end

-- ---- samples ------------------------------------------------------------------------------

local function check_image(i, image)
  if not core.is_tensor(image) or image.dtype ~= "uint8" or image:dim() ~= 3
    or image:size(1) ~= 1 and image:size(1) ~= 3 then
    fail(i, "image must be a tensor of bytes (1 or 3, h, w), not %s", check.shown(image))
  end
end

-- A label as a number or a tensor.
local function label_of(i, name, value)
  if type(value) == "table" then value = core.from_table(value, "float32") end
  if type(value) ~= "number" and not core.is_tensor(value) then
    fail(i, "'%s' must be a number, a list of numbers or a tensor, not %s", name,
      check.shown(value))
  end
  return value
end

-- The kind of a label, from its value.
local function kind_of(value)
  if math.type(value) == "integer" then return "class" end
  if type(value) == "number" then return "real" end
  if not value.dtype:find("float") then return "class" end
  return value:dim() == 2 and value:size(2) == 2 and "points" or "real"
end

-- Finds from sample 1 the names of the inputs and the kinds of the labels.
local function learn(self, sample)
  self.learned = true
  if not self.names and not sample.image then
    for _, name in ipairs(USUAL) do
      if sample[name] ~= nil then self.names = {name} break end
    end
    if not self.names then
      fail(1, "it has no image, x or input: inputs = {...} names what the network sees")
    end
  end
  self.is_input = {image = true}
  for _, name in ipairs(self.names or {}) do self.is_input[name] = true end
  for name, value in next, sample do
    if not self.is_input[name] and not self.kinds[name] then
      self.kinds[name] = kind_of(label_of(1, name, value))
    end
  end
end

local function check_class(i, name, value)
  local number <const> = core.is_tensor(value) and value:item() or value
  if not math.tointeger(number) or number < 1 then
    fail(i, "'%s' is %s, and classes are whole numbers from 1 (say kinds = {%s = \"real\"} if it "
      .. "is not a class)", name, check.shown(number), name)
  end
  return math.tointeger(number)
end

-- Checks a sample, and makes numbers and tensors of its labels.
local function checked(self, i, given)
  if type(given) ~= "table" or check.is_object(given) then
    fail(i, "get must return a table such as {image = ..., smile = 1}, not %s", check.shown(given))
  end
  local sample <const> = {}
  for name, value in next, given do
    if type(name) ~= "string" or RESERVED[name] then
      fail(i, "%s cannot be the name of a label", check.shown(name))
    end
    -- get may use the same memory again for the next sample
    sample[name] = core.is_tensor(value) and value:clone() or value
  end
  if not self.learned then learn(self, sample) end
  if not self.names then check_image(i, sample.image) end
  for _, name in ipairs(self.names or {}) do
    if type(sample[name]) == "table" then
      sample[name] = core.from_table(sample[name], "float32")
    elseif not core.is_tensor(sample[name]) then
      fail(i, "'%s' must be a tensor or a list of numbers, not %s", name, check.shown(sample[name]))
    end
  end
  for name, value in next, sample do
    local kind <const> = self.kinds[name]
    if not self.is_input[name] then
      if not kind then
        fail(i, "it has a label '%s', which sample 1 has not: say kinds = {%s = \"%s\"}", name,
          name, kind_of(label_of(i, name, value)))
      end
      sample[name] = kind == "class" and check_class(i, name, value) or label_of(i, name, value)
    end
  end
  return sample
end

--- Sample i, checked: from the cache, or as the user's function makes it.
function Getter:at(i)
  local known <const> = self.cache and self.cache[i]
  if known then return known end
  if i > 1 and not self.learned then self:at(1) end
  local sample <const> = checked(self, i, self.get(i))
  if self.cache then
    for _, value in next, sample do
      if core.is_tensor(value) then core.keep(value) end
    end
    self.cache[i] = sample
  end
  return sample
end

--- Whether samples have pictures.
function Getter:has_pictures()
  if not self.learned and self.n > 0 then self:at(1) end
  return self.names == nil
end

-- ---- tensors of several samples -----------------------------------------------------------

-- Stacks tensors of one shape; `what` is their name in messages.
local function stacked(what, list)
  for i, t in ipairs(list) do
    if table.concat(t.shape, ", ") ~= table.concat(list[1].shape, ", ")
      or t.dtype ~= list[1].dtype then
      check.fail("data.of: '%s' is %s (%s) in one sample and %s (%s) in another", what,
        list[1].dtype, table.concat(list[1].shape, ", "), list[i].dtype,
        table.concat(list[i].shape, ", "))
    end
  end
  return ops.stack(list, 1)
end

-- Labels of classes, int64 (n), 0 where missing.
local function classes_of(samples, name)
  local list <const> = {}
  for k, sample in ipairs(samples) do list[k] = sample[name] or 0 end
  return core.from_table(list, "int64")
end

-- Labels of numbers, float32 (n,...), NaN where missing.
local function reals_of(self, samples, name)
  local list <const> = {}
  for k, sample in ipairs(samples) do
    local value <const> = sample[name]
    local t <const> = core.is_tensor(value) and value:to("float32")
      or value and core.new({}, "float32", value) or false
    list[k], self.shapes[name] = t, t and t.shape or self.shapes[name]
  end
  if not self.shapes[name] and self.kinds[name] ~= "real" then
    check.fail("data.of: no sample so far has '%s', so that its shape is not known: sample 1 "
      .. "should have it, with NaN where it is missing", name)
  end
  local none <const> = core.new(self.shapes[name] or {}, "float32", 0 / 0)
  for k in ipairs(samples) do list[k] = list[k] or none end
  return stacked(name, list)
end

--- The labels of samples, {name = tensor}.
function Getter:labels(samples)
  local labels <const> = {}
  for _, name in ipairs(check.sorted_keys(self.kinds)) do
    labels[name] = self.kinds[name] == "class" and classes_of(samples, name)
      or reals_of(self, samples, name)
  end
  return labels
end

--- The inputs of samples, {name = tensor}. The name "image" gives pictures, all of one shape.
function Getter.inputs(_, samples, names)
  local inputs <const> = {}
  for _, name in ipairs(names) do
    local list <const> = {}
    for k, sample in ipairs(samples) do list[k] = sample[name] end
    inputs[name] = stacked(name, list)
  end
  return inputs
end

return Getter
