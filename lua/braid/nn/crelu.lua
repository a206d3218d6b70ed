--- CReLU (Shang et al. 2016): concatenates relu(x) and relu(-x) along the channels, (n,c,...) ->
-- (n,2c,...).
-- @usage nn.CReLU()(images).shape

local class <const> = require "braid.class"
local crelu <const> = require "braid.functional.crelu"
local Module <const> = require "braid.nn.module"

local CReLU <const> = class("CReLU", Module)

function CReLU:forward(x) return (crelu(x)) end

function CReLU:channels_after(channels) return 2 * channels end

return CReLU
