--- The methods of classes, as help shows them.

local class <const> = require "braid.class"
local docs <const> = require "braid.repl.docs"

local M <const> = {}

--- The names of the methods that a class itself has, not its base, if they have a comment; sorted.
function M.names(handle)
  local list <const> = {}
  for name, f in pairs(handle) do -- only the class's own fields
    if type(f) == "function" and type(name) == "string" and name:find("^%l[%w_]*$")
      and name ~= "init" and #docs.of(f, {"", name}, nil, true).text > 0 then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

--- The name that help gives an object of a class: net for modules, else the name of the class.
function M.object(handle)
  local base = handle
  while base do
    if base == require "braid".nn.Module then return "net" end
    base = base.base
  end
  return tostring(handle):match("([%w_]+)$") or "object"
end

--- A line for each of these methods: the call, and the first sentence on it.
function M.lines(handle)
  local lines <const> = {}
  for _, name in ipairs(M.names(handle)) do
    local f <const>, chain <const> = class.own(handle, name), {M.object(handle), name}
    lines[#lines + 1] = #lines == 0 and "methods:" or nil
    lines[#lines + 1] = ("  %s  %s"):format(docs.of(f, chain, nil, true).signature:match(":(.*)$"),
      docs.summary(f, chain, nil, true))
  end
  return lines
end

return M
