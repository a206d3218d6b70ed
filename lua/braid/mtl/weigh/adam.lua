--- adam(s, key, values, gradient, o): takes one step of Adam (Kingma and Ba 2015) for one number
-- per task, and returns the new values. The weighting's state keeps the values and Adam's moments
-- under `key`. o has lr and, if wanted, weight_decay; weight_decay times the values is added to the
-- gradient.

local BETA1 <const>, BETA2 <const>, EPS <const> = 0.9, 0.999, 1e-8

return function(s, key, values, gradient, o)
  local m <const>, v <const> = s:recall(key .. "_m", 0.0), s:recall(key .. "_v", 0.0)
  local t <const>, out <const> = s:recall(key .. "_t", 0), {}
  for i, x in ipairs(values) do
    local g <const> = gradient[i] + (o.weight_decay or 0) * x
    t[i] = t[i] + 1
    m[i] = BETA1 * m[i] + (1 - BETA1) * g
    v[i] = BETA2 * v[i] + (1 - BETA2) * g * g
    local size <const> = math.sqrt(v[i] / (1 - BETA2 ^ t[i])) + EPS
    out[i] = x - o.lr * m[i] / (1 - BETA1 ^ t[i]) / size
  end
  s:keep(key .. "_m", m)
  s:keep(key .. "_v", v)
  s:keep(key .. "_t", t)
  s:keep(key, out)
  return out
end
