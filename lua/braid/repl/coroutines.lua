--- Coroutines that Ctrl-C reaches: at a prompt these take the place of Lua's own functions.

local core <const> = require "braid.core"

local create <const>, close <const>, status <const> = coroutine.create, coroutine.close,
  coroutine.status
local resume <const> = core.resume

local own <const> = coroutine -- all of the process see these
own.resume = resume

-- What a resumed coroutine gave, with its error raised in the one that resumed it.
local function passed_on(co, fine, ...)
  if fine then return ... end
  if status(co) == "dead" then close(co) end
  error((...), 0)
end

function own.wrap(f)
  local co <const> = create(f)
  return function(...) return passed_on(co, resume(co, ...)) end
end

-- Optimizers take a step as a whole.
core.never_interrupt(require "braid.optim.optimizer".step)
