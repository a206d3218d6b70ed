--- The reader of .pth files, on files that the spec makes opcode by opcode.
-- spec/support/compare_pth.py reads files that PyTorch wrote.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local file <const> = require "spec.support.file"
local files <const> = require "braid.io.files"
local pth <const> = require "braid.io.pth"
local shell <const> = require "spec.support.shell"
local torch <const> = require "spec.support.torch_file"

local number <const>, text <const>, tuple <const>, list <const> = torch.number, torch.text,
  torch.tuple, torch.list
local storage <const>, tensor <const> = torch.storage, torch.tensor

local SIX <const> = torch.floats(1, 2, 3, 4, 5, 6)
local FLOATS <const> = storage("Float", "0", 6)

-- Reads bytes in memory: gives the value, or nil and the message.
local function parsed(bytes)
  local value <const>, message <const> = pth.parse(files.view(bytes, "my t.pth"))
  if not value then return nil, message end
  return value[1]
end
local function load(...) return parsed(torch.bytes(...)) end
local function loaded(...) return assert(load(...)) end
local function refused(wanted, ...)
  local value <const>, message <const> = load(...)
  assert.is_nil(value)
  assert.matches(wanted, message, 1, true)
end
-- A tensor over a storage of six float32 values, with an offset, a shape and strides.
local function part(...) return tensor(FLOATS, ...), {SIX} end

