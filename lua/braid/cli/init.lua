--- The command line: braid FILE.lua [arguments].

local USAGE <const> = [[
usage: braid FILE.lua [arguments]   run a script with the module found
       braid --version
       braid --help]]

-- What lua5.4 does: the script in `arg[0]`, a traceback when it fails.
local function run_file(arguments)
  local script <const> = arguments[1]
  local chunk <const>, message <const> = loadfile(script)
  if not chunk then
    io.stderr:write("braid: ", message, "\n")
    return 1
  end
  local shifted <const> = {}
  for i = 0, #arguments do shifted[i - 1] = arguments[i] end
  shifted[-1], arg = arguments[0], shifted
  local ok <const>, failure <const> = xpcall(chunk, function(e)
    if type(e) ~= "string" then return e end
    return debug.traceback(e, 2)
  end, table.unpack(shifted))
  if ok then return 0 end
  io.stderr:write("braid: ", tostring(failure), "\n")
  return 1
end

--- Runs the command with the arguments of `lua`; the exit status.
return function(arguments)
  local first <const> = arguments[1]
  if first == "--version" then
    print(("braid %s (%s, %s)"):format(require "braid.version", _VERSION,
      require("braid.core").isa()))
    return 0
  end
  if not first or first == "--help" or first == "-h" then
    print(USAGE)
    return first and 0 or 2
  end
  if first:sub(1, 1) == "-" then
    io.stderr:write("braid: unknown option ", first, "\n", USAGE, "\n")
    return 2
  end
  return run_file(arguments)
end
