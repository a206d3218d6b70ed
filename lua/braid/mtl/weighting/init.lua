--- Weightings: how the tasks of a network share what they have in common, by name.
--
-- mtl.weighting.NAME{options} names a method; tasks:weigh(net, it) has it at work on a network
-- (mtl/weigh/weighing.lua). By losses, at the price of a plain step: equal, fixed, uncertainty,
-- dwa, gls, rlw, stch, famo. By the products of the tasks' gradients, at T backward passes:
-- pcgrad, gradvac, cagrad, mgda, imtl, nash, aligned, upgrad, dualproj, fairgrad, gradnorm,
-- sdmgrad, config. By the gradients themselves: moco, db, excess, graddrop. A method is one file
-- here.
-- @usage
-- local weighing <const> = tasks:weigh(net, mtl.weighting.upgrad{}) ... opt:zero_grad()
-- weighing:backward(net(batch.image), batch) opt:step()

local folder <const> = require "braid.folder"

return folder("braid.mtl.weighting")
