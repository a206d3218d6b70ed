--- Checks that optimizers hold all parameters of a network of columns that should train. A
-- parameter that no optimizer holds would never change, and nobody would notice.
--
-- The check begins when an optimizer takes a parameter of the network (which may be replaced
-- later). From then on, a parameter that was made, or began to train, after the newest optimizer is
-- an error. A parameter that trained before and was not given to the optimizer was left out on
-- purpose. Mixers are different: if an optimizer holds columns and none holds the mixer between
-- them, the mixer was forgotten, unless it is frozen.

local check <const> = require "braid.check"
local hints <const> = require "braid.nn.hints"
local Module <const> = require "braid.nn.module"

local M <const> = {}

local seen <const> = setmetatable({}, {__mode = "k"}) -- network -> when it last passed the check
local renewed <const> = setmetatable({}, {__mode = "k"}) -- network -> {operation, when}

--- Notes that an operation made new parameters, for messages.
function M.renew(net, operation) renewed[net] = {operation, hints.now()} end

local function reason(net, newest)
  local last <const> = renewed[net]
  if last and last[2] >= newest then return ("because %s made new parameters"):format(last[1]) end
  return "which was made, or began to train, after the newest optimizer"
end

-- Three results: the parameters that train but are in no optimizer, as {name, when it was made};
-- the moment when the newest optimizer took a parameter, or nil; and whether an optimizer holds any
-- parameter of the columns or the trunk.
local function not_held(net)
  local list <const>, newest, trained = {}, nil, false
  for name, p in Module.named_parameters(net) do
    local came <const>, taken <const> = hints.history(p)
    if taken and taken > (newest or 0) then newest = taken end
    if hints.is_held(p) then
      trained = trained or name:find("^columns%.") ~= nil or name:find("^trunk%.") ~= nil
    elseif p.requires_grad then
      list[#list + 1] = {name, came}
    end
  end
  return list, newest, trained
end

--- Raises an error if an optimizer trains (or trained) the network and none holds a parameter that
-- should train. It returns at once if no parameter and no optimizer has changed since the last
-- check.
function M.check(net)
  if seen[net] == hints.now() then return end
  local list <const>, newest <const>, trained <const> = not_held(net)
  for _, entry in ipairs(newest and list or {}) do
    if entry[2] > newest then
      check.fail("network: no optimizer holds %s, %s: make the optimizer anew, with "
        .. "net:parameters(), or freeze what should stay", entry[1], reason(net, newest))
    elseif trained and entry[1]:find("^mixer%.") then
      check.fail("network: no optimizer holds %s, though one holds other parameters: make it "
        .. "with net:parameters(), or freeze with net:freeze{\"mixers\"}", entry[1])
    end
  end
  seen[net] = hints.now()
end

return M
