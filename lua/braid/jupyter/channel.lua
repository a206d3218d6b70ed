--- The messages between Braid and the kernel around it (kernel.py): JSON, a line each, over two
-- descriptors of their own, so that nothing that the user's code prints comes between them.
--
-- The kernel sends requests, {op =, id =, ...}. Braid sends what a request shows, and at its end
-- {op = "done", id =, ...}. The kernel confirms what is shown with {op = "shown"}. Until then Braid
-- waits, so that pictures and printed lines keep their order.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"

local Channel <const> = class("Channel")

--- input and output are the numbers of the descriptors.
function Channel:init(input, output)
  self.input = assert(core.descriptor(input, "r"))
  self.output = assert(core.descriptor(output, "w"))
end

local STREAMS <const> = {io.stdout, io.stderr} -- kept, as the user's code may replace them in io

-- Sends what the user's code has printed, before the message that follows it.
local function flush()
  for _, stream in ipairs(STREAMS) do pcall(stream.flush, stream) end -- it may be closed
end

--- Sends a message.
function Channel:put(message)
  flush()
  self.output:write(json.encode(message), "\n")
  self.output:flush()
end

--- The next message; nil if the kernel is gone.
function Channel:get()
  local line <const> = self.input:read("l")
  return line and (json.decode(line) or {})
end

--- The next request, or nil.
function Channel:request()
  while true do
    local message <const> = self:get()
    if not message or message.op ~= "shown" then return message end
  end
end

--- Sends something to show, and waits until the kernel has passed it on.
function Channel:show(message)
  self:put(message)
  while true do
    local answer <const> = self:get()
    if not answer or answer.op == "shown" then return end
  end
end

-- An interrupt in the middle of these functions would lose a part of a message.
core.never_interrupt(Channel.put)
core.never_interrupt(Channel.show)

return Channel
