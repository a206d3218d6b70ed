--- data.show: draws a grid of samples as a PNG, pictures with their boxes, points and labels.
--
-- data.show(ds, n, path, {...}) -> true. n samples are spread evenly over the set, or drawn at
-- random with `seed`; n can also be a table of sample numbers. Points are green, with numbers if
-- there are at most ten. Boxes are yellow. If the stored picture is larger than the part that a
-- loader shows, a gray frame marks this part. Labels are written below as name=class, with `?` for
-- a missing one. For a label with the classes no and yes, only its name is written if it is yes,
-- and nothing if it is no. Options: columns, side (of a cell, in pixels), lines (the most lines of
-- text), seed, captions (a text for each sample, instead of its labels).
-- @treturn boolean
-- @usage data.show(data.faces{n = 100}.train, 24, "faces.png")

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local picture <const> = require "braid.io.picture"
local ops <const> = core.ops

local OPTIONS <const> = check.declare("data.show", {
  columns = check.whole{from = 1}, side = check.whole{160, from = 1},
  lines = check.whole{6, from = 0, to = 1000}, seed = check.whole(),
  captions = check.list{of = check.text()},
})
local GREEN <const>, YELLOW <const>, GRAY <const>, BLACK <const>, RED <const> =
  {40, 230, 90}, {255, 215, 0}, {150, 150, 150}, {0, 0, 0}, {200, 0, 0}
local GAP <const>, LETTER <const>, LINE <const>, NUMBERED <const> = 6, 6, 10, 10
local MAX_PIXELS <const> = 1 << 27

-- ---- words ----------------------------------------------------------------------------

local function is_yes_no(names)
  return names and #names == 2
    and (names[1] == "no" and names[2] == "yes" or names[1] == "yes" and names[2] == "no")
end

local function number_text(value)
  return math.type(value) == "integer" and ("%d"):format(value) or format("%.3g", value)
end

