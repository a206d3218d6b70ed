--- Makes the module of an ONNX file in a source of files.lua; or returns nil and a message.

local class <const> = require "braid.class"
local damage <const> = require "braid.io.damage"
local build <const> = require "braid.onnx.import.build"
local external <const> = require "braid.onnx.import.external"
local graphs <const> = require "braid.onnx.import.graph"
local Imported <const> = require "braid.onnx.import.imported"
local prepare <const> = require "braid.onnx.import.prepare"
local Program <const> = require "braid.onnx.import.program"
local read <const> = require "braid.onnx.import.read"

--- @param outside whether tensors may lie in other files of the source's directory
return damage.caught(function(source, outside)
  local graph <const> = prepare(graphs.of(source, read.model(source),
    external(source.path, outside)))
  local net <const> = class.adopt(Imported, {})
  net:begin(Program(build.program(graph, net)))
  return net
end)
