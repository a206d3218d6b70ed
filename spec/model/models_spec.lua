--- Every network in models/: number of parameters, outputs, gradients, learning, saving, stacking.

local braid <const> = require "braid"
local definitions <const> = require "spec.support.definitions"
local files <const> = require "spec.support.file"
local mtl <const> = braid.mtl

local function header_of(path)
  local file <const> = assert(io.open(path))
  local text <const> = file:read("a")
  file:close()
  return text:match("^(%-%-%-.-)\n[^%-]")
end

local INPUT <const> = definitions.known

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{}, gender = mtl.classes{2},
  smile = mtl.classes{2}, glasses = mtl.classes{2}, pose = mtl.classes{5}}

-- Labels of four images. Two would not do: batch norm of two values at one pixel gives 1 and -1.
local labels <const> = {landmarks = braid.rand(4, 5, 2), gender = {1, 2, 1, 2},
  smile = {2, 2, 1, 1}, glasses = {1, 1, 2, 1}, pose = {5, 3, 1, 3}}
for name in tasks:each() do
  if name ~= "landmarks" then labels[name] = braid.tensor(labels[name], {dtype = "int64"}) end
end

local function small(path) return braid.model(path, definitions.small(path, {tasks = tasks})) end

-- Calls f once, or once in each stage if the network has stages.
local function in_stages(net, f)
  for stage = 1, net.shared_head and 2 or 1 do
    if net.shared_head then net:stage(stage) end
    f()
  end
end

for _, path in ipairs(definitions.paths()) do
  describe(path, function()
    local known <const> = INPUT[path]

    it("has a row in spec/support/definitions.lua", function() assert.is_truthy(known) end)

    local counted <const> = known and known.slow and " #slow" or ""

    it("has the parameters that its header states" .. counted, function()
      local stated <const> = assert(header_of(path):match("Parameters.-(%d+,%d[%d,]*%d)"))
      local wanted <const> = tonumber((stated:gsub(",", "")))
      local net <const> = braid.model(path, known.plain and {} or {tasks = tasks})
      assert.equal(wanted, net:count_parameters())
    end)

    it("gives an output for each task and every parameter a gradient", function()
      braid.manual_seed(2)
      local net <const> = small(path)
      in_stages(net, function()
        local out <const> = net(braid.randn(8, table.unpack(known.shape, 2)))
        local total
        for name, task in tasks:each() do
          assert.same({8, task.size}, out[name].shape)
          total = total and total + out[name]:square():sum() or out[name]:square():sum()
        end
        total:backward()
        local some = 0
        for name, p in net:named_parameters() do
          if p.requires_grad then
            assert.is_truthy(p.grad, name)
            assert.is_true(p.grad:ne(0):any():item(), name)
            some = some + 1
          end
        end
        assert.is_true(some > 0)
      end)
    end)

    it("lowers its loss on a batch in six steps", function()
      braid.manual_seed(3)
      local net <const> = small(path)
      local x <const> = braid.randn(4, table.unpack(known.shape, 2))
      in_stages(net, function()
        local opt <const> = braid.optim.Adam(net:parameters(), {lr = 2e-4})
        local first, last
        for _ = 1, 6 do
          local _ <close> = braid.scope()
          local loss <const> = tasks:loss(net(x), labels)
          opt:zero_grad()
          loss:backward()
          opt:step()
          first, last = first or loss:item(), loss:item()
        end
        assert.is_true(last < first, ("%g, then %g"):format(first, last))
      end)
    end)

    it("is the same after braid.save and braid.open, after training, in each stage", function()
      local net <const> = small(path)
      local x <const> = braid.randn(4, table.unpack(known.shape, 2))
      in_stages(net, function()
        local opt <const> = braid.optim.SGD(net:parameters(), {lr = 1e-3})
        tasks:loss(net(x), labels):backward()
        opt:step()
        files.with("net.safetensors", function(to)
          braid.save(to, net)
          local other <const> = braid.open(to)
          local _ <close> = net:evaluating()
          local _ <close> = other:evaluating()
          local out <const>, again <const> = net(x), other(x)
          for name in tasks:each() do assert.same(out[name]:totable(), again[name]:totable()) end
          assert.equal(tostring(net), tostring(other))
        end)
      end)
    end)

    it("gives the same outputs with its columns stacked and in a list", function()
      local net <const> = small(path)
      assert.equal(known.stacked or false, net.stacked ~= nil and (net:stacked()))
      if not known.stacked then return end -- it has no columns, or cannot stack them
      local x <const> = braid.randn(4, table.unpack(known.shape, 2))
      in_stages(net, function()
        for _, training in ipairs{true, false} do
          local list <const> = net:clone():unstack():train(training)
          local out <const>, listed <const> = net:train(training)(x), list(x)
          for name in tasks:each() do
            assert.is_true((out[name] - listed[name]):abs():max():item() < 1e-4, name)
          end
        end
      end)
    end)
  end)
end
