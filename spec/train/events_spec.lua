--- TensorBoard's event files, byte for byte. spec/support/tensorboard_events.py checks that
-- TensorBoard reads them.

local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local messages <const> = require "braid.train.reporting.event_messages"
local pb <const> = require "braid.io.protobuf"
local damage <const> = require "braid.io.damage"
local shell <const> = require "spec.support.shell"

local NAN <const>, INF <const> = 0 / 0, math.huge

local function hex(text) return (text:gsub(".",
  function(c) return ("%02x"):format(c:byte()) end)) end

describe("checksums", function()
  it("are CRC-32C (RFC 3720, B.4)", function()
    assert.equal(0xE3069283, messages.crc32c("123456789"))
    assert.equal(0x8A9136AA, messages.crc32c(("\0"):rep(32)))
    assert.equal(0x62A8AB43, messages.crc32c(("\xFF"):rep(32)))
    assert.equal(0, messages.crc32c(""))
    local counting <const> = {}
    for i = 0, 31 do counting[i + 1] = string.char(i) end
    assert.equal(0x46DD794E, messages.crc32c(table.concat(counting)))
    local long <const>, crc = ("abc"):rep(5000), 0xFFFFFFFF -- longer than a piece
    for i = 1, #long do
      crc = crc ~ long:byte(i)
      for _ = 1, 8 do crc = crc >> 1 ~ (crc & 1) * 0x82F63B78 end
    end
    assert.equal(crc ~ 0xFFFFFFFF, messages.crc32c(long))
  end)
end)

describe("records", function()
  -- Made by TensorBoard 2.21's own classes:
  -- RecordWriter(f).write(Event(wall_time=1.5, file_version="brain.Event:2").SerializeToString()),
  -- and Event(wall_time=2.5, step=300, summary=Summary(value=[Value(tag="a", simple_value=0.5)])).
  it("have the same bytes as those that TensorBoard writes", function()
    assert.equal("1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c",
      hex(messages.record(messages.timed(1.5, messages.version()))))
    assert.equal("1800000000000000a37f4b2209000000000000044010ac022a0a0a080a01" ..
      "61150000003fdf7bc4c1",
      hex(messages.record(messages.timed(2.5,
      messages.scalars({ {"a", 0.5} }, 300)))))
  end)
end)

