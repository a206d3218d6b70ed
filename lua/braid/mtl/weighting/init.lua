--- Weightings: methods that decide how much each task counts in a step, by name.
--
-- mtl.weighting.NAME{options} is a method; tasks:weigh(net, method) applies it to a network
-- (mtl/weigh/weighing.lua). A method is one file of this folder. Methods use
--   the losses, at the cost of a plain step: equal, fixed, uncertainty, dwa, gls, rlw, stch, famo
--   the products of the tasks' gradients, with T backward passes: pcgrad, gradvac, cagrad, mgda,
--     imtl, nash, aligned, upgrad, dualproj, fairgrad, gradnorm, sdmgrad, config
--   the gradients themselves, with T backward passes: moco, db, excess, graddrop
-- @usage
-- local weighing <const> = tasks:weigh(net, mtl.weighting.upgrad{}) ... opt:zero_grad()
-- weighing:backward(net(batch.image), batch) opt:step()

local folder <const> = require "braid.folder"

return folder("braid.mtl.weighting")
