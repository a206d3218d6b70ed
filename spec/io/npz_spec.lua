--- The reader and writer of .npz files, zip files of .npy files, on files that numpy or the spec
-- made.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local zip <const> = require "braid.io.zip"
local file <const> = require "spec.support.file"

local TENSORS <const> = {
  weight = braid.tensor{{1.5, -2}, {3, 4}}, ["a.b/c é"] = braid.tensor({1, -2}, {dtype = "int64"}),
  empty = braid.zeros(0, 3), scalar = braid.tensor(2.5, {dtype = "float64"}),
}

-- numpy.savez_compressed(a = float32 1..6 as (2, 3)): deflated, with zip64 local headers.
local DEFLATED <const> = (([[
504b03042d0000000800000021007c9cdea2ffffffffffffffff05001400612e6e7079010010009800000000000000
58000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94
920a12774bcc294e058a17672416a402f91a463a0ac69a3a0ab50a64032e0686067b060606072002e206205e00c407
1c00504b01022d032d0000000800000021007c9cdea25800000098000000050000000000000000000000800100000000
612e6e7079504b05060000000001000100330000008f0000000000]]):gsub("%s", ""):gsub("%x%x", function(h)
  return string.char(tonumber(h, 16))
end))

-- A zip file: one stored entry, its row in the directory, and the end. `change` replaces fields.
local function made(change)
  local f <const> = {name = "a.npy", body = file.saved("t.npy", braid.tensor{1}), flags = 0,
    method = 0, extra = "", before = "", after = "", count = 1, disk = 0}
  for key, value in pairs(change or {}) do f[key] = value end
  local size <const>, crc <const> = f.size or #f.body, f.crc or core.crc32(f.body)
  local head <const> = "PK\3\4" .. string.pack("<I2I2I2I4I4I4I4I2I2", 20, f.flags, f.method, 0, crc,
    #f.body, size, #f.name, 0) .. (f.local_name or f.name) .. f.body
  local row = "PK\1\2" .. string.pack("<I2I2I2I2I4I4I4I4I2I2I2I2I2I4I4", 20, 20, f.flags,
    f.method, 0, crc, f.packed or #f.body, size, #f.name, #f.extra, 0, 0, 0, 0, f.offset or 0)
    .. f.name .. f.extra
  row = row:rep(f.count)
  return f.before .. head .. row .. (f.between or "") .. "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2",
    f.disk, 0, f.entries or f.count, f.entries or f.count, f.row_size or #row,
    f.start or #head, #f.after) .. f.after
end

describe(".npz files", function()
  local function check(bytes)
    local read <const> = assert(file.load("t.npz", bytes))
    for name, t in pairs(TENSORS) do
      assert.equal(t.dtype, read[name].dtype)
      assert.same(t.shape, read[name].shape)
      assert.same(t:totable(), read[name]:totable())
      read[name] = nil
    end
    assert.is_nil(next(read))
  end

  it("keep a table of tensors, sorted by name", function()
    local bytes <const> = file.saved("t.npz", TENSORS)
    check(bytes)
    local names <const> = {}
    for name in bytes:gmatch("PK\3\4..........................(.-%.npy)") do
      names[#names + 1] = name
    end
    assert.same({"a.b/c é.npy", "empty.npy", "scalar.npy", "weight.npy"}, names)
    assert.equal(bytes, file.saved("t.npz", TENSORS))
  end)

  it("keep an empty table", function()
    assert.same({}, assert(file.load("t.npz", file.saved("t.npz", {}))))
  end)

  it("use zip64 from 4 GiB on, tested with a lower limit", function()
    local limit <const> = zip.zip64_from
    local plain <const> = file.saved("t.npz", TENSORS)
    zip.zip64_from = 140
    local ok <const>, bytes <const> = pcall(file.saved, "t.npz", TENSORS)
    zip.zip64_from = limit
    assert(ok, bytes)
    assert.is_nil(plain:find("PK\6\6", 1, true))
    assert.is_truthy(bytes:find("PK\6\6", 1, true))
    assert.equal(0xFFFFFFFF, limit)
    check(bytes)
  end)

  it("are read when deflated, and with zip64 headers", function()
    assert.same({{1, 2, 3}, {4, 5, 6}}, assert(file.load("t.npz", DEFLATED)).a:totable())
  end)

  it("are read without texts and files that are not .npy, which are named", function()
    local texts <const> = "\x93NUMPY\1\0" .. string.pack("<s2",
      "{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}") .. "a\0\0\0"
    local a <const> = file.saved("t.npz", {a = braid.ones(2)})
    local head <const> = a:sub(1, a:find("PK\1\2", 1, true) - 1)
    local entries <const> = {
      {"a.npy", head:sub(31 + 5)}, {"names.npy", texts}, {"read.me", "hello"},
    }
    local body <const>, rows <const>, at = {}, {}, 0
    for i, e in ipairs(entries) do
      local crc <const> = core.crc32(e[2])
      body[i] = "PK\3\4" .. string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, 0, 0, 0, crc, #e[2], #e[2],
        #e[1], 0) .. e[1] .. e[2]
      rows[i] = "PK\1\2" .. string.pack("<I2I2I2I2I2I2I4I4I4I2I2I2I2I2I4I4", 20, 20, 0, 0, 0, 0,
        crc, #e[2], #e[2], #e[1], 0, 0, 0, 0, 0, at) .. e[1]
      at = at + #body[i]
    end
    local directory <const> = table.concat(rows)
    local tensors <const>, left_out <const> = file.load("t.npz", table.concat(body) .. directory ..
      "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2", 0, 0, 3, 3, #directory, at, 0))
    assert.same({1, 1}, tensors.a:totable())
    assert.same({names = "it holds texts", ["read.me"] = "it is not a .npy file"}, left_out)
  end)

  it("are read if they end in a comment", function()
    assert.same({1}, assert(file.load("t.npz", made{after = "PK\5\6 a comment"})).a:totable())
  end)

  local A64 <const> = string.pack("<I2I2", 1, 4) .. "1234"
  for what, case in pairs{
    ["nothing"] = {"", "it has no directory at its end"},
    ["no directory"] = {("x"):rep(500), "it has no directory at its end"},
    ["bytes after the end"] = {made() .. "x", "it has no directory at its end"},
    ["bytes before the start"] = {made{before = "x"}, "its directory is not at its place"},
    ["a directory beyond the file"] = {made{start = 0xFFFFFF00}, "not at its place"},
    ["a directory with a wrong size"] = {made{row_size = 1}, "not at its place"},
    ["a gap after the directory"] = {made{between = "x"}, "its directory is not at its place"},
    ["a count of entries that is too large"] = {made{entries = 0xFFFE},
      "its directory is not at its place"},
    ["a count of entries that is too small"] = {made{entries = 0}, "its directory is damaged"},
    ["several parts"] = {made{disk = 1}, "it is one of several parts"},
    ["an entry beyond the file"] = {made{offset = 1 << 31}, "is not where the directory says"},
    ["an entry somewhere else"] = {made{offset = 5}, "is not where the directory says"},
    ["an entry that is too long"] = {made{packed = 9999, size = 9999}, "'a.npy' is cut off"},
    ["an entry twice"] = {made{count = 2}, "'a.npy' is there twice"},
    ["a name that differs"] = {made{local_name = "b.npy"}, "'a.npy' and the directory disagree"},
    ["a wrong CRC"] = {made{crc = 1}, "its CRC is wrong"},
    ["encryption"] = {made{flags = 1}, "'a.npy' is encrypted"},
    ["an unknown method"] = {made{method = 12}, "'a.npy' is packed by method 12"},
    ["a wrong stored size"] = {made{size = 9}, "'a.npy' cannot have 9 bytes"},
    ["few bytes that should inflate to 4 GB"] = {made{method = 8, size = 0xFFFFFFF0},
      "'a.npy' cannot have 4294967280 bytes"},
    ["deflated bytes that are damaged"] = {made{method = 8, body = "\xff\xff"},
      "cannot be inflated"},
    ["a deflated stream that ends early"] = {made{method = 8, body = "\3\0", size = 1},
      "'a.npy' cannot be inflated: its size is not the stated one"},
    ["a deflated stream that goes on"] = {made{method = 8, body = "\3\0\0", size = 0},
      "'a.npy' cannot be inflated: its size is not the stated one"},
    ["a deflated stream that gives too much"] = {
      made{method = 8, body = "\1\4\0\xfb\xffabcd", size = 3}, "its size is not the stated one"},
    ["a zip64 size that is missing"] = {made{offset = 0xFFFFFFFF, extra = A64}, "size is missing"},
    ["an extra field that is cut off"] = {made{extra = "\1\0\99\0"}, "extra field is cut off"},
    ["no .npy file in it"] = {made{name = "a.txt"},
      "no tensor is in it; 'a.txt': it is not a .npy file"},
    ["a damaged .npy"] = {made{body = "x"}, "'a.npy': it does not begin like one"},
  } do
    it("are refused with a message: " .. what, function()
      local t <const>, message <const> = file.load("t.npz", case[1])
      assert.is_nil(t)
      assert.matches("^not a whole %.npz file: ", message)
      assert.matches(case[2], message, 1, true)
    end)
  end

  it("can be written only from tensors by name", function()
    assert.error_matches(function() braid.save("x.npz", braid.ones(1)) end,
      "save: a .npz wants a table of tensors by name, such as {weight = t}, not a tensor$")
    for name, value in pairs{a = 1, [1] = braid.ones(1), [""] = braid.ones(1),
      [("x"):rep(65532)] = braid.ones(1)} do
      assert.error_matches(function() braid.save("x.npz", {[name] = value}) end,
        "save: a .npz wants tensors by name, and ")
    end
  end)
end)
