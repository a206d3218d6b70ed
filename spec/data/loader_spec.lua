--- Tests data.loader: its worker threads, and the order in which it gives samples.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local pictures <const> = require "spec.support.pictures"
local Dataset <const> = require "braid.data.dataset"
local data <const> = braid.data

local loading <const> = require "spec.support.loading"
local TASKS <const> = loading.TASKS
local all_of <const> = loading.all_of
local numbered <const> = loading.numbered

local STEPS <const> = {data.crop{margin = 1.4}, data.resize(48),
  data.augment{rotate = 15, scale = 0.1, flip = 0.5, shear = 5}, data.brightness(0.2),
  data.contrast(0.2), data.saturation(0.2), data.gray(0.3), data.equalize(0.3), data.noise(0.02),
  data.blur(1), data.cutout(0.2), data.whiten()}

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

describe("the workers of data.loader", function()
  it("give the same batches for any number of workers, from memory and from files", function()
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

  it("give the same batches as no workers, with the options shuffle and augment", function()
    local faces <const> = data.faces{n = 40, val = 1, test = 1}.train
    local options <const> = {batch = 16, shuffle = true, augment = {rotate = 9, flip = 0.5},
      tasks = TASKS}
    local plain <const> = all_of(faces, options)
    options.workers = 2
    assert.same(plain, all_of(faces, options))
  end)

  it("free their memory when the loop ends early, by break or by an error", function()
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
    collectgarbage() -- frees what finalizers of the first released
    local before <const> = braid.memory().live
    for _ = 1, 10 do
      early()
      assert.has_error(function() early(true) end, "stop here")
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)

  it("close at the end of their <close> variable, not of a scope inside the loop", function()
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

  it("free their memory when their loader is collected without close", function()
    local ds <const> = pictures.memory(4)
    collectgarbage()
    local before <const> = braid.memory().live
    for _ = 1, 5 do data.loader(ds, {batch = 2, workers = 2, transforms = {}}) end
    collectgarbage()
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)

  it("raise errors that name the file; skip leaves out and counts unreadable pictures", function()
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

  it("raise an error for options that are out of range or contradict each other", function()
    local ds <const> = numbered(3)
    assert.has_error(function() data.loader(ds, {workers = -1}) end,
      "data.loader: workers must be a whole number from 0 to 256, not -1")
    assert.has_error(function() data.loader(ds, {transforms = {}, size = 3}) end,
      "data.loader: transforms are given, so size must be one of them")
    assert.has_error(function() data.loader(ds, {balanced = "number", weights = {1, 1, 1}}) end,
      "data.loader: only one of balanced, weights and stratify")
    assert.has_error(function() data.loader({}) end, "data.loader: wants a data set, not {}")
  end)
end)

describe("data.loader, in the order of its samples,", function()
  local kinds <const> = {}
  for i = 1, 60 do kinds[i] = i <= 40 and 1 or i <= 54 and 2 or i <= 57 and 3 or 0 end
  local ds <const> = numbered(60, {kind = kinds})

  it("follows the data, or is random with shuffle, and takes each sample once", function()
    assert.same(upto(60), numbers_of(ds, {batch = 7}))
    local shuffled <const> = numbers_of(ds, {batch = 7, shuffle = true})
    assert.not_same(upto(60), shuffled)
    assert.same(upto(60), sorted(shuffled))
    assert.equal(56, #numbers_of(ds, {batch = 7, drop_last = true}))
  end)

  it("with balanced takes an equal number of samples of each class into every batch", function()
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

  it("with balanced = {...} serves one task in turn, without the labels of others", function()
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

  it("with weights draws samples in proportion to them", function()
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
      "data.loader: weights has 2 numbers, but the data set has 60 samples")
  end)

  it("with stratify gives every batch the class shares of the whole data set", function()
    local seen <const> = {}
    local options <const> = {batch = 15, stratify = "kind", shuffle = true, transforms = {}}
    for batch in data.loader(ds, options) do
      assert.near(10, batch.kind:eq(1):sum():item(), 1)
      assert.near(3.5, batch.kind:eq(2):sum():item(), 1)
      for _, v in ipairs(batch.number:totable()) do seen[#seen + 1] = v end
    end
    assert.same(upto(60), sorted(seen))
  end)

  it("refuses to balance by a label that does not exist", function()
    assert.has_error(function() data.loader(ds, {balanced = "size", transforms = {}}) end,
      "data.loader: balanced: there is no label 'size'")
  end)

  it("gives the same batches after a saved state is loaded", function()
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

  it("opens none of 200,000 files before the first batch", function()
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
