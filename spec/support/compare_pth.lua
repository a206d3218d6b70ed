--- Reads the files that compare_pth.py wrote, and compares every value: `compare_pth.lua DIR`.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"

local dir <const> = arg[1] or error("usage: compare_pth.lua DIR", 0)

local function flat(value, path, tensors, others)
  if core.is_tensor(value) then
    tensors[path] = value
  elseif type(value) == "table" then
    for key, child in pairs(value) do
      if key ~= "n" then flat(child, ("%s/%s"):format(path, key), tensors, others) end
    end
  else
    others[path] = value
  end
  return tensors, others
end

local function same(t, wanted)
  assert(#t.shape == #wanted.shape)
  for d, n in ipairs(wanted.shape) do assert(t.shape[d] == n) end
  local values <const> = t:reshape(-1):totable()
  assert(#values == #wanted.values)
  for i, v in ipairs(values) do
    if v == true or v == false then v = v and 1 or 0 end
    local w <const> = wanted.values[i]
    assert(v == w, ("%s, not %s"):format(v, w))
  end
end

local listed <const>, count, wrong = {}, {files = 0, tensors = 0, others = 0, refused = 0}, 0
for _, name in ipairs((core.list_folder(dir))) do
  if name:find("%.pth$") then listed[#listed + 1] = name:sub(1, -5) end
end
table.sort(listed)
for _, name in ipairs(listed) do
  local wanted <const> = assert(json.decode(assert(files.read(("%s/%s.json"):format(dir, name)))))
  local ok <const>, value <const> = pcall(braid.load, ("%s/%s.pth"):format(dir, name))
  if type(wanted) == "string" then
    count.refused = count.refused + 1
    if ok or not value:find(wanted, 1, true) then
      wrong = wrong + 1
      print(name, "should be refused", value)
    end
  elseif not ok then
    wrong = wrong + 1
    print(name, value)
  else
    count.files = count.files + 1
    local tensors <const>, others <const> = flat(value, "", {}, {})
    local function compare(kind, found, given, check)
      for path, w in pairs(given) do
        local fine <const>, why <const> = pcall(check, found[path], w)
        count[kind] = count[kind] + 1
        if not fine then
          wrong = wrong + 1
          print(name, path, why)
        end
        found[path] = nil
      end
      for path in pairs(found) do
        wrong = wrong + 1
        print(name, path, "should not be there")
      end
    end
    compare("tensors", tensors, wanted.tensors, same)
    compare("others", others, wanted.others, function(a, b) assert(a == b, a) end)
  end
end
print(("%d files, %d tensors and %d other values equal, %d files refused; %d wrong"):format(
  count.files, count.tensors, count.others, count.refused, wrong))
os.exit(wrong == 0 and count.files > 0)
