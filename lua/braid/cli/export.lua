--- `braid export DIR | FILE OUT.onnx`: writes a network as an ONNX file (onnx/export/init.lua).

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local export <const> = require "braid.onnx.export"
local network <const> = require "braid.cli.given.network"

-- The numbers of a text such as 3,64,64; or nil.
local function shape_of(text)
  local shape <const> = {}
  for number in text:gmatch("[^,x]+") do
    shape[#shape + 1] = math.tointeger(tonumber(number)) or nil
  end
  return text:find("^%d+[%d,x]*$") and #shape > 0 and shape or nil
end

return {usage = "export DIR | FILE OUT.onnx  write a network as an ONNX file", least = 2, most = 2,
  words = {"network", "file"}, prints = "nothing: the file is what it makes",
  options = {input = check.text(), preprocess = false, overwrite = false},
  said = {input = "the shape of one sample, such as 3,64,64 (that of the network's preprocessing)",
    preprocess = "begin with pictures of bytes, and prepare them as in training",
    overwrite = "replace the file"},
  wrong = function(o)
    return o.input and not shape_of(o.input) and "--input wants numbers such as 3,64,64" or nil
  end,
  run = function(o, path, out)
    if core.path_kind(out) and not o.overwrite then
      check.fail("%s exists; --overwrite replaces it", out)
    end
    export(network.read(path), out, {input = o.input and shape_of(o.input),
      preprocess = o.preprocess})
  end}
