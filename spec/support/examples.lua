--- examples.lua GROUP: runs every example in the help of the names in a group (braid, F ...). An
-- example runs as one chunk, after the entries that help says it needs.

local class <const> = require "braid.class"
local docs <const> = require "braid.repl.docs"
local examples <const> = require "braid.repl.examples"
local names <const> = require "braid.repl.names"
local Session <const> = require "braid.repl.session"

local function code_of(example)
  local lines <const> = {}
  for _, line in ipairs(example) do
    for _, entry in ipairs(examples.entries(line)) do lines[#lines + 1] = entry end
  end
  return table.concat(lines, "\n")
end

-- Runs an example. -> what went wrong, or nil
local function run(example)
  local said
  local session <const> = Session {write = function() end}
  session.complain = function(text) said = text end
  local show <const> = print
  _G.print = function() end
  local fine = true
  for _, line in ipairs(examples.given(example)) do fine = fine and session:run(line) end
  fine = fine and session:script(code_of(example), "example")
  _G.print = show
  return not fine and (said or "no message") or nil
end

-- Jobs of a comparison start their script again, so such an example is run as a script.
local function run_as_script(example)
  local lines <const> = {'local braid <const> = require "braid"'}
  for _, name in ipairs(Session.NAMES) do lines[#lines + 1] = name .. " = braid." .. name end
  for _, line in ipairs(examples.given(example)) do lines[#lines + 1] = line end
  lines[#lines + 1] = code_of(example)
  local file <close> = assert(io.open("example.lua", "w"))
  file:write(table.concat(lines, "\n"))
  file:flush()
  local command <const> = {}
  for i = 0, -10, -1 do
    if arg[i - 1] then table.insert(command, 1, arg[i - 1]) end
  end
  local fine <const> = os.execute(table.concat(command, " ") .. " example.lua >/dev/null")
  return not fine and "it failed" or nil
end

local AS_SCRIPT <const> = {["braid.train.compare"] = true, ["braid.train.sweep"] = true,
  ["braid.train.pool"] = true}

local count, seen <const> = 0, {}

local function run_all(item)
  local path <const> = table.concat(item.chain, ".")
  for _, example in ipairs(docs.of(item.value, item.chain, item.place, item.method).examples) do
    local wrong <const> = (AS_SCRIPT[path] and run_as_script or run)(example)
    if wrong then
      io.stderr:write(("%s\n  %s\n%s\n"):format(path, table.concat(example, "\n  "), wrong))
    end
    count = count + 1
  end
end

for _, item in ipairs(names.all()) do
  local value <const>, chain <const> = item.value, item.chain
  local group <const> = chain[1] == "tensor" and "tensor" or #chain > 2 and chain[2] or "braid"
  local is_called <const> = type(value) == "function" or class.is_class(value)
  if group == arg[1] and is_called and not seen[value] then
    seen[value] = true
    run_all(item)
  end
end
print(("%d examples ran"):format(count))
