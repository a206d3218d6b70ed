--- Damaged files: whatever bytes are changed in a file, its reader returns a value or a message,
-- and takes less than 64 MiB.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local csv <const> = require "braid.io.csv"
local file <const> = require "spec.support.file"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local torch_file <const> = require "spec.support.torch_file"

local FLIPS <const> = 5000

local function view_reader(name)
  local parse <const> = require("braid.io." .. name).parse
  return function(bytes) return parse(files.view(bytes, "file")) end
end

local TENSORS <const> = {
  a = braid.tensor{{1, 2, 3}, {4, 5, 6}}, b = braid.tensor({-1, 2}, {dtype = "int64"}),
  c = braid.tensor{true, false}, d = braid.tensor(2.5, {dtype = "float64"}), e = braid.zeros(0, 2),
}

-- Name, reader, bytes, and whether the reader must refuse a file that is cut at any byte.
local FORMATS <const> = {
  {"safetensors", view_reader "safetensors", file.saved("t.safetensors", TENSORS, {k = "v"}), true},
  {".npy", view_reader "npy", file.saved("t.npy", TENSORS.a), true},
  {".npz", view_reader "npz", file.saved("t.npz", TENSORS), true},
  {"deflated .npz", view_reader "npz", file.deflated(TENSORS.a), true},
  {".caffemodel", view_reader "caffemodel", file.caffemodel{{"data"}, {"conv", TENSORS.a},
    {"fc", braid.zeros(2, 1), TENSORS.a}}, false},
  {".pth", view_reader "pth", torch_file.sample(), true},
  {"JSON", json.decode, json.encode{a = {1, -2.5e3, true, "x\n\u{20AC}"}, b = {c = {}}}, true},
  {".csv", csv.parse, "a,\"b \"\"c\"\"\"\r\n1,-2.5e3\r\n\r\nnan,\"4\"\n", false},
}

for _, format in ipairs(FORMATS) do
  local name <const>, read <const>, bytes <const>, all <const> = table.unpack(format)

  -- Reads a text and gives the value. Checks that the reader raises no error of its own, and gives
  -- a message if it fails.
  local function attempt(text)
    local ok <const>, value <const>, message <const> = pcall(read, text)
    if not ok then error(("%s raised for %q"):format(value, text)) end
    if value == nil and (type(message) ~= "string" or message:find("%.lua:%d")) then
      error(("the message is %s for %q"):format(message, text))
    end
    return value
  end

  describe("a damaged file, " .. name, function()
    it("was readable before it was damaged", function() assert.is_truthy(attempt(bytes)) end)

    it("cut at any byte gives a message" .. (all and "" or " or a value"), function()
      for n = 0, #bytes - 1 do
        local value <const> = attempt(bytes:sub(1, n))
        if all and value ~= nil then error(n .. " bytes are read") end
      end
    end)

    it("with changed bytes gives a value or a message, and takes little memory", function()
      math.randomseed(7)
      collectgarbage()
      core.reset_peak()
      local before <const> = braid.memory().peak
      for _ = 1, FLIPS do
        local text = bytes
        for _ = 1, math.random(3) do
          local at <const> = math.random(#text)
          text = text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1)
        end
        attempt(text)
      end
      assert.is_true(braid.memory().peak - before < 64 << 20)
    end)

    it("with a piece removed, repeated or inserted gives a value or a message", function()
      math.randomseed(8)
      for _ = 1, FLIPS / 5 do
        local from <const>, n <const>, to <const> = math.random(#bytes), math.random(0, 9),
          math.random(#bytes)
        attempt(bytes:sub(1, to) .. bytes:sub(from, from + n) .. bytes:sub(to + math.random(9)))
      end
    end)
  end)
end

it("a damaged PNG gives a value or a message", function()
  math.randomseed(9)
  local bytes <const> = file.saved("t.png", braid.full({3, 9, 9}, 7, {dtype = "uint8"}))
  for _ = 1, FLIPS do
    local at <const> = math.random(#bytes)
    local image <const>, message <const> = file.load("t.png", bytes:sub(1, at - 1)
      .. string.char(math.random(0, 255)) .. bytes:sub(at + 1))
    assert.is_true(core.is_tensor(image) or type(message) == "string")
  end
end)
