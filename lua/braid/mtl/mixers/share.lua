--- Hard sharing: all tasks use one column up to the last block that has this mixer. Each task has
-- its own blocks after that (mtl.columns with split = "block" does the same).

local class <const> = require "braid.class"
local Mixer <const> = require "braid.mtl.mixer"

local Share <const> = class("share", Mixer)
Share.structural = true -- it changes what is built, and stands nowhere

return Mixer.define(Share, {})
