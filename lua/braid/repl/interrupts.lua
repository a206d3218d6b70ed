--- Ctrl-C at a prompt. It also stops coroutines, which Lua's own functions would not allow. An
-- update of a network is never left half done.

local core <const> = require "braid.core"

local M <const> = {}

-- ---- coroutines ---------------------------------------------------------------------------

local create <const>, close <const>, status <const> = coroutine.create, coroutine.close,
  coroutine.status
local resume <const> = core.resume

local own <const> = coroutine -- Lua's table: changes of its functions hold in the whole process
own.resume = resume

-- Returns the results of a resumed coroutine, or raises its error in the caller.
local function passed_on(co, fine, ...)
  if fine then return ... end
  if status(co) == "dead" then close(co) end
  error((...), 0)
end

function own.wrap(f)
  local co <const> = create(f)
  return function(...) return passed_on(co, resume(co, ...)) end
end

-- ---- updates ------------------------------------------------------------------------------

--- Methods that finish before an interrupt takes effect, by the modules of their classes.
M.WHOLE = {
  ["braid.optim.optimizer"] = {"step", "zero_grad", "load_state_dict"},
  ["braid.optim.ema"] = {"update", "load_state_dict"},
  ["braid.optim.schedule"] = {"step", "load_state_dict"},
  ["braid.nn.module"] = {"load_state_dict", "freeze"},
}

for module, methods in pairs(M.WHOLE) do
  local class <const> = require(module)
  for _, name in ipairs(methods) do core.never_interrupt(class[name]) end
end

return M
