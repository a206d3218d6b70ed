--- Tests that the commands train and show give the same numbers as scripts.

local braid <const> = require "braid"
local command <const> = require "spec.support.command"
local check <const> = require "braid.check"
local shell <const> = require "spec.support.shell"
local json <const> = require "braid.io.json"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train
local run <const> = command.run

local DATA <const> = ' --data faces --read "n=120 seed=3"'
local SETTINGS <const> = ' --tasks "landmarks pose*0.02 smile*0.1" --size 40 --batch 32 --seed 4'
  .. ' --lr=2e-3 --schedule cosine --clip 5 --best landmarks.error --augment "flip=0.5 rotate=10"'
  .. ' --options "norm activation=ReLU"'
local TRAIN <const> = "train models/tcdcn.lua" .. DATA .. SETTINGS

local function faces() return data.faces{n = 120, seed = 3} end

-- The same training in a script.
local function by_script(dir, epochs)
  local sets <const> = faces()
  local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = sets.train},
    pose = mtl.classes{5, weight = 0.02, flip = {5, 4, 3, 2, 1}},
    smile = mtl.classes{2, weight = 0.1}}
  braid.manual_seed(4)
  local net <const> = braid.model("models/tcdcn.lua", {tasks = tasks, norm = true,
    activation = "ReLU"})
  return train.fit{net = net, train = sets.train, val = sets.val, epochs = epochs, batch = 32,
    seed = 4, optimizer = {"AdamW", lr = 2e-3}, schedule = "cosine", clip = 5,
    best = "landmarks.error", loader = {size = 40, augment = {flip = 0.5, rotate = 10}},
    dir = dir, progress = false}
end

local function weights(path) return (braid.load(path)) end

local function assert_same_weights(a, b)
  local one <const>, other <const> = weights(a), weights(b)
  assert.same(check.sorted_keys(one), check.sorted_keys(other))
  for name, t in pairs(one) do assert.same(t:totable(), other[name]:totable(), name) end
end

