--- Gives CelebA and AFLW the labels of MTFL, so that an experiment can use them in place of MTFL:
-- five points, gender (1 male, 2 female), smile and glasses (1 yes, 2 no), pose (five classes). A
-- label that the data lack is missing.

local core <const> = require "braid.core"
local data <const> = require "braid.data"

local M <const> = {}

-- In CelebA no is 1 and yes is 2; in MTFL yes is 1 and no is 2, and male is 1 and female is 2.
local ATTRIBUTES <const> = {gender = "Male", smile = "Smiling", glasses = "Eyeglasses"}

-- 1 and 2 change places, and 0 stays.
local function turned(t) return (3 - t:to("int64")):masked_fill(t:eq(0), 0) end

function M.celeba(path, o)
  local sets <const> = data.celeba(path, {aligned = true, size = o.size, channels = o.channels})
  for name, set in pairs(sets) do
    local labels <const> = {}
    for own, other in pairs(ATTRIBUTES) do
      labels[own] = set.labels[other] and turned(set.labels[other])
    end
    sets[name] = set:labelled(labels)
  end
  return sets, "CelebA: Male, Smiling and Eyeglasses are gender, smile and glasses"
end

-- The points of AFLW that are MTFL's: centres of the eyes and of the nose, corners of the mouth.
local FIVE <const> = {8, 11, 15, 18, 20}
local EDGES <const> = {-45, -15, 15, 45} -- limits between the five poses, in degrees of yaw

function M.aflw(path, o)
  local set <const> = data.aflw(path, {size = o.size, channels = o.channels}).train
  local labels <const> = {landmarks = set.labels.landmarks:index_select(2,
    core.from_table(FIVE, "int64")), smile = core.new({#set}, "int64", 0)}
  for _, name in ipairs{"gender", "glasses"} do
    labels[name] = set.labels[name] or core.new({#set}, "int64", 0)
  end
  local yaw <const> = set.labels.yaw
  labels.pose = core.new({#set}, "int64", yaw and 1 or 0)
  for _, edge in ipairs(yaw and EDGES or {}) do
    labels.pose = labels.pose + yaw:ge(edge):to("int64")
  end
  if yaw then labels.pose = labels.pose:masked_fill(yaw:ne(yaw), 0) end
  return {train = set:labelled(labels)}, "AFLW: five of its points; poses are steps of 30 degrees "
    .. "of yaw, and a negative one counts as left"
end

return M
