--- The weightings that are compared with torchjd's, by the names in
-- spec/support/weightings_torchjd.py. Each is a function: number of tasks -> weighting.

local mtl <const> = require "braid".mtl
local jacobian <const> = require "spec.support.jacobian"
local w <const> = mtl.weighting

-- {task = 1, next task = 2, ...}
local function counted(count)
  local map <const> = {}
  for i, name in ipairs(jacobian.names(count)) do map[name] = i end
  return map
end

return {
  ["equal"] = function() return w.equal{} end,
  ["equal mean"] = function() return w.equal{mean = true} end,
  ["fixed"] = function(n) return w.fixed{weights = counted(n)} end,
  ["upgrad"] = function() return w.upgrad{norm_eps = 1e-4} end,
  ["upgrad preference"] = function(n)
    return w.upgrad{norm_eps = 1e-4, preference = counted(n)}
  end,
  ["dualproj"] = function() return w.dualproj{norm_eps = 1e-4} end,
  ["mgda frank-wolfe"] = function() return w.mgda{solver = "frank-wolfe"} end,
  ["mgda exact"] = function() return w.mgda{} end,
  ["cagrad"] = function() return w.cagrad{c = 0.4, eps = 1e-4} end,
  ["imtl gradients"] = function() return w.imtl{parts = "gradients"} end,
  ["aligned"] = function() return w.aligned{} end,
  ["aligned median"] = function() return w.aligned{scale = "median"} end,
  ["aligned rmse"] = function() return w.aligned{scale = "rmse"} end,
  ["config"] = function() return w.config{} end,
  ["fairgrad"] = function() return w.fairgrad{alpha = 1} end,
  ["fairgrad 2"] = function() return w.fairgrad{alpha = 2} end,
  ["nash"] = function() return w.nash{normalize = true, max_norm = 1} end,
  ["sdmgrad"] = function() return w.sdmgrad{lr = 0.1} end,
  ["excess"] = function() return w.excess{step_size = 1e-3, warmup = 0} end,
  ["excess warmup"] = function() return w.excess{step_size = 1e-3, warmup = 2} end,
  ["gls"] = function() return w.gls{} end,
  ["stch"] = function() return w.stch{mu = 0.5} end,
  ["dwa"] = function() return w.dwa{every = 1} end,
  ["famo"] = function() return w.famo{} end,
  ["uncertainty"] = function() return w.uncertainty{form = "regression"} end,
  ["imtl losses"] = function() return w.imtl{parts = "losses"} end,
}
