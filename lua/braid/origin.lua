--- Remembers the definition that each network was made from, and what Braid has changed in the
-- network since. The records are here and not in the networks, so that a stranger's definition
-- cannot reach them.
--
-- A record is {text = the definition, options = as JSON or nil, unfit = why there are no options,
-- tasks =, changes = {what add_task, remove_task, extract, mix and mutual did}, form = the form of
-- the network after the last change, look = the function that makes the form}.

local M <const> = {}

local known <const> = setmetatable({}, {__mode = "k"})

--- Keeps a network's record.
function M.set(net, record) known[net] = record end

--- The record of a network, or nil.
function M.of(net) return known[net] end

--- Gives a network's copy a copy of its record.
function M.copy(net, copy)
  local record <const> = known[net]
  if not record then return end
  local own <const> = {}
  for key, value in pairs(record) do own[key] = value end
  own.changes = table.move(record.changes, 1, #record.changes, 1, {})
  known[copy] = own
end

--- Call this before the library changes a network. It returns a function to call after the change
-- with a record of it. If the user had changed the network by hand before, the record keeps its old
-- form, which then still differs from the network's.
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
