--- Layers. nn.Conv2d is the class that nn/conv2d.lua returns: found by its name.

local M <const> = {init = require "braid.nn.initial", Module = require "braid.nn.module"}

-- MaxPool2d -> max_pool2d
local function file_name(name)
  return (name:gsub("(%l)(%u)", "%1_%2"):lower())
end

return setmetatable(M, {__index = function(t, name)
  local path <const> = "braid.nn." .. file_name(name)
  local value
  if package.searchpath(path, package.path) then
    value = require(path)
  else
    value = require("braid.nn.activation")[name]
  end
  rawset(t, name, value)
  return value
end})
