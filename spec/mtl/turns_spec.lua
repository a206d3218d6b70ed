--- Steps on batches that have labels for some tasks only: tasks:loss, and net(x, {tasks = ...}).
-- What must not change in the step is compared to the byte.

local braid <const> = require "braid"
local mtl <const>, nn <const>, optim <const> = braid.mtl, braid.nn, braid.optim

local NAN <const> = 0 / 0
local function int(values) return braid.tensor(values, {dtype = "int64"}) end

describe("tasks:loss", function()
  local function all()
    return mtl.tasks{points = mtl.landmarks{points = 2, eyes = false},
      smile = mtl.classes{2, weight = 0.5},
      yaw = mtl.real{1}, many = mtl.attributes{"hat", "tie"},
      hard = mtl.classes{3, hardest = 0.7}}
  end
  local outputs <const> = {points = braid.randn(2, 4), smile = braid.randn(2, 2),
    yaw = braid.randn(2, 1), many = braid.randn(2, 4), hard = braid.randn(2, 3)}
  local missing <const> = {points = braid.rand(2, 2, 2) * NAN,
    smile = int{-100, -100}, yaw = braid.tensor{NAN, NAN}, hat = int{-100, -100},
    tie = int{-100, -100}, hard = int{-100, -100}}
  local labels <const> = {points = braid.rand(2, 2, 2), smile = int{1, -100},
    yaw = braid.tensor{NAN, 0.5}, hat = int{-100, -100}, tie = int{2, -100}, hard = int{-100, 3}}
  local parts <const> = {many = {"hat", "tie"}}

  local function batch_of(names)
    local batch <const> = {}
    for label, t in pairs(missing) do batch[label] = t end
    for _, name in ipairs(names) do
      for _, label in ipairs(parts[name] or {name}) do batch[label] = labels[label] end
    end
    return batch
  end

  for _, name in ipairs(all().names) do
    it("is the loss of the only task that has labels: " .. name, function()
      local tasks <const>, own <const> = all(), {}
      for key, t in pairs(outputs) do own[key] = t:clone():requires_grad_() end
      local batch <const> = batch_of{name}
      assert.same({name}, tasks:present(batch))
      local loss <const>, each <const> = tasks:loss(own, batch)
      loss:backward()
      for key, t in pairs(own) do
        assert.equal(key == name, t.grad ~= nil, key)
        assert.equal(key == name, each[key] ~= nil, key)
      end
      assert.near(tasks:losses(own, batch)[name]:item() * tasks[name].weight, loss:item(), 1e-6)
      for key, t in pairs(own) do -- the outputs of other tasks may be NaN or missing
        if key ~= name then own[key] = name > key and t * NAN or nil end
      end
      assert.equal(loss:item(), (tasks:loss(own, batch)):item())
      tasks[name].weight = 0
      assert.same({}, tasks:present(batch))
    end)
  end

  it("is 0 and changes no parameter if no task has a label", function()
    local tasks <const>, batch <const> = all(), batch_of{}
    assert.same({}, tasks:present(batch))
    local w <const> = braid.ones(4):requires_grad_()
    local opt <const> = braid.optim.Adam({w}, {weight_decay = 0.1})
    local loss <const>, each <const> = tasks:loss({points = outputs.points * w}, batch)
    loss:backward()
    opt:step()
    assert.equal(0, loss:item())
    assert.same({}, each)
    assert.is_nil(w.grad)
    assert.same({1, 1, 1, 1}, w:totable())
  end)
end)

