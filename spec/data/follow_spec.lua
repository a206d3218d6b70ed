--- Tests every kind of label after every transform that moves pixels, against a label computed in
-- plain Lua. The picture shows the true transform: its colours are coordinates, so the colour of
-- each pixel of a result tells which pixel of the picture it comes from.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl

local W <const>, H <const>, N <const>, NAN <const> = 60, 50, 6, 0 / 0
local LEVEL <const> = 4 -- of colour for each pixel
local EYES <const> = { {22, 20}, {38, 24} }
local FLIP <const> = {2, 1, 3}
local ROLLS <const>, YAWS <const>, PITCHES <const> = {0, 12, -35, 80, 170, -100},
  {-100, -44, 3, 29, 46, 64}, {-40, -20, -1, 1, 20, 40}

-- ---- a data set with labels of every kind; the last sample has none -----------------------------

local function ramp()
  local t <const> = braid.zeros({3, H, W}, {dtype = "uint8"})
  for x = 0, W - 1 do t[{1, {}, x + 1}] = LEVEL * x end
  for y = 0, H - 1 do t[{2, y + 1}] = LEVEL * y end
  return t
end

local TRUTH <const> = {}
for i = 1, N do
  TRUTH[i] = i == N and {missing = true} or {
    points = {EYES[1], EYES[2], {30 + i, 33}}, box = {18 + i, 14, 44 + i, 40}, class = i,
    roll = ROLLS[i], yaw = YAWS[i], pitch = PITCHES[i], number = 7.5 * i, width = 20.0 + i,
  }
end

local function column(f, none)
  local out <const> = {}
  for i, t in ipairs(TRUTH) do out[i] = t.missing and none or f(t) end
  return braid.tensor(out)
end

local function labels_of()
  local none <const> = {NAN, NAN, NAN, NAN}
  return {
    landmarks = column(function(t) return t.points end, { {NAN, NAN}, {NAN, NAN}, {NAN, NAN} }),
    face = column(function(t) return t.box end, none),
    pose = column(function(t) return t.class end, -100):to("int64"),
    gender = column(function(t) return t.class % 2 + 1 end, -100):to("int64"),
    yaw = column(function(t) return t.yaw end, NAN),
    roll = column(function(t) return t.roll end, NAN),
    tilt = column(function(t) return -t.roll end, NAN),
    angles = column(function(t) return {t.roll, t.pitch, t.yaw, t.number} end, none),
    turned = column(function(t) return math.rad(t.roll) end, NAN),
    age = column(function(t) return t.number end, NAN),
    across = column(function(t) return t.width end, NAN),
    signed = column(function(t) return {t.number, t.number} end, {NAN, NAN}),
  }
end

local KINDS <const> = {face = "box", yaw = "yaw", roll = "roll", tilt = "-roll",
  angles = "roll pitch yaw real", across = "width"}

local function boxes()
  local rows <const> = {}
  for i = 1, N do rows[i] = TRUTH[i].box or {10, 8, 50, 42} end
  return braid.tensor(rows):to("float32")
end

local function in_memory()
  local images <const> = {}
  for i = 1, N do images[i] = ramp() end
  return Dataset{images = braid.stack(images), labels = labels_of(), kinds = KINDS, boxes = boxes(),
    points = {landmarks = {flip = FLIP, eyes = {1, 2}}}}
end

local function in_files(directory)
  assert(braid.save(directory .. "/ramp.png", ramp()))
  local files <const> = {}
  for i = 1, N do files[i] = "ramp.png" end
  return Dataset{files = files, root = directory, labels = labels_of(), kinds = KINDS,
    boxes = boxes(), points = {landmarks = {flip = FLIP, eyes = {1, 2}}}}
end