-- The words below a picture.
local function words_of(ds, sample)
  local words <const> = {}
  for _, name in ipairs(check.sorted_keys(ds.labels)) do
    local value <const>, kind <const>, names <const> = sample[name], ds.kinds[name],
      ds.classes[name]
    local drawn <const> = kind == "width" or kind == "points" and value ~= nil
    if drawn then goto continue end
    if value == nil then
      words[#words + 1] = name .. "=?"
    elseif kind == "class" and is_yes_no(names) then
      if names[value] == "yes" then words[#words + 1] = name end
    elseif core.is_tensor(value) then
      local numbers <const> = {}
      for i, v in ipairs(value:reshape(-1):totable()) do numbers[i] = number_text(v) end
      words[#words + 1] = name .. "=" .. table.concat(numbers, ",")
    else
      words[#words + 1] = name .. "=" .. (names and names[value] or number_text(value))
    end
    ::continue::
  end
  return words
end

local function words_in(text)
  local words <const> = {}
  for word in (text or ""):gmatch("%S+") do words[#words + 1] = word end
  return words
end

-- Breaks words into lines of at most `letters` characters.
local function wrapped(words, letters, most)
  local lines <const> = {}
  local line = ""
  for _, word in ipairs(words) do
    if line ~= "" and #line + 2 + #word > letters then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and word or line .. "  " .. word
    while #line > letters do
      lines[#lines + 1], line = line:sub(1, letters), line:sub(letters + 1)
    end
  end
  if line ~= "" then lines[#lines + 1] = line end
  if #lines > most then
    lines[most] = lines[most]:sub(1, math.max(letters - 3, 0)) .. "..."
    for i = most + 1, #lines do lines[i] = nil end
  end
  return lines
end

-- ---- pictures -------------------------------------------------------------------------

-- Calls draw(p, x, y) for each point of a label that is not missing.
local function each_point(points, draw)
  for p, xy in ipairs(points:reshape(-1, 2):totable()) do
    if xy[1] == xy[1] and xy[2] == xy[2] then draw(p, xy[1], xy[2]) end
  end
end

local function draw_points(canvas, points, map, side)
  local few <const> = points:size(1) <= NUMBERED
  each_point(points, function(p, px, py)
    local x <const>, y <const> = map(px, py)
    core.draw_disk(canvas, x, y, side / (few and 70 or 110), GREEN)
    if few then
      core.draw_text(canvas, math.floor(x + 4), math.floor(y - 9), tostring(p), 1, GREEN)
    end
  end)
end

-- Draws the picture in the middle of its cell, with its boxes and points. If it cannot be read, the
-- message is drawn instead.
local function draw_sample(canvas, ds, i, sample, left, top, side)
  local image <const>, message <const> = ds:image(i)
  if not image then
    for l, line in ipairs(wrapped({message}, (side - 4) // LETTER, (side - 4) // LINE)) do
      core.draw_text(canvas, left + 2, top + 2 + (l - 1) * LINE, line, 1, RED)
    end
    return
  end
  local h <const>, w <const> = image:size(2), image:size(3)
  local scale <const> = side / math.max(h, w)
  local th <const>, tw <const> = math.max(1, math.floor(h * scale + 0.5)),
    math.max(1, math.floor(w * scale + 0.5))
  local x0 <const>, y0 <const> = left + (side - tw) // 2, top + (side - th) // 2
  core.draw_image(canvas, core.image_resize(ops.contiguous_copy(image:permute(2, 3, 1)), th, tw),
    x0, y0)
  local function map(x, y)
    return x0 + (x + 0.5) * tw / w - 0.5, y0 + (y + 0.5) * th / h - 0.5
  end
  local function frame(box, colour)
    local ax <const>, ay <const> = map(box[1], box[2])
    local bx <const>, by <const> = map(box[3], box[4])
    core.draw_rect(canvas, ax, ay, bx, by, 1.5, colour)
  end
  if ds.inner and ds.inner < h then
    local edge <const> = (h - ds.inner) / 2
    frame({edge - 0.5, edge - 0.5, w - edge - 0.5, h - edge - 0.5}, GRAY)
  end
  if sample.box then frame(sample.box:totable(), YELLOW) end
  for _, name in ipairs(check.sorted_keys(ds.labels)) do
    if ds.kinds[name] == "points" and sample[name] then
      draw_points(canvas, sample[name], map, side)
    end
  end
end

-- ---- the grid -------------------------------------------------------------------------

local function numbers_of(ds, n, seed)
  if type(n) == "table" then return n end
  check.size("data.show", "n", n)
  n = math.min(n, #ds)
  local numbers <const> = {}
  local order <const> = seed and core.randperm(#ds, seed):totable()
  for k = 1, n do numbers[k] = order and order[k] or 1 + (k - 1) * #ds // n end
  return numbers
end

return function(ds, n, path, given)
  local o <const> = check.options(OPTIONS, given)
  if type(ds) ~= "table" or not ds.labels then
    check.fail("data.show: wants a data set first, not %s", check.shown(ds))
  end
  picture.path("data.show", path)
  local numbers <const>, side <const> = numbers_of(ds, n, o.seed), o.side
  local columns <const> = math.min(o.columns or math.ceil(math.sqrt(1.5 * #numbers)), #numbers)
  if #numbers == 0 then
    check.fail("data.show: there are no samples to show: the data set is empty, or n is 0")
  end
  local texts <const>, samples <const> = {}, {}
  local most = 0
  for k, i in ipairs(numbers) do
    local sample <const> = ds[i]
    if not sample then check.fail("data.show: there is no sample %s of %d", check.shown(i), #ds) end
    sample.image = nil
    local words <const> = o.captions and words_in(o.captions[k]) or words_of(ds, sample)
    samples[k], texts[k] = sample, wrapped(words, side // LETTER, o.lines)
    most = math.max(most, #texts[k])
  end
  local rows <const> = (#numbers + columns - 1) // columns
  local cell <const> = side + (most > 0 and 4 + most * LINE or 0)
  local h <const>, w <const> = rows * (cell + GAP) + GAP, columns * (side + GAP) + GAP
  if h > MAX_PIXELS // w then
    check.fail("data.show: %d samples of side %d are too much for one picture: show fewer, or "
      .. "with a smaller side", #numbers, side)
  end
  local canvas <const> = core.new({h, w, 3}, "uint8", 255)
  for k, i in ipairs(numbers) do
    local left <const> = GAP + (k - 1) % columns * (side + GAP)
    local top <const> = GAP + (k - 1) // columns * (cell + GAP)
    draw_sample(canvas, ds, i, samples[k], left, top, side)
    for l, line in ipairs(texts[k]) do
      core.draw_text(canvas, left, top + side + 4 + (l - 1) * LINE, line, 1, BLACK)
    end
  end
  return picture.write("data.show", path, canvas)
end