describe("the commands train and show:", function()
  it("train gives the weights of a script, and continues where it stopped", function()
    shell.in_directory(function(dir)
      local a <const>, b <const> = dir .. "/a", dir .. "/b"
      local threads <const> = braid.get_threads()
      braid.set_threads(1)
      local history <const> = by_script(b, 3)
      braid.set_threads(threads)
      local first <const> = run(TRAIN .. " --epochs 3 --dir " .. a)
      assert.equal("", first.err)
      assert.equal(0, first.status)
      assert_same_weights(a .. "/best.safetensors", b .. "/best.safetensors")
      local own <const> = train.history.read(a)
      assert.equal(#history, #own)
      for i = 1, #own do
        assert.same(history[i].train.loss, own[i].train.loss)
        assert.same(history[i].val.landmarks.error, own[i].val.landmarks.error)
      end
      local shown <const> = run("show " .. a)
      assert.same({0, tostring(own) .. "\n"}, {shown.status, shown.out})
      assert.equal(#own.events, #json.decode(run("show " .. a .. " --json").out))
      local again <const> = run(TRAIN .. " --epochs 4 --dir " .. a)
      assert.equal(0, again.status)
      assert.matches("continues after epoch 3", again.out .. again.err, 1, true)
      assert.equal(4, #train.history.read(a))
    end)
  end)

  it("train ends with status 130 if it is interrupted, and keeps its weights", function()
    shell.in_directory(function(dir)
      local call <const> = ("OMP_NUM_THREADS=1 %s train tcdcn.lua --data faces --read n=500"
        .. " --size 40 --epochs 100000 --dir %s/a"):format(shell.braid, dir)
      local result <const> = run('--version >/dev/null; ' .. call .. [[ & child=$!
        for i in $(seq 100); do test -s ]] .. dir .. [[/a/last.safetensors && break; sleep 0.1; done
        kill -INT $child; wait $child]])
      assert.equal(130, result.status)
      assert.equal("", run("inspect " .. dir .. "/a/last.safetensors").err)
    end)
  end)

  it("train writes the size of the pictures into config.json", function()
    shell.in_directory(function(dir)
      local call <const> = "train tcdcn.lua --options input=64 --data faces --read n=20 --steps 1"
        .. " --dir "
      assert.equal(0, run(call .. dir .. "/a").status)
      local config <const> = json.decode(shell.read(dir .. "/a/config.json"))
      assert.equal(64, config.options.loader.size)
    end)
  end)

  it("train --json prints the last epoch", function()
    local result <const> = run(TRAIN .. " --steps 3 --json")
    assert.equal(0, result.status)
    local epoch <const> = json.decode(result.out)
    assert.equal(3, epoch.step)
    assert.is_number(epoch.val.landmarks.error)
  end)

  it("show transforms draws each transform on a rendered face or a given picture", function()
    shell.in_directory(function(dir)
      local result <const> = run(("show transforms --out %s/t.png"):format(dir))
      assert.same({0, ""}, {result.status, result.err})
      local drawn <const> = {}
      for name in result.out:gmatch("\n  data%.(%w+)") do drawn[name] = true end
      for name in pairs(require "braid.data.transforms") do
        assert.is_true(drawn[name] or name:find("_bins$") ~= nil, name)
      end
      local sheet <const> = braid.load(dir .. "/t.png")
      assert.equal(3, sheet:size(1))
      -- The first drawing of each transform shows its points in green.
      local green <const> = sheet[1]:eq(40):logical_and(sheet[2]:eq(230))
      assert.is_true(green:sum():item() > 27 * 3 * 5 * 4)
      braid.save(dir .. "/gray.png", braid.full({1, 70, 90}, 80, {dtype = "uint8"}))
      local own <const> = run(("show transforms %s/gray.png --json --out %s/u.png"):format(dir,
        dir))
      local said <const> = json.decode(own.out)
      assert.equal(dir .. "/u.png", said.out)
      assert.equal(25, #said.transforms) -- align and the crop by points want points
      assert.matches("there is no nowhere%.png", run("show transforms nowhere.png").err)
    end)
  end)

  it("show data counts the samples and labels of a data set", function()
    local sets <const> = faces()
    local listed <const> = json.decode(run('show data faces --read "n=120 seed=3" --json').out)
    local text <const> = run('show data faces --read "n=120 seed=3"').out
    for _, part in ipairs{"train", "val", "test"} do
      assert.equal(#sets[part], listed[part].samples)
      assert.is_truthy(text:find(("%s: %d samples\n"):format(part, #sets[part]), 1, true))
      assert.equal(5, listed[part].labels.landmarks.points)
      for name in pairs(sets[part].classes) do
        local facts <const>, sum = listed[part].labels[name], 0
        for c, count in ipairs(facts.counts) do
          sum = sum + count
          assert.equal(sets[part].labels[name]:eq(c):sum():item(), count)
        end
        assert.same(sets[part].classes[name], facts.names)
        assert.equal(#sets[part], sum + facts.missing)
      end
    end
  end)

  it("settings may be lists, and options may come from a file with --config", function()
    shell.in_directory(function(dir)
      shell.write(dir .. "/f.csv", "file,smile,x1,y1,x2,y2\n" ..
        ("%s/examples/pictures/faces.png,2,1,2,3,4\n"):format(shell.root):rep(2))
      local read <const> = "classes={smile} points={eyes={x1, y1, x2, y2}}"
      local call <const> = ("show data %s/f.csv --json"):format(dir)
      local result <const> = run(call .. " --read '" .. read .. "'")
      local labels <const> = json.decode(result.out).train.labels
      assert.equal(2, labels.eyes.points)
      assert.same({2}, labels.smile.counts)
      shell.write(dir .. "/c.json", json.encode{read = read, json = true})
      shell.write(dir .. "/c.lua", ("return {read = %q, json = 2 > 1}"):format(read))
      for _, file in ipairs{"c.json", "c.lua"} do
        local other <const> = run(("show data %s/f.csv --config %s/%s"):format(dir, dir, file))
        assert.equal(result.out, other.out)
        assert.not_equal(result.out, run(("show --config=%s/%s data %s/f.csv --read="):format(dir,
          file, dir)).out)
      end
      for text, why in pairs{["return os.time()"] = "os", ["return {"] = "expected",
        ["return 3"] = "by name", ["return {reed = 3}"] = "did you mean --read",
        ["return {read = print}"] = "must be a number", ["while true do end"] = "steps"} do
        shell.write(dir .. "/bad.lua", text)
        local bad <const> = run(call .. " --config " .. dir .. "/bad.lua")
        assert.equal(2, bad.status)
        assert.is_truthy(bad.err:find(why, 1, true), bad.err)
      end
      assert.equal(2, run(call .. " --config /no/such.json").status)
      assert.equal(2, run(call .. " --config").status)
    end)
  end)

  it("train reads data in the size and colours that the network takes", function()
    shell.in_directory(function(dir)
      local function loader(call)
        local result <const> = run(("train %s --steps 1 --batch 2 --dir %s/%d"):format(call, dir,
          #call))
        assert.equal(0, result.status, result.err)
        return json.decode(shell.read(("%s/%d/config.json"):format(dir, #call))).options.loader
      end
      assert.same({size = 40}, loader "tcdcn --data faces --read n=8")
      assert.same({size = 40, channels = 1}, loader "tcdcn --data faces --read 'n=8 channels=3'")
      assert.same({size = 64}, loader "dcnet --data faces --read n=8 --options width=0.1")
      assert.same({size = 150}, loader "kth --data faces --read n=8 --options width=0.1")
      assert.same({size = 150, channels = 3, enlarge = true},
        loader "kth --data faces --read 'n=8 channels=1 size=64' --options width=0.1")
    end)
  end)

  it("train accepts every option of train.fit as words #slow", function()
    shell.in_directory(function(dir)
      local function both(words, options)
        local sets <const> = faces()
        local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = sets.train},
          smile = mtl.classes{2, weight = 0.1}}
        braid.manual_seed(1)
        local given <const> = {train = sets.train, val = sets.val, loader = {size = 40},
          net = braid.model("cross_stitch.lua", {tasks = tasks}), seed = 1, progress = false,
          optimizer = {"AdamW"}}
        for key, value in pairs(options) do given[key] = value end
        local history <const> = train.fit(given)
        local result <const> = run(("train cross_stitch%s --tasks 'landmarks smile*0.1' %s --json")
          :format(DATA, words))
        assert.equal("", result.err)
        local last <const>, own <const> = history[#history], json.decode(result.out)
        assert.same(last.train.loss, own.train.loss, words)
        assert.equal(last.val.landmarks.error, own.val.landmarks.error, words)
        assert.equal(last.step, own.step, words)
      end
      local threads <const> = braid.get_threads()
      braid.set_threads(1)
      both("--stages '{epochs=1 train=heads} {steps=2 train={columns, mixers} lr=1e-4}'",
        {stages = {{epochs = 1, train = "heads"},
          {steps = 2, train = {"columns", "mixers"}, lr = 1e-4}}})
      both("--steps 3 --optimizer 'SGD momentum=0.9 lr=0.01' --schedule 'step size=2 gamma=0.5'", {
        steps = 3, optimizer = {"SGD", momentum = 0.9, lr = 0.01},
          schedule = braid.optim.step(2, {gamma = 0.5})})
      both("--epochs 2 --schedule 'plateau patience=0' --ema 'decay=0.9 by=epoch'"
        .. " --rates smile=0.1", {epochs = 2, rates = {smile = 0.1},
          schedule = braid.optim.plateau{patience = 0}, ema = {decay = 0.9, by = "epoch"}})
      both("--steps 3 --weighting 'gradnorm alpha=1.2' --warmup steps=2 --weights smile=0.3",
        {steps = 3, weighting = mtl.weighting.gradnorm{alpha = 1.2}, warmup = {steps = 2},
          weights = {smile = 0.3}})
      both("--epochs 1 --turns yes --stopping 'epsilon=0.5 main=landmarks'", {epochs = 1,
        turns = true, stopping = {epsilon = 0.5, main = "landmarks"}})
      both("--steps 2 --balanced smile --loader drop_last --batch 20", {steps = 2,
        balanced = {"smile"}, batch = 20, loader = {size = 40, drop_last = true}})
      shell.write(dir .. "/c.lua", [[return {stages = {{steps = 2, lr = 10 ^ -3},
        {steps = 1, train = {"heads"}}}, balanced = "smile"}]])
      both("--config " .. dir .. "/c.lua", {balanced = {"smile"},
        stages = {{steps = 2, lr = 1e-3}, {steps = 1, train = {"heads"}}}})
      braid.set_threads(threads)
    end)
  end)

  it("settings are read from text", function()
    local settings <const> = require "braid.cli.given.settings"
    for text, value in pairs{
      [""] = {}, ["a"] = {a = true}, ["a b=no,c=1e-3"] = {a = true, b = false, c = 1e-3},
      ["a={}"] = {a = {}}, ["a={1 2,x} b={c={d=5}}"] = {a = {1, 2, "x"}, b = {c = {d = 5}}},
      ["p=a/b-c.d"] = {p = "a/b-c.d"}, [" , a=-1 "] = {a = -1}, ["a=10k b=2M"] = {a = 10000,
        b = 2000000}, ["a=\"b c\" d='{'"] = {a = "b c", d = "{"},
    } do
      assert.same(value, settings("x", text), text)
    end
    for _, text in ipairs{"=", "a=", "a={", "a={b", "a=}", "1", "a b==c", "a=1 a=2", "a={b=}",
      "}"} do
      local ok <const>, why <const> = pcall(settings, "x", text)
      assert.is_false(ok, text)
      assert.matches("--x must be settings", why, 1, true)
    end
  end)

  it("data are recognised by the files of their directory", function()
    shell.in_directory(function(dir)
      for _, row in ipairs{{"mtfl", "training.txt"}, {"celeba", "list_attr_celeba.txt"},
        {"aflw", "aflw.csv"}, {"cifar10", "in/data_batch_1.bin"}} do
        local path <const> = ("%s/%s"):format(dir, row[1])
        shell.run(("mkdir -p %s/in && echo nothing >%s/%s"):format(path, path, row[2]))
        local result <const> = run("show data " .. path)
        assert.equal(1, result.status)
        assert.matches("^braid: show: data%." .. row[1] .. ": [^\n]+\n$", result.err)
        assert.equal(result.err, run(("show data %s --reader %s"):format(path, row[1])).err)
      end
    end)
  end)

  local MODEL <const> = "train models/tcdcn.lua"
  for _, row in ipairs{
    {2, "--data is missing", MODEL .. " --epochs 1"},
    {2, "give one of --epochs", MODEL .. DATA},
    {2, "give one of --epochs", MODEL .. DATA .. " --epochs 1 --steps 2"},
    {2, "give one of --epochs", MODEL .. DATA .. " --epochs 1 --stages {epochs=1}"},
    {2, "--resume=yes wants", MODEL .. DATA .. " --epochs 1 --resume yes"},
    {1, "did you mean cosine", MODEL .. DATA .. " --epochs 1 --schedule cosin"},
    {1, "is not a schedule", MODEL .. DATA .. " --epochs 1 --schedule SGD"},
    {1, "begins at ", MODEL .. DATA .. " --stages '{epochs=1'"},
    {1, "did you mean epochs", MODEL .. DATA .. " --stages '{epoch=1}'"},
    {1, "no 'AdamV'; did you mean Adam", MODEL .. DATA .. " --epochs 1 --optimizer AdamV"},
    {1, "did you mean alpha", MODEL .. DATA .. " --epochs 1 --weighting 'gradnorm alhpa=1'"},
    {1, "does not accept pictures of 39 x 39", MODEL .. DATA .. " --epochs 1 --size 39"},
    {1, "is a directory", "train models" .. DATA .. " --epochs 1"},
    {2, "did you mean --epochs?", MODEL .. DATA .. " --epoch 1"},
    {2, "--report writes into --dir", MODEL .. DATA .. " --epochs 1 --report"},
    {2, "--epochs must be a whole number from 1, not '0'", MODEL .. DATA .. " --epochs 0"},
    {2, "--seed must be a whole number from 0, not '-1'", MODEL .. DATA .. " --epochs 1 --seed -1"},
    {1, "there is no file", "train no.lua" .. DATA .. " --epochs 1"},
    {1, "did you mean smile?", MODEL .. DATA .. " --epochs 1 --tasks smille"},
    {1, "NAME*WEIGHT", MODEL .. DATA .. " --epochs 1 --tasks 'smile*x'"},
    {1, "NAME*WEIGHT", MODEL .. DATA .. " --epochs 1 --tasks 'smile*-1'"},
    {1, "twice", MODEL .. DATA .. " --epochs 1 --tasks 'smile smile*2'"},
    {1, "begins at '='", MODEL .. " --data faces --read 'n=50,=' --epochs 1"},
    {1, "did you mean n?", MODEL .. " --data faces --read m=50 --epochs 1"},
    {1, "no 'famoo'; did you mean famo", MODEL .. DATA .. " --epochs 1 --weighting famoo"},
    {1, "has no option 'widht'", MODEL .. DATA .. " --size 40 --epochs 1 --options widht=1"},
    {1, "there is no /no/such", MODEL .. " --data /no/such --epochs 1"},
    {1, "there is no /no/such", "show /no/such"},
    {1, "choose its reader with --reader", "show data README.md"},
    {2, "the path of the data is missing", "show data"},
    {2, "no place for 'b'", "show a b"},
  } do
    local status <const>, words <const>, call <const> = table.unpack(row)
    it("say what is wrong with " .. call, function()
      local result <const> = run(call)
      assert.equal(status, result.status)
      assert.matches("^braid: %l+: [^\n]+\n$", result.err)
      assert.is_truthy(result.err:find(words, 1, true), result.err)
      assert.equal("", result.out)
    end)
  end
end)
