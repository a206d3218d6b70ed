--- Where networks come from: what braid.model or braid.open made each of, and what the library
-- has changed in it since. It stands beside the networks, not in them: nothing that a
-- stranger's definition can reach leads here.
--
-- {text = the definition, options = as JSON or nil, unfit = why there are none, tasks =,
-- changes = {what add_task, remove_task, extract and mutual did}, form = what the network looked
-- like then, look = the function that tells}

local M <const> = {}

local known <const> = setmetatable({}, {__mode = "k"})

--- Keeps a network's record.
function M.set(net, record) known[net] = record end

--- The record of a network, or nil.
function M.of(net) return known[net] end

--- A copy of a network comes from where the network does.
function M.copy(net, copy)
  local record <const> = known[net]
  if not record then return end
  local own <const> = {}
  for key, value in pairs(record) do own[key] = value end
  own.changes = table.move(record.changes, 1, #record.changes, 1, {})
  known[copy] = own
end

--- To be called before the library changes a network; returns what is to be called afterwards,
-- with what the change was. What was changed by hand before that stays known.
function M.changing(net)
  local record <const> = known[net]
  if not record then return function() end end
  local unchanged <const> = record.form == record.look(net)
  return function(change)
    record.changes[#record.changes + 1] = change
    if unchanged then record.form = record.look(net) end
  end
end

return M
