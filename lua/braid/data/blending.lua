--- Blending: batches whose samples are mixed with other samples of the batch (mixup, cutmix).

local core <const> = require "braid.core"

local M <const> = {}

-- A number from Beta(a, a), by Johnk's method, from uniform numbers.
local function beta(a, uniform)
  for k = 1, #uniform - 1, 2 do
    local x <const>, y <const> = uniform[k] ^ (1 / a), uniform[k + 1] ^ (1 / a)
    if x + y <= 1 and x + y > 0 then return x / (x + y) end
  end
  return 0.5
end

local BLEND <const> = {}

function BLEND.mixup(image, other, share) return image * share + other * (1 - share), share end

-- Copies a rectangle of the other picture, around a random place. It covers 1 - share of the area,
-- less if it reaches beyond the edge. Returns the pictures and the share that each one keeps.
function BLEND.cutmix(image, other, share, u, v)
  local h <const>, w <const> = image:size(3), image:size(4)
  local side <const> = math.sqrt(1 - share)
  local function edges(n, at)
    local half <const>, middle <const> = math.floor(n * side) // 2, math.floor(at * n)
    return math.max(0, middle - half) + 1, math.min(n, middle + half)
  end
  local x0 <const>, x1 <const> = edges(w, u)
  local y0 <const>, y1 <const> = edges(h, v)
  if x1 < x0 or y1 < y0 then return image, 1.0 end
  image[{ {}, {}, {y0, y1}, {x0, x1} }] = other[{ {}, {}, {y0, y1}, {x0, x1} }]
  return image, 1 - (x1 - x0 + 1) * (y1 - y0 + 1) / (w * h)
end

local DRAWS <const> = 4096

--- The blends in a list of transforms, or nil if it has none.
function M.of(steps)
  local list <const> = {}
  for _, s in ipairs(steps) do
    if s.blend then list[#list + 1] = s end
  end
  return #list > 0 and list or nil
end

--- Mixes the samples of a batch by one of the blends, which is drawn at random. The random numbers
-- depend only on seed and stream.
function M.apply(steps, batch, seed, stream)
  if batch.count < 2 then return end
  local uniform <const> = core.uniforms(seed, stream, DRAWS):totable()
  -- The samples form a ring in random order. Each is mixed with the next one, never with itself.
  local ring <const> = core.randperm(batch.count, stream)
  local order <const> = core.ops.roll(ring, {1}, {1}):index_select(1, ring:argsort())
  local step <const> = steps[1 + math.floor(uniform[3] * #steps)]
  local share = beta(step.alpha, table.move(uniform, 4, #uniform, 1, {}))
  local image <const> = batch.image
  batch.image, share = BLEND[step.blend](image, image:index_select(1, order), share, uniform[1],
    uniform[2])
  local other <const> = {}
  for name, t in pairs(batch) do
    if core.is_tensor(t) and name ~= "image" then other[name] = t:index_select(1, order) end
  end
  batch.mixed = {share = share, other = other}
end

return M
