--- Writes the inputs that fuzzing starts from: `seeds.lua DIRECTORY` fills its directories
-- png, jpeg and parse.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"

core.crc32 = function() return 0 end -- see parse.lua

local root <const> = assert(arg[1], "seeds.lua DIRECTORY")

local function put(name, prefix, bytes)
  assert(files.write(root .. "/" .. name, {prefix, bytes}))
end

local file <const> = dofile "spec/support/file.lua"

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
put("parse/csv", "c", "a,\"b \"\"c\"\"\"\r\n1,-2.5e3\r\n\r\nnan,\"4\"\n")
put("parse/json", "j", json.encode{a = {1, -2.5e3, true, "x\n\u{20AC}"}, b = {c = {}}}
  .. "  \n")
put("parse/json-escapes", "j", "[\"\\u20ac\\ud83d\\ude00\\n\\\\\", null, 1e5, {}]")

-- Colour and gray, flat and noisy.
braid.manual_seed(1)
for c = 1, 3, 2 do
  put("png/flat" .. c, "\0", saved("png", braid.full({c, 5, 7}, 9, {dtype = "uint8"})))
  put("png/noise" .. c, "\1", saved("png", braid.randint(0, 255, {c, 9, 4}):to("uint8")))
end

-- JPEG of 8 x 8 gray pixels: tables of one code each.
local function segment(marker, body)
  return "\xFF" .. marker .. string.pack(">I2", #body + 2) .. body
end
local tables <const> = segment("\xDB", "\0" .. ("\1"):rep(64))
  .. segment("\xC4", "\0\1" .. ("\0"):rep(15) .. "\0")
  .. segment("\xC4", "\16\1" .. ("\0"):rep(15) .. "\0")
local function jpeg(frame_marker, frame, scan, codes)
  return "\xFF\xD8" .. tables .. segment(frame_marker, "\8\0\8\0\8" .. frame)
    .. segment("\xDA", scan) .. codes .. "\xFF\xD9"
end
put("jpeg/baseline", "\0", jpeg("\xC0", "\1\1\17\0", "\1\1\0\0\63\0", "\x3F"))
put("jpeg/progressive", "\0", jpeg("\xC2", "\1\1\17\0", "\1\1\0\0\0\0", "\x7F"))
put("jpeg/colour", "\2", jpeg("\xC0", "\3\1\17\0\2\17\0\3\17\0",
  "\3\1\0\2\0\3\0\0\63\0", "\x03"))
