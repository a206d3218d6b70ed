--- The cosine schedule (Loshchilov and Hutter: "SGDR", 2017, eq. 5, without restarts): from
-- 1 down to `last`, last + (1 - last) (1 + cos(pi step / total)) / 2, then it stays.
--
-- With two numbers, or three, it gives the factor itself.
-- @usage optim.schedule(opt, optim.cosine(epochs, {last = 0.01}))
-- @usage opt.factor = optim.cosine(epoch - 1, epochs)

local check <const> = require "braid.check"

local function factor(done, total, last)
  return last + (1 - last) * (1 + math.cos(math.pi * math.min(done / total, 1))) / 2
end

return function(total, given, last)
  if type(given) == "number" then return factor(total, given, last or 0) end
  local o <const> = check.options("cosine", given, {last = 0})
  check.size("cosine", "total", total)
  return function(step) return factor(step, total, o.last) end
end
