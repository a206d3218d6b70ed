--- The cosine schedule (Loshchilov and Hutter: "SGDR", 2017, eq. 5, without restarts).
--
-- The factor is last + (1 - last) (1 + cos(pi step / total)) / 2. It falls from 1 to `last`.
--
-- optim.cosine(step, total) and optim.cosine(step, total, last) give the factor itself.
-- @overload fun(done: number, total: number, last?: number): number
-- @usage optim.schedule(opt, optim.cosine(30, {last = 0.01}))
-- @usage opt.factor = optim.cosine(2, 30)

local check <const> = require "braid.check"

local function factor(done, total, last)
  if done == 0 then return 1 end
  if done >= total then return last end
  return last + (1 - last) * (1 + math.cos(math.pi * done / total)) / 2
end

local OPTIONS <const> = check.declare("optim.cosine", {
  total = check.argument(check.whole{from = 1}), last = check.number{0, from = 0},
})
local FACTOR <const> = check.declare("optim.cosine: the factor", {
  done = check.argument(check.number{from = 0}), total = check.argument(check.number{above = 0}),
  last = check.argument(check.number{0, from = 0}),
})

return function(total, given, last)
  if type(given) == "number" then
    local o <const> = check.options(FACTOR, nil, {done = total, total = given, last = last})
    return factor(o.done, o.total, o.last)
  end
  local o <const> = check.options(OPTIONS, given, {total = total})
  return function(step) return factor(step, total, o.last) end
end
