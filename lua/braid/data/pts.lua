--- data.pts: reads faces with their points in .pts files beside the pictures. 300-W (Sagonas et al.
-- 2013) with its parts AFW, HELEN, LFPW and IBUG, XM2VTS and others are published in this form.
--
-- data.pts(dir) -> {train =, test =}, or {train = all} if the names of folders do not say more.
-- Files in a folder trainset or afw are for training; in testset, ibug, 01_Indoor or 02_Outdoor for
-- testing; all others for training. Every NAME.pts, at any depth, needs NAME.jpg, .jpeg or .png
-- beside it, in upper or lower case. The label is `landmarks`. The files count pixels from 1, and
-- all have the same number of points. For 68 points Braid knows the eyes (37 to 42 and 43 to 48)
-- and how mirroring renumbers points; for any other number of points mtl.landmarks needs `eyes`. A
-- point with a coordinate of nan is missing.
--
-- points = n takes only files with n points. Pictures are turned as their EXIF data say, and points
-- are places in the turned picture; orientation = false leaves pictures as they are stored.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.pts("pts").train[1]

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local readers <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.pts", readers.options{points = check.whole{from = 1}})
local ENDINGS <const> = {jpg = 1, png = 2, jpeg = 3}
local TEST <const> = {testset = true, ibug = true, ["01_indoor"] = true, ["02_outdoor"] = true}
local MAX_POINTS <const>, NAN <const> = 10000, 0 / 0

-- Reads the two numbers of a line between the braces.
local function add_point(path, number, line, into)
  local xy <const> = {}
  for word in line:gmatch("%S+") do
    local value <const> = word:lower() == "nan" and NAN or tonumber(word)
    if not value or math.abs(value) > 1e6 then
      fail("%s:%d: '%s' is not a number from -1e6 to 1e6", path, number, word:sub(1, 40))
    end
    xy[#xy + 1] = value
  end
  if #xy == 0 then return end
  if #xy ~= 2 then fail("%s:%d: x and y wanted, %d numbers found", path, number, #xy) end
  into[#into + 1], into[#into + 2] = xy[1] - 1, xy[2] - 1
end

-- The points of a file, {x1, y1, ...} counted from 0.
local function points_of(path)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local points <const> = {}
  local announced, inside, number = nil, "before", 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    if #line > limits.line then
      fail("%s:%d: %s", path, number, limits.over("line", #line, "bytes"))
    end
    if inside == "before" then
      announced = tonumber(line:match("^%s*n_points:%s*(%d+)%s*$")) or announced
      if line:find("^%s*{%s*$") then
        inside = "inside"
      elseif line:find("%S") and not line:find("^%s*[%a_]+:") then
        fail("%s:%d: 'version: 1', 'n_points: 68' or '{' wanted, not '%s'", path, number,
          line:sub(1, 40))
      end
    elseif line:find("^%s*}%s*$") then
      inside = "after"
    elseif inside == "inside" then
      add_point(path, number, line, points)
      if #points > 2 * MAX_POINTS then fail("%s:%d: too many points", path, number) end
    elseif line:find("%S") then
      fail("%s:%d: more after the points", path, number)
    end
  end
  if inside ~= "after" then fail("%s: the points are not between { and }", path) end
  if announced and announced ~= #points // 2 then
    fail("%s: %d points announced, %d found", path, announced, #points // 2)
  end
  return points
end

-- The pictures of a folder by name without ending. If several have the same name, the first ending
-- of ENDINGS is taken.
local function pictures_of(names)
  local found <const>, rank <const> = {}, {}
  for _, name in ipairs(names) do
    local stem <const>, ending <const> = name:match("^(.*)%.(%w+)$")
    local own <const> = ENDINGS[(ending or ""):lower()]
    if own and own < (rank[stem] or math.huge) then found[stem], rank[stem] = name, own end
  end
  return found
end

-- The faces below a directory, as a list of {path =, pts =, set =}.
local function gather(root)
  local into <const> = {}
  places.walk(root, function(folder, names, _, above)
    local own <const> = folder:lower():match("([^/]*)/$")
    local set <const> = TEST[own] and "test" or (own == "trainset" or own == "afw") and "train"
      or above or "train"
    local pictures <const> = pictures_of(names)
    for _, name in ipairs(names) do
      local stem <const> = name:match("^(.*)%.[pP][tT][sS]$")
      if stem and not pictures[stem] then
        fail("%s/%s%s: there is no picture beside it", root, folder, name)
      elseif stem then
        into[#into + 1] = {path = folder .. pictures[stem], pts = folder .. name, set = set}
      end
    end
    return set
  end)
  return into
end

local function load(dir, o)
  local faces <const>, width = gather(dir), o.points
  local sets <const> = {}
  for _, face in ipairs(faces) do
    local path <const> = dir .. "/" .. face.pts
    local points <const> = points_of(path)
    if not o.points and width and #points // 2 ~= width then
      fail("%s: %d points, but %d in the files before; points = ... takes the files of one number",
        path, #points // 2, width)
    end
    width = width or #points // 2
    if #points == 0 then fail("%s: there are no points in it", path) end
    if #points // 2 == width then
      local set <const> = sets[face.set] or {paths = {}, points = {}}
      sets[face.set] = set
      set.paths[#set.paths + 1] = face.path
      table.move(points, 1, #points, #set.points + 1, set.points)
    end
  end
  if not next(sets) then
    places.absent(dir, ("there is no .pts file%s in it"):format(o.points
      and " of that many points" or ""))
  end
  if not sets.train then sets.train, sets.test = sets.test, nil end
  local made <const> = {}
  for name, set in pairs(sets) do
    made[name] = readers.dataset(o, {files = set.paths, root = dir,
      points = {landmarks = width == 68 and schemes.MULTI_PIE or nil},
      labels = {landmarks = core.from_table(set.points, "float32"):reshape(-1, width, 2)}})
  end
  return made
end

return damage.reader("data.pts", function(dir, given)
  local o <const> = check.options(OPTIONS, given)
  return load(damage.path("data.pts", dir, "the directory of the data"), o)
end)
