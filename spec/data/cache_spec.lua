--- Tests data.mix, which makes one data set of several, and the loader's cache of decoded pictures
-- against a loader without cache.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local pictures <const> = require "spec.support.pictures"
local data <const>, mtl <const> = braid.data, braid.mtl

local loading <const> = require "spec.support.loading"
local TASKS <const> = loading.TASKS
local all_of <const> = loading.all_of
local numbered <const> = loading.numbered

describe("data.mix", function()
  local a <const> = numbered(12, {kind = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2}})
  local b <const> = pictures.memory(4)
  local steps <const> = {data.resize(16)}

  it("takes each batch from one set, by share; labels of the other sets are missing", function()
    local mix <const> = data.mix{{a, 2}, {b, 1}}
    assert.equal(16, #mix)
    local kinds <const>, own <const> = {}, {}
    for batch in data.loader(mix, {batch = 2, transforms = steps, shuffle = true, workers = 1,
        enlarge = true}) do
      local of_a <const> = batch.kind:gt(0):all():item()
      kinds[#kinds + 1] = of_a and "a" or "b"
      assert.same({2, 3, 16, 16}, batch.image.shape)
      assert.equal(of_a, batch.landmarks:ne(batch.landmarks):all():item())
      assert.equal(not of_a, batch.landmarks:eq(batch.landmarks):all():item())
      assert.equal(of_a, not batch.pose:gt(0):any():item())
      if of_a then
        for _, v in ipairs(batch.number:totable()) do own[#own + 1] = v end
      end
    end
    assert.equal("abaabaab", table.concat(kinds))
    assert.equal(10, #own)
    table.sort(own)
    for i = 2, #own do assert.is_true(own[i] > own[i - 1]) end
  end)

  it("with by = \"sample\" takes samples of all sets into each batch, and repeats sets", function()
    local mix <const> = data.mix{{a, 3}, {b, 1}, by = "sample", n = 48}
    local seen <const> = {}
    for batch in data.loader(mix, {batch = 8, transforms = steps, shuffle = true,
        channels = 1, enlarge = true}) do
      assert.equal(2, batch.pose:gt(0):sum():item())
      for _, v in ipairs(batch.number:totable()) do
        if v > 0 then seen[v] = (seen[v] or 0) + 1 end
      end
    end
    for i = 1, 12 do assert.equal(3, seen[i]) end
  end)

  it("gives batches in which the loss leaves out tasks without labels", function()
    local tasks <const> = mtl.tasks{kind = mtl.classes{2}, landmarks = mtl.landmarks{points = 5},
      yaw = mtl.real{}}
    local mix <const> = data.mix{{a, 1}, {b, 1}}
    for batch in data.loader(mix, {batch = 4, transforms = steps, channels = 1,
        enlarge = true}) do
      local outputs <const> = {kind = braid.randn(4, 2):requires_grad_(),
        landmarks = braid.randn(4, 10):requires_grad_(), yaw = braid.randn(4, 1):requires_grad_()}
      local loss <const>, each <const> = tasks:loss(outputs, batch)
      loss:backward()
      local of_a <const> = batch.kind:gt(0):all():item()
      assert.is_true(loss:item() == loss:item())
      for name, output in pairs(outputs) do
        local there <const> = (name == "kind") == of_a
        assert.equal(there, each[name] ~= nil and each[name]:item() > 0)
        assert.equal(there, output.grad ~= nil)
      end
    end
  end)

  it("raises an error without data sets, for a share of 0 and for an unknown by", function()
    assert.has_error(function() data.mix{} end,
      "data.mix: wants data sets, as in data.mix{{faces, 0.7}, {others, 0.3}}")
    assert.has_error(function() data.mix{{a, 0}} end,
      "data.mix: the share of part 1 must be a number above 0, not 0")
    assert.has_error(function() data.mix{{a, 1}, by = "step"} end,
      "data.mix: by must be \"batch\", \"sample\" or \"once\", not \"step\"")
  end)
end)

describe("the cache of decoded pictures", function()
  local STEPS_CACHED <const> = {data.crop{margin = 1.3}, data.resize(40),
    data.augment{rotate = 10, flip = 0.5}, data.whiten()}

  local function options(directory)
    return {batch = 4, transforms = STEPS_CACHED, tasks = TASKS, cache = directory .. "/cache"}
  end

  local function files_in(directory)
    local list <const> = {}
    for name in shell.run("ls " .. directory .. "/cache").out:gmatch("[^\n]+") do
      list[#list + 1] = name
    end
    return list
  end

  it("gives the same batches as without a cache, even after the files are removed", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 9)
      local plain <const> = all_of(ds, {batch = 4, transforms = STEPS_CACHED, tasks = TASKS})
      assert.same(plain, all_of(ds, options(directory)))
      assert.equal(1, #files_in(directory))
      local o <const> = options(directory)
      o.workers = 2
      assert.same(plain, all_of(ds, o))
      assert.equal(1, #files_in(directory))
      local loader <const> = data.loader(ds, o)
      for i = 1, 9 do os.remove(("%s/p%03d.png"):format(directory, i)) end
      local count = 0
      for batch in loader do count = count + batch.count end
      assert.equal(9, count)
    end)
  end)

  it("stops between two pictures at Ctrl-C, and leaves no unfinished file", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 9)
      local plain <const> = all_of(ds, {batch = 4, transforms = STEPS_CACHED, tasks = TASKS})
      local stops = 0
      for n = 0, 60, 3 do
        core.stop_after(n)
        local ok <const>, message <const> = pcall(data.loader, ds, options(directory))
        core.stop_after(-1)
        if not ok then
          assert.matches("interrupted!$", message)
          assert.same({}, files_in(directory))
          stops = stops + 1
        end
      end
      assert.is_true(stops > 3)
      assert.same(plain, all_of(ds, options(directory)))
    end)
  end)

  it("holds pictures in their own sizes if no transform resizes them", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 3)
      local steps <const> = {data.augment{size = 30}}
      assert.same(all_of(ds, {transforms = steps}),
        all_of(ds, {transforms = steps, cache = directory .. "/cache"}))
    end)
  end)

  it("is made again after a picture, a box or a fixed transform has changed", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 3)
      all_of(ds, options(directory))
      assert(braid.save(directory .. "/p002.png", pictures.picture(-9)))
      all_of(ds, options(directory))
      assert.equal(2, #files_in(directory))
      ds.boxes[{1, 1}] = 3
      all_of(ds, options(directory))
      assert.equal(3, #files_in(directory))
      local o <const> = options(directory)
      o.transforms = {data.crop{margin = 1.4}, table.unpack(STEPS_CACHED, 2)}
      all_of(ds, o)
      assert.equal(4, #files_in(directory))
      o.transforms = {STEPS_CACHED[1], STEPS_CACHED[2], data.augment{}}
      all_of(ds, o) -- random changes are not in the cache
      assert.equal(4, #files_in(directory))
    end)
  end)

  local function rewrite(path, f)
    local file <close> = assert(io.open(path, "r+b"))
    f(file)
  end

  it("is made again if its file is damaged, and never gives a wrong picture", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 5)
      local plain <const> = all_of(ds, options(directory))
      local path <const> = directory .. "/cache/" .. files_in(directory)[1]
      local whole <const> = shell.read(path)
      local damaged <const> = {"", whole:sub(1, 30), whole:sub(1, #whole - 1), ("x"):rep(#whole),
        whole .. "x", whole:sub(1, 40) .. ("\255"):rep(#whole - 40)}
      for i = 1, 60 do
        local at <const> = 1 + (i * 7919) % #whole
        damaged[#damaged + 1] = whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 1 << i % 8)
          .. whole:sub(at + 1)
      end
      for _, bytes in ipairs(damaged) do
        shell.write(path, bytes)
        assert.same(plain, all_of(ds, options(directory)))
        assert.same(plain, all_of(ds, options(directory)))
        assert.equal(whole, shell.read(path))
      end
    end)
  end)

  it("gives right pictures if its file is cut, overwritten or removed during use", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 8)
      local plain <const> = all_of(ds, options(directory))
      local path <const> = directory .. "/cache/" .. files_in(directory)[1]
      local whole <const> = shell.read(path)
      for _, harm in ipairs{
        function() shell.run("truncate -s 100 " .. path) end,
        function() shell.run("truncate -s 0 " .. path) end,
        function() rewrite(path, function(f) f:write(("\0"):rep(#whole)) end) end,
        function()
          rewrite(path, function(f) f:seek("set", #whole // 2) f:write(("z"):rep(3000)) end)
        end,
        function() os.remove(path) end,
      } do
        shell.write(path, whole)
        for _, workers in ipairs{0, 2} do
          local o <const> = options(directory)
          o.workers = workers
          local loader <const>, sums = data.loader(ds, o), {}
          harm()
          for batch in loader do sums[#sums + 1] = batch.image:sum():item() end
          local own <const> = {}
          o.cache, o.workers = nil, 0
          for batch in data.loader(ds, o) do own[#own + 1] = batch.image:sum():item() end
          assert.same(own, sums)
        end
        assert.same(plain, all_of(ds, options(directory)))
        assert.equal(whole, shell.read(path)) -- made anew
      end
    end)
  end)

  it("is made again if a picture is replaced by another of equal size and date", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 3)
      local path <const> = directory .. "/p002.png"
      -- A decoder ignores bytes after the end of a PNG: they make all files equally long.
      local function put(to, dx)
        braid.save(to, pictures.picture(dx))
        local bytes <const> = shell.read(to)
        shell.write(to, bytes .. ("\0"):rep(5000 - #bytes))
        shell.run("touch -d 2020-01-01 " .. to)
      end
      put(path, 1)
      local first = all_of(ds, options(directory))
      for dx, how in ipairs{"cat %s/new.png >%s", "mv %s/new.png %s"} do
        put(directory .. "/new.png", 3 * dx)
        shell.run(how:format(directory, path) .. "; touch -d 2020-01-01 " .. path)
        local again <const>, o <const> = all_of(ds, options(directory)), options(directory)
        o.cache = nil
        assert.is_false((pcall(assert.same, first, again)))
        assert.same(all_of(ds, o), again)
        first = again
      end
    end)
  end)

  it("is made only once when three processes need it at the same time", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 40)
      local script <const> = [[
        package.path = %q package.cpath = %q
        local braid <const> = require "braid"
        local names <const> = {}
        for i = 1, 40 do names[i] = ("p%%03d.png"):format(i) end
        local ds <const> = require("braid.data.dataset"){files = names, root = %q, labels = {}}
        local sum = 0
        local steps <const> = {braid.data.resize(24)}
        for b in braid.data.loader(ds, {batch = 8, cache = %q, transforms = steps}) do
          sum = sum + b.image:sum():item()
        end
        print(sum)]]
      shell.write(directory .. "/work.lua", script:format(package.path, package.cpath, directory,
        directory .. "/cache"))
      local command <const> = ("OMP_NUM_THREADS=1 %s %s/work.lua"):format(shell.lua, directory)
      local result <const> = shell.run(("%s & %s & %s & wait"):format(command, command, command))
      assert.equal("", result.err)
      local first <const> = result.out:match("^[^\n]+")
      assert.equal((first .. "\n"):rep(3), result.out)
      assert.equal(1, #files_in(directory))
      assert.equal(40, #ds)
    end)
  end)

  it("leaves out unreadable pictures: the loader raises an error, or skips them", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 4)
      shell.write(directory .. "/p002.png", "no picture")
      local ok <const>, message <const> = pcall(all_of, ds, options(directory))
      assert.is_false(ok)
      assert.matches("p002.png", message, 1, true)
      local o <const> = options(directory)
      o.skip = true
      assert.equal(3, all_of(ds, o)[1].count)
    end)
  end)

  it("raises an error that names its directory if that cannot be made", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 1)
      shell.write(directory .. "/cache", "a file")
      local ok <const>, message <const> = pcall(all_of, ds, options(directory))
      assert.is_false(ok)
      assert.matches(directory .. "/cache", message, 1, true)
    end)
  end)
end)
