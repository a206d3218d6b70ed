--- nn.from_one(name): the name of a tensor with the parts of a Sequential counted from 1, as in
-- Braid, for weights of PyTorch, which counts them from 0.
-- @treturn string
-- @usage
-- local mine <const> = nn.Sequential{nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)}
-- mine:load_state_dict({["0.weight"] = braid.ones(3, 4), ["0.bias"] = braid.ones(3),
--   ["2.weight"] = braid.ones(2, 3), ["2.bias"] = braid.ones(2)}, {rename = nn.from_one})

local check <const> = require "braid.check"

return function(name)
  check.value("from_one", "the name", name, check.text())
  return (name:gsub("%f[^%z.]%d+%f[%z.]", function(n) return ("%d"):format(tonumber(n) + 1) end))
end
