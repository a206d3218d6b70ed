--- Writes the networks of onnx_cases.lua as ONNX files, with inputs and outputs for 1 and 3
-- samples, for onnx_models.py:
--   build/braid spec/support/onnx_models.lua DIR [PART OF A NAME]

local braid <const> = require "braid"
local cases <const> = require "spec.support.onnx_cases"

local dir <const>, wanted <const> = arg[1], arg[2] or ""

local function flat(list, value, name)
  if type(value) ~= "table" then
    list[name == "" and "output" or name] = value
    return
  end
  for key, inner in pairs(value) do flat(list, inner, (name == "" and "" or name .. ".") .. key) end
end

local listing <const> = {}

local function run(case)
  local net <const>, path <const> = case.make(), ("%s/%d"):format(dir, #listing - 1)
  braid.export(net, path .. ".onnx", {input = case.shapes})
  local _ <close> = net:evaluating()
  local _ <close> = braid.no_grad()
  for _, n in ipairs{1, 3} do
    local inputs <const>, values <const> = {}, {}
    for i, shape in ipairs(case.shapes) do
      inputs[i] = braid.randn({n, table.unpack(shape)})
      values["in." .. (#case.shapes == 1 and "image" or "input" .. i)] = inputs[i]
    end
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
