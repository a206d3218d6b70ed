--- Makes the calls that torch_opinfo.py wrote into a folder (cases.json, with a case in each line;
-- in.safetensors), and writes their results (out.safetensors, status.json).
-- `torch_opinfo.lua FOLDER`

local braid <const> = require "braid"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"

local folder <const> = arg[1]
local NUMBERS <const> = {inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0}

local function decoded(v, tensors)
  if type(v) ~= "table" then return v end
  if v.t then return tensors[v.t] end
  if v.n then return NUMBERS[v.n] end
  if v["nil"] then return nil end
  if v.range then return {v.range[1], v.range[2] or -1, v.range[3]} end
  local result <const> = {}
  if v.list then
    for i, e in ipairs(v.list) do result[i] = decoded(e, tensors) end
  else
    for k, e in pairs(v) do result[k] = decoded(e, tensors) end
  end
  return result
end

local SPECIAL <const> = {
  read = function(x, key)
    local shape <const> = x.shape
    for i, k in ipairs(key) do -- a slice ends where the dimension ends
      if type(k) == "table" then
        if k[2] == -1 or k[2] > shape[i] then k[2] = shape[i] end
        if k[1] > k[2] then k[1] = k[2] + 1 end
      end
    end
    return x[key]
  end,
  optimize = function(name, params, targets, steps, options)
    for i, p in ipairs(params) do params[i] = p:clone():requires_grad_() end
    local opt <const> = braid.optim[name](params, options)
    local function closure()
      opt:zero_grad()
      local loss = 0
      for i, p in ipairs(params) do
        loss = loss + ((p - targets[i]):square() * 0.7):sum() + (p * 0.5):exp():sum()
      end
      loss:backward()
      return loss
    end
    for _ = 1, steps do
      if name ~= "LBFGS" then closure() end
      opt:step(closure)
    end
    return table.unpack(params)
  end,
}

-- The module with the given state. Its parameters replace the state's tensors.
local function module(case, args, n, tensors)
  local m <const> = braid.nn[case.f:sub(4)](table.unpack(args, 1, n))
  local state <const> = decoded(case.state, tensors)
  m:to(next(state) and select(2, next(state)).dtype or "float32")
  m:load_state_dict(state)
  if case.training then m:train() else m:eval() end
  local own <const>, buffers <const> = m:state_dict(), {}
  for name, p in m:named_parameters() do
    tensors[case.state[name].t], own[name] = p, nil
  end
  for name in pairs(own) do buffers[#buffers + 1] = name end
  table.sort(buffers)
  return function(...)
    local results <const> = table.pack(m(...))
    for _, name in ipairs(buffers) do
      results.n = results.n + 1
      results[results.n] = own[name]
    end
    return table.unpack(results, 1, results.n)
  end
end

local function resolve(name, first)
  local place <const>, field <const> = name:match("^(.-)[.:](.*)$")
  if place == "" then
    if core.is_tensor(first) then return first[field] end
    return core.ops[field]
  end
  if place == "special" then return SPECIAL[field] end
  return place == "F" and braid.F[field] or place == "ops" and core.ops[field] or braid[field]
end

local function run(case, id, tensors, out)
  local args, n = {}, #case.args
  for _, key in ipairs(case.grads) do tensors[key]:requires_grad_(true) end
  for i, a in ipairs(case.args) do args[i] = decoded(a, tensors) end
  local options <const> = decoded(case.options, tensors)
  if next(options) then
    n = n + 1
    args[n] = options
  end
  local f
  if case.state then
    f, args, n = module(case, args, n, tensors), decoded(case.inputs, tensors), #case.inputs.list
  else
    f = resolve(case.f, args[1])
  end
  local results <const> = table.pack(f(table.unpack(args, 1, n)))
  local total
  for i = 1, results.n do
    local r = results[i]
    if not core.is_tensor(r) then
      local integer <const> = math.type(r) == "integer"
      r = braid.tensor(r, {dtype = type(r) == "boolean" and "bool" or integer and "int64" or
        "float32"})
    end
    out[("%d.o%d"):format(id, i - 1)] = r:detach()
  end
  for _, i in ipairs(case.weights) do
    local part <const> = (results[i + 1] * tensors[("%d.w%d"):format(id, i)]):sum()
    total = total and total + part or part
  end
  if total then
    local inputs <const> = {}
    for i, key in ipairs(case.grads) do inputs[i] = tensors[key] end
    local grads <const> = braid.grad(total, inputs, {allow_unused = true})
    for i, x in ipairs(inputs) do
      out[("%d.g%d"):format(id, i - 1)] = grads[i] or braid.zeros_like(x)
    end
  end
end

local tensors <const>, out <const>, status <const> = braid.load(folder .. "/in.safetensors"), {}, {}
local id = 0
for line in io.lines(folder .. "/cases.json") do
  local ok <const>, message <const> = pcall(run, json.decode(line), id, tensors, out)
  id = id + 1
  status[id] = ok and "ok" or tostring(message)
end
braid.save(folder .. "/out.safetensors", out)
local file <close> = assert(io.open(folder .. "/status.json", "w"))
file:write(json.encode {status = status})
