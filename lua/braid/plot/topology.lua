--- plot.topology: draws the parts of a network. The picture shows the blocks that all tasks share,
-- a lane of blocks for each column, mixers with their present weights, and the heads. A network
-- without columns is drawn as its outermost parts in order.
-- @usage plot.topology("net.svg", net)      print(plot.topology(net))
--
-- plot.topology([path,] net, options). Options: title, width, theme.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local diagram <const> = require "braid.plot.draw.diagram"
local network <const> = require "braid.plot.draw.network"
local public <const> = require "braid.plot.draw.public"

local OPTIONS <const> = public.declare("plot.topology", {})

return public.define(OPTIONS, function(net)
  if not network.is_network(net) then
    check.fail("plot.topology: wants a network, not %s", check.shown(net))
  end
  local read <const> = network.read(net)
  local words <const> = {read.parameters .. " parameters (numbers in brackets)"}
  if #read.columns > 0 then words[2] = #read.columns .. " columns" end
  if #read.heads > 0 then words[#words + 1] = #read.heads .. " tasks" end
  return {{place = diagram.place, net = read, note = table.concat(words, ", ")}}
end)