-- Some tasks know more about their label than its kind. The task signed contradicts the kind.
local TASKS <const> = mtl.tasks{
  pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}, signed = mtl.real{2, flip = {-1, 2}},
  cells = mtl.landmarks{points = 3, flip = {3, 2, 1}, eyes = false},
  odd = mtl.classes{5, flip = {2, 1, 3, 5, 4}},
  even = mtl.classes{4, flip = {4, 3, 2, 1}},
}
local BINS <const> = {
  data.landmark_bins("landmarks", {as = "pixels"}),
  data.landmark_bins("landmarks", {as = "cells", pixels = 3}),
  data.pose_bins("yaw", {as = "odd"}), data.pose_bins("yaw", {as = "even", bins = 4}),
  data.pose_bins("yaw", {as = "own", bins = 6, width = 20}),
  data.pose_bins("roll", {as = "level", bins = 12}),
  data.pose_bins("turned", {as = "radians", bins = 12, unit = "radians", kind = "roll"}),
  data.pose_bins("angles", {as = "three", bins = 4}),
}

-- ---- the truth about a transform ---------------------------------------------------------------

-- a, b, c of value = a u + b v + c, by least squares over {u, v, value}.
local function plane(samples)
  local m <const> = { {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0} }
  for _, s in ipairs(samples) do
    local row <const> = {s[1], s[2], 1, s[3]}
    for i = 1, 3 do
      for j = 1, 4 do m[i][j] = m[i][j] + row[i] * row[j] end
    end
  end
  for i = 1, 3 do
    for k = 1, 3 do
      local factor <const> = k ~= i and m[k][i] / m[i][i] or 0
      for j = 1, 4 do m[k][j] = m[k][j] - factor * m[i][j] end
    end
  end
  return {m[1][4] / m[1][1], m[2][4] / m[2][2], m[3][4] / m[3][3]}
end

