--- Tests data.faces, which draws faces and their labels.

local braid <const> = require "braid"
local data <const>, mtl <const> = braid.data, braid.mtl

describe("data.faces", function()
  it("draws the same faces for the same seed, for any n and any number of threads", function()
    local threads <const> = braid.get_threads()
    local few <const> = data.faces{n = 12, seed = 5, val = 1, test = 1}.train
    braid.set_threads(1)
    local many <const> = data.faces{n = 30, seed = 5, val = 1, test = 1}.train
    braid.set_threads(threads)
    assert.same(few.images:totable(), many:subset(1, 12).images:totable())
    assert.same(few.labels.landmarks:totable(), many:subset(1, 12).labels.landmarks:totable())
    local other <const> = data.faces{n = 12, seed = 6, val = 1, test = 1}.train
    assert.not_same(few.images:totable(), other.images:totable())
  end)

  it("draws different faces for training, validation and test", function()
    local sets <const> = data.faces{n = 4, val = 4, test = 4}
    assert.not_same(sets.train.images:totable(), sets.val.images:totable())
    assert.not_same(sets.val.images:totable(), sets.test.images:totable())
  end)

  it("draws classes in fixed shares, and landmarks inside the picture", function()
    local train <const> = data.faces{n = 3000, val = 1, test = 1}.train
    local function share(name, label)
      return train.labels[name]:eq(label):sum():item() / #train
    end
    assert.near(0.5, share("gender", 1), 0.04)
    assert.near(0.5, share("smile", 1), 0.04)
    assert.near(0.25, share("glasses", 1), 0.04)
    for pose, wanted in ipairs{0.08, 0.17, 0.50, 0.17, 0.08} do
      assert.near(wanted, share("pose", pose), 0.04)
    end
    local points <const> = train.labels.landmarks
    local outside <const> = points:lt(-0.5):logical_or(points:gt(63.5)):sum():item()
    assert.is_true(outside < 0.005 * points:numel())
  end)

  it("puts the left eye's point left of the right eye's, and the mouth below the eyes", function()
    local p <const> = data.faces{n = 500, val = 1, test = 1}.train.labels.landmarks
    assert.is_true(p[{ {}, 1, 1 }]:lt(p[{ {}, 2, 1 }]):all():item())
    assert.is_true(p[{ {}, 4, 2 }]:gt(p[{ {}, 1, 2 }]):all():item())
  end)

  it("draws landmarks and smiles that a linear model cannot learn #slow", function()
    braid.manual_seed(1)
    local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, smile = mtl.classes{2}}
    local sets <const> = data.faces{n = 6000, val = 2000, test = 1}
    local net <const> = mtl.shared(tasks, braid.nn.Flatten(), function(task)
      return braid.nn.Linear(40 * 40, task.size)
    end)
    local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-4, weight_decay = 1e-3})
    for epoch = 1, 15 do
      for batch in data.loader(sets.train, {batch = 100, size = 40, shuffle = true,
          epoch = epoch}) do
        local _ <close> = braid.scope()
        local loss <const> = tasks:loss(net(batch.image), batch)
        opt:zero_grad()
        loss:backward()
        opt:step()
      end
    end
    local report <const> = tasks:evaluate(net, data.loader(sets.val, {batch = 500, size = 40}))
    assert.is_true(report.landmarks.failure > 0.6, tostring(report))
    assert.is_true(report.smile.accuracy < 0.7, tostring(report))
  end)

  it("draws pictures of any size, gray or coloured, and refuses size = 8 and n = 0", function()
    assert.same({3, 3, 33, 33}, data.faces{n = 3, size = 33, channels = 3}.train.images.shape)
    assert.has_error(function() data.faces{n = 3, size = 8} end)
    assert.has_error(function() data.faces{n = 0} end)
  end)
end)
