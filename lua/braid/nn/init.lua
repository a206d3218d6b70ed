--- Layers: nn.MaxPool2d is in nn/max_pool2d.lua; activations share a file.

local M <const> = require "braid.folder"("braid.nn", {
  file_of = function(name) return (name:gsub("ReLU", "Relu"):gsub("(%l)(%u)", "%1_%2"):lower()) end,
  others = function() return require "braid.nn.activation" end,
  internal = {"activation", "fold", "hints", "initial", "pool2d", "state", "summary", "walk"},
  fits = function(name, value) return value.__name == name or name == "backbone" end,
})

M.init = require "braid.nn.initial"

return M
