--- Runs the process of a notebook without Jupyter: sends it requests, and returns its answers and
-- its output.

local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

local SHOWN <const> = 4 -- how many things a request may show; each waits for a line "shown"

--- Runs requests; a string is the code of a cell. `before`: a shell command that runs first.
-- Returns the messages, and what shell.run gives.
return function(requests, before)
  local lines <const>, count = {}, 0
  for i, request in ipairs(requests) do
    local r <const> = type(request) == "string" and {op = "execute", code = request} or request
    if r.op == "execute" then
      count = count + 1
      r.count, r.store = count, true
    end
    r.id = i
    lines[#lines + 1] = json.encode(r)
    for _ = 1, SHOWN do lines[#lines + 1] = '{"op":"shown"}' end
  end
  local messages <const>, result = {}, nil
  shell.in_directory(function(directory)
    shell.write(directory .. "/in", table.concat(lines, "\n") .. "\n")
    result = shell.run(("cd %s && export HOME=%s XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s && %s\n"
      .. "%s/%s -m braid.jupyter.kernel 3 4 $$ 3<in 4>out"):format(directory, directory, directory,
      directory, before or "true", shell.root, shell.braid))
    for line in io.lines(directory .. "/out") do
      messages[#messages + 1] = assert(json.decode(line))
    end
  end)
  return messages, result
end
