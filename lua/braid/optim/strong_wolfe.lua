--- A line search for L-BFGS: finds a step along a direction that satisfies the strong Wolfe
-- conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6), with PyTorch's steps.

local C1 <const>, C2 <const> = 1e-4, 0.9

-- The place between low and high where the cubic through two values and slopes is lowest.
local function cubic(a, b, low, high)
  if not low then low, high = math.min(a.t, b.t), math.max(a.t, b.t) end
  local d1 <const> = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
  local square <const> = d1 * d1 - a.slope * b.slope
  if not (square >= 0) then return (low + high) / 2 end
  local d2 <const> = math.sqrt(square)
  local left <const>, right = a, b
  local at
  if a.t <= b.t then
    at = right.t - (right.t - left.t) *
      ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
  else
    at = left.t - (left.t - right.t) *
      ((left.slope + d2 - d1) / (left.slope - right.slope + 2 * d2))
  end
  return math.min(math.max(at, low), high)
end

-- Goes outwards until an interval contains a good step. Returns its ends, or one good point.
local function bracket(probe, start, t, most)
  local previous, point, tries = start, probe(t), 0
  while tries < most do
    if point.f > start.f + C1 * point.t * start.slope or
      tries > 1 and point.f >= previous.f then
      return {previous, point}, tries
    end
    if math.abs(point.slope) <= -C2 * start.slope then return {point}, tries end
    if point.slope >= 0 then return {previous, point}, tries end
    local next_t <const> = cubic(previous, point, point.t + 0.01 * (point.t - previous.t),
      point.t * 10)
    previous, point, tries = point, probe(next_t), tries + 1
  end
  return {start, point}, tries
end

-- The next trial between the ends. It stays away from the ends if the last trial made little
-- progress.
local function trial(ends, stuck)
  local t <const> = cubic(ends[1], ends[2])
  local low <const> = math.min(ends[1].t, ends[2].t)
  local high <const> = math.max(ends[1].t, ends[2].t)
  local margin <const> = 0.1 * (high - low)
  if math.min(high - t, t - low) >= margin then return t, false end
  if not (stuck or t >= high or t <= low) then return t, true end
  return math.abs(t - high) < math.abs(t - low) and high - margin or low + margin, false
end

--- evaluate(t) gives loss and gradient at t along the direction. slope_of(g) is the product of g
-- and the direction. `size` is the largest entry of the direction.
-- @return loss, gradient, t and the number of evaluations
return function(evaluate, t, size, f, g, slope, slope_of, o)
  local count = 0
  local function probe(at)
    local loss <const>, there <const> = evaluate(at)
    count = count + 1
    return {t = at, f = loss, g = there, slope = slope_of(there)}
  end
  local start <const> = {t = 0, f = f, g = g, slope = slope}
  local ends <const>, so_far <const> = bracket(probe, start, t, o.most)
  local tries, stuck = so_far, false
  local low, high = 1, 2
  if ends[2] and ends[1].f > ends[2].f then low, high = 2, 1 end
  while ends[2] and tries < o.most do
    if math.abs(ends[2].t - ends[1].t) * size < o.tolerance then break end
    local at
    at, stuck = trial(ends, stuck)
    local point <const> = probe(at)
    tries = tries + 1
    if point.f > f + C1 * at * slope or point.f >= ends[low].f then
      ends[high] = point
      low, high = 1, 2
      if ends[1].f > ends[2].f then low, high = 2, 1 end
    else
      local good <const> = math.abs(point.slope) <= -C2 * slope
      if not good and point.slope * (ends[high].t - ends[low].t) >= 0 then
        ends[high] = ends[low]
      end
      ends[low] = point
      if good then break end
    end
  end
  local best <const> = ends[low]
  return best.f, best.g, best.t, count
end
