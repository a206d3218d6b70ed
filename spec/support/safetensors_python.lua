--- Writes files for safetensors_python.py: tensors of all types, and networks.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local mtl <const> = braid.mtl

local out <const> = arg[1] or error("usage: safetensors_python.lua DIRECTORY", 0)
shell.run("mkdir -p " .. shell.quote(out))

local function put(name, tensors, value, metadata)
  braid.save(("%s/%s.npz"):format(out, name), tensors)
  braid.save(("%s/%s.safetensors"):format(out, name), value or tensors, metadata)
end

local every <const> = {scalar = braid.tensor(1.5), none = braid.zeros(0, 3),
  ["name with \"quotes\" and \u{e4}"] = braid.ones(1), turned = braid.randn(3, 4):t()}
for _, dtype in ipairs{"float32", "float64", "int64", "int32", "uint8", "bool"} do
  every[dtype] = braid.randint(0, 1, {2, 3}):to(dtype)
end
put("every", every, nil, {author = "\u{e4}\n\0\"", ["a b"] = ""})

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5}, pose = mtl.classes{5}}
for _, name in ipairs{"tcdcn", "dcnet", "cross_stitch"} do
  local net <const> = braid.model(("models/%s.lua"):format(name), {tasks = tasks, width = 0.25})
  net:add_task("age", mtl.real{1})
  put(name, net:state_dict(), net, {note = name})
end
