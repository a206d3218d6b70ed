--- Makes one graph of several runs of a network, each on another number of samples.
--
-- The runs must make the same calls. A number that is the same in all runs is a constant; a number
-- that is k times the number of samples is {times = k}. Errors are any other number, and what a
-- graph cannot do: read numbers out of a tensor, and change memory that another view shares.
--
-- A value is {shape = with sizes as above, dtype =, follows = whether it is computed from the
-- inputs}. If it is not, the value has `tensor` too, or `number` for a plain number. A tensor with
-- the same row for every sample is kept as one row: its size is 1 where the shape has `times`.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

local Merge <const> = {}
Merge.__index = Merge

-- ---- numbers ----------------------------------------------------------------------------

local function whole_multiple(numbers, counts)
  local k <const> = math.tointeger(numbers[1] / counts[1])
  if not k then return nil end
  for i, number in ipairs(numbers) do
    if number ~= k * counts[i] then return nil end
  end
  return {times = k}
end

local function all_same(list)
  for i = 2, #list do
    if list[i] ~= list[1] then return false end
  end
  return true
end

-- The form of an argument that fits its values in all runs; nil if there is none.
local function common(list, counts)
  if type(list[1]) == "table" then
    local merged <const> = {}
    for i = 1, #list[1] do
      local each <const> = {}
      for r, value in ipairs(list) do
        if #value ~= #list[1] then return nil end
        each[r] = value[i]
      end
      merged[i] = common(each, counts)
      if merged[i] == nil then return nil end
    end
    return merged
  end
  if all_same(list) then return list[1] end
  return math.type(list[1]) and whole_multiple(list, counts) or nil
end

-- ---- messages ---------------------------------------------------------------------------

local function shape_text(fact) return "(" .. table.concat(fact.shape, ", ") .. ")" end

function Merge:fail(entry, form, ...)
  local path <const> = self.paths[entry.place] or ""
  check.fail("export: %s%s: " .. form, path == "" and "" or path .. ": ", entry.name or "a tensor",
    ...)
end

function Merge:differ(entry, what, list)
  local words <const> = {}
  for i, value in ipairs(list) do
    words[i] = ("%s for %d"):format(check.shown(value), self.counts[i])
  end
  self:fail(entry, "%s is %s samples, which no graph for any number of samples can say", what,
    table.concat(words, ", "))
end

-- ---- constants --------------------------------------------------------------------------

--- A text that is equal for two tensors if they are the same elements of the same memory.
local function key_of(fact)
  return table.concat({fact.storage, fact.at, fact.dtype, table.concat(fact.shape, ","),
    table.concat(fact.stride, ",")}, ":")
end

M.key = key_of

-- The tensor of a constant, with one row where its size is a multiple of the number of samples; nil
-- if its rows differ.
local function one_row(tensor, shape)
  local row, whole = core.detach(tensor), true
  for d, size in ipairs(shape) do
    if type(size) == "table" then row, whole = ops.narrow(row, d, 1, 1), false end
  end
  if whole then return row end
  local alike <const> = core.bytes(ops.expand(row, tensor.shape)) == core.bytes(tensor)
  return alike and row or nil
end

-- Why a constant cannot be written, or nil. `rows` has the result of one_row for each run.
local function wrong_rows(facts, rows)
  for r, row in ipairs(rows) do
    if core.version(facts[r].tensor) ~= facts[r].version then
      return "a tensor was changed after it was used"
    elseif not row then
      return "a tensor made outside of operators has other values for each sample"
    elseif r > 1 and core.bytes(row) ~= core.bytes(rows[1]) then
      return "a tensor made outside of operators has other values for other samples, or for "
        .. "another number of them"
    end
  end
end

function Merge:plain_number(entry, facts)
  local numbers <const> = self:each(facts, function(f) return f.tensor:item() end)
  local number <const> = common(numbers, self.counts)
  if number == nil then self:differ(entry, "a number", numbers) end
  return {dtype = facts[1].dtype, follows = false, shape = {}, number = number}
end

function Merge:constant(entry, facts)
  if facts[1].number then return self:plain_number(entry, facts) end
  local key <const>, first <const> = key_of(facts[1]), facts[1]
  local same = true -- the same memory in all runs
  for _, fact in ipairs(facts) do
    same = same and fact.version == first.version and key_of(fact) == key
  end
  if same and self.constants[key] then return self.constants[key] end
  local value <const> = {dtype = first.dtype, follows = false, key = key,
    shape = self:shape(entry, facts)}
  local rows <const> = self:each(same and {first} or facts, function(f)
    return one_row(f.tensor, value.shape) or false
  end)
  value.wrong, value.tensor = wrong_rows(facts, rows), rows[1]
  if same then self.constants[key] = value end
  return value
end

-- ---- values -----------------------------------------------------------------------------

-- The results of f(fact) for each run's fact, as a list.
function Merge.each(_, facts, f)
  local list <const> = {}
  for r, fact in ipairs(facts) do list[r] = f(fact) end
  return list
end

function Merge:shape(entry, facts)
  local shapes <const> = self:each(facts, function(f) return f.shape end)
  return common(shapes, self.counts) or self:differ(entry, "the shape of a tensor", shapes)
end

