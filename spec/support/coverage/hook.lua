--- Notes which lines of Braid's Lua a process runs, and writes them when it ends, as `path:line` to
-- a file of its own in the directory BRAID_COVERAGE. LUA_INIT names this file: every process of the
-- specs loads it first. Coroutines are watched too; a process that is killed leaves nothing.

local into <const> = os.getenv("BRAID_COVERAGE")
if not into then return end

local getinfo <const>, sethook <const> = debug.getinfo, debug.sethook
local NOT_OURS <const> = {}
local lines_of <const> = {}                             -- path -> {[line] = true}
local by_function <const> = setmetatable({}, {__mode = "k"})

-- The set of lines of the file where f was written.
local function lines_for(f)
  local path = getinfo(f, "S").source:match("^@.*(lua/braid/.+%.lua)$")
  -- The specs also run installed copies, and the command's script.
  if path and not path:find("^lua/braid/cli/launcher") then
    lines_of[path] = lines_of[path] or {}
    return lines_of[path]
  end
  return NOT_OURS
end

local function hook(_, line)
  local f <const> = getinfo(2, "f").func
  local lines = by_function[f]
  if not lines then
    lines = lines_for(f)
    by_function[f] = lines
  end
  lines[line] = true
end

-- Gives `f` a hook in the coroutine that runs it.
local function watched(f)
  return function(...)
    sethook(hook, "l")
    return f(...)
  end
end

local create <const>, wrap <const>, exit <const> = coroutine.create, coroutine.wrap, os.exit

rawset(coroutine, "create", function(f) return create(watched(f)) end)
rawset(coroutine, "wrap", function(f) return wrap(watched(f)) end)

local function write()
  sethook()
  local name <const> = os.tmpname()
  local file <const> = io.open(into .. "/" .. name:match("[^/]*$"), "w")
  os.remove(name)
  for path, lines in pairs(lines_of) do
    for line in pairs(lines) do file:write(path, ":", line, "\n") end
    lines_of[path] = nil
  end
  file:close()
end

-- A process ends by os.exit or with its state.
local at_end <const> = setmetatable({}, {__gc = write})
debug.getregistry()[at_end] = at_end

rawset(os, "exit", function(...)
  write()
  return exit(...)
end)

sethook(hook, "l")
