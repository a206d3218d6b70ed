--- Landmark schemes of published data: which points are the eyes, and how mirroring renumbers the
-- points. The fields are those of Dataset's `points`.

local M <const> = {}

--- Left eye, right eye, nose, left and right mouth corner, as seen in the picture: the points of
-- MTFL, CelebA and rendered faces.
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

--- The 98 points of WFLW: jaw 1 to 33, brows 34 to 51, nose 52 to 60, eyes 61 to 76 with the outer
-- corners 61 and 73, mouth 77 to 96, pupils 97 and 98.
M.WFLW = {eyes = {61, 73},
  flip = joined(range(33, 1), range(47, 43), range(51, 48), range(38, 34), range(42, 39),
    range(52, 55), range(60, 56), range(73, 69), {76, 75, 74}, range(65, 61), {68, 67, 66},
    range(83, 77), range(88, 84), range(93, 89), range(96, 94), {98, 97})}

--- The 29 points of COFW: brows 1 to 8, eyes 9 to 18 with the pupils 17 and 18, nose 19 to 22,
-- mouth 23 to 28, chin 29.
M.COFW = {eyes = {17, 18}, flip = {2, 1, 4, 3, 7, 8, 5, 6, 10, 9, 12, 11, 15, 16, 13, 14, 18, 17,
  20, 19, 21, 22, 24, 23, 25, 26, 27, 28, 29}}

--- The 17 keypoints of COCO: nose, then left and right, as the person has them, of eyes, ears,
-- shoulders, elbows, wrists, hips, knees and ankles. The eye seen on the left is the right one, 3.
M.COCO = {eyes = {3, 2}, flip = {1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 17, 16}}

--- The point that each point becomes in a mirror image: the one whose name has Right for Left, and
-- Left for Right.
function M.mirrored(names)
  local number <const>, flip <const> = {}, {}
  for p, name in ipairs(names) do number[name] = p end
  for p, name in ipairs(names) do
    flip[p] = number[name:gsub("%u%l+", {Left = "Right", Right = "Left"})]
  end
  return flip
end

return M
