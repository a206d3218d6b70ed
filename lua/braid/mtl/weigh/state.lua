--- The state of a weighing: what its method remembers for each task, and which parameters were
-- shared. The functions are methods of the weighing.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local copied <const> = require "braid.copied"

local M <const> = {}

local STATE <const> = check.declare("weighing: load_state_dict", {
  steps = check.needed(check.whole{from = 0}), method = check.needed(check.text()),
  memory = check.needed(check.kind("a table", function(v) return type(v) == "table" end)),
  shared = check.needed(check.list{of = check.text()}),
})

local function name_of(self) return getmetatable(self.method).__name end

--- {steps, method, memory, shared}; the tensors are the weighing's own, not copies.
function M:state_dict()
  return {steps = self.number, method = name_of(self), shared = check.sorted_keys(self.known),
    memory = copied(self.state, function(t) return t end)}
end

function M:load_state_dict(dict)
  local o <const> = check.options(STATE, dict)
  if o.method ~= name_of(self) then
    check.fail("weighing: load_state_dict: the state is of '%s', but this weighing uses '%s'",
      o.method, name_of(self))
  end
  self.number, self.known = o.steps, {}
  for _, name in ipairs(o.shared) do self.known[name] = true end
  self.state = copied(o.memory, function(t) return core.keep(core.ops.clone(t)) end)
end

return M
