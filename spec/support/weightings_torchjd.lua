--- Run by weightings_torchjd.py: applies weightings to the Jacobians in a file.
--
--   build/braid spec/support/weightings_torchjd.lua IN OUT steps | random

local braid <const> = require "braid"
package.path = package.path .. ";./?.lua"
local jacobian <const> = require "spec.support.jacobian"
local methods <const> = require "spec.support.weightings"
local w <const> = braid.mtl.weighting

local given <const>, made <const>, what <const> = arg[1], arg[2], arg[3]
local tensors <const>, out <const> = braid.load(given), {}

local function each(f)
  local k = 0
  while tensors["j." .. k] do
    f(k, tensors["j." .. k], tensors["losses." .. k])
    k = k + 1
  end
end

local function steps(name, make)
  each(function(k, j, losses)
    local _, step <const> = jacobian.weighing(make(j:size(2)), j:size(2))
    local rows <const>, coefficients <const> = {}, {}
    for i = 1, j:size(1) do
      local row <const>, c <const> = step(j[i], losses[i]:totable())
      rows[i], coefficients[i] = row:clone(), c
    end
    out[name .. "." .. k] = braid.stack(rows)
    out["w." .. name .. "." .. k] = braid.tensor(coefficients, {dtype = "float64"})
  end)
end

local RANDOM <const> = {pcgrad = w.pcgrad{}, graddrop = w.graddrop{}, rlw = w.rlw{},
  gradvac = w.gradvac{beta = 0}}

if what == "steps" then
  for name, make in pairs(methods) do steps(name, make) end
else
  local draws <const> = tensors.draws[1]:item()
  for name, method in pairs(RANDOM) do
    each(function(k, j)
      local _, step <const> = jacobian.weighing(method, j:size(2))
      local rows <const> = {}
      for i = 1, draws do rows[i] = (step(j[1])):clone() end
      out[name .. "." .. k] = braid.stack(rows)
    end)
  end
end
braid.save(made, out)
