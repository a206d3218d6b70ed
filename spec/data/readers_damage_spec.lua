--- Tests every reader of lists on damaged files: whatever is changed in a file, its reader returns
-- data sets or raises an error that names the file, and needs little memory.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local data <const> = braid.data

local trees <const> = require("spec.support.reader_trees").readers
local COCO <const> = "annotations/person_keypoints_train2017.json"

local FLIPS <const> = 80

local function listing(n)
  local lines <const> = {n .. "\r\n", "A B C \r\n"}
  for i = 1, n do lines[#lines + 1] = ("%06d.jpg  -1  1 -1\r\n"):format(i) end
  return table.concat(lines)
end

-- Name, the file that is damaged, its bytes, the other files, and how they are read.
local CASES <const> = {
  {"data.idx", "i", "\0\0\8\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijkl", {l = "\0\0\8\1\0\0\0\2\3\4"},
    function(dir) return data.idx(dir .. "/i", dir .. "/l") end},
  {"data.idx, labels", "l", "\0\0\8\1\0\0\0\2\3\4",
    {i = "\0\0\8\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijkl"},
    function(dir) return data.idx(dir .. "/i", dir .. "/l") end},
  {"data.cifar100", "train.bin", "\3\4" .. ("x"):rep(3072), {["test.bin"] = ("\1"):rep(3074)},
    data.cifar100},
  {"data.celeba", "list_attr_celeba.txt", listing(9), {["000001.jpg"] = ""}, data.celeba},
  {"data.pts", "a.pts", "version: 1\nn_points: 3\n{\n1 2\n3.5 4e1\n5 nan\n}\n", {["a.png"] = ""},
    data.pts},
  {"data.wflw", "list_98pt_rect_attr_train.txt", trees.wflw["list_98pt_rect_attr_train.txt"], {},
    data.wflw},
  {"data.cofw", "cofw_train.txt", trees.cofw["cofw_train.txt"], {}, data.cofw},
  {"data.coco", COCO:match("[^/]*$"), trees.coco[COCO], {}, data.coco},
  {"data.wider", "wider_face_train_bbx_gt.txt", trees.wider["wider_face_train_bbx_gt.txt"], {},
    data.wider},
  {"data.csv", "m.csv", "path,x,\"y z\"\r\na.png,1,w\r\n\"b\"\"c\",,v\r\n", {},
    function(dir) return data.csv(dir .. "/m.csv") end},
  {"data.jsonl", "m.jsonl", '{"path": "a", "p": [[1, 2], [3, null]], "b": true}\n{"path": "c"}\n',
    {}, function(dir)
      return data.jsonl(dir .. "/m.jsonl", {classes = {"b"}, points = {p = "p"}})
    end},
}

for _, case in ipairs(CASES) do
  local name <const>, file <const>, bytes <const>, others <const>, read <const> =
    table.unpack(case)
  describe("damaged data of " .. name, function()
    it("give data sets or an error that names the file", function()
      math.randomseed(3)
      shell.in_directory(function(dir)
        for other, text in pairs(others) do shell.write(dir .. "/" .. other, text) end
        local function attempt(text)
          shell.write(dir .. "/" .. file, text)
          local ok <const>, sets <const> = pcall(read, dir)
          if ok then
            assert(#sets.train > 0 and sets.train[1])
            return true
          end
          local message <const> =
            sets:match("^%.?/?spec/data/readers_damage_spec.lua:%d+: data%.%w+: (.*)$")
          if not message or message:find("%.lua:%d") or not message:find(dir, 1, true) then
            error(("%s raised for %q"):format(sets, text))
          end
        end
        assert(attempt(bytes), "not damaged yet")
        core.reset_peak()
        local before <const> = braid.memory().peak
        for n = 0, #bytes - 1, math.max(1, #bytes // 30) do attempt(bytes:sub(1, n)) end
        for _ = 1, FLIPS do
          local text = bytes
          for _ = 1, math.random(3) do
            local at <const> = math.random(math.min(#text, 400))
            text = text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1)
          end
          attempt(text)
        end
        assert.is_true(braid.memory().peak - before < 8 << 20)
      end)
    end)
  end)
end
