--- Hard sharing: one column for all tasks, up to the last block it is put at. The blocks after
-- that are each task's own (mtl.columns with split = "block" says the same).

local class <const> = require "braid.class"
local Mixer <const> = require "braid.mtl.mixer"

local Share <const> = class("share", Mixer)
Share.structural = true -- it changes what is built, and stands nowhere

return Mixer.define(Share, {})
