--- A server for specs: braid serve in a process of its own.

local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"

local M <const> = {}

--- Why there can be no server here, or nil.
function M.missing()
  local http <const>, why <const> = core.http{host = "127.0.0.1", port = 0, work = "/", body = 1,
    connections = 1, queue = 1, seconds = 1}
  if http then http:close() end
  return not http and why or nil
end

local Server <const> = {}
Server.__index = Server

-- The address sanitizer keeps freed memory from use, up to this many megabytes. A spec measures the
-- memory of the server.
local ENVIRONMENT <const> = {"OMP_NUM_THREADS=1",
  "ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=1"}

--- Starts `braid serve ARGUMENTS --port 0`. `dir` is for its output, `memory` the KiB of address
-- space that it may use.
function M.start(dir, arguments, memory)
  local words <const> = memory and {"/bin/sh", "-c", ("ulimit -v %d; exec \"$@\""):format(memory),
    "sh"} or {}
  for word in (shell.braid .. " serve " .. arguments .. " --port 0"):gmatch("%S+") do
    words[#words + 1] = word
  end
  local path <const> = words[1]:find("/", 1, true) and words[1]
    or shell.run("command -v " .. words[1]).out:match("^[^\n]+")
  local output <const> = os.tmpname()
  local process <const> = assert(core.spawn(path, words, ENVIRONMENT, output))
  local self <const> = setmetatable({process = process, output = output, dir = dir}, Server)
  for _ = 1, 600 do
    self.port = shell.read(output):match("http://[^/]*:(%d+)/")
    if self.port or process:ended() then break end
    core.pause(0.05)
  end
  assert(self.port, "the server did not start: " .. shell.read(output))
  self.url = "http://127.0.0.1:" .. self.port
  return self
end

--- The answer of curl to a path: {status =, headers =, body =}. `more` are curl's arguments.
function Server:get(path, more)
  local text <const> = shell.run(("curl -s -i --max-time 30 %s %s%s"):format(more or "", self.url,
    path)).out
  local rest = text
  while rest:find("^HTTP/1.1 100") do rest = rest:match("\r\n\r\n(.*)$") end
  local head <const>, body <const> = rest:match("^(.-\r\n)\r\n(.*)$")
  local headers <const> = {}
  for name, value in (head or ""):gmatch("([%w-]+): ([^\r]*)\r\n") do headers[name] = value end
  return {status = tonumber(rest:match("^HTTP/1.1 (%d+)")), headers = headers, body = body}
end

--- The value of a line of /metrics.
function Server:metric(name)
  local text <const> = self:get("/metrics").body
  return tonumber(("\n" .. text):match("\n" .. name:gsub("%p", "%%%0") .. " ([%d.e+]+)"))
end

--- Ends the server by a signal (SIGTERM) and returns its exit status, or nil and the signal that
-- ended it, and what it printed.
function Server:stop(signal)
  self.process:signal(signal or 15)
  local code, by
  for _ = 1, 600 do
    code, by = self.process:ended()
    if code then break end
    core.pause(0.05)
  end
  self.process:close()
  local printed <const> = shell.read(self.output)
  os.remove(self.output)
  return not by and code or nil, by, printed
end

return M
