--- Whether optimizers hold what a network of columns trains: a mixer's parameter that none holds
-- would stay as it is without a word, and so would all of them after an operation that made new
-- ones.

local check <const> = require "braid.check"
local hints <const> = require "braid.nn.hints"

local M <const> = {}

local complete <const> = setmetatable({}, {__mode = "k"}) -- networks known to be held whole
local renewed <const> = setmetatable({}, {__mode = "k"}) -- those that were, and what made new ones

--- Notes that an operation made new parameters.
function M.renew(net, operation)
  if complete[net] then complete[net], renewed[net] = nil, operation end
end

--- Notes that other parameters train than before.
function M.forget(net) complete[net] = nil end

local function any_held(part)
  for _, p in ipairs(part and part:parameters() or {}) do
    if hints.is_held(p) then return true end
  end
  return false
end

local function first_unheld(part)
  for name, p in part:named_parameters() do
    if p.requires_grad and not hints.is_held(p) then return name end
  end
end

--- Raises an error where a network that some optimizer trains has a mixer that none holds, or
-- where one trained it, and now there are other parameters.
function M.check(net)
  if complete[net] then return end
  local missing = renewed[net] and first_unheld(net)
  if missing then
    check.fail("network: no optimizer holds %s, for %s made new parameters: make the optimizer "
      .. "anew, with net:parameters()", missing, renewed[net])
  end
  if not any_held(net.columns) and not any_held(net.trunk) then return end
  for _, block in ipairs(check.sorted_keys(net.mixer)) do
    missing = first_unheld(net.mixer[block])
    if missing then
      check.fail("network: no optimizer holds mixer.%s.%s, though one holds other parameters: "
        .. "make it with net:parameters(), or freeze with net:freeze{\"mixers\"}", block, missing)
    end
  end
  complete[net], renewed[net] = true, nil
end

return M
