--- Layers: nn.MaxPool2d is in nn/max_pool2d.lua; activations share a file.

local M <const> = require "braid.folder"("braid.nn",
  function(name) return (name:gsub("ReLU", "Relu"):gsub("(%l)(%u)", "%1_%2"):lower()) end,
  function(name) return require("braid.nn.activation")[name] end)

M.init = require "braid.nn.initial"

return M
