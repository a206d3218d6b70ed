--- Braid: networks that learn several tasks at once.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local tensor <const> = require "braid.tensor"
local grad <const> = require "braid.grad"

local M <const> = {F = {}}

for name, value in pairs(tensor) do M[name] = value end
for name, value in pairs(grad) do M[name] = value end

M.manual_seed, M.memory = core.manual_seed, core.memory
M.set_threads, M.get_threads = core.set_threads, core.get_threads
M.set_winograd = core.set_winograd

for _, row in ipairs(core.rows) do
  if not row.hidden then M.F[row.name] = core.ops[row.name] end
end
for name, f in pairs(require "braid.tensor_parts") do M.F[name] = f end

-- Functions and losses made of operators are read when they are first used. Two losses have the
-- names of operators, which lack some of the losses' options.
local functional <const> = require "braid.functional"
local LOSSES <const> = {"mse", "l1", "smooth_l1", "huber", "wing", "cross_entropy", "nll", "bce",
  "bce_with_logits", "kl_div", "focal", "cosine", "hinge"}
for _, name in ipairs(LOSSES) do
  M.F[name] = nil
  core.tensor_metatable.methods[name] = function(...) return require("braid.loss")[name](...) end
end
local function loss_names() return check.sorted_keys(require "braid.loss") end

-- The names in t and in further lists.
local function names_in(t, ...)
  local set <const> = {}
  for name in next, t do set[name] = true end
  for _, list in ipairs{...} do
    for _, name in ipairs(list) do set[name] = true end
  end
  return check.sorted_keys(set)
end

folder.named(M.F, "braid.F", function(name)
  return folder.find(functional, name) or rawget(require "braid.loss", name)
end, function() return names_in(M.F, folder.names(functional), loss_names()) end)

-- A method that is read from its file when it is first called; help reads it too.
local function later(module) return function(...) return require(module)(...) end end
class.extend("Module", {predict = later "braid.model.predict"})

-- Parts that a small script does not need are read when they are first used.
local PARTS <const> = {
  nn = "braid.nn", optim = "braid.optim", loss = "braid.loss", mtl = "braid.mtl",
  data = "braid.data", io = "braid.io", plot = "braid.plot", train = "braid.train",
  vision = "braid.vision", model = "braid.model", open = "braid.model.open",
  load = "braid.io.load", save = "braid.model.save", inspect = "braid.inspect",
  diff = "braid.model.diff", export = "braid.onnx.export", import = "braid.onnx.import",
  limits = "braid.limits",
  VERSION = "braid.version", random_state = "braid.random_state",
  checkpoint = "braid.train.checkpoint", resume = "braid.train.resume",
  profile = "braid.profile",
}

-- The hint for a name that PyTorch has in torch and Braid in braid.F; or nil.
local function elsewhere(name)
  if folder.find(M.F, name) == nil then return nil end
  local method <const> = core.tensor_metatable.methods[name] and (", or x:%s"):format(name) or ""
  return ("it is braid.F.%s%s"):format(name, method)
end

return folder.named(M, "braid", function(name) return PARTS[name] and require(PARTS[name]) end,
  function() return names_in(M, check.sorted_keys(PARTS)) end, elsewhere)
