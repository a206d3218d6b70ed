--- plot.ablation: draws net:ablate's table as a heat map. It shows how a metric changes when a
-- task's features are zeroed (Trottier et al. 2018, figure 6).
--
-- A row is a zeroed task, the measured task first; a column is a block.
-- @usage
-- plot.ablation("ablation.svg", net:ablate(data.loader(faces.val, {batch = 8})),
--   {task = "landmarks", metric = "failure"})
--
-- `task` and `metric` name what is measured. The other options are the options of plot.heatmap.
-- Without a path the figure is returned.
-- @treturn plot.figure|true

local check <const> = require "braid.check"
local heatmap <const> = require "braid.plot.heatmap"
local public <const> = require "braid.plot.draw.public"

local function known(what, name, table_of)
  if name ~= nil and table_of[name] then return table_of[name] end
  check.fail("plot.ablation: there is no %s '%s'; there is %s", what, tostring(name),
    table.concat(check.sorted_keys(table_of), ", "))
end

-- The columns that were zeroed, with the measured task's column first.
local function main_first(ablation, task)
  local main <const>, names <const> = (ablation.columns or {})[task] or task, {}
  for _, name in ipairs(ablation.names) do
    if name == main then table.insert(names, 1, name) else names[#names + 1] = name end
  end
  return names
end

local function is_table_of(v) return v.blocks ~= nil end

return function(...)
  local path <const>, ablation <const>, given <const> = public.arguments("plot.ablation",
    is_table_of, ...)
  for _, part in ipairs{"base", "names", "blocks", "change"} do
    if type(ablation) ~= "table" or type(ablation[part]) ~= "table" then
      check.fail("plot.ablation: wants the result of net:ablate, not a %s%s", type(ablation),
        type(ablation) == "table" and " without " .. part or "")
    end
  end
  local o <const> = check.copy("plot.ablation", given)
  known("metric", o.metric, known("task", o.task, ablation.base))
  local values <const>, names <const> = {}, main_first(ablation, o.task)
  for i, zeroed in ipairs(names) do
    values[i] = {}
    for k, block in ipairs(ablation.blocks) do
      values[i][k] = ablation.change[block][zeroed][o.task][o.metric]
    end
  end
  o.rows, o.columns = o.rows or names, o.columns or ablation.blocks
  o.title = o.title or ("%s of %s, a task's map zeroed"):format(o.metric, o.task)
  o.task, o.metric = nil, nil
  if path == nil then return heatmap(values, o) end
  return heatmap(path, values, o)
end
