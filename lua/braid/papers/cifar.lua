--- CIFAR-10 as five tasks of two classes each (Fang et al. 2017, section 4.2). It is read from the
-- binary version, or from folders of pictures: train/airplane/*.jpg ..., test/airplane/*.jpg ...

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local data <const> = require "braid.data"

local PAIRS <const> = {airplane_ship = {"airplane", "ship"}, bird_frog = {"bird", "frog"},
  automobile_truck = {"automobile", "truck"}, cat_dog = {"cat", "dog"},
  deer_horse = {"deer", "horse"}}

-- A label for each pair: 1 and 2 for its classes, 0 (missing) for all others.
local function with_pairs(ds, path)
  local function is(name)
    for i, class in ipairs(ds.classes.class) do
      if class == name then return ds.labels.class:eq(i):to("int64") end
    end
    check.fail("papers: %s has no class '%s'", path, name)
  end
  local labels <const> = {}
  for name, pair in pairs(PAIRS) do
    labels[name] = is(pair[1]) + is(pair[2]) * 2
  end
  return ds:labelled(labels)
end

return function(path, images)
  local binary <const> = core.path_kind(path .. "/data_batch_1.bin") == "file"
    or core.path_kind(path .. "/cifar-10-batches-bin/data_batch_1.bin") == "file"
  local sets <const> = binary and data.cifar10(path) or data.images(path, {channels = 3})
  if not (sets.train and sets.test) then
    check.fail("papers: %s must hold the folders train and test, each with a folder for each class",
      path)
  end
  local chosen = sets.train
  if images > 0 and images < #chosen then
    chosen = select(2, chosen:split(images, {stratify = "class", seed = 1}))
  end
  return {train = with_pairs(chosen, path), test = with_pairs(sets.test, path)}
end