describe("protocol buffers", function()
  local function read(text)
    local list <const> = {}
    for number, kind, first, last in pb.fields(files.view(text, "t"), 1, #text) do
      list[#list + 1] = {number, kind, kind == pb.VARINT and first or text:sub(first, last)}
    end
    return list
  end

  it("are read back with the values that were written", function()
    for _, n in ipairs{0, 1, 127, 128, 300, 2 ^ 31 | 0, math.maxinteger, math.mininteger, -1} do
      assert.same({{3, pb.VARINT, n}}, read(pb.whole(3, n)))
    end
    assert.same({{1, pb.VARINT, 1}, {2, pb.VARINT, 0}}, read(pb.whole(1, true) .. pb.whole(2,
      false)))
    for _, v in ipairs{0.0, -0.5, 1e300, INF} do
      assert.equal(v, (("<d"):unpack(read(pb.double(9, v))[1][3])))
    end
    assert.equal(0.5, (("<f"):unpack(read(pb.float(9, 0.5))[1][3])))
    assert.same({{200, pb.BYTES, ""}, {1, pb.BYTES, ("x"):rep(1000)}},
      read(pb.bytes(200, "") .. pb.bytes(1, ("x"):rep(1000))))
    assert.equal(24, #read(pb.doubles(1, {1, 2, 3}))[1][3])
  end)

  it("raise an error that says how they are damaged", function()
    local caught <const> = damage.caught(read)
    for _, case in ipairs{{"\x0a\x05ab", "ends too early"}, {"\x0a", "ends too early"},
      {"\x00", "no field begins at byte 1"}, {"\x0b\x01", "no field begins at byte 1"},
      {"\x08" .. ("\xFF"):rep(12), "too long"}} do
      local value <const>, why <const> = caught(case[1])
      assert.is_nil(value)
      assert.is_truthy(why:find(case[2], 1, true), why)
    end
  end)
end)

-- ---- files -----------------------------------------------------------------------------------

-- The messages of an event file. Checks their lengths and checksums.
local function read_records(path)
  local text <const>, list, at = assert(files.read(path)), {}, 1
  while at <= #text do
    local n <const> = ("<I8"):unpack(text, at)
    local message <const> = text:sub(at + 12, at + 11 + n)
    assert.equal(messages.record(message), text:sub(at, at + 15 + n))
    list[#list + 1], at = message, at + 16 + n
  end
  return list
end

-- {tag = {step, value}} of the scalars.
local function scalars_of(path)
  local found <const> = {}
  for _, message in ipairs(read_records(path)) do
    local source <const>, step = files.view(message, "m"), 0
    for number, _, first, last in pb.fields(source, 1, #message) do
      if number == 2 then step = first end
      if number == 5 then
        for _, _, from, to in pb.fields(source, first, last) do
          local tag, value
          for field, kind, a, b in pb.fields(source, from, to) do
            if field == 1 then tag = message:sub(a, b) end
            if field == 2 and kind == pb.FOUR then value = ("<f"):unpack(message, a) end
          end
          if value then found[tag] = {step, value} end
        end
      end
    end
  end
  return found
end

describe("train.events", function()
  it("writes the numbers of a history's events under tags such as loss/total", function()
    shell.in_directory(function(dir)
      local events <const> = braid.train.events(dir)
      events:event{event = "step", step = 7, loss = {total = 0.5, a = 0.25}, weights = {a = 2},
        lr = 1}
      events:event{event = "epoch", epoch = 1, step = 8, val = {a = {["f1.macro"] = 0.75,
        confusion = {{1, 2}}}}, train = {loss = {total = 3}}, lr = 0.5}
      events:event{event = "best", epoch = 1, metric = "a", value = 1}
      events:event{event = "test", metrics = {a = {accuracy = 1}}}
      events:close()
      assert.same({["loss/total"] = {7, 0.5}, ["loss/a"] = {7, 0.25}, ["weights/a"] = {7, 2.0},
        lr = {7, 1.0}, ["val/a/f1.macro"] = {8, 0.75}, ["train/loss/total"] = {8, 3.0},
        ["epoch/lr"] = {8, 0.5}, ["test/a/accuracy"] = {8, 1.0}}, scalars_of(events.path))
      assert.error_matches(function() events:scalar("a", 1, 1) end, "is closed", 1, true)
    end)
  end)

  it("keeps NaN and infinities as scalars, and leaves them out of histograms", function()
    shell.in_directory(function(dir)
      local events <close> = braid.train.events(dir, {step = 3})
      events:scalar("a", NAN, 1)
      events:scalar("b", -INF, 1)
      for _, values in ipairs{{}, {NAN}, {1, INF, 2}, braid.ones(3, 3), braid.arange(1, 9)} do
        events:histogram("h", values, 1)
      end
      events:parameters(braid.nn.Linear(2, 3), 1)
      local found <const> = scalars_of(events.path)
      assert.is_true(found.a[2] ~= found.a[2])
      assert.equal(-INF, found.b[2])
      assert.equal(2 + 2 + 5 + 2, #read_records(events.path))
    end)
  end)

  it("names the directory or the argument that is wrong", function()
    assert.error_matches(function() braid.train.events("/nowhere/x") end,
      "train.events: cannot write /nowhere/x", 1, true)
    shell.in_directory(function(dir)
      local events <close> = braid.train.events(dir)
      for _, case in ipairs{
        {function() events:scalar(1, 1, 1) end, "tag must be a string, not 1"},
        {function() events:scalar("a", "x", 1) end, "value must be a number"},
        {function() events:scalar("a", 1, -1) end, "step must be a whole number from 0, not -1"},
        {function() events:image("a", braid.ones(3, 4, 4), 1) end,
          "picture must be a uint8 tensor"},
        {function() events:event{} end, "wants an event of a history"},
        {function() events:hparams(3) end, "options must be a table of options by name, not 3"},
      } do
        assert.error_matches(case[1], case[2], 1, true)
      end
    end)
  end)
end)
