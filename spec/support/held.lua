--- Calls every bound function. During the call, the scope of its tensors is closed and they are
-- collected: when C reads the length of a table argument, or in a finalizer that runs at an
-- allocation. The answer must be right or an error. The address sanitizer finds reads of freed
-- memory. spec/base/held_spec.lua runs this in a process of its own, with a small heap. Prints how
-- many calls there were, and how many gave an answer.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"

local rows <const> = assert(loadfile("spec/op/ops_spec.lua", "t",
  setmetatable({describe = function() end}, {__index = _G})))()

local count, answered = 0, 0

-- A copy of a value. f runs whenever the length of a table in it is read.
local function trapped(value, f)
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for k, v in pairs(value) do copy[k] = trapped(v, f) end
  return setmetatable(copy, {__len = function(t)
    f()
    return rawlen(t)
  end})
end

-- A call's results, as a text for comparison.
local function shown(...)
  local parts <const> = table.pack(...)
  for i = 1, parts.n do
    local v <const> = parts[i]
    if core.is_tensor(v) then
      parts[i] = v.dtype .. table.concat(v.shape, "x") .. core.bytes(v)
    elseif type(v) == "table" then
      local list <const> = {}
      for k, x in pairs(v) do list[#list + 1] = shown(k) .. "=" .. shown(x) end
      table.sort(list)
      parts[i] = table.concat(list, ";")
    else
      parts[i] = (type(v) == "number" or type(v) == "string") and tostring(v) or type(v)
    end
  end
  return table.concat(parts, "|")
end

local ALLOWED <const> = {"was released", "released by its scope", "this tensor is empty",
  "does not require"}

local function check(what, ok, got, wanted)
  count = count + 1
  if ok then
    answered = answered + 1
    if wanted and got ~= wanted then error(what .. ": not the answer without disturbance", 0) end
    return
  end
  for _, text in ipairs(ALLOWED) do
    if got:find(text, 1, true) then return end
  end
  error(("%s: %s"):format(what, got), 0)
end

local function collect_at_every_allocation()
  collectgarbage("incremental", 1, 400, 63)
  collectgarbage()
end

local function collect_as_usual()
  collectgarbage("incremental", 200, 100, 13)
  collectgarbage()
end

-- make() returns a new function with new arguments. Nothing else holds them.
local function attack(what, make, free)
  local wanted
  if not free then
    local f <const>, args <const> = make()
    wanted = shown(f(table.unpack(args, 1, args.n)))
  end
  for how = 1, 3 do
    local scope <const> = braid.scope()
    local f, args = make()
    local function close()
      args = nil
      scope:close()
      collectgarbage()
    end
    if how == 1 then
      for i = 1, args.n do args[i] = trapped(args[i], close) end
      check(what, pcall(function() return shown(f(table.unpack(args, 1, args.n))) end))
    elseif how == 2 then -- by a finalizer, with the arguments only on the stack
      local function call(...)
        args = nil
        setmetatable({}, {__gc = close})
        return shown(f(...))
      end
      collect_at_every_allocation()
      local ok <const>, got <const> = pcall(call, table.unpack(args, 1, args.n))
      collect_as_usual()
      check(what, ok, got)
    else -- no scope is closed, but everything that nothing holds is collected
      scope:close()
      f, args = make()
      collect_at_every_allocation()
      local function call(...)
        args = nil
        return f(...)
      end
      local results <const> = table.pack(pcall(call, table.unpack(args, 1, args.n)))
      collect_as_usual()
      check(what, results[1], results[1] and shown(table.unpack(results, 2, results.n))
        or results[2], wanted)
    end
    scope:close()
  end
end

-- ---- operators ------------------------------------------------------------------------

local function grads(f)
  return function(...)
    local y <const> = f(...)
    if y.requires_grad then y:backward{gradient = y:detach()} end
    return y
  end
end

for _, known in ipairs(core.rows) do
  local row <const> = rows[known.name]
  for i, case in ipairs(row and not row.elsewhere and row.cases or {}) do
    if i > 3 then break end
    for _, recorded in ipairs{false, known.differentiable or nil} do
      attack(known.name, function()
        local args <const> = arrays.arguments(case, "float32")
        for _, t in ipairs(recorded and arrays.tensors(args) or {}) do
          if arrays.is_float(t) then t:requires_grad_() end
        end
        return recorded and grads(core.ops[known.name]) or core.ops[known.name], args
      end)
    end
    if known.in_place and i == 1 then
      attack(known.name .. "_", function()
        return core.ops[known.name .. "_"], arrays.arguments(case, "float32")
      end, true)
    end
  end
end

-- ---- the rest -------------------------------------------------------------------------

for what, make in pairs(require "spec.support.bound_calls") do attack(what, make) end

print(count, answered)