describe("a .pth file", function()
  it("gives Lua values for Python's dicts, lists, numbers, texts and tensors", function()
    local d <const> = assert(file.load("t.pt", torch.sample()))
    assert.same({{1, 2, 3}, {4, 5, 6}}, d.state_dict.w:totable())
    assert.same({{2, 5}, {3, 6}}, d.state_dict.wt:totable())
    assert.equal(7, d.state_dict.n:item())
    assert.same({}, d.state_dict.n.shape)
    assert.equal("int64", d.state_dict.n.dtype)
    assert.equal(3, d.epoch)
    assert.same({1, 65535}, d.half:totable())
    assert.same({true, nil, -2, 0.5, {}, "float32", n = 6}, d.list)
    assert.is_false(d.state_dict.w.requires_grad)
  end)

  it("is read in every protocol of pickle, with every opcode of a value", function()
    for protocol = 2, 5 do
      assert.same({{1, 2}, {4, 5}}, loaded(part(0, {2, 2}, {3, 1}), {SIX},
        {protocol = protocol}):totable())
    end
    for opcodes, wanted in pairs{
      ["\x95" .. string.pack("<i8", 2) .. "K\7"] = 7, ["M\1\1"] = 257, ["J\xff\xff\xff\xff"] = -1,
      ["\x8a\0"] = 0, ["\x8a\2\0\x80"] = -32768, ["\x8b" .. string.pack("<i4", 1) .. "\5"] = 5,
      ["G" .. string.pack(">d", -0.25)] = -0.25, ["\x8c\2ab"] = "ab", ["U\2ab"] = "ab",
      ["\x8d" .. string.pack("<i8", 2) .. "ab"] = "ab", ["T" .. string.pack("<i4", 1) .. "a"] = "a",
      ["B" .. string.pack("<i4", 1) .. "\xff"] = "\xff", ["C\1\0"] = "\0",
      ["\x96" .. string.pack("<i8", 1) .. "a"] = "a", ["\x88"] = true, ["\x89"] = false,
      ["K\1K\2\x86"] = {1, 2}, ["K\1\x85"] = {1}, ["K\1K\2K\3\x87"] = {1, 2, 3}, [")"] = {},
      ["(K\1K\2l"] = {1, 2}, ["]K\1aK\2a"] = {1, 2}, ["(K\1K\2d"] = {[1] = 2},
      ["}X\1\0\0\0aK\1s"] = {a = 1}, ["K\1q\5K\2r\6\0\0\0\x86h\5j\6\0\0\0\x87"] = {{1, 2}, 1, 2},
      ["K\1\x94K\2\x940h\1h\0\x87"] = {1, 2, 1}, ["K\1\x94K\2\x94\x86h\0h\1\x87"] = {{1, 2}, 1, 2},
      ["K\1(K\2K\3" .. "1"] = 1, ["K\1K\2" .. "0"] = 1, ["K\0012\x86"] = {1, 1},
      ["X\5\0\0\0torchX\7\0\0\0float32\x93"] = "float32", [list("N")] = {n = 1},
      [torch.call(torch.global("torch", "Size"), torch.numbers{2, 3})] = {2, 3},
      [torch.call(torch.global("collections", "OrderedDict"), list(list(text "a", number(1))))]
        = {a = 1},
    } do
      assert.same(wanted, (load(opcodes)))
    end
    refused("it holds None", "N")
  end)

  it("gives tensors their shape and values with any strides", function()
    for _, case in ipairs{
      {0, {6}, {1}, {1, 2, 3, 4, 5, 6}}, {0, {3, 2}, {1, 3}, {{1, 4}, {2, 5}, {3, 6}}},
      {1, {2, 2}, {3, 1}, {{2, 3}, {5, 6}}}, {0, {3}, {2}, {1, 3, 5}}, {5, {}, {}, 6},
      {2, {1, 1}, {77, 1 << 40}, {{3}}}, {0, {4, 3}, {1, 1}, {{1, 2, 3}, {2, 3, 4}, {3, 4, 5},
        {4, 5, 6}}}, {3, {2, 2}, {0, 0}, {{4, 4}, {4, 4}}}, {1, {2, 2}, {0, 1}, {{2, 3}, {2, 3}}},
      {0, {2, 1, 3}, {3, 9, 1}, {{{1, 2, 3}}, {{4, 5, 6}}}}, {9, {0, 3}, {3, 1}, {}},
      {0, {2, 0}, {1, 1}, {{}, {}}}, {4, {1, 2}, {0, 1}, {{5, 6}}},
    } do
      local t <const> = loaded(part(case[1], case[2], case[3]))
      assert.same(case[2], t.shape)
      local values = t:totable()
      if #case[2] == 0 then values = t:item() end
      assert.same(case[4], values)
      assert.equal("float32", t.dtype)
    end
  end)

  it("gives one tensor for equal views of a storage, and copies for different views", function()
    local d <const> = loaded(list(part(0, {6}, {1}), part(0, {6}, {1}), part(0, {5}, {1}),
      torch.parameter(part(0, {6}, {1}))), {SIX})
    assert.equal(d[1], d[2])
    assert.equal(d[1], d[4])
    d[1]:fill_(9)
    assert.same({1, 2, 3, 4, 5}, d[3]:totable())
  end)

  it("is read with values of every type, in either byte order", function()
    local bits <const> = {Half = "<H", BFloat16 = "<H", Short = "<h", Int = "<i4", Long = "<i8",
      Float = "<f", Double = "<d", Char = "b", Byte = "B", Bool = "B", Untyped = "B"}
    local values <const> = {Half = 0x4100, BFloat16 = 0x4020}
    for class, form in pairs(bits) do
      for _, order in ipairs{"little", "big"} do
        local value = values[class] or 1
        local bytes <const> = string.pack(order == "big" and form:gsub("<", ">") or form, value)
        local t <const> = loaded(tensor(storage(class, "0", 1), 0, {1}, {1}), {bytes},
          {order = order})
        if class == "Bool" then value = true end
        assert.same({values[class] and 2.5 or value}, t:totable())
      end
    end
    for dtype, wanted in pairs{uint16 = 258, uint32 = 50462978, float8_e5m2 = 3.0517578125e-05} do
      local t <const> = loaded(torch.tensor_v3(storage("Untyped", "0", 4), 0, {1}, {1}, dtype),
        {"\2\1\2\3"})
      assert.equal(wanted, t:item())
    end
    refused("values of type complex64, which no tensor here holds exactly; convert them to float32",
      tensor(storage("ComplexFloat", "0", 1), 0, {1}, {1}), {("x"):rep(8)})
    refused("a number of 2^63 or more", torch.tensor_v3(storage("Untyped", "0", 8), 0, {1}, {1},
      "uint64"), {("\xff"):rep(8)})
    refused("its byte order is unknown", part(0, {1}, {1}), {SIX}, {order = "middle"})
  end)

  it("can be a single storage, which gives a tensor", function()
    assert.same({1, 2, 3, 4, 5, 6}, loaded(FLOATS, {SIX}):totable())
    assert.same({3, 4}, loaded(storage("Untyped", "0", 2), {"\3\4"}):totable())
  end)

  it("runs no code: a class or function that makes no tensor is refused by its name", function()
    for name in ([[os.system posix.system builtins.eval builtins.exec __builtin__.eval
      subprocess.Popen builtins.getattr torch.load torch._utils._rebuild_sparse_tensor
      torch.nn.modules.linear.Linear collections.Counter numpy.core.multiarray.scalar
      torch.jit._pickle.restore_type_tag torch._utils torch.FloatStorage.mro]]):gmatch("%S+") do
      local module <const>, last <const> = name:match("(.*)%.(.*)")
      local wanted <const> = "it names " .. name .. ", and only tensors, numbers, texts, lists and "
        .. "dicts are read; if you trust it, save these alone, in Python: torch.save(torch.load("
      refused(wanted, torch.call(torch.global(module, last), text "true"))
      refused(wanted, list(torch.global(module, last)))
      refused(wanted, text(module) .. text(last) .. "\x93")
    end
    for _, name in ipairs{"a b", "a\27[2J", "", ("a"):rep(300), "%s", "../x"} do
      refused("a global has an impossible name", torch.global("os" .. name .. "!", name))
    end
    refused("its pickle has an object of a class at byte", ")\x81")
    refused("its pickle has a set at byte 3", "\x8f")
    refused("has an unknown opcode, FF, at byte", "\xff")
    refused("a class stands where a value should", torch.global("torch", "FloatStorage"))
    refused("a global stands where a value should", torch.global("torch", "Size"))
    refused("its pickle wants a global before", text "x" .. ")R")
    refused("its pickle wants a dict before", text "x" .. "Nb")
  end)

  it("in an old form or with a program gives a message that says how to save it again", function()
    local legacy <const> = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3."
    local value, message = file.load("my.pth", legacy)
    assert.is_nil(value)
    assert.matches("^it is in the form that PyTorch wrote before version 1.6; save it again, in "
      .. "Python: torch.save%(torch.load%(\"[%w_-]+-my.pth\", weights_only=True%), \"new.pth\"%)$",
      message)
    for _, entry in ipairs{"constants.pkl", "code/__torch__.py"} do
      value, message = load("N", {}, {entries = {entry, "x"}})
      assert.is_nil(value)
      assert.matches("^it is a TorchScript archive, which is a program; save its weights, in "
        .. "Python: torch.save%(torch.jit.load%(\"[^\"]+\"%).state_dict%(%), \"new.pth\"%)$",
        message)
    end
    refused("there is no data.pkl in it", "N", {}, {name = "a/b"})
    for _, bytes in ipairs{"", "text", "PK\3\4", torch.zip({}, {}), torch.zip({"a"}, {"b"}),
      "\x80\2N."} do
      value, message = file.load("t.pth", bytes)
      assert.is_nil(value)
      assert.matches("^not a whole .pth file: ", message)
    end
  end)
end)

