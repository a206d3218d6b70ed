--- safetensors files, files that are written and read in parts, PNG files and JSON.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"
local shell <const> = require "spec.support.shell"
local files <const>, json <const> = require "braid.io.files", require "braid.io.json"

local with_file <const> = file.with

describe("safetensors files", function()
  local TENSORS <const> = {
    weight = braid.tensor{{1.5, -2}, {3, 4}}, flags = braid.tensor{true, false, true},
    ["a.b/c \"q\""] = braid.tensor({1, -2}, {dtype = "int64"}), empty = braid.zeros(0, 3),
    scalar = braid.tensor(2.5, {dtype = "float64"}),
    bytes = braid.tensor({0, 255}, {dtype = "uint8"}),
    small = braid.tensor({-7}, {dtype = "int32"}),
  }

  it("give the same tensors after they are written and read", function()
    with_file("t.safetensors", function(path)
      assert.is_true(braid.save(path, TENSORS))
      local read <const> = assert(braid.load(path))
      for name, t in pairs(TENSORS) do
        assert.equal(t.dtype, read[name].dtype)
        assert.same(t.shape, read[name].shape)
        assert.same(t:totable(), read[name]:totable())
        read[name] = nil
      end
      assert.is_nil(next(read))
    end)
  end)

  it("have the format's layout: a padded header, then values in the order of names", function()
    with_file("t.safetensors", function(path)
      assert(braid.save(path, {b = braid.tensor{1}, a = braid.tensor({2}, {dtype = "uint8"})}))
      local text <const> = assert(files.read(path))
      local length <const> = string.unpack("<i8", text)
      assert.equal(0, length % 8)
      assert.equal("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        .. "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
        (text:sub(9, 8 + length):gsub(" +$", "")))
      assert.equal("\2\0\0\128\63", text:sub(9 + length))
    end)
  end)

  it("are written from tensors that are not contiguous", function()
    with_file("t.safetensors", function(path)
      local t <const> = braid.tensor{{1, 2, 3}, {4, 5, 6}}
      assert(braid.save(path, {t = t:t(), part = t[{ {}, {1, 3, 2} }]}))
      local read <const> = braid.load(path)
      assert.same({{1, 4}, {2, 5}, {3, 6}}, read.t:totable())
      assert.same({{1, 3}, {4, 6}}, read.part:totable())
    end)
  end)

  -- A file with the given header and `n` bytes of values.
  local function lying(header, n)
    return string.pack("<s8", header) .. ("\0"):rep(n)
  end

  -- A file with one tensor, `a`.
  local function one(dtype, shape, first, last, n)
    return lying(("{\"a\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}}"):format(
      dtype, shape, first, last), n)
  end

  local DAMAGED <const> = {
    ["empty"] = "",
    ["cut in the length"] = "\1\0\0",
    ["a length beyond the file"] = string.pack("<i8", 1000) .. "{}",
    ["a huge length"] = string.pack("<i8", 1 << 60) .. "{}",
    ["a negative length"] = string.pack("<i8", -1) .. "{}",
    ["text that is not JSON"] = lying("hello", 0),
    ["a list for an object"] = lying("[1]", 0),
    ["JSON that ends early"] = lying("{\"a\":", 0),
    ["a number for an entry"] = lying("{\"a\":1}", 0),
    ["an unknown type"] = one("X9", "1", 0, 4, 4),
    ["a shape that does not fit its bytes"] = one("F32", "2", 0, 4, 4),
    ["a shape that overflows"] = one("F32", "4294967296,4294967296", 0, 0, 0),
    ["a negative size"] = one("F32", "-1", 0, 4, 4),
    ["offsets beyond the end"] = one("F32", "1", 0, 4, 3),
    ["a gap before the values"] = one("F32", "1", 4, 8, 8),
    ["bytes after the values"] = one("F32", "1", 0, 4, 8),
    ["an overlap"] = lying("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
      .. "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 6),
    ["a name twice"] = lying("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
      .. "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0),
    ["deep nesting"] = lying(("["):rep(5000), 0),
  }

  local function with_metadata(json_text)
    return lying("{\"__metadata__\":" .. json_text .. "}", 0)
  end
  DAMAGED["metadata that is null"] = with_metadata "null"
  DAMAGED["metadata that is not an object"] = with_metadata "3"
  DAMAGED["metadata with numbers"] = with_metadata "{\"a\":1}"
  DAMAGED["metadata in a list"] = with_metadata "[\"a\"]"
  DAMAGED["null for a shape"] = one("F32", "1", 0, 4, 4):gsub("%[1%]", "null")
  DAMAGED["an object for a shape"] = lying(
    "{\"a\":{\"dtype\":\"F32\",\"shape\":{\"x\":1},\"data_offsets\":[0,4]}}", 4)
  DAMAGED["three offsets"] = lying(
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1)
  DAMAGED["a type that no tensor holds"] = one("C64", "1", 0, 8, 8)
  DAMAGED["a number of 2^63"] = one("U64", "2", 0, 16, 8) .. "\0\0\0\0\0\0\0\x80"
  DAMAGED["half a byte"] = one("F4", "3", 0, 2, 2)

  for what, text in pairs(DAMAGED) do
    it("are refused with a message when damaged: " .. what, function()
      with_file("t.safetensors", function(path)
        assert(files.write(path, {text}))
        assert.error_matches(function() braid.load(path) end,
          "load: " .. path .. ": not a whole safetensors file: ", 1, true)
      end)
    end)
  end

  it("are refused when they are cut", function()
    with_file("t.safetensors", function(path)
      assert(braid.save(path, TENSORS))
      local text <const> = files.read(path)
      for n = 0, #text - 1, 7 do
        assert(files.write(path, {text:sub(1, n)}))
        assert.error_matches(function() braid.load(path) end, "not a whole safetensors file")
      end
    end)
  end)

  for _, case in ipairs{
    {"F16", "\0\x3c\1\0\0\xfc", "float32", {1, 2.0 ^ -24, -math.huge}},
    {"BF16", "\x80\x3f\x49\xc0\x80\x7f", "float32", {1, -3.140625, math.huge}},
    {"I8", "\x80\x7f\0", "int32", {-128, 127, 0}},
    {"I16", "\0\x80\xff\x7f\1\0", "int32", {-32768, 32767, 1}},
    {"U16", "\xff\xff\0\1\1\0", "int32", {65535, 256, 1}},
    {"U32", "\xff\xff\xff\xff\0\0\0\x80\1\0\0\0", "int64", {4294967295, 2147483648, 1}},
    {"U64", ("\xff"):rep(7) .. "\x7f\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", "int64",
      {math.maxinteger, 0, 1}},
    {"F8_E5M2", "\x3c\x01\xfc", "float32", {1, 2.0 ^ -16, -math.huge}},
    {"F8_E4M3", "\x38\x81\x7e", "float32", {1, -2.0 ^ -9, 448}},
    {"F8_E8M0", "\x7f\x00\xfe", "float32", {1, 2.0 ^ -127, 2.0 ^ 127}},
  } do
    it(("give %s values as %s"):format(case[1], case[3]), function()
      local bytes <const> = one(case[1], "3", 0, #case[2], 0) .. case[2]
      local t <const> = assert(file.load("t.safetensors", bytes)).a
      assert.equal(case[3], t.dtype)
      assert.same(case[4], t:totable())
    end)
  end

  it("keep metadata, which braid.load returns as its second value", function()
    local metadata <const> = {format = "pt", ["a \"b\"\n"] = ""}
    local bytes <const> = file.saved("t.safetensors", {a = braid.ones(1)}, metadata)
    local read <const>, more <const> = file.load("t.safetensors", bytes)
    assert.same({1}, read.a:totable())
    assert.same(metadata, more)
    assert.same({}, select(2, file.load("t.safetensors", file.saved("t.safetensors", {}, {}))))
    assert.is_nil(select(2, file.load("t.safetensors", file.saved("t.safetensors", {}))))
  end)

  it("cannot hold metadata that are not strings", function()
    for _, metadata in ipairs{{a = 1}, {"a"}, {a = {}}, "a"} do
      assert.error_matches(function() braid.save("x.safetensors", {}, metadata) end,
        "save: metadata must be .*strings by name")
    end
    assert.error_matches(function() braid.save("x.safetensors", {}, {a = "\xff"}) end,
      'save: metadata must be UTF%-8, and "a" is not$')
    for _, name in ipairs{"__metadata__", "\xff"} do
      assert.error_matches(function() braid.save("x.safetensors", {[name] = braid.ones(1)}) end,
        "save: a .safetensors wants tensors by name, and .* cannot be the name of one$")
    end
  end)

  it("cannot hold values that are not tensors, and the old file then stays", function()
    with_file("t.safetensors", function(path)
      assert(braid.save(path, {a = braid.ones(1)}))
      assert.has_error(function() braid.save(path, {a = 1}) end)
      assert.same({1}, braid.load(path).a:totable())
    end)
  end)
end)

-- The paths of the unfinished files that files.write makes beside a file.
local function beside(path)
  local folder <const>, name <const> = path:match("^(.*)/([^/]*)$")
  local list <const> = {}
  for line in shell.run(("ls -A '%s'"):format(folder)).out:gmatch("[^\n]+") do
    if line:sub(1, #name + 8) == "." .. name .. ".braid-" then
      list[#list + 1] = folder .. "/" .. line
    end
  end
  return list
end

describe("files of braid.io.files", function()
  it("are written part by part, as the parts are made", function()
    with_file("t.bin", function(path)
      local n, longest = 0, 0
      assert(files.write(path, function()
        for _, name in ipairs(beside(path)) do
          local part <close> = assert(io.open(name, "rb"))
          longest = math.max(longest, part:seek("end"))
        end
        n = n + 1
        return n <= 8 and ("x"):rep(1 << 20) or nil
      end))
      assert.is_true(longest >= 7 << 20) -- at the last part, all earlier ones are written
      assert.equal(8 << 20, #files.read(path))
    end)
  end)

  it("stay as they were when a part cannot be made", function()
    with_file("t.bin", function(path)
      assert(files.write(path, {"old"}))
      assert.error_matches(function() files.write(path, function() error("no part") end) end,
        "no part")
      assert.equal("old", files.read(path))
      assert.same({}, beside(path))
    end)
  end)

  it("are read in parts", function()
    with_file("t.bin", function(path)
      assert(files.write(path, {"0123456789"}))
      local source <close> = assert(files.open(path))
      assert.equal(10, source.size)
      assert.equal("345", source:bytes(4, 3))
      assert.equal("", source:bytes(11, 0))
      local most <const> = math.maxinteger
      for _, case in ipairs{{0, 1}, {1, 11}, {11, 1}, {5, -1}, {most, most}} do
        assert.same({nil, path .. ": ends before it should"}, {source:bytes(case[1], case[2])})
      end
    end)
  end)

  it("give a message if they became shorter while they are read", function()
    with_file("t.bin", function(path)
      assert(files.write(path, {("x"):rep(1 << 16)}))
      local source <close> = assert(files.open(path))
      local shorter <close> = assert(io.open(path, "wb"))
      shorter:write("01"):flush()
      assert.same({nil, path .. ": became shorter while it was read"}, {source:bytes(1, 1 << 16)})
    end)
  end)
end)

describe("braid.load and braid.save", function()
  it("refuse unknown endings, and list the known ones", function()
    assert.error_matches(function() braid.load("x.pkl") end,
      "load: x.pkl: files end in .safetensors, .npy, .npz, .csv, .caffemodel, .pth, "
        .. ".pt, .png, .jpg or .jpeg", 1, true)
  end)

  it("write and read PNG, gray and coloured", function()
    with_file("i.png", function(path)
      local colour <const> = braid.randint(0, 255, {3, 5, 7}):to("uint8")
      assert(braid.save(path, colour))
      assert.same(colour:totable(), assert(braid.load(path)):totable())
      assert(braid.save(path, colour[1]))
      assert.same({colour[1]:totable()}, assert(braid.load(path)):totable())
    end)
  end)

  it("refuse a damaged PNG with a message", function()
    with_file("i.png", function(path)
      assert(braid.save(path, braid.full({1, 9, 9}, 7, {dtype = "uint8"})))
      local text <const> = files.read(path)
      for _, n in ipairs{0, 4, 20, 40, #text - 5} do
        assert(files.write(path, {text:sub(1, n)}))
        assert.error_matches(function() braid.load(path) end, path, 1, true)
      end
    end)
  end)
end)

describe("JSON", function()
  it("keeps integers whole and floats exact", function()
    local value <const> = {i = 9007199254740993, f = 0.1, list = {1, 2.5, "x"}, yes = true,
      no = false}
    assert.same(value, json.decode(json.encode(value)))
    assert.equal("integer", math.type(json.decode("12")))
    assert.equal("float", math.type(json.decode("12.0")))
  end)

  it("reads escapes, pairs of surrogates and white space", function()
    assert.equal("a\"\\/\b\f\n\r\t\u{20AC}\u{1F600}",
      json.decode(" \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u20ac\\ud83d\\ude00\" "))
  end)

  for _, text in ipairs{"", "{", "[1,]", "{\"a\" 1}", "01", "1 2", "nul", "\"\n\"", "\"\\x\"",
                        "{a:1}", "-", "[", "tru"} do
    it(("refuses %q"):format(text), function()
      local value <const>, message <const> = json.decode(text)
      assert.is_nil(value)
      assert.matches("^json: ", message)
    end)
  end
end)
