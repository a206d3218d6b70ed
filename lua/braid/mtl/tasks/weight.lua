--- The weight of a task: a number, or a function of the epoch (from 1) that gives one; either may
-- be changed at any time, tasks.smile.weight = 0.3.

local check <const> = require "braid.check"

local M <const> = {}

local NUMBER <const> = check.number{1, from = 0}

--- The option of every kind of task.
M.OPTION = check.either(NUMBER, check.call())

--- The number that it is in that epoch.
function M.of(name, weight, epoch)
  local value = weight
  if M.OPTION.accepts(weight) and not NUMBER.accepts(weight) then
    value = weight(epoch)
    check.value("tasks", ("the weight that the function of '%s' returns for epoch %d"):format(name,
      epoch), value, NUMBER)
  elseif not NUMBER.accepts(weight) then -- it may have been changed since
    check.value("tasks", "the weight of " .. name, weight, M.OPTION)
  end
  return value
end

return M
