--- The function that spec/fuzz/parse.c calls with each input. The first byte chooses the reader.

local caffemodel <const> = require "braid.io.caffemodel"
local core <const> = require "braid.core"
local csv <const> = require "braid.io.csv"
local data <const> = require "braid.data"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local npy <const> = require "braid.io.npy"
local npz <const> = require "braid.io.npz"
local onnx <const> = require "braid.onnx.import.parse"
local pth <const> = require "braid.io.pth"
local safetensors <const> = require "braid.io.safetensors"
local tar <const> = require "braid.io.tar"

local READERS <const> = {s = safetensors.parse, n = npy.parse, z = npz.parse,
  p = caffemodel.parse, h = pth.parse, o = onnx, t = tar.parse}
local TEXT_READERS <const> = {c = csv.parse, j = json.decode}

-- Readers of files: the name of the fuzzed file, the other files in its directory, and the call.
local pictures <const> = {["1.png"] = "", ["a.png"] = ""}
local FILES <const> = {
  C = {"t.csv", pictures, function(dir) return data.csv(dir .. "/t.csv") end},
  D = {"t.csv", pictures, function(dir)
    return data.csv(dir .. "/t.csv", {header = false, image = 1, missing = {"NA", -1},
      classes = {2}, from = 0, check = true})
  end},
  L = {"t.jsonl", pictures, function(dir) return data.jsonl(dir .. "/t.jsonl") end},
  G = {"t.csv", {}, function(dir)
    return data.table(dir .. "/t.csv", {missing = "NA", indicator = true})
  end},
  T = {"t.tar", {}, function(dir) return data.tar(dir .. "/t.tar") end},
  P = {"1.pts", pictures, data.pts},
  M = {"training.txt", {["testing.txt"] = ""}, data.mtfl},
  A = {"list_attr_celeba.txt", pictures, data.celeba},
  K = {"list_attr_celeba.csv", pictures, data.celeba},
  F = {"aflw.csv", pictures, data.aflw},
  I = {"train-images-idx3-ubyte", {["train-labels-idx1-ubyte"] = "\0\0\8\1\0\0\0\1\3"}, data.idx},
  B = {"train.bin", {["test.bin"] = ("\1"):rep(3074)}, data.cifar100},
}

local function write(path, bytes)
  local out <const> = assert(io.open(path, "wb"))
  out:write(bytes)
  out:close()
end

local home <const> = os.tmpname()
os.remove(home)
for kind, case in pairs(FILES) do
  case.dir = home .. "-" .. kind
  core.make_folder(case.dir)
  for name, bytes in pairs(case[2]) do write(case.dir .. "/" .. name, bytes) end
end

-- Returns data sets, or raises an error that names the reader and the directory.
local function read_file(case, bytes)
  write(case.dir .. "/" .. case[1], bytes)
  local ok <const>, value <const> = pcall(function() return (case[3](case.dir)) end)
  if ok then return assert(#value.train > 0) end
  assert(value:find("^.-parse%.lua:%d+: data%.%w+: ") and value:find(case.dir, 1, true)
    and not value:match("data%.%w+: (.*)"):find("%.lua:%d"), value)
end

-- Random changes would never give a right CRC, so every CRC is 0, also in the inputs of seeds.lua.
core.crc32 = function() return 0 end

return function(input)
  local kind <const>, bytes <const> = input:sub(1, 1), input:sub(2)
  local value, message
  if READERS[kind] then
    value, message = READERS[kind](files.view(bytes, "file"))
  elseif TEXT_READERS[kind] then
    value, message = TEXT_READERS[kind](bytes)
  elseif FILES[kind] then
    return read_file(FILES[kind], bytes)
  else
    return
  end
  if value == nil then
    assert(type(message) == "string", "no message")
    assert(not message:find("%.lua:%d"), message)
  elseif kind == "j" then -- what was read can be written again, except nulls and infinities
    local ok <const>, text <const> = pcall(json.encode, value)
    if ok then assert(json.decode(text) ~= nil, "what was written is not read") end
  end
end
