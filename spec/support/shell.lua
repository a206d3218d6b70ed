--- Runs commands for specs, in an environment without the variables of make and the runner.

local M <const> = {}

--- The directory where the tested core was built, and the Lua that runs it.
M.build = assert(package.searchpath("braid.core", package.cpath)):match("^(.*)/lib/braid/core%.so$")
do
  local i = 0
  while arg[i - 1] do i = i - 1 end
  M.lua = arg[i]
end

--- A core with sanitizers can be loaded only by its own Lua.
M.sanitized = M.build:find("asan", 1, true) ~= nil

--- The command that runs a script under Braid, with the Lua that can load its core.
M.braid = M.sanitized and M.lua .. " " .. M.build .. "/braid" or M.build .. "/braid"

function M.quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

function M.read(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read("a")
end

function M.write(path, text)
  local f <close> = assert(io.open(path, "wb"))
  f:write(text)
end

--- Runs a command. Returns its output, its exit status, and the signal if one ended it.
function M.run(command)
  local out <const>, err <const> = os.tmpname(), os.tmpname()
  local script <const> = ("unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL LUA_PATH LUA_CPATH " ..
    "LUA_INIT\n{ %s\n} >%s 2>%s"):format(command, out, err)
  local _, what <const>, code <const> = os.execute(script)
  local result <const> = {status = what == "exit" and code, signal = what == "signal" and code,
    out = M.read(out), err = M.read(err)}
  os.remove(out)
  os.remove(err)
  return result
end

local function first_line(command) return (M.run(command).out:match("^[^\n]*")) end

M.root = first_line("pwd")

--- Calls f with a new directory, which is removed when f returns or fails.
function M.in_directory(f)
  local path <const> = first_line("mktemp -d")
  assert(path:find("^/"), "no temporary directory")
  local ok <const>, message <const> = pcall(f, path)
  M.run("rm -rf " .. M.quote(path))
  if not ok then error(message, 0) end
end

return M