-- The place of a point of the picture in a bent result. The pixel that comes from nearest to the
-- point is found first; the pixels around it are then taken as a plane.
local function local_place(red, green, w, h, p)
  local bu, bv, best = 1, 1, math.huge
  for v = 1, h do
    for u = 1, w do
      local d <const> = (red[v][u] / LEVEL - p[1]) ^ 2 + (green[v][u] / LEVEL - p[2]) ^ 2
      if d < best then bu, bv, best = u, v, d end
    end
  end
  bu, bv = math.max(3, math.min(w - 2, bu)), math.max(3, math.min(h - 2, bv))
  local xs <const>, ys <const>, least, most = {}, {}, math.huge, 0
  for v = bv - 2, bv + 1 do
    for u = bu - 2, bu + 1 do
      local area <const> = (red[v][u + 1] - red[v][u]) * (green[v + 1][u] - green[v][u])
        - (red[v + 1][u] - red[v][u]) * (green[v][u + 1] - green[v][u])
      least, most = math.min(least, math.abs(area)), math.max(most, math.abs(area))
    end
  end
  if least <= most / 4 then return {-1, -1} end -- an edge is repeated: there is no plane
  for v = bv - 2, bv + 2 do
    for u = bu - 2, bu + 2 do
      xs[#xs + 1] = {u - bu, v - bv, red[v][u] / LEVEL}
      ys[#ys + 1] = {u - bu, v - bv, green[v][u] / LEVEL}
    end
  end
  local x <const>, y <const> = plane(xs), plane(ys)
  local determinant <const> = x[1] * y[2] - x[2] * y[1]
  local dx <const>, dy <const> = p[1] - x[3], p[2] - y[3]
  return {bu - 1 + (y[2] * dx - x[2] * dy) / determinant,
    bv - 1 + (x[1] * dy - y[1] * dx) / determinant}
end

-- The value of a picture between pixels; u and v from 0.
local function between(rows, u, v)
  local i <const>, j <const> = math.floor(u), math.floor(v)
  local a <const>, b <const> = rows[j + 1], rows[j + 2]
  local up <const> = a[i + 1] + (u - i) * (a[i + 2] - a[i + 1])
  return up + (v - j) * (b[i + 1] + (u - i) * (b[i + 2] - b[i + 1]) - up)
end

-- The plane through the middle of a picture, by differences across its middle half.
local function middle_plane(rows, w, h)
  local u <const>, v <const> = (w - 1) / 2, (h - 1) / 2
  local a <const> = (between(rows, u + w / 4, v) - between(rows, u - w / 4, v)) * 2 / w / LEVEL
  local b <const> = (between(rows, u, v + h / 4) - between(rows, u, v - h / 4)) * 2 / h / LEVEL
  return {a, b, between(rows, u, v) / LEVEL - a * u - b * v}
end

-- The origin of each pixel (u, v), from 0, of a result: x and y as planes over the result. A bent
-- result gets the planes of its middle, which say how angles turn; its points are found one by one.
local function map_of(image, bent)
  local h <const>, w <const> = image:size(2), image:size(3)
  local red <const>, green <const> = image[1]:totable(), image[2]:totable()
  local xs <const>, ys <const> = {}, {}
  for v = 1, h do
    for u = 1, w do
      local x <const>, y <const> = red[v][u] / LEVEL, green[v][u] / LEVEL
      local far <const> = ((u - 0.5) / w - 0.5) ^ 2 + ((v - 0.5) / h - 0.5) ^ 2
      if far < 0.28 ^ 2 and x > 3 and x < W - 4 and y > 3 and y < H - 4 then -- no repeated edge
        xs[#xs + 1], ys[#ys + 1] = {u - 1, v - 1, x}, {u - 1, v - 1, y}
      end
    end
  end
  assert(#xs > 50)
  local x <const> = bent and middle_plane(red, w, h) or plane(xs)
  local y <const> = bent and middle_plane(green, w, h) or plane(ys)
  local m <const> = {w = w, h = h, bent = bent, determinant = x[1] * y[2] - x[2] * y[1]}
  function m.place(p) -- a point of the picture in pixels of the result
    local dx <const>, dy <const> = p[1] - x[3], p[2] - y[3]
    return {(y[2] * dx - x[2] * dy) / m.determinant, (x[1] * dy - y[1] * dx) / m.determinant}
  end
  m.point = bent and function(p) return local_place(red, green, w, h, p) end or m.place
  m.mirrored = m.determinant < 0
  return m
end

-- Whether a place is outside a bent result: local_place finds only places inside.
local function unseen(m, p)
  return m.bent and (p[1] < 0 or p[2] < 0 or p[1] > m.w - 1 or p[2] > m.h - 1)
end

local function units(m, p) return {(2 * p[1] + 1) / m.w - 1, (2 * p[2] + 1) / m.h - 1} end

-- The angle in degrees, clockwise, of the line from the left eye to the right eye.
local function roll_of(m, roll)
  local c <const>, s <const> = 10 * math.cos(math.rad(roll)), 10 * math.sin(math.rad(roll))
  local p, q = m.place{30 - c, 25 - s}, m.place{30 + c, 25 + s}
  if m.mirrored then p, q = q, p end
  return math.deg(math.atan(q[2] - p[2], q[1] - p[1]))
end

local function points_of(m, t, flip)
  local out <const> = {}
  for k = 1, 3 do out[k] = m.point(t.points[m.mirrored and flip[k] or k]) end
  return out
end

local CORNERS <const> = { {1, 2}, {3, 2}, {3, 4}, {1, 4} } -- clockwise

local function box_of(m, t)
  local low <const>, high <const> = {math.huge, math.huge}, {-math.huge, -math.huge}
  local steps <const> = m.bent and 8 or 1 -- points of an edge
  for k = 0, 4 * steps - 1 do
    local edge <const>, part <const> = k // steps, k % steps / steps
    local a <const>, b <const> = CORNERS[edge + 1], CORNERS[(edge + 1) % 4 + 1]
    local function along(d) return t.box[a[d]] + part * (t.box[b[d]] - t.box[a[d]]) end
    local at <const> = m.point{along(1), along(2)}
    if unseen(m, at) then return {} end
    local p <const> = units(m, at)
    for d = 1, 2 do low[d], high[d] = math.min(low[d], p[d]), math.max(high[d], p[d]) end
  end
  return {low[1], low[2], high[1], high[2]}
end

local function width_of(m, width)
  local p <const>, q <const> = m.place{0, 0}, m.place{width, 0}
  return math.sqrt((p[1] - q[1]) ^ 2 + (p[2] - q[2]) ^ 2) * 2 / m.w
end

local function bin(angle, count, width)
  local at <const> = math.floor(angle / width + (count % 2 == 1 and 0.5 or 0))
  return math.max(1, math.min(count, at + count // 2 + 1))
end

local function cell(m, p, size)
  local out <const> = {}
  for d, side in ipairs{m.w, m.h} do
    local at <const> = math.floor((p[d] + 0.5) / size)
    out[d] = (at < 0 or at >= math.ceil(side / size)) and -100 or at + 1
  end
  return out
end

-- The two possible values of f near the edge of a bin, where v is not exact enough to tell.
local function either(f, v, near)
  return {either = {f(v - (near or 0.2)), f(v + (near or 0.2))}}
end

local function cells(m, points, size)
  local out <const> = {}
  for k, p in ipairs(points) do
    out[k] = {}
    for d = 1, unseen(m, p) and 0 or 2 do
      out[k][d] = either(function(v) return cell(m, d == 1 and {v, 0} or {0, v}, size)[d] end, p[d])
    end
  end
  return out
end

-- The expected values of the labels.
local function wanted(m, t)
  local sign <const> = m.mirrored and -1 or 1
  local roll <const> = roll_of(m, t.roll)
  -- The planes of a bent picture are read between its pixels.
  local near <const> = m.bent and 1.5 or 0.4
  local function flipped(list, k) return m.mirrored and list[k] or k end
  local function three(angle) return either(function(v) return bin(v, 4, 30) end, angle, near) end
  local places <const>, at <const> = points_of(m, t, FLIP), {}
  for k, p in ipairs(places) do at[k] = unseen(m, p) and {} or units(m, p) end
  return {
    landmarks = at, face = box_of(m, t), gender = t.class % 2 + 1,
    pose = flipped({5, 4, 3, 2, 1}, t.class), yaw = sign * t.yaw,
    roll = {angle = roll, within = near},
    tilt = {angle = -roll, within = near},
    angles = {{angle = roll, within = near}, t.pitch, sign * t.yaw, t.number},
    age = t.number, across = width_of(m, t.width),
    box_width = width_of(m, t.box[3] - t.box[1]),
    signed = m.mirrored and {-t.number, 2 * t.number} or {t.number, t.number},
    pixels = cells(m, places, 1), cells = cells(m, points_of(m, t, {3, 2, 1}), 3),
    odd = flipped({2, 1, 3, 5, 4}, bin(t.yaw, 5, 30)),
    even = flipped({4, 3, 2, 1}, bin(t.yaw, 4, 30)), own = bin(sign * t.yaw, 6, 20),
    level = either(function(v) return bin(v, 12, 30) end, roll, near),
    radians = either(function(v) return bin(v, 12, 30) end, roll, near),
    three = {three(roll), three(t.pitch), three(sign * t.yaw), three(t.number)},
  }
end

local function compare(what, want, got, near)
  if type(want) == "number" then
    assert.near(want, got, near or 0.015, what)
  elseif want.angle then
    assert.near(0, (got - want.angle + 180) % 360 - 180, want.within or 0.4, what)
  elseif want.either then
    assert.is_true(got == want.either[1] or got == want.either[2],
      ("%s: %s is neither %s nor %s"):format(what, got, want.either[1], want.either[2]))
  else
    for k, v in ipairs(want) do compare(("%s[%d]"):format(what, k), v, got[k], near) end
  end
end

local function all_missing(t)
  if t.dtype == "int64" then return t:eq(-100):all():item() end
  return t:ne(t):all():item()
end

-- ---- every transform ----------------------------------------------------------------------------

local MOVES <const> = {
  nothing = {}, flip = {data.augment{flip = 1}}, rotate = {data.augment{rotate = 40}},
  scale = {data.augment{scale = 0.3}}, shift = {data.augment{shift = {0.2, 0.1}}},
  shear = {data.augment{shear = 15}},
  all = {data.augment{rotate = 30, scale = 0.2, shift = 0.1, flip = 0.5, shear = 5}},
  twice = {data.augment{rotate = 20, flip = 1}, data.augment{rotate = 20, flip = 0.5}},
  inner = {data.augment{inner = 40, size = 36, flip = 0.5, rotate = 25}},
  perspective = {data.perspective(0.3)}, elastic = {data.elastic{amount = 0.06, cells = 4}},
  ["elastic, coarse"] = {data.elastic{amount = 0.1, cells = 2}},
  ["perspective, turned"] = {data.perspective(0.3), data.augment{rotate = 30, flip = 0.5}},
  ["turned, elastic"] = {data.augment{rotate = 20, flip = 1}, data.elastic(0.05)},
  ["all bent"] = {data.augment{rotate = 10, flip = 0.5}, data.perspective(0.2), data.elastic(0.04)},
}
local BENT <const> = {perspective = true, elastic = true}

local function is_bent(steps)
  for _, s in ipairs(steps) do
    if s.step and BENT[s.step[1]] then return true end
  end
  return false
end
local FRAMES <const> = {
  none = {}, box = {data.crop{margin = 1.1}, data.resize(40)},
  upright = {data.crop{margin = 1.3, square = false}, data.resize(48, 36)},
  points = {data.crop{by = "points", margin = 3}, data.resize(44)},
  middle = {data.crop{by = "middle", margin = 0.9}, data.resize(40)},
  wide = {data.resize(30, 52)}, aligned = {data.align{size = 48, height = 0.4, distance = 0.35}},
}

local function check_all(ds)
  for move, a in pairs(MOVES) do
    for frame, b in pairs(FRAMES) do
      local steps <const> = {table.unpack(b)}
      for _, list in ipairs{a, BINS} do table.move(list, 1, #list, #steps + 1, steps) end
      if not (ds.files and frame == "none") then
        local what <const> = move .. ", " .. frame
        local batch <const> = data.loader(ds, {batch = N, transforms = steps, tasks = TASKS})()
        for i = 1, N do
          local m <const> = map_of(batch.image[i], is_bent(a))
          for name, want in pairs(TRUTH[i].missing and {} or wanted(m, TRUTH[i])) do
            local row <const> = batch[name][i]
            compare(("%s: %s of sample %d"):format(what, name, i), want,
              row:dim() == 0 and row:item() or row:totable(), m.bent and 0.03)
          end
        end
        for name, label in pairs(batch) do
          if name ~= "image" and name ~= "count" and name ~= "box_width" then
            assert.is_true(all_missing(label[N]), what .. ": " .. name)
          end
        end
      end
    end
  end
end

describe("a label of every kind, after every transform,", function()
  it("is right for the pixels of a picture in memory", function() check_all(in_memory()) end)

  it("is right for the pixels of a picture from a file", function()
    shell.in_directory(function(directory) check_all(in_files(directory)) end)
  end)

  it("is right for the pixels after the loader's own size and augment", function()
    for epoch = 1, 3 do
      local batch <const> = data.loader(in_memory(), {batch = N, size = 26, whiten = false,
        epoch = epoch, tasks = TASKS,
        augment = {rotate = 25, scale = 0.1, shift = 0.1, flip = 0.5}})()
      for i = 1, N - 1 do
        local want <const> = wanted(map_of(batch.image[i]), TRUTH[i])
        for name in pairs(labels_of()) do
          local row <const> = batch[name][i]
          if want[name] then
            compare(name, want[name], row:dim() == 0 and row:item() or row:totable())
          end
        end
      end
    end
  end)
end)
