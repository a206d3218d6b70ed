--- Softmax: e^x divided by the sum of e^x along a dimension.
-- @usage nn.Softmax(2)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local Softmax <const> = class("Softmax", Module)

local OPTIONS <const> = check.declare("Softmax", {dim = check.argument(check.dimension())})

function Softmax:init(dim) self.dim = check.options(OPTIONS, nil, {dim = dim}).dim end

function Softmax:forward(x) return core.ops.softmax(x, self.dim) end

function Softmax:describe() return tostring(self.dim) end

return Softmax
