--- A training run that Ctrl-C paused. Its parts become variables, and entries run as usual, until
-- the user calls resume() or stop(). The pause does not change the run's random numbers.

local core <const> = require "braid.core"
local signals <const> = require "braid.train.fitting.signals"

local NAMES <const> = {"net", "opt", "tasks", "history", "fit"}

-- Sets variables. Returns a function that restores their old values.
local function lend(env, values)
  local before <const> = {}
  for _, name in ipairs(NAMES) do before[name], env[name] = rawget(env, name), values[name] end
  return function()
    for _, name in ipairs(NAMES) do env[name] = before[name] end
  end
end

--- Makes train.fit pause at Ctrl-C. serve() then reads and runs entries until session.paused says
-- how the run continues.
return function(session, serve)
  function signals.pause(fit)
    local give_back <const> = lend(session.env, {net = fit.net, opt = fit.opt, tasks = fit.tasks,
      history = fit.history, fit = fit})
    local outer <const>, seed <const>, stream <const> = session.paused, core.random_state()
    session.paused = "yes"
    print(("\npaused after step %d, in epoch %d: net, opt, tasks, history and fit are variables "
      .. "now; resume() or stop()"):format(fit.at.step, fit.at.epoch + 1))
    serve()
    local goes_on <const> = session.paused == "resume"
    session.paused = outer
    core.set_random_state(seed, stream)
    give_back()
    return goes_on
  end
end
