--- Decides which column serves which task. groups = {face = {"landmarks"}, traits = {"gender",
-- "smile"}} gives the tasks of a group one column with the group's name. Every other task has its
-- own column. A network's `home` is {task = column} for the tasks in groups, or nil without groups.

local check <const> = require "braid.check"

local M <const> = {}

-- Names that stand for parts of a network.
local PARTS <const> = {trunk = true, shared = true, columns = true, mixers = true, heads = true,
  shared_heads = true}

--- The kind of the option groups.
M.OPTION = check.map(check.list{of = check.text(), least = 1})

local function check_name(what, column, members, known)
  if PARTS[column] or column == "" or column:find(".", 1, true) then
    check.fail("%s: groups: a column cannot be called '%s'", what, column)
  end
  if known[column] and (#members > 1 or members[1] ~= column) then
    check.fail("%s: groups: '%s' is the name of a task; give the group another name", what, column)
  end
end

--- {task = column} for the given groups, or nil; `names` are the names of all tasks.
function M.home(what, groups, names)
  local known <const>, home <const> = {}, {}
  for _, name in ipairs(names) do known[name] = true end
  for _, column in ipairs(check.sorted_keys(groups or {})) do
    check_name(what, column, groups[column], known)
    for _, task in ipairs(groups[column]) do
      if not known[task] then
        check.fail("%s: groups: %s names '%s', which is not a task; there is %s", what, column,
          task, table.concat(names, ", "))
      end
      if home[task] then
        check.fail("%s: groups: '%s' is in two groups, %s and %s", what, task, home[task], column)
      end
      home[task] = column
    end
  end
  return next(home) and home or nil
end

--- The name of the column that serves a task.
function M.of(net, task) return net.home and net.home[task] or task end

--- The names of the columns that serve some tasks, in order.
function M.columns(home, names)
  local set <const> = {}
  for _, name in ipairs(names) do set[home and home[name] or name] = true end
  return check.sorted_keys(set)
end

--- The tasks that a column serves.
function M.served(net, column)
  local list <const> = {}
  for _, name in ipairs(net.tasks.names) do
    if M.of(net, name) == column then list[#list + 1] = name end
  end
  return list
end

--- The tasks that `single` (a task or a group) names, and `groups` without the other groups.
function M.single(groups, single)
  local wanted <const>, left <const> = {}, {}
  local members <const> = type(groups) == "table" and groups[single]
  for _, name in ipairs(type(members) == "table" and members or {single}) do wanted[name] = true end
  if type(groups) ~= "table" then return {single}, groups end
  for column, list in pairs(groups) do
    local kept <const> = {}
    for _, name in ipairs(type(list) == "table" and list or {}) do
      if wanted[name] then kept[#kept + 1] = name end
    end
    if #kept > 0 then left[column] = kept end
  end
  return check.sorted_keys(wanted), left
end

return M
