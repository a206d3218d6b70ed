--- Layers, one file each: nn.MaxPool2d is in nn/max_pool2d.lua. Activations share a file.

local M <const> = require "braid.folder"("braid.nn", {
  file_of = function(name) return (name:gsub("ReLU", "Relu"):gsub("(%l)(%u)", "%1_%2"):lower()) end,
  others = function() return require "braid.nn.activation" end,
  internal = {"activation", "aliases", "backbone_options", "described", "fresh", "hints",
    "initial", "places", "pool2d", "pretrained", "report", "state", "statistics", "summary", "tree",
    "walk", "weights", "watching"},
  fits = function(name, value)
    return name == "backbone" or name == "from_one"
      or type(value) == "table" and value.__name == name
  end,
})

M.init = require "braid.nn.initial"

return M
