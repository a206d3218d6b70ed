--- Tests the transforms of data.loader: geometry, colours, bends, blends of a batch, and bins.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local pictures <const> = require "spec.support.pictures"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl

local TASKS <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = pictures.FLIP},
  pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}},
  yaw = mtl.real{1, flip = "negate"},
  angles = mtl.real{3, flip = {-1, 1, -1}},
}

local function batch_of(ds, steps, options)
  local o <const> = {batch = #ds, transforms = steps, tasks = TASKS}
  for key, value in pairs(options or {}) do o[key] = value end
  return data.loader(ds, o)()
end

-- A batch of one gray picture, which has the given rows.
local function of_rows(rows, ...)
  local image <const> = braid.tensor({{rows}}, {dtype = "uint8"})
  return data.loader(Dataset{images = image, labels = {}}, {batch = 1, transforms = {...}})().image
end

local function ramp(h, w)
  local rows <const> = {}
  for v = 1, h do
    rows[v] = {}
    for u = 1, w do rows[v][u] = (37 * v + 11 * u * u) % 256 end
  end
  return rows
end

describe("landmarks after every combination of transforms", function()
  -- Some geometric steps of each kind, also none.
  local CUTS <const> = {
    none = {}, crop = {data.crop{margin = 1.2}}, wide = {data.crop{margin = 1.3, square = false}},
    by_points = {data.crop{margin = 2, by = "points"}},
  }
  local SIZES <const> = {
    resize = {data.resize(56)}, small = {data.resize(44, 48)},
    bilinear = {data.resize(60, {filter = "bilinear"})},
    aligned = {data.align{height = 0.35, distance = 0.35, size = 64}},
  }
  local WARPS <const> = {
    none = {}, flip = {data.augment{flip = 1}},
    all = {data.augment{rotate = 20, scale = 0.1, shift = 0.05, flip = 0.5, shear = 8}},
    twice = {data.augment{rotate = 10}, data.augment{flip = 0.5, shear = 5}},
  }
  local COLOURS <const> = {
    none = {}, all = {data.brightness(0.1), data.blur(0.6), data.noise(0.005)},
  }

  local function check_all(ds, mirrored_of)
    for cut, a in pairs(CUTS) do
      for size, b in pairs(SIZES) do
        for warp, c in pairs(WARPS) do
          for colour, d in pairs(COLOURS) do
            for order = 1, 3 do
              local steps <const> = {}
              local lists <const> = ({{a, b, c, d}, {a, c, d, b}, {a, c, b, d}})[order]
              for _, list in ipairs(lists) do
                for _, s in ipairs(list) do steps[#steps + 1] = s end
              end
              local what <const> = table.concat({cut, size, warp, colour, order}, " ")
              local batch <const> = batch_of(ds, steps, {epoch = order})
              local h <const>, w <const> = batch.image:size(3), batch.image:size(4)
              for i = 1, #ds do
                for k, p in ipairs(batch.landmarks[i]:totable()) do
                  local mirrored <const> = mirrored_of(batch, i)
                  local colour_of <const> = mirrored and pictures.FLIP[k] or k
                  local miss <const> = pictures.miss(batch.image[i], colour_of,
                    (p[1] + 1) * w / 2 - 0.5, (p[2] + 1) * h / 2 - 0.5)
                  assert.is_true(miss < 0.6, ("%s: sample %d, point %d misses by %.2f"):format(
                    what, i, k, miss))
                end
              end
            end
          end
        end
      end
    end
  end

  -- The sign of yaw tells whether a picture was mirrored.
  it("are on the same pixels of pictures in memory", function()
    check_all(pictures.memory(2), function(batch, i) return batch.yaw[i]:item() > 0 end)
  end)

  it("are on the same pixels of pictures in files, with boxes", function()
    shell.in_directory(function(directory)
      check_all(pictures.files(directory, 1), function(batch, i)
        return batch.yaw[i]:item() > 0
      end)
    end)
  end)

  it("change places in a mirror image, and classes and angles change as tasks say", function()
    local ds <const> = pictures.memory(5)
    local plain <const> = batch_of(ds, {})
    local flipped <const> = batch_of(ds, {data.augment{flip = 1}})
    assert.same({1, 2, 3, 4, 5}, plain.pose:totable())
    assert.same({5, 4, 3, 2, 1}, flipped.pose:totable())
    assert.same((-plain.yaw):totable(), flipped.yaw:totable())
    assert.same({{-1, 2, -3}, {-2, 4, -6}}, flipped.angles[{ {1, 2} }]:totable())
    local p <const>, q <const> = plain.landmarks[3]:totable(), flipped.landmarks[3]:totable()
    for k, from in ipairs(pictures.FLIP) do
      assert.near(-p[from][1], q[k][1], 1e-5)
      assert.near(p[from][2], q[k][2], 1e-5)
    end
    assert.same(plain.image:flip{4}:totable(), flipped.image:totable())
  end)

  it("stay missing if they were missing, as other labels do", function()
    local ds <const> = pictures.memory(3)
    ds.labels.landmarks[{2, 3}] = 0 / 0
    ds.labels.yaw[2], ds.labels.pose[2] = 0 / 0, 0
    local batch <const> = batch_of(ds, {data.augment{flip = 1, rotate = 9}})
    local missing <const> = batch.landmarks:ne(batch.landmarks)
    assert.equal(2, missing:sum():item())
    assert.is_true(missing[{2, 3, 1}]:item())
    assert.equal(-100, batch.pose[2]:item())
    assert.is_true(batch.yaw[2]:ne(batch.yaw[2]):item())
  end)
end)

describe("geometric transforms:", function()
  it("data.augment and data.resize give the picture's own values if they change nothing", function()
    local rows <const> = ramp(7, 9)
    assert.same({{rows}}, of_rows(rows, data.augment{}):totable())
    assert.same({{rows}}, of_rows(rows, data.resize(7, 9)):totable())
  end)

  it("data.resize and data.augment give the mean of the pixels if a picture shrinks", function()
    local rows <const> = ramp(12, 12)
    local function mean(v, u)
      local sum = 0
      for b = 1, 3 do
        for a = 1, 3 do sum = sum + rows[3 * v + b][3 * u + a] end
      end
      return sum / 9
    end
    local resized <const> = of_rows(rows, data.resize(4))[{1, 1}]:totable()
    local warped <const> = of_rows(rows, data.augment{size = 4})[{1, 1}]:totable()
    for v = 0, 3 do
      for u = 0, 3 do
        assert.near(mean(v, u), resized[v + 1][u + 1], 0.51) -- a byte
        assert.near(mean(v, u), warped[v + 1][u + 1], 0.51)
      end
    end
  end)

  it("data.augment gives the same mean if the picture is turned", function()
    -- The value of this slope in the middle of a pixel is also its mean over the pixel.
    local rows <const> = {}
    for v = 1, 96 do
      rows[v] = {}
      for u = 1, 96 do rows[v][u] = v + u end
    end
    for size, tolerance in pairs{[80] = 0.51, [50] = 0.51, [24] = 1.01, [13] = 1.01} do
      local ds <const> = Dataset{images = braid.tensor({{rows}}, {dtype = "uint8"}),
        labels = {corner = braid.tensor{{ {35, 40}, {60, 55} }}}}
      local tasks <const> = {corner = {flip = {1, 2}}}
      local batch <const> = data.loader(ds, {tasks = tasks, batch = 1, epoch = size,
        transforms = {data.augment{size = size, rotate = 30, inner = 60, flip = 0.5}}})()
      local m <const>, p <const> = batch.image[{1, 1}]:totable(), batch.corner[1]:totable()
      for k, sum in ipairs{35 + 40 + 2, 60 + 55 + 2} do
        local x <const>, y <const> = (p[k][1] + 1) * size / 2, (p[k][2] + 1) * size / 2
        local u <const>, v <const> = math.floor(x + 0.5), math.floor(y + 0.5)
        -- Between pixels, the expected value is linear, as the slope is.
        local fx <const>, fy <const> = x + 0.5 - u, y + 0.5 - v
        local top <const> = m[v][u] + fx * (m[v][u + 1] - m[v][u])
        local low <const> = m[v + 1][u] + fx * (m[v + 1][u + 1] - m[v + 1][u])
        assert.near(sum, top + fy * (low - top), tolerance)
      end
    end
  end)

  it("data.crop repeats the edge outside the picture", function()
    local image <const> = of_rows({{10, 20}, {30, 40}}, data.crop{margin = 3}, data.resize(6))
    assert.same({10, 10, 10, 20, 20, 20}, image[{1, 1, 1}]:totable())
    assert.same({30, 30, 30, 40, 40, 40}, image[{1, 1, 6}]:totable())
  end)

  it("data.align brings the eyes to their place", function()
    local ds <const> = pictures.memory(3)
    local batch <const> = batch_of(ds, {data.align{height = 0.4, distance = 0.5, size = 50}})
    for i = 1, 3 do
      local p <const> = batch.landmarks[i]:totable()
      assert.near(-0.5, p[1][1], 1e-5)
      assert.near(0.5, p[2][1], 1e-5)
      assert.near(-0.2, p[1][2], 1e-5)
      assert.near(-0.2, p[2][2], 1e-5)
    end
  end)

  it("data.align only resizes if an eye is missing", function()
    local ds <const> = pictures.memory(1)
    ds.labels.landmarks[{1, 1}] = 0 / 0
    local aligned <const> = batch_of(ds, {data.align{size = 40}})
    assert.same(batch_of(ds, {data.resize(40)}).image:totable(), aligned.image:totable())
  end)
end)

describe("colour transforms:", function()
  local rows <const> = ramp(6, 5)
  local plain <const> = of_rows(rows)

  -- a and b of y = a x + b, by least squares over the pixels that are not cut off at 0 or 255.
  local function line(image)
    local n, sx, sy, sxx, sxy = 0, 0, 0, 0, 0
    local x <const>, y <const> = plain:reshape(-1):totable(), image:reshape(-1):totable()
    for i = 1, #x do
      if y[i] > 0 and y[i] < 255 then
        n, sx, sy = n + 1, sx + x[i], sy + y[i]
        sxx, sxy = sxx + x[i] * x[i], sxy + x[i] * y[i]
      end
    end
    local a <const> = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    local b <const> = (sy - a * sx) / n
    for i = 1, #x do
      assert.near(math.max(0, math.min(255, a * x[i] + b)), y[i], 0.01)
    end
    return a, b
  end

  it("data.brightness multiplies all values by a factor", function()
    local a <const>, b <const> = line(of_rows(rows, data.brightness(0.3)))
    assert.near(0, b, 1e-3)
    assert.is_true(a > 0.7 and a < 1.3 and a ~= 1)
  end)

  it("data.contrast multiplies the distances from the mean by a factor", function()
    local a <const>, b <const> = line(of_rows(rows, data.contrast(0.3)))
    assert.is_true(a > 0.7 and a < 1.3 and a ~= 1)
    assert.near((1 - a) * plain:mean():item(), b, 1e-2)
  end)

  it("data.saturation multiplies the distances from gray, data.gray makes them 0", function()
    local image <const> = braid.tensor({{{{200}}, {{100}}, {{50}}}}, {dtype = "uint8"})
    local ds <const> = Dataset{images = image, labels = {}}
    local luma <const> = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    local function seen(step)
      return data.loader(ds, {batch = 1, transforms = {step}})().image:reshape(-1):totable()
    end
    local s <const> = seen(data.saturation(0.5))
    local a <const> = (s[1] - luma) / (200 - luma)
    assert.is_true(a > 0.5 and a < 1.5 and a ~= 1)
    assert.near(luma + a * (100 - luma), s[2], 1e-3)
    assert.near(luma + a * (50 - luma), s[3], 1e-3)
    for _, v in ipairs(seen(data.gray())) do assert.near(luma, v, 1e-3) end
    assert.same({200, 100, 50}, seen(data.gray(0)))
  end)

  it("data.equalize spreads the values evenly", function()
    local few <const> = {{10, 10, 10, 40}, {40, 40, 90, 91}}
    local level <const> = {[10] = 0, [40] = 255 * 3 / 5, [90] = 255 * 4 / 5, [91] = 255}
    local out <const> = of_rows(few, data.equalize())[{1, 1}]:totable()
    for v = 1, 2 do
      for u = 1, 4 do assert.near(level[few[v][u]], out[v][u], 1e-3) end
    end
    assert.same({{{{7, 7}}}}, of_rows({{7, 7}}, data.equalize()):totable())
  end)

  it("data.noise adds noise of the given deviation", function()
    local flat <const> = {}
    for v = 1, 64 do
      flat[v] = {}
      for u = 1, 64 do flat[v][u] = 128 end
    end
    local out <const> = of_rows(flat, data.noise(0.02))
    assert.near(128, out:mean():item(), 0.4)
    assert.near(0.02 * 255, out:std():item(), 0.3)
  end)

  it("data.blur keeps the sum, and spreads a dot as a Gaussian", function()
    local dot <const> = {}
    for v = 1, 21 do
      dot[v] = {}
      for u = 1, 21 do dot[v][u] = v == 11 and u == 11 and 255 or 0 end
    end
    local out <const> = of_rows(dot, data.blur(2))[{1, 1}]
    assert.near(255, out:sum():item(), 0.1)
    local rows_of <const> = out:totable()
    assert.is_true(rows_of[11][11] < 250)
    assert.near(rows_of[10][11], rows_of[11][10], 1e-4)
    -- A Gaussian: exp(-d^2 / 2 s^2), so the ratio at distance 2 is the fourth power of the ratio at
    -- distance 1.
    local middle <const> = rows_of[11]
    local r1 <const>, r2 <const> = middle[12] / middle[11], middle[13] / middle[11]
    assert.near(r1 ^ 4, r2, 1e-4)
  end)

  it("data.cutout fills a square with a value", function()
    local out <const> = of_rows(ramp(40, 40), data.cutout{side = 0.25, value = 300 - 100})
    local changed <const> = out:ne(of_rows(ramp(40, 40)))
    local n <const> = changed:sum():item()
    assert.is_true(n > 20 and n <= 100, tostring(n)) -- 10 x 10, as far as it is inside
    assert.equal(200 * n, (out * changed:to("float32")):sum():item())
  end)

  it("data.normalize uses one mean and deviation, or one for each channel", function()
    local image <const> = of_rows(rows, data.normalize{mean = 0.5, std = 0.25})
    assert.near(0, ((plain / 255 - 0.5) / 0.25 - image):abs():max():item(), 1e-5)
    local ds <const> = pictures.memory(1)
    local step <const> = data.normalize{mean = {0.4, 0.5, 0.6}, std = {0.1, 0.2, 0.3}}
    local seen <const> = batch_of(ds, {step})
    local bytes <const> = ds.images:to("float32")
    for c, m in ipairs{0.4, 0.5, 0.6} do
      local wanted <const> = (bytes[{ {}, c }] / 255 - m) / (c / 10)
      assert.near(0, (wanted - seen.image[{ {}, c }]):abs():max():item(), 1e-4)
    end
  end)

  it("data.whiten gives mean 0 and deviation 1", function()
    local image <const> = of_rows(rows, data.brightness(0.1), data.whiten())
    assert.near(0, image:mean():item(), 1e-5)
    assert.near(1, image:std{unbiased = false}:item(), 1e-4)
  end)
end)

-- A colour picture of 12 x 10 pixels with some grays, as a data set.
local function coloured()
  local image <const> = braid.zeros({1, 3, 12, 10}, {dtype = "uint8"})
  for v = 1, 12 do
    for u = 1, 10 do
      for c = 1, 3 do
        image[{1, c, v, u}] = u == 1 and 21 * v or (c * 67 * v + 11 * u * u * (4 - c)) % 256
      end
    end
  end
  return Dataset{images = image, labels = {}}
end

local function seen_of(ds, ...)
  return data.loader(ds, {batch = #ds, transforms = {...}})().image
end

local GRAY <const> = Dataset{labels = {},
  images = braid.tensor({{ramp(12, 10)}}, {dtype = "uint8"})}

describe("more colour transforms:", function()
  it("data.gamma raises all values to a power", function()
    for _, ds in ipairs{coloured(), GRAY} do
      local x <const>, y <const> = seen_of(ds):reshape(-1):totable(),
        seen_of(ds, data.gamma(0.8)):reshape(-1):totable()
      local exponent
      for i = 1, #x do
        if not exponent and x[i] > 60 and x[i] < 200 then
          exponent = math.log(y[i] / 255) / math.log(x[i] / 255)
        end
      end
      assert.is_true(exponent >= 1 / 1.8 and exponent <= 1.8 and math.abs(exponent - 1) > 1e-3)
      for i = 1, #x do assert.near(255 * (x[i] / 255) ^ exponent, y[i], 0.01) end
    end
  end)

  -- Hue (0 to 6), chroma and the largest value of a colour.
  local function hue_of(r, g, b)
    local most <const>, least <const> = math.max(r, g, b), math.min(r, g, b)
    local c <const> = most - least
    if c < 0.5 then return nil, c, most end
    local h <const> = most == r and (g - b) / c % 6 or most == g and (b - r) / c + 2
      or (r - g) / c + 4
    return h, c, most
  end

  it("data.hue turns colours on their circle, and gray stays gray", function()
    local ds <const> = coloured()
    local x <const>, y <const> = seen_of(ds)[1]:totable(), seen_of(ds, data.hue(0.4))[1]:totable()
    local turn
    for v = 1, 12 do
      for u = 1, 10 do
        local h <const>, c <const>, most <const> = hue_of(x[1][v][u], x[2][v][u], x[3][v][u])
        local h2 <const>, c2 <const>, most2 <const> = hue_of(y[1][v][u], y[2][v][u], y[3][v][u])
        assert.near(c, c2, 1e-3)
        assert.near(most, most2, 1e-3)
        if h and c > 30 then
          turn = turn or (h2 - h) % 6
          assert.near(0, (h2 - h - turn + 3) % 6 - 3, 1e-3)
        end
      end
    end
    assert.is_true(turn % 6 > 0.01 and math.min(turn, 6 - turn) <= 2.4)
    assert.same(seen_of(GRAY):totable(), seen_of(GRAY, data.hue(0.4)):totable())
  end)

  it("data.erase fills a rectangle of the asked area and shape", function()
    local size <const>, areas <const> = 40, {}
    local flat <const> = Dataset{images = braid.full({1, 1, size, size}, 90, {dtype = "uint8"}),
      labels = {}}
    for epoch = 1, 20 do
      local step <const> = data.erase{probability = 1, least = 0.05, most = 0.2, ratio = 2,
        value = 7}
      local image <const> = data.loader(flat, {batch = 1, epoch = epoch, transforms = {step}})()
        .image[{1, 1}]
      local gone <const> = image:eq(7)
      local rows <const>, columns <const> = gone:any(2):sum():item(), gone:any(1):sum():item()
      assert.equal(rows * columns, gone:sum():item()) -- a rectangle
      assert.equal(90 * (size * size - rows * columns), (image * image:eq(90):to("float32")):sum()
        :item())
      assert.is_true(rows / columns < 2.3 and columns / rows < 2.3)
      areas[epoch] = rows * columns / size ^ 2
    end
    table.sort(areas)
    assert.is_true(areas[1] > 0.04 and areas[20] < 0.22 and areas[20] - areas[1] > 0.05)
    assert.same(seen_of(flat):totable(), seen_of(flat, data.erase(0)):totable())
    local noisy <const> = seen_of(flat, data.erase{probability = 1, value = "noise"})
    local n <const> = noisy:ne(90):sum():item()
    assert.is_true(n > 20 and noisy:min():item() < 40 and noisy:max():item() > 215)
  end)

  it("data.jpeg loses more with lower quality", function()
    for _, ds in ipairs{coloured(), GRAY} do
      local plain <const>, last = seen_of(ds), -1.0
      for _, quality in ipairs{100, 60, 20, 3} do
        local loss <const> = (seen_of(ds, data.jpeg(quality)) - plain):abs():mean():item()
        assert.is_true(loss > last, quality)
        last = loss
      end
      assert.same(plain:totable(), seen_of(ds, data.jpeg{probability = 0}):totable())
    end
    local flat <const> = Dataset{images = braid.full({1, 1, 16, 16}, 90, {dtype = "uint8"}),
      labels = {}}
    assert.same(seen_of(flat):totable(), seen_of(flat, data.jpeg(50)):totable())
  end)
end)

describe("data.perspective and data.elastic", function()
  it("leave each pixel as it is if they do nothing, with and without a size", function()
    for _, ds in ipairs{coloured(), GRAY} do
      local plain <const> = seen_of(ds)
      for _, step in ipairs{data.perspective(0), data.perspective{probability = 0},
        data.elastic(0), data.elastic{probability = 0, cells = 8}} do
        assert.near(0, (seen_of(ds, step) - plain):abs():max():item(), 1e-3)
        local half <const> = seen_of(ds, data.resize(9, 8), data.augment{size = 6}, step)
        local want <const> = seen_of(ds, data.resize(9, 8), data.augment{size = 6})
        assert.near(0, (half - want):abs():max():item(), 1e-3)
      end
    end
  end)

  it("give the mean of the bent pixels of a picture that shrinks", function()
    -- The value of this slope in the middle of a pixel is its mean over the pixel, even if bent.
    local rows <const> = {}
    for v = 1, 96 do
      rows[v] = {}
      for u = 1, 96 do rows[v][u] = v + u end
    end
    local ds <const> = Dataset{images = braid.tensor({{rows}}, {dtype = "uint8"}),
      labels = {corner = braid.tensor{{ {35, 40}, {60, 55} }}}}
    for _, step in ipairs{data.perspective(0.4), data.elastic(0.08)} do
      for _, size in ipairs{80, 40, 24} do
        local batch <const> = data.loader(ds, {batch = 1, epoch = size, transforms = {
          data.resize(96), data.augment{size = size}, step},
          tasks = {corner = {flip = {1, 2}}}})()
        local m <const>, p <const> = batch.image[{1, 1}]:totable(), batch.corner[1]:totable()
        for k, sum in ipairs{35 + 40 + 2, 60 + 55 + 2} do
          local x <const>, y <const> = (p[k][1] + 1) * size / 2, (p[k][2] + 1) * size / 2
          local u <const>, v <const> = math.floor(x + 0.5), math.floor(y + 0.5)
          local fx <const>, fy <const> = x + 0.5 - u, y + 0.5 - v
          local top <const> = m[v][u] + fx * (m[v][u + 1] - m[v][u])
          local low <const> = m[v + 1][u] + fx * (m[v + 1][u + 1] - m[v + 1][u])
          assert.near(sum, top + fy * (low - top), 1.2)
        end
      end
    end
  end)

  it("are refused if cells would fold, or if there are more than 4 of them", function()
    assert.error_matches(function() data.elastic{amount = 0.2, cells = 4} end,
      "data%.elastic: amount is at most 0%.48 / cells, or the picture folds")
    local steps <const> = {}
    for i = 1, 5 do steps[i] = data.perspective(0.1) end
    assert.error_matches(function() seen_of(GRAY, table.unpack(steps)) end,
      "transforms: more than 4 of perspective and elastic")
  end)
end)

describe("every random transform", function()
  local STEPS <const> = {
    data.augment{rotate = 20, flip = 0.5}, data.perspective(0.3), data.elastic(0.05),
    data.brightness(0.3), data.contrast(0.3), data.saturation(0.3), data.gray(0.5),
    data.equalize(0.5), data.noise(0.1), data.blur(1), data.cutout{}, data.erase{}, data.gamma(0.5),
    data.hue(0.2), data.jpeg{least = 10, most = 60}, data.mixup(0.5), data.cutmix(1),
  }

  local STEADY <const> = {crop = true, resize = true, align = true, whiten = true, normalize = true,
    landmark_bins = true, pose_bins = true}

  it("is in the list of this file", function()
    local tried <const> = {}
    for _, s in ipairs(STEPS) do tried[s.blend or s.step[1]] = true end
    for name in pairs(require "braid.data.transforms") do
      assert.is_true(STEADY[name] or tried[name], name)
    end
  end)

  it("depends only on seed and epoch, not on workers, in gray and in colour", function()
    for _, channels in ipairs{1, 3} do
      local ds <const> = Dataset{images = braid.randint(0, 255, {6, channels, 24, 24}):to("uint8"),
        labels = {}}
      for _, step in ipairs(STEPS) do
        local function seen(o)
          o.batch, o.transforms, o.shuffle = 3, {step}, true
          local images <const> = {}
          for batch in data.loader(ds, o) do images[#images + 1] = batch.image:totable() end
          return images
        end
        local first <const> = seen{}
        assert.same(first, seen{workers = 2})
        assert.not_same(first, seen{epoch = 2}, tostring(step))
        assert.not_same(first, seen{seed = 2}, tostring(step))
      end
    end
  end)
end)

describe("a batch of data.mixup or data.cutmix", function()
  local faces <const> = data.faces{n = 12, size = 24, val = 2, test = 2}.train
  local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = faces}, pose = mtl.classes{5},
    smile = mtl.classes{2}}
  local function batches(...)
    local plain <const> = data.loader(faces, {batch = 6, tasks = tasks,
      transforms = {data.resize(24)}})
    local mixed <const> = data.loader(faces, {batch = 6, tasks = tasks,
      transforms = {data.resize(24), ...}})
    return plain(), mixed()
  end

  -- The number of the sample in a batch that has these landmarks.
  local function partner(plain, row)
    for i = 1, plain.count do
      if plain.landmarks[i]:eq(row):all():item() then return i end
    end
  end

  it("has s x + (1 - s) x' of data.mixup, and the labels of both samples", function()
    local plain <const>, mixed <const> = batches(data.mixup(1))
    local s <const> = mixed.mixed.share
    assert.is_true(s > 0 and s < 1)
    for i = 1, 6 do
      local j <const> = partner(plain, mixed.mixed.other.landmarks[i])
      local want <const> = plain.image[i] * s + plain.image[j] * (1 - s)
      assert.near(0, (want - mixed.image[i]):abs():max():item(), 1e-3)
      assert.equal(plain.pose[j]:item(), mixed.mixed.other.pose[i]:item())
      assert.same(plain.landmarks[i]:totable(), mixed.landmarks[i]:totable())
    end
  end)

  it("has a rectangle of data.cutmix, whose area is at most 1 - share", function()
    local plain <const>, mixed <const> = batches(data.cutmix(1))
    for i = 1, 6 do
      local j <const> = partner(plain, mixed.mixed.other.landmarks[i])
      local from <const> = mixed.image[i]:eq(plain.image[j]):all(1)
      local own <const> = mixed.image[i]:eq(plain.image[i]):all(1)
      assert.is_true(from:logical_or(own):all():item())
      local n <const> = own:logical_not():sum():item()
      assert.is_true(n <= (1 - mixed.mixed.share) * 24 * 24 + 0.5)
    end
  end)

  it("has the loss of soft targets", function()
    local plain <const>, mixed <const> = batches(data.mixup(1))
    local s <const>, out <const> = mixed.mixed.share, {landmarks = braid.randn(6, 10),
      pose = braid.randn(6, 5), smile = braid.randn(6, 2)}
    local soft <const> = s * braid.F.one_hot(mixed.pose, 5):to("float32")
      + (1 - s) * braid.F.one_hot(mixed.mixed.other.pose, 5):to("float32")
    local want <const> = -(soft * out.pose:log_softmax(2)):sum(2):mean():item()
    local total <const>, losses <const> = tasks:loss(out, mixed)
    assert.near(want, losses.pose:item(), 1e-5)
    assert.near(want, tasks:losses(out, mixed).pose:item(), 1e-5)
    local own <const> = tasks:losses(out, plain)
    local other <const> = tasks:losses(out, mixed.mixed.other)
    for name, loss in pairs(losses) do
      assert.near(s * own[name]:item() + (1 - s) * other[name]:item(), loss:item(), 1e-4)
    end
    assert.near(losses.pose:item() + losses.smile:item() + losses.landmarks:item(), total:item(),
      1e-4)
  end)

  it("is refused by tasks:evaluate", function()
    for _, mix in ipairs{data.mixup(1), data.cutmix(1)} do
      local _, mixed <const> = batches(mix)
      local given
      local function once()
        given = not given
        return given and mixed or nil
      end
      assert.error_matches(function() tasks:evaluate(function() return {} end, once) end,
        "measure on a loader without data.mixup and data.cutmix", 1, true)
    end
  end)

  it("has a loss of the task if only one of the two samples has its label", function()
    local _, mixed <const> = batches(data.mixup(1))
    local s <const>, out <const> = mixed.mixed.share, {landmarks = braid.randn(6, 10),
      pose = braid.randn(6, 5), smile = braid.randn(6, 2)}
    local own <const> = tasks:losses(out, mixed.mixed.other).smile:item()
    mixed.smile:fill_(-100)
    assert.near((1 - s) * own, select(2, tasks:loss(out, mixed)).smile:item(), 1e-5)
    mixed.mixed.other.smile:fill_(-100)
    assert.is_nil(select(2, tasks:loss(out, mixed)).smile)
    assert.same({"landmarks", "pose"}, tasks:present(mixed))
  end)
end)

describe("bins of labels:", function()
  it("data.landmark_bins counts pixels from 1, and marks landmarks outside as missing", function()
    local ds <const> = pictures.memory(1)
    ds.labels.landmarks[{1, 2}] = 0 / 0
    local batch <const> = batch_of(ds, {data.augment{size = 36, inner = 36},
      data.landmark_bins("landmarks")})
    assert.equal("int64", batch.landmarks.dtype)
    local bins <const> = batch.landmarks[1]:totable()
    for k, p in ipairs(pictures.POINTS) do
      -- The middle 36 of 72 x 64 pixels begin at (18, 14).
      local wanted <const> = k == 2 and {-100, -100} or {p[1] - 18 + 1, p[2] - 14 + 1}
      assert.same(wanted, bins[k])
    end
    local wide <const> = batch_of(ds, {data.landmark_bins("landmarks", {pixels = 8, as = "cells"})})
    assert.same({24 // 8 + 1, 22 // 8 + 1}, wide.cells[{1, 1}]:totable())
    assert.equal("float32", wide.landmarks.dtype)
    local away <const> = batch_of(ds, {data.augment{size = 10, inner = 10},
      data.landmark_bins("landmarks")})
    assert.same({-100, -100}, away.landmarks[{1, 1}]:totable())
  end)

  it("data.pose_bins makes bins of 30 degrees, with 0 in the middle of the middle bin", function()
    local ds <const> = pictures.memory(8)
    ds.labels.yaw = braid.tensor{-100, -46, -44, -14, 16, 44, 46, 0 / 0}
    local steps <const> = {data.pose_bins("yaw", {as = "turned"})}
    assert.same({1, 1, 2, 3, 4, 4, 5, -100}, batch_of(ds, steps).turned:totable())
    table.insert(steps, data.augment{flip = 1})
    assert.same({5, 5, 4, 3, 2, 2, 1, -100}, batch_of(ds, steps).turned:totable())
  end)
end)

describe("a loader's transforms", function()
  local ds <const> = pictures.memory(1)

  it("raise an error for wrong options, which lists the right options", function()
    assert.has_error(function() data.crop{margins = 2} end,
      "data.crop: there is no option 'margins'; there is by, margin, square; did you mean margin?")
    assert.has_error(function() data.augment{flip = 2} end,
      "data.augment: flip must be a number from 0 to 1, not 2")
    assert.has_error(function() data.resize(0) end,
      "data.resize: height must be a whole number from 1 to 1048576, not 0")
    assert.has_error(function() data.crop{by = "eyes"} end,
      "data.crop: by must be \"box\", \"points\" or \"middle\", not \"eyes\"")
    assert.has_error(function() data.pose_bins("yaw", {unit = "turns"}) end,
      "data.pose_bins: unit must be \"degrees\" or \"radians\", not \"turns\"")
  end)

  it("raise an error if a transform comes after whiten or normalize", function()
    assert.has_error(function() batch_of(ds, {data.whiten(), data.resize(20)}) end,
      "transforms: whiten must be the last step, resize comes after it")
  end)

  it("raise an error if the pictures keep several sizes", function()
    assert.has_error(function() batch_of(ds, {data.crop{}}) end,
      "data.loader: the pictures differ in size; add data.resize(side) to the transforms, or " ..
      "give augment or align a size")
  end)

  it("raise an error for mirrored points without a flip, and bins of an unknown label", function()
    assert.has_error(function()
      data.loader(ds, {transforms = {data.augment{flip = 0.5}}})
    end, "data.loader: mirroring changes 'landmarks', but nothing says how: give "
      .. "tasks.landmarks a flip = {...}, the point that replaces each point, or the data set "
      .. "points = {landmarks = {flip = {...}}}")
    assert.has_error(function() batch_of(ds, {data.pose_bins("roll")}) end,
      "data.loader: bins: there is no label 'roll'")
    assert.has_error(function() batch_of(ds, {data.pose_bins("pose")}) end,
      "data.loader: bins of 'pose' want real numbers, but it is class")
  end)

  it("raise an error without memory, and free what they took", function()
    local some <const> = pictures.memory(2)
    local steps <const> = {data.resize(40), data.blur(1), data.augment{flip = 0.5}, data.noise(0.1)}
    collectgarbage()
    local before <const> = braid.memory().live
    for n = 0, 24 do
      core.fail_after(n)
      local ok <const>, message <const> = pcall(batch_of, some, steps)
      core.fail_after(-1)
      assert.is_true(ok or tostring(message):find("memory") ~= nil, tostring(message))
    end
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)
end)
