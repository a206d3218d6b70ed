--- The reader of .caffemodel files, on files that the spec makes field by field.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"
local field <const> = file.field

local W <const> = braid.tensor{{1, 2, 3}, {4, 5, 6}}

local function load(bytes) return file.load("t.caffemodel", bytes) end

-- A file of one layer with these fields in its blob.
local function with_blob(...)
  return field(100, field(1, "fc") .. field(7, table.concat{...}))
end

local function floats(...) return string.pack(("<f"):rep(select("#", ...)), ...) end

describe("a .caffemodel file", function()
  it("gives the blobs of its layers by name, and leaves out layers without blobs", function()
    local net <const> = assert(load(file.caffemodel{{"data"}, {"conv", W, braid.tensor{7, 8}},
      {"prelu", braid.tensor{0.25}}}))
    assert.same({"conv", "prelu"}, {next(net) and "conv", net.prelu and "prelu"})
    assert.is_nil(net.data)
    assert.same({{1, 2, 3}, {4, 5, 6}}, net.conv[1]:totable())
    assert.same({7, 8}, net.conv[2]:totable())
    assert.equal("float32", net.conv[1].dtype)
    assert.equal(2, #net.conv)
    assert.same({0.25}, net.prelu[1]:totable())
  end)

  it("is read with its fields in any order and packing, and with unknown fields", function()
    local shape <const> = field(7, field(1, 1) .. field(1, 2)) -- a field for each size
    local one_by_one <const> = "\x2D" .. floats(3) .. "\x2D" .. floats(4) -- field 5 of four bytes
    local more <const> = field(9, 300) .. "\xA1\x06" .. ("x"):rep(8) -- field 100 of eight bytes
    for _, blob in ipairs{shape .. field(5, floats(3, 4)), field(5, floats(3, 4)) .. shape,
      shape .. one_by_one, field(5, floats(3)) .. shape .. field(5, floats(4)),
      shape .. field(8, string.pack("<dd", 3, 4)), field(6, floats(9, 9)) .. shape
      .. field(5, floats(3, 4)) .. field(1, 1)} do
      local net <const> = assert(load(more .. with_blob(blob) .. more))
      assert.same({{3, 4}}, net.fc[1]:totable())
    end
    local single <const> = assert(load(with_blob(field(5, floats(3)), field(7, ""))))
    assert.same({}, single.fc[1].shape)
  end)

  it("is refused with a message when it is damaged", function()
    local shape <const> = field(7, field(1, "\2"))
    local huge <const> = field(7, field(1, ("\xFF\xFF\xFF\xFF\7"):rep(4)))
    for wrong, bytes in pairs{
      ["there is no layer with weights in it"] = "",
      ["the shape (2) asks for 2 values, but the blob has 3"] =
        with_blob(shape, field(5, floats(1, 2, 3))),
      ["a blob has no shape (an old file?)"] = with_blob(field(5, floats(1))),
      ["a shape is impossible"] = with_blob(huge, field(5, floats(1))),
      ["a size of 4294967295 is impossible"] =
        with_blob(field(7, field(1, "\xFF\xFF\xFF\xFF\x0F")), field(5, floats(1))),
      ["a shape has more than 8 dimensions"] = with_blob(field(7, field(1, ("\1"):rep(9)))),
      ["a blob has two shapes"] = with_blob(shape, shape),
      ["a blob has values of two kinds"] = with_blob(field(5, floats(1)), field(8, ("x"):rep(8))),
      ["the values at byte 12 are not float32"] = with_blob(field(5, "abc")),
      ["a layer with weights has no name"] = field(100, field(7, file.blob(W))),
      ["two layers are named 'a'"] = file.caffemodel{{"a", W}, {"a", W}},
      ["its layers are in the form that Caffe had before 2014"] = field(2, ""),
      ["it ends too early"] = with_blob(shape, field(5, floats(1, 2))):sub(1, -2),
      ["no field begins at byte 1"] = "\7\7",
      ["a number at byte 2 is too long"] = "\8" .. ("\xFF"):rep(11),
    } do
      local net <const>, message <const> = load(bytes)
      assert.is_nil(net)
      assert.equal("not a whole .caffemodel file: " .. wrong, message)
    end
  end)

  it("is named in the error if it does not exist", function()
    assert.error_matches(function() braid.load("/nowhere/x.caffemodel") end,
      "load: /nowhere/x.caffemodel: No such file or directory (its folder does not exist either)",
      1, true)
  end)
end)
