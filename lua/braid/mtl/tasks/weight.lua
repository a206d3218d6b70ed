--- The weight of a task: a number, or a function of the epoch (from 1) that returns a number. A
-- user may change it at any time: tasks.smile.weight = 0.3.

local check <const> = require "braid.check"

local M <const> = {}

local NUMBER <const> = check.number{1, from = 0}

--- The kind of the option weight, which every kind of task has.
M.OPTION = check.either(NUMBER, check.call())

--- The weight in an epoch, as a number.
function M.of(name, weight, epoch)
  local value = weight
  if M.OPTION.accepts(weight) and not NUMBER.accepts(weight) then
    value = weight(epoch)
    check.value("tasks", ("the weight that the function of '%s' returns for epoch %d"):format(name,
      epoch), value, NUMBER)
  elseif not NUMBER.accepts(weight) then -- the user may have changed it
    check.value("tasks", "the weight of " .. name, weight, M.OPTION)
  end
  return value
end

return M
