--- Writes the inputs that fuzzing starts from: `seeds.lua DIRECTORY` fills its directories
-- png, jpeg and parse.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local pictures <const> = dofile "spec/support/odd_pictures.lua"

core.crc32 = function() return 0 end -- see parse.lua

local root <const> = assert(arg[1], "seeds.lua DIRECTORY")

local function put(name, prefix, bytes)
  assert(files.write(root .. "/" .. name, {prefix, bytes}))
end

local file <const> = dofile "spec/support/file.lua"

local torch_file <const> = dofile "spec/support/torch_file.lua"

local function saved(ending, ...) return file.saved("seed." .. ending, ...) end

local tensors <const> = {
  a = braid.tensor{{1, 2, 3}, {4, 5, 6}}, b = braid.tensor({-1, 2}, {dtype = "int64"}),
  c = braid.tensor{true, false}, d = braid.tensor(2.5, {dtype = "float64"}),
}
put("parse/safetensors", "s", saved("safetensors", tensors, {k = "v"}))
put("parse/npz", "z", saved("npz", tensors))
put("parse/npz-deflated", "z", file.deflated(tensors.a))
for name, t in pairs(tensors) do put("parse/npy-" .. name, "n", saved("npy", t)) end
put("parse/npy-fortran", "n", (saved("npy", tensors.a):gsub("False", "True ")))
put("parse/npy-big", "n", (saved("npy", tensors.a):gsub("<f4", ">f4")))
put("parse/caffemodel", "p", file.caffemodel{{"data"}, {"conv", tensors.a, braid.zeros(3)}})
put("parse/pth", "h", torch_file.sample())
put("parse/pth-tensor", "h", torch_file.bytes(torch_file.tensor(
  torch_file.storage("Half", "0", 2), 0, {2, 2}, {0, 1}), {"abcd"}, {protocol = 4, order = "big"}))
local golden <const> = braid.load("spec/golden/onnx.safetensors")
for _, op in ipairs{"Conv", "LSTM", "Resize", "If", "Loop", "Gemm"} do
  put("parse/onnx-" .. op, "o", core.bytes(golden[op .. ".1.model"]))
end
put("parse/csv", "c", "a,\"b \"\"c\"\"\"\r\n1,-2.5e3\r\n\r\nnan,\"4\"\n")
put("parse/json", "j", json.encode{a = {1, -2.5e3, true, "x\n\u{20AC}"}, b = {c = {}}}
  .. "  \n")
put("parse/json-escapes", "j", "[\"\\u20ac\\ud83d\\ude00\\n\\\\\", null, 1e5, {}]")

put("parse/table", "C", "path,age,\"k\"\r\na.png,\"1,5\",x\r\nb.png,2,y\n")
put("parse/table-semicolons", "C", "sep=;\npath;age;k\na.png;1.234,5;x\nb.png;2 %;NA\n")
put("parse/table-utf16", "C", "\xFF\xFEp\0a\0t\0h\0\t\0v\0\n\0a\0\t\0001\0\n\0")
put("parse/table-numbers", "D", "a.png,0\n1.png,3\nb.png,NA\n")
put("parse/jsonl", "L", "{\"path\": \"a\", \"v\": [1, NaN], \"k\": \"x\"}\n\n{\"path\": \"b\"}\n")
put("parse/jsonl-list", "L", "[{\"path\": \"a\", \"v\": 1}, {\"path\": \"b\", \"v\": null}]")
put("parse/pts", "P", "version: 1\nn_points: 2\n{\n1 2\n3 nan\n}\n")
put("parse/mtfl", "M", "faces\\p 1.png 30 60 45 33 57 40 40 55 70 70 1 2 1 3\r\n ")
put("parse/celeba", "A", "2\nSmiling Young\n1.jpg -1 1\na.jpg 1 -1\n")
put("parse/table-inputs", "G", "age,sex,y\n30,f,1.5\n,m,\nNA,f,2e3\n")
put("parse/tar", "t", require "spec.support.tars".make{ {"1.cls", "0"}, {"a/2.json", "{}"} })
put("parse/celeba-csv", "K", "image_id,Smiling,Young\n1.jpg,-1,1\na.jpg,1,-1\n")
put("parse/idx", "I", "\0\0\8\3\0\0\0\1\0\0\0\1\0\0\0\1a")
put("parse/cifar", "B", "\3\4" .. ("x"):rep(3072))

-- Pictures in colour and in gray, of one value and of noise.
braid.manual_seed(1)
for c = 1, 3, 2 do
  put("png/flat" .. c, "\0", saved("png", braid.full({c, 5, 7}, 9, {dtype = "uint8"})))
  put("png/noise" .. c, "\1", saved("png", braid.randint(0, 255, {c, 9, 4}):to("uint8")))
end

for name, bytes in pairs(pictures.pngs) do put("png/" .. name, "\0", bytes) end
for name, bytes in pairs(pictures.jpegs) do put("jpeg/" .. name, "\2", bytes) end
