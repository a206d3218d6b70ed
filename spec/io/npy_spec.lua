--- The reader and writer of .npy files, on files that the spec makes byte by byte.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"

-- A file with the given header, of version 1.0 unless another version is given.
local function made(header, values, version)
  version = version or 1
  return "\x93NUMPY" .. string.char(version, 0)
    .. string.pack(version == 1 and "<s2" or "<s4", header) .. (values or "")
end

local function header(descr, shape, fortran)
  return ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n"):format(descr,
    fortran and "True" or "False", shape)
end

describe(".npy files", function()
  for _, t in ipairs{
    braid.tensor{{1.5, -2, 3}, {4, 5, 6}}, braid.tensor({1, 1 / 3}, {dtype = "float64"}),
    braid.tensor({-7, 9007199254740993}, {dtype = "int64"}), braid.zeros(0, 3),
    braid.tensor({-7}, {dtype = "int32"}), braid.tensor({{0, 255}}, {dtype = "uint8"}),
    braid.tensor{true, false, true}, braid.tensor(2.5), braid.randn(1, 2, 3, 1, 2, 1, 2, 2),
    braid.tensor{{1, 2, 3}, {4, 5, 6}}:t(),
  } do
    it(("give the same %s (%s) after they are written and read"):format(t.dtype,
      table.concat(t.shape, ", ")), function()
      local bytes <const> = file.saved("t.npy", t)
      local read <const> = assert(file.load("t.npy", bytes))
      assert.equal(t.dtype, read.dtype)
      assert.same(t.shape, read.shape)
      assert.same(t:totable(), read:totable())
      assert.equal(0, bytes:find("\n", 1, true) % 64)
    end)
  end

  it("are written as numpy writes them", function()
    assert.equal("\x93NUMPY\1\0\x76\0{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }"
      .. (" "):rep(60) .. "\n\1\0\0\0\2\0\0\0",
      file.saved("t.npy", braid.tensor({1, 2}, {dtype = "int32"})))
    assert.matches("'shape': (), }", file.saved("t.npy", braid.tensor(1)), 1, true)
    assert.matches("'shape': (2, 1), }", file.saved("t.npy", braid.ones(2, 1)), 1, true)
  end)

  for _, case in ipairs{
    {"<f4", "\0\0\x80\x3f\0\0\0\xc0", "float32", {1, -2}},
    {">f4", "\x3f\x80\0\0\xc0\0\0\0", "float32", {1, -2}},
    {">f8", "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", "float64", {1, -2}},
    {">i8", "\0\0\0\0\0\0\1\0\xff\xff\xff\xff\xff\xff\xff\xfe", "int64", {256, -2}},
    {">i4", "\0\0\1\0\xff\xff\xff\xfe", "int32", {256, -2}},
    {"|u1", "\1\xff", "uint8", {1, 255}}, {"|b1", "\0\2", "bool", {false, true}},
    {"|i1", "\x80\x7f", "int32", {-128, 127}}, {"<i2", "\0\x80\1\0", "int32", {-32768, 1}},
    {">i2", "\x80\0\0\1", "int32", {-32768, 1}}, {"<u2", "\xff\xff\1\0", "int32", {65535, 1}},
    {">u2", "\xff\xff\0\1", "int32", {65535, 1}},
    {"<u4", "\xff\xff\xff\xff\1\0\0\0", "int64", {4294967295, 1}},
    {">u8", "\x7f" .. ("\xff"):rep(7) .. "\0\0\0\0\0\0\0\1", "int64", {math.maxinteger, 1}},
    {"<f2", "\0\x3c\1\0", "float32", {1, 2.0 ^ -24}},
    {">f2", "\xfb\xff\x7c\0", "float32", {-65504, math.huge}},
  } do
    it(("are read with values of type %s"):format(case[1]), function()
      local t <const> = assert(file.load("t.npy", made(header(case[1], "(2,)"), case[2])))
      assert.equal(case[3], t.dtype)
      assert.same(case[4], t:totable())
    end)
  end

  it("are read in Fortran's order, and with any version and notation of the header", function()
    local t <const> = assert(file.load("t.npy", made(header("|u1", "(2, 3)", true),
      "\1\2\3\4\5\6")))
    assert.same({{1, 3, 5}, {2, 4, 6}}, t:totable())
    assert.equal("contiguous", t:memory_format())
    for _, bytes in ipairs{
      made(header("|u1", "(2,)"), "\1\2", 2), made(header("|u1", "(2,)"), "\1\2", 3),
      made('{"shape":(2L,),"fortran_order":True,"descr":"|u1"}', "\1\2"),
      made("  { 'shape' : ( 2 , ) , 'fortran_order' : False , 'descr' : '|u1' , }  \n\n", "\1\2"),
    } do
      assert.same({1, 2}, assert(file.load("t.npy", bytes)):totable())
    end
  end)

  local GOOD <const> = header("<f4", "(2,)")
  local EIGHT <const> = ("\0"):rep(8)
  for what, case in pairs{
    ["nothing"] = {"", "it does not begin like one"},
    ["another magic word"] = {"\x93NUMPX\1\0" .. GOOD, "does not begin like one"},
    ["an unknown version"] = {made(GOOD, EIGHT, 4), "version 4.0 of the format is not known"},
    ["a header beyond the file"] = {"\x93NUMPY\1\0\xff\xff" .. GOOD, "it ends too early"},
    ["a huge header"] = {"\x93NUMPY\2\0\xff\xff\xff\xff", "it ends too early"},
    ["too few values"] = {made(GOOD, "1234567"), "ask for 8 bytes of values, but it has 7"},
    ["too many values"] = {made(GOOD, "123456789"), "ask for 8 bytes of values, but it has 9"},
    ["a shape beyond the file"] = {made(header("<f4", "(4000000000,)"), EIGHT),
      "ask for 16000000000 bytes of values, but it has 8"},
    ["a shape that overflows"] = {made(header("<f4", "(4294967296, 4294967296)"), EIGHT),
      "its shape is impossible"},
    ["a shape that overflows to 0"] = {
      made(header("<f4", "(461168601842738790, 40, 0)"), ""), "its shape is impossible"},
    ["no rows, each of them huge"] = {made(header("<f4", "(0, 1125899906842624, 3)"), ""),
      "its shape is impossible"},
    ["a size of many digits"] = {made(header("<f4", "(99999999999999999999,)"), EIGHT),
      "a size of 99999999999999999999 is impossible"},
    ["a negative size"] = {made(header("<f4", "(-2,)"), EIGHT), "no shape"},
    ["a size that is no tuple"] = {made(header("<f4", "(2)"), EIGHT), "no shape"},
    ["two commas"] = {made(header("<f4", "(2,,)"), EIGHT), "no shape"},
    ["no comma"] = {made(header("<f4", "(1 2)"), EIGHT), "no shape"},
    ["nine dimensions"] = {made(header("<f4", "(1,1,1,1,1,1,1,1,2)"), EIGHT), "more than 8"},
    ["Python objects"] = {made(header("|O", "(2,)"), EIGHT), "it holds Python objects"},
    ["records"] = {made(GOOD:gsub("'<f4'", "[('a', '<f4')]"), EIGHT), "it holds records"},
    ["texts"] = {made(header("<U2", "(1,)"), EIGHT), "it holds texts"},
    ["complex numbers"] = {made(header("<c8", "(1,)"), EIGHT), "it holds complex numbers"},
    ["dates"] = {made(header("<M8[s]", "(1,)"), EIGHT), "it holds dates"},
    ["uint64"] = {made(header(">u8", "(1,)"), "\x80" .. EIGHT:sub(2)),
      "it holds a number of 2^63 or more, which no type here can hold"},
    ["uint128"] = {made(header("<u16", "(1,)"), EIGHT .. EIGHT),
      "its values are <u16, which no type"},
    ["no byte order"] = {made(header("|f4", "(2,)"), EIGHT), "does not say the order"},
    ["an impossible type"] = {made(header("x;y", "(2,)"), EIGHT), "'x;y' is not a type of values"},
    ["a field too many"] = {made(GOOD:gsub("{", "{'a': 1, "), EIGHT), "damaged at byte"},
    ["a field too few"] = {made("{'descr': '<f4', 'shape': (2,)}", EIGHT), "does not say all"},
    ["a field twice"] = {made(GOOD:gsub("}", "'shape': (2,)}"), EIGHT), "says shape twice"},
    ["a call"] = {made("dict(descr='<f4')", EIGHT), "is not a dictionary"},
    ["more than a dictionary"] = {made(GOOD .. "; x()", EIGHT), "goes on after its end"},
    ["a flag that is a number"] = {made(GOOD:gsub("False", "0"), EIGHT), "neither True nor False"},
  } do
    it("are refused with a message: " .. what, function()
      local t <const>, message <const> = file.load("t.npy", case[1])
      assert.is_nil(t)
      assert.matches("^not a whole %.npy file: ", message)
      assert.matches(case[2], message, 1, true)
    end)
  end

  it("can be written only from tensors, and without metadata", function()
    assert.error_matches(function() braid.save("x.npy", {1}) end,
      "save: a .npy wants a tensor, not a table$")
    assert.error_matches(function() braid.save("x.npy", braid.ones(1), {a = "b"}) end,
      "save: .npy files have no metadata$")
    assert.error_matches(function() braid.load("x.npy", {header = true}) end,
      "load: there are no options for .npy files$")
  end)

  it("that are directories give a message that says so", function()
    local path <const> = os.tmpname()
    os.remove(path)
    assert(os.execute("mkdir " .. path .. ".npy"))
    local t <const>, message <const> = pcall(braid.load, path .. ".npy")
    os.remove(path .. ".npy")
    assert.is_false(t)
    assert.matches("load: " .. path .. ".npy: Is a directory", message, 1, true)
  end)
end)
