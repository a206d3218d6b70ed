--- Checks the numbers by which a user chooses samples.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local NUMBERS <const> = check.list{of = check.whole{from = 1}}

--- Checks a list or int64 tensor of sample numbers, each from 1 to n -> an int64 tensor.
return function(list, n)
  if not core.is_tensor(list) then check.value("subset", "samples", list, NUMBERS) end
  local chosen <const> = core.is_tensor(list) and list or #list == 0 and core.new({0}, "int64")
    or core.from_table(list, "int64")
  if chosen.dtype ~= "int64" or chosen:dim() ~= 1 then
    check.fail("subset: wants int64 (n), not %s (%s)", chosen.dtype, table.concat(chosen.shape,
      ", "))
  end
  if #chosen > 0 then
    local least <const>, most <const> = chosen:min():item(), chosen:max():item()
    if least < 1 or most > n then
      check.fail("subset: there is no sample %d of %d", least < 1 and least or most, n)
    end
  end
  return chosen
end
