--- braid.load, open, inspect and save, called with wrong values. The error is at the user's line,
-- and names the function and what is wrong.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local files <const> = require "braid.io.files"

local ENDINGS <const> = {"npy", "npz", "csv", "safetensors", "caffemodel", "pth", "pt", "png",
  "jpg", "jpeg"}

-- Every reader: the function's name, a file's ending, and the call.
local READERS <const> = {}
for _, ending in ipairs(ENDINGS) do READERS[#READERS + 1] = {"load", ending, braid.load} end
for _, name in ipairs{"open", "inspect"} do
  READERS[#READERS + 1] = {name, "safetensors", braid[name]}
end

-- The message that f(...) raises, without its file and line. These must be in this file.
local function message_of(f, ...)
  local ok <const>, message <const> = pcall(f, ...)
  assert.is_false(ok)
  assert.equal("string", type(message))
  local place <const>, text <const> = message:match("^(spec/io/reading_spec%.lua:%d+: )(.*)$")
  assert.is_truthy(place, message)
  for _, raw in ipairs{"attempt to", "bad argument", "lua/braid/", "stack overflow", "%%"} do
    assert.is_nil(text:find(raw, 1, true), message)
  end
  return text
end

local NOTHING <const> = {}

-- Values of each kind that are not a path.
local NO_PATHS <const> = {NOTHING, 3, 2.5, true, {}, print, braid.ones(1), braid.nn.Linear(1, 1),
  coroutine.create(print), "", "a\0b"}

for _, reader in ipairs(READERS) do
  local name <const>, ending <const>, read <const> = table.unpack(reader)

  describe(("braid.%s of .%s"):format(name, ending), function()
    it("raises an error for values that are not a path", function()
      for _, value in ipairs(NO_PATHS) do
        local path = value
        if value == NOTHING then path = nil end
        if type(path) == "string" and path ~= "" then path = path .. "." .. ending end
        assert.matches("^" .. name .. ": .*path of a file", message_of(function()
          read(path)
        end))
      end
    end)

    it("says what is at the path if it is no file of this kind", function()
      shell.in_directory(function(folder)
        local function path(part) return ("%s/%s.%s"):format(folder, part, ending) end
        shell.run(("cd %s; mkdir d.%s; : >empty.%s; echo '<html>404' >page.%s; ln -s a.%s a.%s; "
          .. "ln -s /dev/null null.%s; head -c 5000 /dev/urandom >noise.%s; "
          .. "printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' "
          .. ">pointer.%s"):format(folder, (ending .. " "):rep(8):match("(%S+)"), ending, ending,
          ending, ending, ending, ending, ending))
        for part, what in pairs{none = "", ["no/none"] = "", d = "directory", empty = "", page = "",
          a = "symbolic", null = "", noise = "", pointer = ""} do
          if not (ending == "csv" and part == "noise") then
            local text <const> = message_of(function() read(path(part)) end)
            assert.equal(name .. ": ", text:sub(1, #name + 2))
            assert.matches(path(part), text, 1, true)
            assert.matches(what, text, 1, true)
          end
        end
      end)
    end)

    it("names the files in the folder if the file does not exist", function()
      shell.in_directory(function(folder)
        for i = 1, 7 do assert(files.write(("%s/f%d.%s"):format(folder, i, ending), {"x"})) end
        local text <const> = message_of(function() read(folder .. "/g." .. ending) end)
        assert.matches(("(there is f1.%s, f2.%s, f3.%s, f4.%s, f5.%s, ...)"):format(ending, ending,
          ending, ending, ending), text, 1, true)
        assert.matches("its folder does not exist either", message_of(function()
          read(folder .. "/no/g." .. ending)
        end), 1, true)
      end)
    end)
  end)
end

-- Values that some or all file formats cannot hold.
local VALUES <const> = {NOTHING, 3, "x", true, print, {}, {1}, {a = 1}, {a = {}}, {a = "x"},
  {[1] = braid.ones(1)}, {a = braid.ones(1), b = 2}, {data = 3}, {data = {}, header = {"a"}},
  {data = braid.ones(2, 2), header = 3}, {data = braid.ones(2, 2), header = {1, 2}},
  {data = braid.ones(2, 2), header = {"a"}}, {[true] = braid.ones(1)}, {["a\255"] = braid.ones(1)},
  braid.tensor(1), braid.ones(3), braid.ones(2, 3, 4), braid.ones(1, 1, 1, 1), braid.zeros(0, 3),
  braid.zeros({5, 2, 2}, {dtype = "uint8"}), braid.zeros({0, 2, 2}, {dtype = "uint8"}),
  braid.zeros({3, 0, 2}, {dtype = "uint8"}), braid.zeros({3, 1, 2}, {dtype = "uint8"}),
  braid.nn.Linear(1, 1), coroutine.create(print)}

describe("braid.save", function()
  for _, ending in ipairs{"npy", "npz", "csv", "safetensors", "png", "jpg", "pt", "",
    "caffemodel"} do
    it("writes a value as ." .. ending .. " or raises an error, and then leaves no file", function()
      shell.in_directory(function(folder)
        local path <const>, written, refused = ("%s/t.%s"):format(folder, ending), 0, 0
        for _, value in ipairs(VALUES) do
          local given = value
          if value == NOTHING then given = nil end
          if pcall(braid.save, path, given) then
            written = written + 1
            os.remove(path)
          else
            refused = refused + 1
            assert.matches("^save: ", message_of(function() braid.save(path, given) end))
          end
          assert.equal("", shell.run("ls -A " .. folder).out)
        end
        assert.is_true(refused > 10)
        assert.equal(ending == "jpg" or ending == "pt" or ending == "" or ending == "caffemodel",
          written == 0)
      end)
    end)
  end

  it("raises an error for values that are not a path", function()
    for _, value in ipairs(NO_PATHS) do
      local path = value
      if value == NOTHING then path = nil end
      if type(path) == "string" and path ~= "" then path = path .. ".npy" end
      for _, what in ipairs{braid.ones(1), braid.nn.Linear(1, 1)} do
        assert.matches("^save: .*path of a file", message_of(function() braid.save(path, what) end))
      end
    end
  end)

  it("refuses metadata that are not strings by name, and any metadata for .npy", function()
    for _, metadata in ipairs{3, "x", true, print, {1}, {a = 1}, {a = {}}, {[1] = "x"},
      {a = "\255"}, {["\255"] = "a"}, braid.ones(1)} do
      assert.matches("^save: .*metadata", message_of(function()
        braid.save("x.safetensors", {a = braid.ones(1)}, metadata)
      end))
      assert.matches("^save: .npy files have no metadata", message_of(function()
        braid.save("x.npy", braid.ones(1), metadata)
      end))
    end
  end)
end)
