--- local_response_norm (Krizhevsky, Sutskever and Hinton 2012): divides x (n,c,...) by
-- (k + alpha mean(x^2))^beta. The mean is over `size` neighbouring channels, with zeros beyond the
-- first and the last channel.
-- @usage F.local_response_norm(images, 5, {alpha = 1e-4, beta = 0.75, k = 1})

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local OPTIONS <const> = check.declare("local_response_norm", {
  size = check.argument(check.whole{from = 1, to = (1 << 31) - 1}),
  alpha = check.number{1e-4, from = 0},
  beta = check.number{0.75, from = 0}, k = check.number{1, above = 0},
})

-- Above LARGE, squares or their gradients leave the range of float32. Below SMALL, k no longer
-- hides the rounding of small squares.
local LARGE <const>, SMALL <const> = 1e8, 1e-9

-- Whether float32 holds the squares. This only concerns precision, so a trace does not record it.
local function is_small(x)
  local paused <const> = core.trace_pause(true)
  local largest <const> = x:detach():norm(math.huge):item()
  core.trace_pause(paused)
  return largest < LARGE
end

return check.public("local_response_norm", function(x, size, given)
  local o <const> = check.options(OPTIONS, given, {size = size})
  check.value("local_response_norm", "x", x, check.tensor())
  local shape <const> = x.shape
  if #shape < 2 then
    check.fail("local_response_norm: x must have shape (n, c, ...), not (%s)",
      table.concat(shape, ", "))
  end
  local area = 1
  for d = 3, #shape do area = area * shape[d] end
  local wide = x
  if x.dtype == "float32" and (o.k < SMALL or x:numel() > 0 and not is_small(x)) then
    wide = x:to("float64")
  end
  -- Channels take the place of image rows, and pixels the place of channels.
  local squares <const> = wide:square():reshape(shape[1], shape[2], 1, area):permute(1, 4, 2, 3)
  local mean <const> = squares:avg_pool2d({size, 1}, {stride = 1, padding = {size // 2, 0}})
    :narrow(3, 1, shape[2]):permute(1, 3, 4, 2):reshape(shape)
  local y <const> = wide / (mean * o.alpha + o.k) ^ o.beta
  return wide == x and y or y:to(x.dtype)
end)
