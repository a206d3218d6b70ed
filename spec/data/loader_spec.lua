local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local pictures <const> = require "spec.support.pictures"
local Dataset <const> = require "braid.data.dataset"
local data <const>, mtl <const> = braid.data, braid.mtl

local TASKS <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = pictures.FLIP},
  pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}, yaw = mtl.real{1, flip = "negate"},
}
local STEPS <const> = {data.crop{margin = 1.4}, data.resize(48),
  data.augment{rotate = 15, scale = 0.1, flip = 0.5, shear = 5}, data.brightness(0.2),
  data.contrast(0.2), data.saturation(0.2), data.gray(0.3), data.equalize(0.3), data.noise(0.02),
  data.blur(1), data.cutout(0.2), data.whiten()}

-- Everything in the batches of an epoch, as one list of lists.
local function all_of(ds, options)
  local list <const> = {}
  for batch in data.loader(ds, options) do
    local row <const> = {count = batch.count, task = batch.task}
    for name, t in pairs(batch) do
      if type(t) == "userdata" then
        -- NaN is no value that `same` could compare.
        row[name] = t.dtype:find("float") and t:masked_fill(t:ne(t), 12345):totable() or t:totable()
      end
    end
    list[#list + 1] = row
  end
  return list
end

-- Tiny pictures that carry their number in their gray and in the label `number`.
local function numbered(n, labels)
  local values <const>, numbers <const> = {}, {}
  for i = 1, n do values[i], numbers[i] = {{{i % 256}}}, i end
  local all <const> = {number = braid.tensor(numbers, {dtype = "int64"})}
  for name, list in pairs(labels or {}) do all[name] = braid.tensor(list, {dtype = "int64"}) end
  return Dataset{images = braid.tensor(values, {dtype = "uint8"}), labels = all, missing = 0}
end

local function numbers_of(ds, options)
  local list <const> = {}
  options.transforms = options.transforms or {}
  for batch in data.loader(ds, options) do
    for _, v in ipairs(batch.number:totable()) do list[#list + 1] = v end
  end
  return list
end

local function sorted(list)
  table.sort(list)
  return list
end

local function upto(n)
  local list <const> = {}
  for i = 1, n do list[i] = i end
  return list
end

describe("workers of a loader", function()
  it("give the same batches whatever their number, from memory and from files", function()
    shell.in_directory(function(directory)
      for _, ds in ipairs{pictures.memory(11), pictures.files(directory, 11)} do
        local options <const> = {batch = 4, shuffle = true, seed = 7, epoch = 2, tasks = TASKS,
          transforms = STEPS}
        local plain <const> = all_of(ds, options)
        assert.equal(3, #plain)
        for _, n in ipairs{1, 2, 5} do
          options.workers = n
          assert.same(plain, all_of(ds, options))
        end
        options.epoch = 3
        assert.not_same(plain, all_of(ds, options))
      end
    end)
  end)

  it("give the batches of the usual options, too", function()
    local faces <const> = data.faces{n = 40, val = 1, test = 1}.train
    local options <const> = {batch = 16, shuffle = true, augment = {rotate = 9, flip = 0.5},
      tasks = TASKS}
    local plain <const> = all_of(faces, options)
    options.workers = 2
    assert.same(plain, all_of(faces, options))
  end)

  it("leave nothing behind when the loop ends early, by break or by an error", function()
    local ds <const> = pictures.memory(30)
    local function early(stop)
      for batch in data.loader(ds, {batch = 2, workers = 3, ahead = 6, tasks = TASKS,
                                    transforms = STEPS}) do
        if batch then
          if stop then error("stop here") end
          break
        end
      end
    end
    early()
    collectgarbage()
    collectgarbage() -- what finalizers of the first have let go of
    local before <const> = braid.memory().live
    for _ = 1, 10 do
      early()
      assert.has_error(function() early(true) end, "stop here")
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)

  it("close with their scope, and leave loops with scopes and breaks alone", function()
    local ds <const> = pictures.memory(8)
    local list <const> = {}
    for round = 1, 3 do
      local batches <close> = data.loader(ds, {batch = 2, workers = 2, transforms = {}})
      list[round] = batches
      for batch in batches do
        local _ <close> = braid.scope()
        if batch.count == 2 then break end
      end
      for batch in data.loader(ds, {batch = 2, workers = 2, transforms = {}}) do
        local _ <close> = braid.scope()
        if round > 1 and batch.count == 2 then break end
      end
      assert.is_truthy(batches.core)
    end
    for _, batches in ipairs(list) do
      assert.is_nil(batches.core)
      assert.is_nil(batches())
    end
  end)

  it("end with a loader that was merely dropped", function()
    local ds <const> = pictures.memory(4)
    collectgarbage()
    local before <const> = braid.memory().live
    for _ = 1, 5 do data.loader(ds, {batch = 2, workers = 2, transforms = {}}) end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)

  it("hand on errors with the file's name; skip leaves the picture out and counts", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 9)
      shell.write(directory .. "/p003.png", "no picture")
      os.remove(directory .. "/p007.png")
      local options <const> = {batch = 4, transforms = {data.resize(20)}}
      for _, workers in ipairs{0, 2} do
        options.workers, options.skip = workers, false
        local ok <const>, message <const> = pcall(all_of, ds, options)
        assert.is_false(ok)
        assert.matches("data.loader: " .. directory .. "/p003.png: ", message, 1, true)
        options.skip = true
        local loader <const>, numbers <const> = data.loader(ds, options), {}
        for batch in loader do
          for _, angle in ipairs(batch.yaw:totable()) do
            numbers[#numbers + 1] = (angle + 35) // 10
          end
          assert.equal(batch.count, batch.image:size(1))
        end
        assert.same({1, 2, 4, 5, 6, 8, 9}, numbers)
        assert.equal(2, loader:facts().skipped)
        assert.matches("p003.png", loader:facts().first_skipped, 1, true)
      end
    end)
  end)

  it("have their limits named", function()
    local ds <const> = numbered(3)
    assert.has_error(function() data.loader(ds, {workers = -1}) end,
      "data.loader: workers must be a whole number from 0 to 256, not -1")
    assert.has_error(function() data.loader(ds, {transforms = {}, size = 3}) end,
      "data.loader: with transforms, size belongs among them")
    assert.has_error(function() data.loader(ds, {balanced = "number", weights = {1, 1, 1}}) end,
      "data.loader: only one of balanced, weights and stratify")
    assert.has_error(function() data.loader({}) end, "data.loader: wants a data set, not {}")
  end)
end)

describe("the order of samples", function()
  local kinds <const> = {}
  for i = 1, 60 do kinds[i] = i <= 40 and 1 or i <= 54 and 2 or i <= 57 and 3 or 0 end
  local ds <const> = numbered(60, {kind = kinds})

  it("is that of the data, or a shuffle of it, without repetition", function()
    assert.same(upto(60), numbers_of(ds, {batch = 7}))
    local shuffled <const> = numbers_of(ds, {batch = 7, shuffle = true})
    assert.not_same(upto(60), shuffled)
    assert.same(upto(60), sorted(shuffled))
    assert.equal(56, #numbers_of(ds, {batch = 7, drop_last = true}))
  end)

  it("is balanced: each class as often as the others in every batch", function()
    for batch in data.loader(ds, {batch = 6, balanced = "kind", shuffle = true, transforms = {}}) do
      for class = 1, 3 do assert.equal(2, batch.kind:eq(class):sum():item()) end
    end
    local seen <const> = {}
    for _, v in ipairs(numbers_of(ds, {batch = 60, balanced = "kind", shuffle = true})) do
      seen[v] = (seen[v] or 0) + 1
    end
    for i = 55, 57 do assert.is_true(seen[i] == 6 or seen[i] == 7) end
    for i = 1, 40 do assert.is_true((seen[i] or 0) <= 1) end
  end)

  it("lets tasks take turns, each balanced, without the labels of others", function()
    local two <const> = {}
    for i = 1, 60 do two[i] = i % 10 == 0 and 2 or 1 end
    local both <const> = numbered(60, {kind = kinds, two = two})
    local tasks <const> = {}
    for batch in data.loader(both, {batch = 12, balanced = {"two", "kind"}, transforms = {}}) do
      tasks[#tasks + 1] = batch.task
      local own <const>, classes <const> = batch[batch.task], batch.task == "two" and 2 or 3
      for class = 1, classes do assert.equal(12 // classes, own:eq(class):sum():item()) end
      assert.is_true(batch[batch.task == "two" and "kind" or "two"]:eq(-100):all():item())
      assert.is_true(batch.number:eq(-100):all():item())
    end
    assert.same({"two", "kind", "two", "kind", "two"}, tasks)
  end)

  it("draws in proportion to weights", function()
    local weights <const> = {}
    for i = 1, 60 do weights[i] = i <= 2 and 20 or i <= 22 and 1 or 0 end
    local few, many, none = 0, 0, 0
    for epoch = 1, 40 do
      for _, v in ipairs(numbers_of(ds, {batch = 60, weights = weights, epoch = epoch})) do
        if v <= 2 then many = many + 1 elseif v <= 22 then few = few + 1 else none = none + 1 end
      end
    end
    assert.equal(0, none)
    assert.near(2 / 3, many / (many + few), 0.03) -- 2400 draws: a deviation of 0.01
    assert.has_error(function() data.loader(ds, {weights = {1, 2}, transforms = {}}) end,
      "data.loader: 2 weights for 60 samples")
  end)

  it("stratified has the classes in every batch as in the whole", function()
    local seen <const> = {}
    local options <const> = {batch = 15, stratify = "kind", shuffle = true, transforms = {}}
    for batch in data.loader(ds, options) do
      assert.near(10, batch.kind:eq(1):sum():item(), 1)
      assert.near(3.5, batch.kind:eq(2):sum():item(), 1)
      for _, v in ipairs(batch.number:totable()) do seen[#seen + 1] = v end
    end
    assert.same(upto(60), sorted(seen))
  end)

  it("names a label that cannot balance", function()
    assert.has_error(function() data.loader(ds, {balanced = "size", transforms = {}}) end,
      "data.loader: balanced: there is no label 'size'")
  end)

  it("goes on from a saved state, with the same batches", function()
    for _, options in ipairs{
      {shuffle = true, tasks = TASKS, transforms = STEPS, workers = 2},
      {balanced = "pose", tasks = TASKS, transforms = STEPS},
    } do
      local source <const> = pictures.memory(10)
      options.batch, options.epoch, options.seed = 3, 5, 9
      local whole <const> = all_of(source, options)
      local loader <const> = data.loader(source, options)
      for _ = 1, 2 do loader() end
      local state <const> = loader:state()
      loader:close()
      assert.same({5, 9, 6}, {state.epoch, state.seed, state.samples})
      options.state, options.epoch, options.seed = state, nil, nil
      local rest <const> = all_of(source, options)
      assert.same({whole[3], whole[4]}, rest)
    end
  end)

  it("begins quickly: 200,000 files cost no look at any of them", function()
    local names <const>, labels <const> = {}, {}
    for i = 1, 200000 do names[i], labels[i] = ("%06d.jpg"):format(i), i % 2 + 1 end
    local many <const> = Dataset{files = names, root = "/nowhere",
      labels = {male = braid.tensor(labels, {dtype = "uint8"})}}
    local loader <const> = data.loader(many,
      {batch = 64, shuffle = true, transforms = {data.resize(8)}})
    assert.equal(3125, #loader)
    assert.has_error(function() loader() end)
  end)
end)

describe("data.mix", function()
  local a <const> = numbered(12, {kind = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2}})
  local b <const> = pictures.memory(4)
  local steps <const> = {data.resize(16)}

  it("takes batches of its parts in their shares, labels of others missing", function()
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

  it("mixes samples within each batch, each set going around on its own", function()
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

  it("trains tasks on what each set has: losses ignore the rest", function()
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

  it("names parts that are none", function()
    assert.has_error(function() data.mix{} end, "data.mix: there are no data sets")
    assert.has_error(function() data.mix{{a, 0}} end,
      "data.mix: the share of part 1 must be a number above 0, not 0")
    assert.has_error(function() data.mix{{a, 1}, by = "step"} end,
      "data.mix: by must be \"batch\" or \"sample\", not \"step\"")
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

  it("gives the batches that there are without it, also when the files are gone", function()
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

  it("keeps pictures of any size where nothing is resized", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 3)
      local steps <const> = {data.augment{size = 30}}
      assert.same(all_of(ds, {transforms = steps}),
        all_of(ds, {transforms = steps, cache = directory .. "/cache"}))
    end)
  end)

  it("is another one after a file, a box or a step has changed", function()
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
      all_of(ds, o) -- what is random is not in it
      assert.equal(4, #files_in(directory))
    end)
  end)

  local function rewrite(path, f)
    local file <close> = assert(io.open(path, "r+b"))
    f(file)
  end

  it("is made anew after damage anywhere, and no picture is ever wrong", function()
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

  it("serves on when its file is cut, overwritten or removed meanwhile", function()
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

  it("notices a picture that was replaced by another of equal size and date", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 3)
      local path <const> = directory .. "/p002.png"
      -- A PNG may be followed by anything.
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

  it("is made once by processes that want it at the same time", function()
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

  it("leaves out what cannot be read, which then is an error as ever", function()
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

  it("says when its directory cannot be", function()
    shell.in_directory(function(directory)
      local ds <const> = pictures.files(directory, 1)
      shell.write(directory .. "/cache", "a file")
      local ok <const>, message <const> = pcall(all_of, ds, options(directory))
      assert.is_false(ok)
      assert.matches(directory .. "/cache", message, 1, true)
    end)
  end)
end)
