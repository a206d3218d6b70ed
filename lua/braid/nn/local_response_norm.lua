--- LocalResponseNorm (Krizhevsky, Sutskever and Hinton 2012): x (n,c,...) divided by what
-- its neighbouring channels give off.
-- @usage nn.LocalResponseNorm(5, {alpha = 1e-4, beta = 0.75, k = 1})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local local_response_norm <const> = require "braid.functional.local_response_norm"
local Module <const> = require "braid.nn.module"

local LocalResponseNorm <const> = class("LocalResponseNorm", Module)

function LocalResponseNorm:init(size, given)
  check.size("LocalResponseNorm", "size", size)
  self.size = size
  self.options = check.options("LocalResponseNorm", given, {alpha = 1e-4, beta = 0.75, k = 1})
end

function LocalResponseNorm:forward(x)
  return (local_response_norm(x, self.size, self.options))
end

function LocalResponseNorm:describe() return tostring(self.size) end

return LocalResponseNorm
