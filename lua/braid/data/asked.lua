--- Finds what a network gets from a batch: one tensor, or {name = tensor} if batch.inputs lists
-- several names.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

-- batch.inputs would raise an error if the batch is a record without this field.
local field <const> = rawget

--- The input of a network for a batch: batch.image, batch.input, or the tensors that
-- batch.inputs = {"x", ...} names. Several tensors are returned as {name = tensor}.
return function(batch)
  local names <const> = type(batch) == "table" and field(batch, "inputs")
  if type(names) ~= "table" then return batch.image or batch.input end
  local all <const> = {}
  for _, name in ipairs(names) do
    all[name] = field(batch, name)
    if not core.is_tensor(all[name]) then
      check.fail("batch: inputs names '%s', but the batch has no such tensor", tostring(name))
    end
  end
  return #names == 1 and all[names[1]] or all
end
