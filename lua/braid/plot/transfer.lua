--- plot.transfer: draws the flow between the columns of a network (net:transfer) as a heat map. A
-- row stands for a block and the task that receives. A column stands for the task that gives.
-- @usage plot.transfer("flow.svg", net:transfer(batch), {title = "cross-stitch"})
--
-- The option `of` is "weights" (default) or "gradients"; the other options are the options of
-- plot.heatmap. Without a path the figure is returned.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local heatmap <const> = require "braid.plot.heatmap"
local public <const> = require "braid.plot.draw.public"

local OPTIONS <const> = check.declare("plot.transfer", {
  of = check.choice{"weights", "gradients"},
})

local function is_table_of(v) return v.blocks ~= nil end

return function(...)
  local path <const>, flow <const>, given <const> = public.arguments("plot.transfer", is_table_of,
    ...)
  for _, part in ipairs{"blocks", "names"} do
    if type(flow) ~= "table" or type(flow[part]) ~= "table" then
      check.fail("plot.transfer: wants the result of net:transfer, not a %s%s", type(flow),
        type(flow) == "table" and " without " .. part or "")
    end
  end
  local o <const> = check.copy("plot.transfer", given)
  local of <const> = check.options(OPTIONS, {of = o.of}).of
  local takers <const> = of == "weights" and flow.names or flow.tasks
  local rows <const>, values <const> = {}, {}
  for _, block in ipairs(flow.blocks) do
    for i, row in ipairs(flow[of] and flow[of][block] or {}) do
      rows[#rows + 1], values[#values + 1] = block .. " " .. takers[i], row
    end
  end
  if #rows == 0 then
    check.fail("plot.transfer: the table has no %s; net:transfer(batch) computes gradients, and "
      .. "only mixers that are sums, such as mtl.cross_stitch, have weights", of)
  end
  o.of, o.rows, o.columns = nil, o.rows or rows, o.columns or flow.names
  o.low, o.high = o.low or of == "gradients" and 0 or nil, o.high or of == "gradients" and 1 or nil
  if path == nil then return heatmap(values, o) end
  return heatmap(path, values, o)
end
