--- LocalResponseNorm (Krizhevsky, Sutskever and Hinton 2012): divides x (n,c,...) by a function of
-- the squares in neighbouring channels.
-- @usage nn.LocalResponseNorm(5, {alpha = 1e-4, beta = 0.75, k = 1})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local local_response_norm <const> = require "braid.functional.local_response_norm"
local Module <const> = require "braid.nn.module"

local LocalResponseNorm <const> = class("LocalResponseNorm", Module)

local OPTIONS <const> = check.declared.local_response_norm:called("LocalResponseNorm")

function LocalResponseNorm:init(size, given)
  local o <const> = check.options(OPTIONS, given, {size = size})
  self.size, self.options = o.size, {alpha = o.alpha, beta = o.beta, k = o.k}
end

function LocalResponseNorm:forward(x)
  return (local_response_norm(x, self.size, self.options))
end

function LocalResponseNorm:describe() return tostring(self.size) end

return LocalResponseNorm
