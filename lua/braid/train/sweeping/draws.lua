--- Draws the values of trials: random, by Halton's sequence, or all of a grid. A trial's values
-- depend only on the seed and the trial's number, so more trials do not change the first ones.

local core <const> = require "braid.core"
local tensor <const> = require "braid.tensor"

local M <const> = {}

-- n numbers from 0 to 1, from a random stream of the trial's own.
local function uniform(seed, stream, n)
  local was <const>, at <const> = core.random_state()
  core.set_random_state(seed, stream)
  local list <const> = tensor.rand(n, {dtype = "float64"}):totable()
  core.set_random_state(was, at)
  return list
end

function M.random(seed, trial, n) return uniform(seed, trial, n) end

local function primes(n)
  local list <const>, k = {}, 2
  while #list < n do
    local prime = true
    for _, p in ipairs(list) do prime = prime and k % p ~= 0 end
    if prime then list[#list + 1] = k end
    k = k + 1
  end
  return list
end

-- The digits of i to the base b, mirrored at the point: a number from 0 to 1 (van der Corput).
local function mirrored(i, b)
  local value, unit = 0.0, 1.0
  while i > 0 do
    unit = unit / b
    value = value + unit * (i % b)
    i = i // b
  end
  return value
end

--- Halton's sequence (1960) from its second point on. Every seed but 0 shifts it (Cranley and
-- Patterson 1976).
function M.halton(seed, trial, n)
  local point <const>, bases <const> = {}, primes(n)
  local shift <const> = seed ~= 0 and uniform(seed, 0, n)
  for k = 1, n do
    point[k] = mirrored(trial, bases[k])
    if shift then point[k] = (point[k] + shift[k]) % 1.0 end
  end
  return point
end

--- A point of a grid, where counts[i] is the number of values of name i. The last name changes
-- fastest.
function M.grid(counts, trial)
  local point <const>, rest = {}, trial - 1
  for k = #counts, 1, -1 do
    point[k] = (rest % counts[k] + 0.5) / counts[k]
    rest = rest // counts[k]
  end
  return point
end

return M
