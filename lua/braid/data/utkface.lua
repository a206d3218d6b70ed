--- UTKFace (Zhang, Song and Qi 2017): faces whose labels are in the names of their files.
--
-- data.utkface(dir) -> {train = all faces}: there is no official split. A name is
-- [age]_[gender]_[race]_[date].jpg, or .jpg.chip.jpg, at any depth. Labels: age in years; gender
-- (1 male, 2 female); race, as the publication calls it (1 White, 2 Black, 3 Asian, 4 Indian, 5
-- other).
-- A few published names lack a part. Pictures whose names do not have the form above are left out:
-- train.unreadable counts them, and train.first_unreadable says what is wrong with the first.
-- size is the side of a loader's pictures, channels 1 or 3. orientation = false ignores the EXIF
-- orientation of pictures.
-- @treturn {train: data.dataset}
-- @usage data.utkface("utkface").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"

local OPTIONS <const> = check.declare("data.utkface", pictures.options{})
local ENDINGS <const> = {jpg = true, jpeg = true, png = true}
local OLDEST <const> = 130
local CLASSES <const> = {gender = {"male", "female"},
  race = {"White", "Black", "Asian", "Indian", "other"}}

-- {age =, gender =, race =} of a file's name; or nil and what is wrong.
local function labels_of(name)
  local age <const>, gender <const>, race <const> = name:match("^(%d+)_(%d+)_(%d+)_%d+%.")
  if not age then return nil, "it is not [age]_[gender]_[race]_[date].jpg" end
  if #age > 3 or tonumber(age) > OLDEST then return nil, ("nobody is %s years old"):format(age) end
  if not gender:find("^[01]$") then return nil, "the gender must be 0 or 1" end
  if not race:find("^[0-4]$") then return nil, "the race must be from 0 to 4" end
  return {age = tonumber(age), gender = tonumber(gender) + 1, race = tonumber(race) + 1}
end

return damage.reader("data.utkface", function(path, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.utkface", path, "the directory of the data")
  local files <const>, columns <const> = {}, {age = {}, gender = {}, race = {}}
  local faulty, first = 0, nil
  places.walk(top, function(folder, names)
    for _, name in ipairs(names) do
      if ENDINGS[(name:match("%.(%w+)$") or ""):lower()] then
        local labels <const>, wrong <const> = labels_of(name)
        if labels then
          files[#files + 1] = folder .. name
          for key, column in pairs(columns) do column[#files] = labels[key] end
        else
          faulty = faulty + 1
          first = first or ("%s/%s%s: %s"):format(top, folder, name, wrong)
        end
      end
    end
  end)
  if #files == 0 and first then damage.fail("%s; no other name can be read either", first) end
  if #files == 0 then
    places.absent(top, "there is no picture named [age]_[gender]_[race]_[date]")
  end
  local train <const> = pictures.dataset(o, {files = files, root = top, classes = CLASSES,
    missing = 0, labels = {age = core.from_table(columns.age, "float32"),
      gender = core.from_table(columns.gender, "int64"),
      race = core.from_table(columns.race, "int64")}})
  train.unreadable, train.first_unreadable = faulty, first
  return {train = train}
end)