describe("net(x, {tasks = ...})", function()
  local NAMES <const> = {"a", "b", "c"}
  local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}, c = mtl.classes{2}}
  local x <const> = braid.randn(6, 2, 6, 6)
  local every <const> = {image = x, a = int{1, 2, 1, 2, 1, 2}, b = int{1, 2, 3, 1, 2, 3},
    c = int{1, 1, 2, 2, 1, 2}}
  local none <const> = int{-100, -100, -100, -100, -100, -100}
  local turn <const> = {image = x, a = none, b = every.b, c = none}

  local function block(c)
    return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3, padding = 1}), nn.BatchNorm2d(4), nn.ReLU(),
      nn.Dropout(0.2)}, 4
  end

  local function build(mixer, o)
    o = o or {}
    return mtl.network{tasks = tasks, mixer = mixer, stacked = o.stacked or false,
      columns = o.columns, blocks = nn.backbone({{"one", block}, {"two", block}}, {channels = 2}),
      heads = function(task, c)
        return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, 4), nn.BatchNorm1d(4), nn.ReLU(),
          nn.Linear(4, task.size)}
      end}
  end

  local function step(net, opt, batch)
    local loss <const> = net.tasks:loss(net(batch.image, {tasks = tasks:present(batch)}), batch)
    opt:zero_grad()
    loss:backward()
    opt:step()
    return loss:item()
  end

  local function bytes(t) return table.concat(t:detach():reshape(-1):totable(), " ") end

  -- Every tensor of a network and of an optimizer's state, as text.
  local function everything(net, opt)
    local list <const> = {}
    for name, t in pairs(net:state_dict()) do list[name] = bytes(t) end
    for name, p in net:named_parameters() do
      for key, value in pairs(opt.state[p] or {}) do
        list["state of " .. name .. ": " .. key] = type(value) == "number" and tostring(value)
          or bytes(value)
      end
    end
    return list
  end

  -- The columns that b's loss depends on, by the mixers' own equations.
  local ALONE <const> = {b = true}
  local ALL <const> = {a = true, b = true, c = true}
  local CASES <const> = {
    {"none", nil, ALONE}, {"ttc", {start = 0}, ALONE, freeze = true},
    {"ttc", {start = 0}, ALONE, first = true},
    {"ttc", {start = 0.5}, ALL}, {"ttc", {start = 0.5, normalize = true}, ALL},
    {"ttc", {granularity = "channel"}, ALL}, {"cross_stitch", {}, ALL},
    {"cross_stitch", {off = 0}, ALONE, first = true}, {"sluice", {}, ALL}, {"nddr", {}, ALL},
    {"collaborative", {}, ALL}, {"progressive", {}, {a = true, b = true}},
    {"progressive", {order = {"c", "b", "a"}}, {b = true, c = true}},
    {"separation", {end_to_end = true}, ALONE},
    {"separation", {form = "channelwise", end_to_end = true}, ALONE},
  }

  -- Whether a tensor should change in b's turn. Columns change if b depends on them. In mixers,
  -- b's parts change; at the first block also the parts of columns that the second block takes
  -- from. Only the head of b changes. Running statistics change only for b and for shared parts.
  local function should_move(name, is_buffer, reached, frozen)
    local part <const> = name:match("^%w+")
    local owner = part == "head" and name:match("^head%.(%w+)")
    for _, column in ipairs(NAMES) do
      if (name .. "."):find("." .. column .. ".", 1, true) then owner = column end
    end
    if part == "mixer" and frozen then return false end
    if not owner or owner == "b" then return true end
    if part == "head" or is_buffer then return false end
    if part == "mixer" and name:find("^mixer%.two") then return false end
    return reached[owner] == true
  end

  for k, case in ipairs(CASES) do
    for _, optimizer in ipairs{"Adam", "SGD", "AdamW"} do
      it(("changes in b's turn what b depends on: %s, case %d, %s"):format(case[1], k, optimizer),
        function()
          local net <const> = build(mtl[case[1]](case[2]))
          if case.freeze then net:freeze{"mixers"} end
          local opt <const> = optim[optimizer](net:parameters(), {lr = 0.01, weight_decay = 0.1,
            momentum = optimizer == "SGD" and 0.9 or nil})
          -- This step would change connections that are 0, so cases with `first` leave it out.
          if not case.first then step(net, opt, every) end
          local kept = everything(net, opt)
          for _ = 1, case.first and 1 or 2 do
            step(net, opt, turn)
            local buffers <const>, now <const> = {}, everything(net, opt)
            for name in pairs(net:state_dict()) do
              buffers[name] = name:find("running") or name:find("num_batches")
            end
            for name, text in pairs(now) do
              local own <const> = name:match("^state of (.-): ") or name
              local moves = should_move(own, buffers[own], case[3], case.freeze)
              if own:find("limit$") then moves = false end
              assert.equal(moves, text ~= kept[name], name)
            end
            kept = now
          end
        end)
    end
  end

  it("gives only the outputs of those tasks, bit for bit as without the option", function()
    for _, case in ipairs(CASES) do
      for _, stacked in ipairs{false, case[1] ~= "progressive" and case[1] ~= "separation"} do
        local net <const> = build(mtl[case[1]](case[2]), {stacked = stacked}):eval()
        local whole <const>, part <const> = net(x), net(x, {tasks = {"c", "b"}})
        assert.is_nil(part.a)
        assert.equal(bytes(whole.b), bytes(part.b))
        assert.equal(bytes(whole.c), bytes(part.c))
        assert.equal(bytes(whole.b), bytes(net(x, {tasks = "b"}).b))
        assert.same({}, net(x, {tasks = {}}))
      end
    end
  end)

  it("leaves the heads of other tasks as they are if all blocks are shared", function()
    local net <const> = build(nil, {columns = "shared"})
    local opt <const> = optim.Adam(net:parameters(), {weight_decay = 0.1})
    step(net, opt, every)
    local kept <const> = everything(net, opt)
    step(net, opt, turn)
    for name, text in pairs(everything(net, opt)) do
      local other <const> = name:find("head.a", 1, true) or name:find("head.c", 1, true)
      assert.equal(other == nil, text ~= kept[name], name)
    end
  end)

  it("trains like single-task networks if columns take nothing from each other", function()
    local net <const> = build(mtl.ttc{start = 0}):freeze{"mixers"}
    for _, drop in ipairs(net:find(nn.Dropout)) do drop.p = 0 end
    local alone <const> = {}
    for _, name in ipairs(NAMES) do alone[name] = net:extract{name} end
    local opt <const>, own <const> = optim.Adam(net:parameters()), {}
    for _, name in ipairs(NAMES) do own[name] = optim.Adam(alone[name]:parameters()) end
    for k = 1, 7 do
      local name <const> = NAMES[k * 2 % 3 + 1]
      local batch <const> = {image = braid.randn(6, 2, 6, 6), a = none, b = none, c = none}
      batch[name] = every[name]
      assert.equal(step(net, opt, batch), step(alone[name], own[name],
        {image = batch.image, a = batch.a, b = batch.b, c = batch.c}))
    end
    net:eval()
    for _, name in ipairs(NAMES) do
      assert.equal(bytes(alone[name]:eval()(x)[name]), bytes(net(x)[name]))
    end
  end)

  it("goes on the same after a state was saved and loaded between two turns", function()
    local function fresh()
      braid.manual_seed(5)
      local net <const> = build(mtl.ttc{})
      return net, optim.Adam(net:parameters(), {weight_decay = 0.1})
    end
    local function turns(net, opt, from, to)
      for k = from, to do
        local batch <const> = {image = x, a = none, b = none, c = none}
        batch[NAMES[(k - 1) // 2 % 3 + 1]] = every[NAMES[(k - 1) // 2 % 3 + 1]]
        braid.manual_seed(k)
        step(net, opt, batch)
      end
    end
    local net <const>, opt <const> = fresh()
    turns(net, opt, 1, 6)
    for cut = 1, 5 do -- after one turn some parameters have no moments yet
      local first <const>, its <const> = fresh()
      turns(first, its, 1, cut)
      local second <const>, own <const> = fresh()
      second:load_state_dict(first:state_dict())
      own:load_state_dict(its:state_dict())
      turns(second, own, cut + 1, 6)
      assert.same(everything(net, opt), everything(second, own))
    end
  end)

  it("leaves out a task of weight 0", function()
    local net <const> = build(mtl.none{})
    local own <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}, c = mtl.classes{2}}
    local opt <const> = optim.Adam(net:parameters(), {weight_decay = 0.1})
    step(net, opt, every)
    own.a.weight = 0
    local kept <const> = everything(net, opt)
    local loss <const> = own:loss(net(x, {tasks = own:present(every)}), every)
    opt:zero_grad()
    loss:backward()
    opt:step()
    for name, text in pairs(everything(net, opt)) do
      assert.equal(not name:find(".a.", 1, true), text ~= kept[name], name)
    end
  end)

  it("counts batches in the batch norms of each column, also after net:stack", function()
    local function counts(net)
      local list <const> = {}
      for _, name in ipairs(net.names) do
        for path, t in pairs(net.columns:rows(name)) do
          if path:find("num_batches_tracked$") then
            assert.same({}, t.shape)
            list[name] = list[name] or t:item()
            assert.equal(list[name], t:item())
          end
        end
      end
      return list
    end
    local net <const> = build(mtl.none{})
    for _ = 1, 2 do net(x, {tasks = "a"}) end
    net(x, {tasks = {"a", "c"}})
    assert.same({a = 3, b = 0, c = 1}, counts(net))
    assert.is_true((net:stack()))
    assert.same({a = 3, b = 0, c = 1}, counts(net))
    net(x)
    assert.same({a = 4, b = 1, c = 2}, counts(net))
    local other <const> = build(mtl.none{}, {stacked = true})
    other:load_state_dict(net:state_dict())
    assert.same({a = 4, b = 1, c = 2}, counts(other))
    assert.same({a = 4, b = 1, c = 2}, counts(net:clone():unstack()))
    net:add_task("d", mtl.classes{2})
    net(x)
    assert.same({a = 5, b = 2, c = 3, d = 1}, counts(net))
    net:stack()
    assert.same({a = 5, b = 2, c = 3, d = 1}, counts(net))
  end)

  it("names an argument that is wrong", function()
    local net <const> = build(mtl.ttc{}, {stacked = true})
    local function fails(f, message) assert.error_matches(f, message, 1, true) end
    fails(function() net(x, {tasks = "b"}) end,
      "network: its columns are stacked, so an optimizer would also move columns "
        .. "without a task among b: call net:unstack() before you make the optimizer")
    fails(function() net(x, {tasks = "d"}) end,
      "network: tasks names 'd', which is not a task; there is a, b, c")
    fails(function() net(x, {task = "b"}) end, "network: there is no option 'task'; there is tasks")
    assert.same({4, 3}, net:eval()(x[{ {1, 4} }], {tasks = "b"}).b.shape)
  end)
end)