-- ---- hostile files --------------------------------------------------------------------------

-- Checks that f takes less than `most` MiB for tensors, less than `most` MiB for Lua, and less than
-- 5 seconds.
local function bounded(most, f)
  collectgarbage()
  core.reset_peak()
  local before <const>, lua <const>, begun <const> = braid.memory().peak, collectgarbage("count"),
    os.clock()
  f()
  assert.is_true(braid.memory().peak - before < most << 20)
  assert.is_true(collectgarbage("count") - lua < most << 10)
  assert.is_true(os.clock() - begun < 5)
end

describe("a hostile .pth file", function()
  it("is refused if a tensor goes beyond its storage", function()
    for _, case in ipairs{{0, {7}, {1}}, {6, {1}, {1}}, {5, {2}, {1}}, {0, {2, 4}, {3, 1}},
      {1, {2}, {1 << 62}}, {0, {3, 3}, {1 << 62, 1 << 62}}, {0, {1 << 31}, {1}}, {6, {}, {}},
      {math.maxinteger, {}, {}}, {math.maxinteger, {2}, {math.maxinteger}}} do
      refused("values of its storage '0'", part(table.unpack(case)))
    end
    refused("an impossible strides", part(5, {2}, {-1}))
    refused("an impossible shape", part(0, {-1}, {1}))
    refused("an impossible offset", part(-1, {1}, {1}))
    refused("a tensor has 1 sizes and 2 strides", part(0, {1}, {1, 1}))
    refused("more than 8 dimensions", part(0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1,
      1}))
    refused("an impossible shape", part(0, {1 << 40, 1 << 40, 0}, {0, 0, 0}))
    refused("a tensor has no shape", torch.call(torch.global("torch._utils", "_rebuild_tensor_v2"),
      FLOATS, number(0), text "x", tuple()), {SIX})
    refused("a tensor has no storage", torch.call(torch.global("torch._utils",
      "_rebuild_tensor_v2")))
    refused("a tensor has no type", torch.call(torch.global("torch._utils", "_rebuild_tensor_v3")))
    refused("a parameter has no tensor", torch.call(torch.global("torch._utils",
      "_rebuild_parameter")))
  end)

  it("is refused if a storage goes beyond the file's bytes", function()
    refused("its storage '0' has 24 bytes, not 7 values of type float32",
      tensor(storage("Float", "0", 7), 0, {1}, {1}), {SIX})
    refused("its storage '0' has 24 bytes, not 5 values", storage("Float", "0", 5), {SIX})
    refused("not 1 values of type float32", storage("Float", "0", 1), {"12345"})
    for _, key in ipairs{"1", "../data.pkl", "/etc/passwd", "0/", ""} do
      refused(("the values of its storage '%s' are missing"):format(key),
        storage("Float", key, 6), {SIX})
    end
    for _, id in ipairs{text "storage", tuple(), tuple(text "module"), "N", number(3), list(),
      tuple(text "storage", text "x", text "0", text "cpu", number(6))} do
      refused("its pickle has an object outside of it that is not a storage", id .. "Q", {SIX})
    end
    assert.same({}, loaded(storage("Float", "9", 0)):totable())
  end)

  it("takes no more memory than its bytes and braid.limits allow", function()
    bounded(64, function()
      refused("values, and braid.limits.elements", part(0, {1 << 20, 1 << 20}, {0, 0}))
      refused("bytes of tensors that share values, or more, and braid.limits.inflated",
        part(0, {1 << 20, 1 << 10}, {0, 0}))
      local many <const> = {}
      for i = 1, 1000 do many[i] = part(0, {1 << 20, i}, {0, 0}) end
      refused("braid.limits.inflated", list(table.unpack(many)), {SIX})
      refused("values in its pickle, or more, and braid.limits.values", ("N"):rep((1 << 20) + 9))
      refused("braid.limits.values", "N" .. ("\x94"):rep((1 << 20) + 9))
      refused("its pickle ends too early",
        "X" .. string.pack("<I4", 0xFFFFFFFF))
      refused("its pickle ends too early", "\x8d" .. string.pack("<i8", math.maxinteger))
      refused("its pickle ends too early", "\x8d" .. string.pack("<i8", -1))
    end)
  end)

  it("is refused if it copies a long list too often", function()
    local pairs_of <const> = {}
    for i = 1, 2000 do pairs_of[i] = tuple(text("k" .. i), number(i)) end
    local dict <const> = "ccollections\nOrderedDict\n"
    assert.equal(2000, loaded(dict .. list(table.unpack(pairs_of)) .. "\x85R").k2000)
    local again <const> = {"(", list(table.unpack(pairs_of)), "q\0"}
    for _ = 1, 1000 do again[#again + 1] = dict .. "h\0\x85R" end
    refused("values in its pickle, or more, and braid.limits.values",
      table.concat(again) .. "l")
  end)

  it("is refused if its lists are nested too deeply or contain themselves", function()
    local nested = ")"
    for _ = 1, 200 do nested = nested .. "\x85" end
    refused("tables in tables", nested)
    local doubled = "]" -- each list has the one before it twice, so there are 2^60 paths
    for _ = 1, 60 do doubled = doubled .. "2\x86" end
    bounded(4, function()
      assert.equal(2, #loaded(doubled))
      file.with("t.pth", function(path)
        shell.write(path, torch.bytes(doubled .. text "x" .. "\x86"))
        local ok <const>, message <const> = pcall(braid.inspect, path)
        assert.is_false(ok)
        assert.matches("names of values", message)
      end)
    end)
    refused("a list contains itself", "]q\0h\0a")
    refused("a dict contains itself", "}q\0X\1\0\0\0ah\0s")
    refused("a list contains itself", "]q\0h\0\x85a")
  end)

  it("is refused if its pickle is damaged", function()
    for opcodes, wanted in pairs{[""] = "takes a value", ["("] = "takes a value",
      ["0"] = "takes a value", ["t"] = "has no mark", ["(t" .. "t"] = "has no mark",
      ["K\1(" .. "0"] = "takes a value", ["h\0"] = "takes value 0, which it never kept",
      ["K\1a"] = "takes a value", ["K\1K\2a"] = "wants a list", ["](K\1K\2K\3u"] = "wants a dict",
      ["}(K\1u"] = "a key without a value", ["}NK\1s"] = "a dict has a key that is neither text "
      .. "nor a number (None)", ["})K\1s"] = "(tuple)",
      ["}G" .. string.pack(">d", 0 / 0) .. "K\1s"] = "(NaN)",
      ["\x8a\9" .. ("\1"):rep(9)] = "a whole number of 9 bytes does not fit into 64 bits",
      ["\x95" .. string.pack("<i8", 99)] = "ends too early", ["cos"] = "ends too early",
      ["\x80\1"] = "has protocol 1, not 2 to 5", ["\x80\6"] = "has protocol 6, not 2 to 5",
      ["NN\x93"] = "a global without a name", ["\x8b" .. string.pack("<i4", -1)] = "too early",
      [torch.call(torch.global("torch", "Size"), text "x")] = "a size has no numbers",
      [torch.call(torch.global("collections", "OrderedDict"), list(text "x"))] = "has no pairs",
    } do
      refused(wanted, opcodes)
    end
    refused("its pickle ends too early", "", {}, {pickle = ""})
    refused("its pickle ends too early", "", {}, {pickle = "\x80\2N"})
  end)

  it("is refused if an entry is there twice or has a wrong CRC", function()
    local names <const> = {"a/data.pkl", "a/byteorder", "a/data/0"}
    local contents <const> = {"\x80\2" .. part(0, {6}, {1}) .. ".", "little", SIX}
    assert.same({6}, assert(parsed(torch.zip(names, contents))).shape)
    for _, more in ipairs{"a/data/0", "a/data.pkl", "b/data.pkl"} do
      local twice <const> = table.move(names, 1, 3, 1, {})
      twice[4] = more
      local value <const>, message <const> = parsed(torch.zip(twice, {contents[1], contents[2],
        SIX, more == "a/data/0" and SIX or contents[1]}))
      assert.is_nil(value)
      assert.matches("twice", message)
    end
    local bytes <const> = torch.zip(names, contents)
    local at <const> = bytes:find(SIX, 1, true)
    local value <const>, message <const> = parsed(bytes:sub(1, at - 1) .. "x"
      .. bytes:sub(at + 1))
    assert.is_nil(value)
    assert.matches("its CRC is wrong", message)
  end)

  it("with random changes gives a value or a message #slow", function()
    local opcodes_of_it <const>, storages <const> = torch.checkpoint()
    local pickle <const> = "\x80\2" .. opcodes_of_it .. "."
    math.randomseed(11)
    local opcodes <const> = "().012NQRabcdeh]q}rstuX\x80\x85\x86\x87\x88\x8a\x94\x95\x93"
    bounded(64, function()
      local read = 0
      for _ = 1, 4000 do
        local changed = pickle
        for _ = 1, math.random(3) do
          local at <const>, from <const> = math.random(#changed), math.random(#changed)
          local kind <const> = math.random(4)
          local byte <const> = math.random(#opcodes)
          changed = changed:sub(1, at - 1) .. (kind == 1 and string.char(math.random(0, 255))
            or kind == 2 and opcodes:sub(byte, byte) or kind == 3 and ""
            or changed:sub(from, from + math.random(0, 30))) .. changed:sub(at + math.random(0, 1))
        end
        local ok <const>, value <const>, message <const> = pcall(pth.parse,
          files.view(torch.bytes("", storages, {pickle = changed}), "file"))
        if not ok then error(("%s raised for %q"):format(value, changed)) end
        if value then
          read = read + 1
        elseif type(message) ~= "string" or message:find("%.lua:%d") then
          error(("the message is %s for %q"):format(message, changed))
        end
      end
      assert.is_true(read > 100 and read < 3900, read)
    end)
  end)
end)
