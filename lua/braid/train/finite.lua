--- Returns a finite loss. Otherwise it raises an error that names the place and the task.
--
-- train.finite(loss, losses, where) -> loss. losses are the tasks' losses by name, the second
-- result of tasks:loss (or nil). where is the number of a step, or words.
-- @treturn Tensor
-- @usage
-- local loss, losses = tasks:loss(net(batch.image), batch)
-- train.finite(loss, losses, 1):backward()

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"

local function number(value) return core.is_tensor(value) and value:item() or value end

local function is_finite(v) return v == v and v ~= math.huge and v ~= -math.huge end

return function(loss, losses, where)
  local total <const> = number(loss)
  if is_finite(total) then return loss end
  local words <const> = {}
  for _, name in ipairs(check.sorted_keys(losses or {})) do
    words[#words + 1] = name .. " " .. format("%.4g", number(losses[name]))
  end
  check.fail("%sthe loss is %s%s; no step was taken. Train with a smaller lr "
    .. "or clip_grad_norm; braid.detect_anomaly() names the operator",
    where and (math.type(where) == "integer" and "step " or "") .. where .. ": " or "",
    format("%.4g", total), #words > 0 and " (" .. table.concat(words, ", ") .. ")" or "")
end
