--- Writes the networks of onnx_cases.lua as ONNX files, with inputs and outputs for 1 and 3
-- samples, for onnx_exported.py:
--   build/braid spec/support/onnx_exported.lua DIR [PART OF A NAME]

local braid <const> = require "braid"
local cases <const> = require "spec.support.onnx_cases"
local Dataset <const> = require "braid.data.dataset"
local recipe <const> = require "braid.data.recipe"

local dir <const>, wanted <const> = arg[1], arg[2] or ""

local function flat(list, value, name)
  if type(value) ~= "table" then
    list[name == "" and "output" or name] = value
    return
  end
  for key, inner in pairs(value) do flat(list, inner, (name == "" and "" or name .. ".") .. key) end
end

-- Pictures of bytes: smooth, noisy, and one of a single colour.
local function pictures(n, shape)
  local list <const> = {}
  for i = 1, n do
    local wave <const> = (braid.rand(shape) * (i == 2 and 200 or 40)):cumsum(3) % 256
    list[i] = i == 3 and braid.zeros(shape) + 77 or wave
  end
  return braid.stack(list, 1):to("uint8")
end

-- The pictures as the loader gives them to net:predict.
local function prepared(net, images)
  local own <const> = assert(recipe.options(net.card.preprocessing, "middle"))
  own.batch = images:size(1)
  local batch <const> = braid.data.loader(Dataset{images = images}, own)()
  return batch.image:contiguous()
end

local listing <const> = {}

local function run(case)
  local net <const>, path <const> = case.make(), ("%s/%d"):format(dir, #listing - 1)
  braid.export(net, path .. ".onnx", {input = case.shapes, preprocess = case.picture})
  local _ <close> = net:evaluating()
  local _ <close> = braid.no_grad()
  for _, n in ipairs{1, 3} do
    local inputs, values <const> = {}, {}
    for i, shape in ipairs(case.shapes) do
      inputs[i] = case.picture and pictures(n, shape) or braid.randn({n, table.unpack(shape)})
      values["in." .. (#case.shapes == 1 and "image" or "input" .. i)] = inputs[i]
    end
    if case.picture then inputs = {prepared(net, inputs[1])} end
    local outputs <const> = table.pack(net(table.unpack(inputs)))
    for i = 1, outputs.n do
      local list <const> = {}
      flat(list, outputs[i], i == 1 and "" or "output" .. i)
      for name, t in pairs(list) do
        values["out." .. name] = (t.dtype == "bool" and t:to("uint8") or t):contiguous()
      end
    end
    braid.save(("%s.%d.npz"):format(path, n), values)
  end
end

for _, case in ipairs(cases) do
  if case.name:find(wanted, 1, true) then
    listing[#listing + 1] = case.name
    local ok <const>, why <const> = pcall(run, case)
    if not ok then listing[#listing] = case.name .. "\t" .. tostring(why):gsub("\n.*", "") end
    listing[#listing] = listing[#listing] .. "\n"
  end
end

local file <const> = assert(io.open(dir .. "/names.txt", "w"))
file:write(table.concat(listing))
file:close()
