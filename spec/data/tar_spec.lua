--- Tests data.tar, which reads pictures and labels of tar files without unpacking them, also on
-- damaged and hostile archives.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local tars <const> = require "spec.support.tars"
local data <const> = braid.data

-- Calls f(path) for a file of these bytes.
local function with(bytes, f)
  shell.in_directory(function(dir)
    shell.write(dir .. "/t.tar", bytes)
    f(dir .. "/t.tar", dir)
  end)
end

local function shards(n, first)
  local list <const> = {}
  for i = first or 1, (first or 1) + n - 1 do
    list[#list + 1] = {("a/%04d.png"):format(i), tars.png(10 * i, 8, 8)}
    list[#list + 1] = {("a/%04d.cls"):format(i), tostring(i % 3)}
    list[#list + 1] = {("a/%04d.json"):format(i),
      ('{"age": %d.5, "at": [[%d, 2], [3, 4]]}'):format(i, i)}
    list[#list + 1] = {("a/%04d.txt"):format(i), "face number " .. i}
  end
  return tars.make(list)
end

describe("data.tar", function()
  it("reads pictures at their place in the archive, with their labels", function()
    with(shards(6), function(path)
      local set <const> = data.tar(path, {classes = {"cls"}, from = {cls = 0}, reals = {"age"},
        points = {at = "at"}}).train
      assert.equal(6, #set)
      assert.same({10, 20, 30, 40, 50, 60}, (function()
        local list <const> = {}
        for i = 1, 6 do list[i] = set[i].image[{1, 1, 1}]:item() end
        return list
      end)())
      assert.same({2, 3, 1, 2, 3, 1}, set.labels.cls:totable())
      assert.same({"0", "1", "2"}, set.classes.cls)
      assert.equal(3.5, set[3].age)
      assert.same({ {3, 2}, {3, 4} }, set[3].at:totable())
      assert.matches("t.tar@%d+%+%d+/0003.png$", set:path(3))
    end)
  end)

  it("gives the same batches as the unpacked files, with workers and with a cache", function()
    with(shards(12), function(path, dir)
      os.execute(("cd %s && tar xf t.tar && mkdir cache"):format(shell.quote(dir)))
      local rows <const> = {"image,cls"}
      for i = 1, 12 do rows[i + 1] = ("a/%04d.png,%d"):format(i, i % 3) end
      shell.write(dir .. "/t.csv", table.concat(rows, "\n"))
      local packed <const> = data.tar(path, {classes = {"cls"}}).train
      local files <const> = data.csv(dir .. "/t.csv", {classes = {"cls"}}).train
      for _, o in ipairs{{}, {shuffle = true, workers = 2}, {cache = dir .. "/cache", workers = 2},
        {cache = dir .. "/cache"}, {augment = {shift = 0.1}, shuffle = true}} do
        o.batch = 5
        local wanted <const> = data.loader(files, o)
        for batch in data.loader(packed, o) do
          local other <const> = wanted()
          assert.is_true(batch.image:eq(other.image):all():item())
          assert.same(other.cls:totable(), batch.cls:totable())
        end
      end
    end)
  end)

  it("accepts lists, patterns and ranges of archives", function()
    shell.in_directory(function(dir)
      for i = 0, 2 do shell.write(("%s/s-%03d.tar"):format(dir, i), shards(2, 1 + 2 * i)) end
      local wanted <const> = {2, 3, 1, 2, 3, 1}
      for _, given in ipairs{dir .. "/s-*.tar", dir .. "/s-{000..002}.tar", dir .. "/s-00?.tar",
        {dir .. "/s-000.tar", dir .. "/s-{001..002}.tar"}} do
        assert.same(wanted, data.tar(given).train.labels.cls:totable())
      end
      for given, message in pairs{[dir .. "/z*.tar"] = "there is no such file",
        [dir .. "/*/s.tar"] = "only the last name of a path may have * and ?",
        [dir .. "/s-{2..1}.tar"] = "{2..1} is not a range of numbers",
        [dir .. "/s-{0..99999999}.tar"] = "is not a range of numbers",
        [dir .. "/none.tar"] = "No such file", [3] = "wants the path of an archive",
        [{}] = "the list of archives is empty"} do
        assert.error_matches(function() data.tar(given) end, message, 1, true)
      end
    end)
  end)

  it("finds labels itself: classes in .cls, numbers and words in .json, but no .txt", function()
    with(shards(4), function(path)
      local set <const> = data.tar(path).train
      assert.same({age = "real", cls = "class"}, set.kinds)
      assert.same({"0", "1", "2"}, set.classes.cls)
    end)
  end)

  it("reads archives that the command tar made, in each of its formats", function()
    shell.in_directory(function(dir)
      local long <const> = ("deep/"):rep(30) .. ("n"):rep(120)
      os.execute(("mkdir -p %s/%s"):format(shell.quote(dir), ("deep/"):rep(30)))
      shell.write(("%s/%s.png"):format(dir, long), tars.png(70))
      shell.write(("%s/%s.cls"):format(dir, long), "4")
      shell.write(dir .. "/\u{e4}.png", tars.png(80))
      shell.write(dir .. "/\u{e4}.cls", "5")
      for _, format in ipairs{"gnu", "pax", "posix", "oldgnu"} do
        assert.is_true((os.execute(("cd %s && tar --format=%s -cf %s.tar deep *.png *.cls"):format(
          shell.quote(dir), format, format))))
        local set <const> = data.tar(("%s/%s.tar"):format(dir, format)).train
        assert.equal(2, #set, format)
        local seen <const> = {}
        for i = 1, 2 do seen[set[i].image[{1, 1, 1}]:item()] = set.classes.cls[set[i].cls] end
        assert.same({[70] = "4", [80] = "5"}, seen, format)
      end
    end)
  end)

  it("never takes a name in an archive as a path", function()
    local png <const> = tars.png(50)
    with(tars.make{ {"../../etc/passwd@1+2/x.png", png}, {"/abs/y.png", png}, {"z@0+9.png", png},
      {"l.png", "", {kind = "2"}}, {"._1.png", "junk"} }, function(path)
      local set <const> = data.tar(path).train
      assert.equal(3, #set)
      for i = 1, 3 do
        assert.equal(50, set[i].image[{1, 2, 2}]:item())
        assert.matches("^" .. path:gsub("%p", "%%%0") .. "@%d+%+%d+/[^/]+$", set:path(i))
      end
    end)
  end)

  local png <const> = tars.png(60)
  local function pax(text) return {"p", text, {kind = "x"}} end
  local WRONG <const> = {
    {"an empty file", "", "ends without the mark of its end"},
    {"a text", ("no archive\n"):rep(100), "checksum is not a number"},
    {"a file packed by gzip", "\x1f\x8b" .. ("\0"):rep(600), "packed by gzip: gunzip it"},
    {"an archive cut in a header", shards(1):sub(1, 300), "ends before it should"},
    {"an archive cut in a file", shards(1):sub(1, 600), "was it cut short?"},
    {"an archive without its end", shards(1):sub(1, -1025), "without the mark of its end"},
    {"a wrong checksum", "x" .. shards(1):sub(2), "its checksum is wrong"},
    {"a size beyond the file", tars.header("a.png", {size = 1 << 30}) .. tars.finish,
      "has 1073741824 bytes, but the archive ends after 1024"},
    {"a huge size in base 256", tars.header("a.png", {size = "\x80" .. ("\xff"):rep(11)})
      .. tars.finish, "its size is too large"},
    {"a size that is not a number", tars.header("a.png", {size = "0000000000z\0"}) .. tars.finish,
      "its size is not a number"},
    {"a sparse file", tars.make{ {"a.png", png, {kind = "S"}} }, "is sparse"},
    {"a sparse file of pax", tars.make{pax "22 GNU.sparse.major=1\n", {"a.png", png}}, "is sparse"},
    {"damaged pax records", tars.make{pax "99 path=a\n", {"a.png", png}},
      "its records are damaged"},
    {"pax records without end", tars.make{pax "0 path=a\n", {"a.png", png}}, "are damaged"},
    {"a pax size that is not a number", tars.make{pax "12 size=-12\n", {"a.png", png}},
      "its size is not a number"},
    {"a name of a gigabyte", tars.header("L", {kind = "L", size = 1 << 30}) .. tars.finish,
      "was it cut short?"},
    {"a name of megabytes", tars.make{ {"L", ("n"):rep(1 << 21), {kind = "L"}}, {"a.png", png} },
      "extended header of 2097152 bytes"},
    {"a sample without a picture", tars.make{ {"1.cls", "1"} },
      "sample '1' has no picture .png, .jpg or .jpeg"},
    {"two pictures in a sample", tars.make{ {"1.a.png", png}, {"1.b.png", png} },
      "has the pictures .a.png and .b.png: say image = \"a.png\""},
    {"a file twice", tars.make{ {"1.png", png}, {"1.png", png} }, "'1.png' is in it twice"},
    {"damaged JSON", tars.make{ {"1.png", png}, {"1.json", "{"} }, "'1.json': json:"},
    {"JSON that is not an object", tars.make{ {"1.png", png}, {"1.json", "[1]"} },
      "this is not an object"},
    {"no sample", tars.make{}, "there are no rows in it"},
  }
  for _, case in ipairs(WRONG) do
    it("refuses " .. case[1], function()
      with(case[2], function(path)
        assert.error_matches(function() data.tar(path) end, case[3], 1, true)
      end)
    end)
  end

  it("makes a loader name a damaged picture, also if the archive was cut later", function()
    with(tars.make{ {"1.png", png:sub(1, 40)} }, function(path)
      local set <const> = data.tar(path).train
      assert.error_matches(function() data.loader(set, {size = 8, enlarge = true})() end,
        "t.tar@512+40/1.png", 1, true)
    end)
    with(tars.make{ {"1.png", png} }, function(path)
      local set <const> = data.tar(path).train
      shell.write(path, "short")
      assert.error_matches(function() data.loader(set, {size = 8})() end, "the file is shorter", 1,
        true)
    end)
  end)

  it("reads or refuses archives with random damage and right checksums #slow", function()
    math.randomseed(7)
    local whole <const> = shards(2)
    shell.in_directory(function(dir)
      local path <const> = dir .. "/t.tar"
      local read = 0
      for _ = 1, 400 do
        local bytes = whole
        for _ = 1, math.random(3) do
          local block <const> = math.random(0, #bytes // 512 - 1) * 512
          local at <const> = block + math.random(512)
          bytes = bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1)
          if bytes:sub(block + 258, block + 262) == "ustar" then
            bytes = bytes:sub(1, block) .. tars.summed(bytes:sub(block + 1, block + 512))
              .. bytes:sub(block + 513)
          end
        end
        if math.random(4) == 1 then bytes = bytes:sub(1, math.random(#bytes)) end
        shell.write(path, bytes)
        local ok <const>, value <const> = pcall(data.tar, path)
        if ok then
          read = read + 1
          for i = 1, #value.train do value.train:image(i) end
        else
          assert.matches("tar_spec.lua:%d+: data.tar: ", value)
          assert.is_nil(value:match("data%.tar: (.*)"):find("%.lua:%d"), value)
        end
      end
      assert.is_true(read > 20, tostring(read))
    end)
  end)
end)
