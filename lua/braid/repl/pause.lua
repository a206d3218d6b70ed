--- A training run that Ctrl-C paused: its parts become variables, entries run as ever, until the
-- user calls resume() or stop(). Random numbers go on as if nobody had looked.

local core <const> = require "braid.core"
local signals <const> = require "braid.train.fitting.signals"

local NAMES <const> = {"net", "opt", "tasks", "history", "fit"}

-- Sets variables; returns what gives them back what they were.
local function lend(env, values)
  local before <const> = {}
  for _, name in ipairs(NAMES) do before[name], env[name] = rawget(env, name), values[name] end
  return function()
    for _, name in ipairs(NAMES) do env[name] = before[name] end
  end
end

--- Has train.fit pause for the entries of a session that serve() reads and runs, until
-- session.paused says how it goes on.
return function(session, serve)
  function signals.pause(fit)
    local give_back <const> = lend(session.env, {net = fit.net, opt = fit.opt, tasks = fit.tasks,
      history = fit.history, fit = fit})
    local outer <const>, seed <const>, stream <const> = session.paused, core.random_state()
    session.paused = "yes"
    print(("\npaused after step %d, in epoch %d: net, opt, tasks, history, fit "
      .. "are there; resume() or stop()"):format(fit.at.step, fit.at.epoch + 1))
    serve()
    local goes_on <const> = session.paused == "resume"
    session.paused = outer
    core.set_random_state(seed, stream)
    give_back()
    return goes_on
  end
end
