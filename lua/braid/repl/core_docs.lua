--- The comments on the core's functions that are not operators, for help. They have the form of
-- comments in files.

local core <const> = require "braid.core"

local M <const> = {}

local TEXTS <const> = {
  get_threads = [[()
How many threads operators use.
@treturn integer
@usage braid.get_threads()]],
  is_tensor = [[(x)
Whether x is a tensor.
@treturn boolean
@usage braid.is_tensor(x)]],
  manual_seed = [[(n)
Begins Braid's random numbers anew from the whole number n.
@treturn nil
@usage
braid.manual_seed(1)
braid.randn(2)]],
  memory = [[()
{live =, peak =}: the bytes of tensors and their scratch, now and at most so far.
@treturn {live: integer, peak: integer}
@usage braid.memory().live]],
  scope = [[()
Frees tensors at its end: until it closes, tensors that are made and not kept go with it.
@treturn any
@usage
do
  local _ <close> = braid.scope()
  print(images:mean():item())
end]],
  set_threads = [[(n)
How many threads operators use from here on.
@treturn nil
@usage braid.set_threads(2)]],
  set_winograd = [[(on)
Whether 3x3 convolutions may go by Winograd's algorithm. It returns whether they did.
@treturn boolean
@usage
local before = braid.set_winograd(false)
braid.set_winograd(before)]],
  item = [[()
The only element of a tensor of one element, as a number, true or false.
@treturn number
@usage x:sum():item()]],
  totable = [[()
The elements in nested tables.
@treturn table
@usage x:totable()]],
  dim = [[()
The number of dimensions.
@treturn integer
@usage images:dim()]],
  numel = [[()
The number of elements.
@treturn integer
@usage images:numel()]],
  memory_format = [[()
"contiguous" where the last dimension is innermost in memory, "channels_last" where channels are
innermost, else "strided".
@treturn "contiguous"|"channels_last"|"strided"
@usage images:memory_format()   x:t():memory_format()]],
  detach = [[()
The same elements in a tensor that records no gradient; the two share their memory.
@treturn Tensor
@usage x:detach()]],
  keep = [[()
The tensor itself, which outlives the scope (braid.scope) that it was made in.
@treturn Tensor
@usage
do
  local _ <close> = braid.scope()
  total = images:sum():keep()
end]],
  requires_grad_ = [[(on)
@tparam boolean? on
The tensor itself, whose gradient backward passes leave in .grad from here on (on = false: no more).
@treturn Tensor
@usage
x:requires_grad_()
x:square():sum():backward()
x.grad]],
}

--- The comment on a function of the core, as a list of lines, or nil.
function M.of(value)
  if type(value) ~= "function" then return nil end
  for name, text in next, TEXTS do
    local f <const> = rawget(core, name == "requires_grad_" and "requires_grad" or name)
    if f ~= nil and rawequal(f, value) then
      local lines <const> = {}
      for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
      return lines
    end
  end
end

return M
