--- embedding: looks up labels (...) as rows of weight (count, size) -> (..., size). Labels count
-- from 1. The row padding_index, if given, receives no gradient.
-- @usage F.embedding(labels, braid.randn(10, 4), {padding_index = 1})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("embedding", {
  labels = check.argument(check.tensor()), weight = check.argument(check.tensor()),
  padding_index = check.whole{from = 1},
})

return check.public("embedding", function(labels, weight, given)
  local o <const> = check.options(OPTIONS, given, {labels = labels, weight = weight})
  if weight:dim() ~= 2 then
    check.fail("embedding: weight must have shape (count, size), not (%s)",
      table.concat(weight.shape, ", "))
  end
  local flat <const> = labels:reshape(-1)
  local rows = core.ops.index_select(weight, 1, flat)
  if o.padding_index then
    rows = core.ops.where(flat:eq(o.padding_index):unsqueeze(2), rows:detach(), rows)
  end
  local shape <const> = labels.shape
  shape[#shape + 1] = weight.shape[2]
  return (rows:reshape(shape))
end)
