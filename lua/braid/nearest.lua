--- Finds the names nearest to a misspelt one.

local M <const> = {}

local MANY <const> = 60 -- if there are no more names than this, a message may list all of them
local LONGEST <const> = 60 -- only so many characters at the beginning of a name are compared

-- The number of letters to change, add, drop or swap with a neighbour to turn a into b, or `limit`
-- + 1 if there are more than `limit` (Damerau and Levenshtein, optimal alignment).
local function distance(a, b, limit)
  local n <const>, m <const> = #a, #b
  if math.abs(n - m) > limit then return limit + 1 end
  local before, row = {}, {}
  for j = 0, m do row[j] = j end
  for i = 1, n do
    local above <const>, least = row, i
    row = {[0] = i}
    for j = 1, m do
      local same <const> = a:byte(i) == b:byte(j)
      local d = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        d = math.min(d, before[j - 2] + 1)
      end
      row[j], least = d, math.min(least, d)
    end
    if least > limit then return limit + 1 end
    before = above
  end
  return row[m]
end

--- The names in a list that `name` may mean: at most three, the nearest first.
function M.names(name, known)
  local found <const>, wanted <const> = {}, tostring(name):sub(1, LONGEST):lower()
  local limit <const> = math.max(1, #wanted // 3)
  for _, other in ipairs(known) do
    local d <const> = distance(wanted, other:sub(1, LONGEST):lower(), limit)
    if d <= limit then found[#found + 1] = {d = d, name = other} end
  end
  table.sort(found, function(a, b)
    if a.d ~= b.d then return a.d < b.d end
    return a.name < b.name
  end)
  for i = 1, #found do found[i] = i <= 3 and found[i].name or nil end
  return found
end

--- The words of a message after "there is no ...": the nearest names, or all names if none is near
-- and there are few.
function M.hint(name, known)
  local near <const> = M.names(name, known)
  if #near > 0 then return "did you mean " .. table.concat(near, " or ") .. "?" end
  local all <const> = table.move(known, 1, #known, 1, {})
  if #all > MANY then return ("none of its %d names is near that"):format(#all) end
  table.sort(all)
  return #all > 0 and "there is " .. table.concat(all, ", ") or "there is none"
end

-- Whether a is b with two neighbouring letters swapped, or with one letter more or less. A final
-- "s" and digits do not count: names that differ only there are different on purpose.
local function slipped(a, b)
  if a:gsub("%d", "") == b:gsub("%d", "") or a .. "s" == b or b .. "s" == a then return false end
  if #a == #b then
    for i = 1, #a - 1 do
      if a:byte(i) ~= b:byte(i) then
        return a:byte(i) == b:byte(i + 1) and a:byte(i + 1) == b:byte(i)
          and a:sub(i + 2) == b:sub(i + 2)
      end
    end
    return false
  end
  local short <const>, long <const> = #a < #b and a or b, #a < #b and b or a
  if #long - #short ~= 1 or #short < 4 then return false end
  for i = 2, #long do -- a missing first letter is rare
    if short == long:sub(1, i - 1) .. long:sub(i + 1) then return true end
  end
  return false
end

--- The name in a list for which `name` is a typing mistake, or nil. It is stricter than M.names,
-- because unknown names may be allowed where it is used.
function M.slip(name, known)
  if #name < 4 or #name > LONGEST then return nil end
  for _, other in ipairs(known) do
    if other ~= name and slipped(name, other) then return other end
  end
end

return M