-- Makes the value of an output, and notes which memory holds it in each run.
function Merge:define(entry, facts)
  local value <const> = {dtype = facts[1].dtype, follows = true, shape = self:shape(entry, facts)}
  for r, fact in ipairs(facts) do
    local key <const>, known <const> = key_of(fact), self.known[r]
    local held <const> = known[key]
    if held and held.version == fact.version then
      table.insert(held.values, value) -- a view of the same elements
    else
      known[key] = {version = fact.version, values = {value}}
    end
  end
  return value
end

-- The value that all runs have in the memory of these facts.
function Merge:find(entry, facts)
  local votes <const>, found = {}, nil
  for r, fact in ipairs(facts) do
    local held <const> = self.known[r][key_of(fact)]
    if not held or held.version ~= fact.version then
      self:fail(entry, "its input %s lies in memory that was changed through another view, or "
        .. "outside of operators, which no graph can say", shape_text(fact))
    end
    for _, value in ipairs(held.values) do votes[value] = (votes[value] or 0) + 1 end
  end
  for _, value in ipairs(self.known[1][key_of(facts[1])].values) do
    if votes[value] == #facts then found = value end
  end
  return found or self:fail(entry, "its input %s comes from other calls for another number of "
    .. "samples", shape_text(facts[1]))
end

function Merge:value(entry, facts)
  local follows <const> = self:each(facts, function(f) return f.follows end)
  if not all_same(follows) or not all_same(self:each(facts, function(f) return f.dtype end)) then
    self:fail(entry, "its inputs are others for another number of samples")
  end
  if follows[1] then return self:find(entry, facts) end
  return self:constant(entry, facts)
end

-- ---- entries -----------------------------------------------------------------------------

local function check_alike(self, entries)
  local first <const> = entries[1]
  for r = 2, #entries do
    local other <const> = entries[r]
    if not other or other.name ~= first.name or other.place ~= first.place
      or #other.outputs ~= #first.outputs then
      self:fail(first, "for other samples, or another number of them, %s runs here: a graph has "
        .. "the same operators for all",
        other and (other.name or "a reading of numbers") or "nothing")
    end
  end
end

local function is_read(self, entries)
  if entries[1].name then return false end
  for _, entry in ipairs(entries) do
    if entry.inputs[1].follows then
      self:fail(entry, "its values are read into Lua (item, totable), and a graph cannot do what "
        .. "follows from these numbers")
    end
  end
  return true
end

-- Whether a call has results that are computed from the inputs. Other calls only make constants.
local function matters(entries)
  for _, entry in ipairs(entries) do
    for _, fact in ipairs(entry.outputs) do
      if fact.follows then return true end
    end
  end
  return false
end

function Merge:call(entries)
  local first <const> = entries[1]
  local call <const> = {name = first.name, path = self.paths[first.place] or "", args = {},
    inputs = {}, outputs = {}, entry = first}
  for key, value in pairs(first.args) do
    local list <const> = self:each(entries, function(e) return e.args[key] end)
    call.args[key] = #list == #entries and common(list, self.counts)
    if call.args[key] == nil then self:differ(first, "its argument " .. key, list) end
  end
  for key in pairs(first.inputs) do
    call.inputs[key] = self:value(first, self:each(entries, function(e) return e.inputs[key] end))
  end
  for i = 1, #first.outputs do
    local facts <const> = self:each(entries, function(e) return e.outputs[i] end)
    call.outputs[i] = self:define(first, facts)
    call.outputs[i].call = call
  end
  return call
end

-- Marks the calls that the outputs need.
local function needed(graph)
  local list <const> = {}
  local function want(value)
    local call <const> = value.call
    if call and not call.needed then
      call.needed = true
      list[#list + 1] = call
    end
  end
  for _, output in ipairs(graph.outputs) do want(output.value) end
  while #list > 0 do
    local call <const> = table.remove(list)
    for _, value in pairs(call.inputs) do want(value) end
  end
end

--- The graph of runs (trace.lua) -> {inputs = values, outputs = {{name =, value =}, ...}, calls =
-- in order, each {name =, path = of its module, args =, inputs = values by parameter or a list,
-- outputs = values}}.
function M.graph(runs)
  local self <const> = setmetatable({counts = {}, known = {}, constants = {},
    paths = runs[1].paths}, Merge)
  for r, run in ipairs(runs) do self.counts[r], self.known[r] = run.n, {} end
  local graph <const> = {inputs = {}, outputs = {}, calls = {}}
  local start <const> = {name = "the network", place = 0}
  for i = 1, #runs[1].inputs do
    graph.inputs[i] = self:define(start, self:each(runs, function(run) return run.inputs[i] end))
  end
  local longest = 0
  for _, run in ipairs(runs) do longest = math.max(longest, #run.entries) end
  for i = 1, longest do
    local entries <const> = {}
    for r, run in ipairs(runs) do entries[r] = run.entries[i] or start end
    check_alike(self, entries)
    if not is_read(self, entries) and matters(entries) then
      graph.calls[#graph.calls + 1] = self:call(entries)
    end
  end
  for i, output in ipairs(runs[1].outputs) do
    local facts <const> = self:each(runs, function(run) return (run.outputs[i] or {}).fact end)
    if #facts ~= #runs then check.fail("export: the network's outputs are not always the same") end
    graph.outputs[i] = {name = output.name, value = self:value(start, facts)}
  end
  needed(graph)
  local calls <const> = {}
  for _, call in ipairs(graph.calls) do calls[#calls + 1] = call.needed and call or nil end
  graph.calls = calls
  return graph
end

return M
