--- Landmark schemes of published data: which points are the eyes, and how mirroring renumbers the
-- points. The fields are those of Dataset's `points`.

local M <const> = {}

--- Left eye, right eye, nose, left and right mouth corner, as seen: MTFL, CelebA, rendered faces.
M.FIVE = {eyes = {1, 2}, flip = {2, 1, 3, 5, 4}}

--- The poses of MTFL and of rendered faces: left profile, left, frontal, right, right profile.
-- Each entry is the pose that a mirrored picture shows.
M.POSE = {5, 4, 3, 2, 1}

--- The classes of MTFL and of rendered faces.
M.CLASSES = {
  gender = {"male", "female"}, smile = {"yes", "no"}, glasses = {"yes", "no"},
  pose = {"left profile", "left", "frontal", "right", "right profile"},
}

-- The numbers from first to last as a list.
local function range(first, last)
  local list <const> = {}
  for p = first, last, first <= last and 1 or -1 do list[#list + 1] = p end
  return list
end

-- Joins lists into one.
local function joined(...)
  local all <const> = {}
  for _, list in ipairs{...} do table.move(list, 1, #list, #all + 1, all) end
  return all
end

--- The 68 points of Multi-PIE's scheme, which 300-W and its parts use: jaw 1 to 17, brows 18 to 27,
-- nose 28 to 36, eyes 37 to 42 and 43 to 48, mouth 49 to 68 with its inner rim from 61 on.
M.MULTI_PIE = {eyes = {range(37, 42), range(43, 48)},
  flip = joined(range(17, 1), range(27, 18), range(28, 31), range(36, 32), {46, 45, 44, 43, 48, 47},
    {40, 39, 38, 37, 42, 41}, range(55, 49), range(60, 56), range(65, 61), range(68, 66))}

--- The point that each point becomes in a mirror image, as its name tells, which has Left or Right.
function M.mirrored(names)
  local number <const>, flip <const> = {}, {}
  for p, name in ipairs(names) do number[name] = p end
  for p, name in ipairs(names) do
    flip[p] = number[name:gsub("%u%l+", {Left = "Right", Right = "Left"})]
  end
  return flip
end

return M
