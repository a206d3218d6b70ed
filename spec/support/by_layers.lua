--- Calls the layers of a Sequential one by one, to compare their result with the Sequential's.

local assert <const> = require "luassert"

local M <const> = {}

--- The result of the layers of net, called one after the other.
function M.one_by_one(net, x)
  for i = net.first, net.last do x = net[i](x) end
  return x
end

--- The largest difference between two tensors of one shape.
function M.distance(a, b)
  assert.same(a.shape, b.shape)
  return (a:to("float64") - b:to("float64")):abs():max():item()
end

return M
