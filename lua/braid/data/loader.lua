--- loader: batches of a data set, cut out, perhaps augmented, and whitened.
--
-- for batch in data.loader(ds, {batch = 64, size = 40, shuffle = true, epoch = 1}) do ...
-- end
--
-- batch.image is float32 (n,c,size,size), each image with mean 0 and deviation 1;
-- batch.landmarks is (n,points,2) in [-1, 1] across the image (what was cut off lies
-- beyond); class labels are int64 (n); batch.count is n. Augmentation draws a rotation,
-- scale, shift and mirroring for each image: augment = {rotate = 15 (degrees), scale =
-- 0.1, shift = 0.08 (of the side), flip = 0.5 (probability)}, applied in one
-- interpolation. What a mirrored image does to its labels the tasks say: tasks = {...}.
-- Order and draws depend on seed and epoch alone.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local OPTIONS <const> = {
  batch = 64, size = 40, shuffle = false, epoch = 1, seed = 1, augment = check.none,
  tasks = check.none, drop_last = false, whiten = true,
}
local AUGMENT <const> = {rotate = 0, scale = 0, shift = 0, flip = 0}
local DRAWS <const> = 5 -- random numbers for each image
local SPREAD <const> = 1000003 -- keeps the streams of different epochs apart

-- The map from pixels of the result to pixels of the stored image, in six numbers, and
-- whether it mirrors. `draw` holds DRAWS numbers from [0, 1), or is nil for the middle as
-- it is.
local function map_of(ds, size, augment, draw)
  local stored <const> = ds.images:size(3)
  local centre <const>, ratio <const> = (stored - 1) / 2, ds.inner / size
  if not draw then
    local shift <const> = centre - ratio * (size - 1) / 2
    return ratio, 0, shift, 0, ratio, shift, false
  end
  local angle <const> = math.rad((2 * draw[1] - 1) * augment.rotate)
  local scale <const> = ratio * (1 + (2 * draw[2] - 1) * augment.scale)
  local mirrored <const> = draw[5] < augment.flip
  local cosine <const>, sine <const> = scale * math.cos(angle), scale * math.sin(angle)
  local sign <const>, middle <const> = mirrored and -1 or 1, (size - 1) / 2
  local x <const> = centre + (2 * draw[3] - 1) * augment.shift * ds.inner
  local y <const> = centre + (2 * draw[4] - 1) * augment.shift * ds.inner
  return sign * cosine, -sine, x - sign * cosine * middle + sine * middle,
    sign * sine, cosine, y - sign * sine * middle - cosine * middle, mirrored
end

-- Points of the stored image, in [-1, 1] across the result: the inverse of the map.
local function carry(points, a, b, c, d, e, f, size, into)
  local determinant <const> = a * e - b * d
  for p = 1, #points, 2 do
    local x <const>, y <const> = points[p] - c, points[p + 1] - f
    local u <const> = (e * x - b * y) / determinant
    local v <const> = (a * y - d * x) / determinant
    into[#into + 1] = (2 * u + 1) / size - 1
    into[#into + 1] = (2 * v + 1) / size - 1
  end
end

local function flat_rows(t, chosen)
  return t:index_select(1, chosen):reshape(chosen:size(1), -1):totable()
end

-- What mirroring does to one image's labels, as the tasks say.
local function mirror_points(order, row)
  local out <const> = {}
  for p, from in ipairs(order) do
    out[2 * p - 1], out[2 * p] = row[2 * from - 1], row[2 * from]
  end
  return out
end

local function make_batch(ds, o, augment, chosen, draws)
  local n <const>, maps <const>, mirrored <const> = chosen:size(1), {}, {}
  for i = 1, n do
    local a, b, c, d, e, f
    a, b, c, d, e, f, mirrored[i] = map_of(ds, o.size, augment, draws and draws[i])
    maps[i] = {a, b, c, d, e, f}
  end
  local batch <const> = {count = n}
  batch.image = core.warp(ds.images, chosen, core.from_table(maps, "float64"), o.size, o.size,
    o.whiten)
  for name, t in pairs(ds.labels) do
    local task <const> = o.tasks and o.tasks[name]
    local flip <const> = task and task.flip
    if name == "landmarks" then
      local out <const> = {}
      for i, row in ipairs(flat_rows(t, chosen)) do
        local m <const> = maps[i]
        if mirrored[i] and flip then row = mirror_points(flip, row) end
        carry(row, m[1], m[2], m[3], m[4], m[5], m[6], o.size, out)
      end
      batch[name] = core.from_table(out, "float32"):reshape(n, -1, 2)
    else
      local labels = t:index_select(1, chosen)
      if augment and flip then
        local values <const> = labels:totable()
        for i, label in ipairs(values) do
          if mirrored[i] and label ~= 0 then values[i] = flip[label] end
        end
        labels = core.from_table(values, t.dtype)
      end
      batch[name] = labels
    end
  end
  return batch
end

-- Mirroring without knowing what it does to the labels would spoil them.
local function check_flip(ds, o, augment)
  if augment.flip == 0 then return end
  for name in pairs(ds.labels) do
    if not (o.tasks and o.tasks[name]) and name == "landmarks" then
      error("data.loader: augment.flip wants tasks = ..., which say what mirroring does", 3)
    end
  end
end

return function(ds, given)
  local o <const> = check.options("data.loader", given, OPTIONS)
  check.size("data.loader", "batch", o.batch)
  check.size("data.loader", "size", o.size)
  local augment <const> = o.augment and check.options("augment", o.augment, AUGMENT)
  if augment then check_flip(ds, o, augment) end
  local stream <const> = o.epoch * SPREAD
  local order <const> = core.keep(o.shuffle and core.randperm(#ds, o.seed * SPREAD + o.epoch)
    or core.from_table((function()
      local all <const> = {}
      for i = 1, #ds do all[i] = i end
      return all
    end)(), "int64"))
  local first = 1
  return function()
    local last <const> = math.min(first + o.batch - 1, #ds)
    if first > #ds or (o.drop_last and last - first + 1 < o.batch) then return nil end
    local chosen <const> = order[{ {first, last} }]:contiguous()
    local n <const> = last - first + 1
    local draws <const> = augment and core.uniforms(o.seed, stream + first, n * DRAWS)
      :reshape(n, DRAWS):totable()
    first = last + 1
    return make_batch(ds, o, augment, chosen, draws)
  end
end
