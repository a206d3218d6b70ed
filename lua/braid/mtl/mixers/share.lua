--- mtl.share: hard sharing. All tasks use one column up to the last block that has this mixer;
-- after that each task has its own blocks. mtl.columns with split = "block" does the same.
-- @usage
-- local net = mtl.columns(tasks, nn.backbone("tcdcn"))
-- net:mix("conv3", mtl.share{})

local class <const> = require "braid.class"
local Mixer <const> = require "braid.mtl.mixer"

local Share <const> = class("share", Mixer)
Share.structural = true -- it changes what is built, and is itself at no block

return Mixer.define(Share, {})
