--- net:mix on a network that already has heads, for every mixer of lua/braid/mtl/mixers, against
-- the network that was mixed before it got heads.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local form <const> = require "braid.model.saved.form"
local shell <const> = require "spec.support.shell"
local small <const> = require "spec.support.small_columns"
local mtl <const>, nn <const>, optim <const> = braid.mtl, braid.nn, braid.optim

-- Mixers that cannot be added later, because they decide which layers are made; with the message.
local FIRST <const> = {share = "decides which layers", separation = "decides which layers"}

-- Options with which a mixer begins as the identity.
local IDENTITY <const> = {
  none = {}, cross_stitch = {diag = 1, off = 0}, ttc = {start = 0}, sluice = {diag = 1, off = 0},
  collaborative = {gamma_init = "zero"},
}

local function each_mixer(f)
  for path in shell.run("ls lua/braid/mtl/mixers/*.lua").out:gmatch("%S+") do
    f(path:match("([%w_]+)%.lua$"))
  end
end

-- Kinds of networks of columns, by the options of mtl.columns.
local KINDS <const> = {
  ["stacked columns"] = {}, ["columns in a list"] = {stacked = false},
  ["columns of groups"] = {groups = {g = {"a", "b"}, own = {"d"}}},
  ["columns after a trunk"] = {split = "conv1"},
}

local function bytes(net)
  local all <const> = {}
  for name, t in pairs(net:state_dict()) do all[name] = core.bytes(t) end
  return all
end

local function step(net, opt)
  local loss <const> = small.tasks:loss(net(small.x), small.batch)
  opt:zero_grad()
  loss:backward()
  opt:step()
end

describe("net:mix after net:heads", function()
  each_mixer(function(word)
    if FIRST[word] then
      it("refuses mtl." .. word .. ", and the message says why", function()
        for _, options in ipairs{{}, word == "separation" and {form = "channelwise"} or {}} do
          local net <const> = small.build()
          local before <const> = form.look(net)
          local ok <const>, why <const> = pcall(net.mix, net, "conv1", mtl[word](options))
          assert.is_false(ok)
          assert.matches(FIRST[word], why)
          assert.equal(before, form.look(net))
        end
      end)
      return
    end

    for kind, given in pairs(KINDS) do
      it(("makes the same network as before net:heads: %s, %s"):format(word, kind), function()
        local recipe <const> = mtl[word]{}
        local first <const>, later <const> = small.build(recipe, given), small.build(nil, given)
        assert.equal(later, later:mix("*", recipe))
        assert.equal(form.look(first), form.look(later))
        assert.equal(first:stacked(), later:stacked())
        later:load_state_dict(first:state_dict())
        for _, net in ipairs{first, later} do
          net:train()
          step(net, optim.SGD(net:parameters(), {lr = 0.1}))
        end
        assert.same(bytes(first), bytes(later))
        local ok <const>, why <const> = pcall(later.mix, later, "*", recipe)
        assert.is_false(ok)
        assert.matches("has a mixer already", why)
      end)

      it(("keeps the outputs if the mixer begins as the identity: %s, %s"):format(word, kind),
        IDENTITY[word] and function()
          local net <const> = small.build(nil, given)
          step(net, optim.SGD(net:parameters(), {lr = 0.1})) -- so that no weight is as it began
          for _, mode in ipairs{"train", "eval"} do
            local copy <const> = net:clone()[mode](net:clone())
            local before <const> = copy(small.x)
            local other <const> = net:clone():mix("*", mtl[word](IDENTITY[word]))
            local after <const> = other[mode](other)(small.x)
            for name, y in pairs(before) do assert.equal(core.bytes(y), core.bytes(after[name])) end
          end
          assert.is_nil(next(net.recipe.mixers)) -- only the clones were mixed
        end or function() assert.is_nil(IDENTITY[word]) end)
    end

    it("makes a network that is the same after braid.save and braid.open: " .. word, function()
      shell.in_directory(function(folder)
        local path <const> = folder .. "/net.safetensors"
        local net <const> = braid.model("models/hard_sharing.lua", {tasks = small.tasks,
          split = "conv2"})
        net:mix("conv3", mtl[word]{})
        braid.save(path, net)
        local again <const> = braid.open(path)
        assert.same(bytes(net), bytes(again))
        again:add_task("late", mtl.classes{2})
        braid.save(path, again)
        assert.same(bytes(again), bytes(braid.open(path)))
      end)
    end)
  end)

  it("makes a training step with an optimizer from before raise an error", function()
    local net <const> = small.build()
    local opt <const> = optim.SGD(net:parameters(), {lr = 0.1})
    step(net, opt)
    net:mix("*", mtl.ttc{start = 0})
    local ok <const>, why <const> = pcall(step, net, opt)
    assert.is_false(ok)
    assert.matches("no optimizer holds mixer.*because mix made new parameters", why)
    step(net, optim.SGD(net:parameters(), {lr = 0.1}))
  end)

  it("gives the mixer the network's type, mode and stage", function()
    local net <const> = small.build():to("float64"):eval()
    net:mix("conv1", mtl.nddr{})
    net:apply(function(m) assert.is_false(m.training) end)
    for name, t in pairs(net:state_dict()) do
      assert.is_true(t.dtype ~= "float32", name)
    end
    for _, given in pairs(KINDS) do
      local late <const> = small.build(nil, given):add_task("z", mtl.classes{2})
      late:mix("*", mtl.cross_stitch{diag = 1, off = 0})
      late(small.x)
      assert(late:stack())
    end
    local b <const> = nn.backbone({{"conv1", small.conv(4)}, {"conv2", small.conv(6)}},
      {channels = 1})
    local two <const> = mtl.columns(small.tasks, b):mix("conv1", mtl.separation{})
      :heads(small.head)
    two:mix("conv2", mtl.ttc{})
    for _, p in ipairs(two.mixer.conv2:parameters()) do assert.is_false(p.requires_grad) end
    two:stage(2)
    for _, p in ipairs(two.mixer.conv2:parameters()) do assert.is_true(p.requires_grad) end
  end)

  it("adds no mixer to a network with a single column", function()
    local net <const> = small.build(nil, {single = "a"})
    net:mix("*", mtl.cross_stitch{})
    assert.is_nil(next(net.mixer))
  end)

  it("changes nothing when its arguments are wrong", function()
    local shared <const> = small.build(nil, {columns = "shared"})
    for net, rows in pairs{[shared] = {{"*", mtl.ttc{}, "there is no column"}},
      [small.build(nil, {stacked = true})] = {{"*", mtl.progressive{}, "stacked = true, but"}},
      [small.build(mtl.ttc{}, nil)] = {{"conv1", mtl.ttc{}, "has a mixer already"}},
      [small.build()] = {{"conv9", mtl.ttc{}, "conv9"}, {{}, mtl.ttc{}, "wants a block"},
        {"*", 5, "must be one like"}, {{"conv1", "conv1"}, mtl.ttc{}, "twice"}}} do
      for _, row in ipairs(rows) do
        local before <const> = form.look(net)
        local ok <const>, why <const> = pcall(net.mix, net, row[1], row[2])
        assert.is_false(ok)
        assert.matches(row[3], why)
        assert.equal(before, form.look(net))
      end
    end
  end)
end)
