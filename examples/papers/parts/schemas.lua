--- Schemas of networks, drawn from the networks themselves, beside the parameters that a paper
-- prints for them.
local braid <const> = require "braid"
local core <const> = require "braid.core"

local M <const> = {}

--- Draws networks as NAME.svg and tells how many parameters each has. list: {{"NAME", function that
-- makes the network, "what it shows"}, ...}
function M.draw(e, list)
  for _, entry in ipairs(list) do
    local name <const>, make <const>, shows <const> = table.unpack(entry, 1, 3)
    local _ <close> = core.scope()
    local net <const> = make()
    e:figure(name, braid.plot.topology(net, {title = shows}))
    e:note(("%s: %s; %.2f million parameters"):format(name, shows,
      net:count_parameters() / 1e6))
  end
end

M.DIFFERS = "drawn from the networks as they are built here, at a width that is said with "
  .. "--set width; the papers' schemas are drawings by hand"

return M
