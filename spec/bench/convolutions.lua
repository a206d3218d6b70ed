--- Measures single convolutions of the networks: forward, and the gradients of input and weights.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local measure <const> = require "spec.bench.measure"

-- The network, n, c, height and width, outputs, kernel, and options that are not stride 1, padding
-- "same" or 1 group.
local SHAPES <const> = {
  {"tcdcn", 64, 1, 40, 16, 5, padding = 0, first = true},
  {"tcdcn", 64, 16, 18, 48, 3, padding = 0},
  {"tcdcn", 64, 48, 8, 64, 3, padding = 0, quick = true},
  {"tcdcn", 64, 64, 3, 64, 2, padding = 0},
  {"kth", 32, 3, 150, 16, 5, first = true},
  {"kth", 32, 16, 75, 32, 5},
  {"dmt", 64, 3, 32, 40, 5, first = true},
  {"dmt", 64, 40, 16, 60, 5, quick = true},
  {"dmt", 64, 60, 8, 80, 3},
  {"dmt", 64, 80, 4, 100, 3},
  {"dmt", 64, 100, 2, 140, 2, padding = 0},
  {"dmt, 5 groups", 64, 200, 16, 300, 5, groups = 5},
  {"smtn", 8, 3, 128, 64, 3, first = true},
  {"smtn", 8, 64, 128, 64, 3},
  {"smtn", 8, 64, 64, 128, 3},
  {"smtn", 8, 128, 64, 128, 3},
  {"smtn", 8, 128, 32, 256, 3},
  {"smtn", 8, 256, 32, 256, 3, quick = true},
  {"smtn", 8, 256, 16, 512, 3},
  {"smtn", 8, 512, 16, 512, 3},
  {"dcnet", 8, 3, 64, 64, 7, stride = 2, first = true},
  {"dcnet", 8, 64, 16, 64, 3, quick = true},
  {"dcnet", 8, 64, 16, 128, 3, stride = 2},
  {"dcnet", 8, 64, 16, 128, 1, stride = 2},
  {"dcnet", 8, 128, 8, 128, 3},
  {"dcnet", 8, 256, 4, 256, 3},
  {"dcnet", 8, 512, 2, 512, 3},
  {"dcnet", 8, 320, 16, 80, 1, quick = true},
  {"dcnet", 8, 80, 16, 80, 3},
  {"dcnet", 8, 144, 16, 64, 1},
  {"dcnet", 8, 2560, 2, 640, 1},
  {"dcnet", 8, 640, 2, 640, 3},
  {"dcnet, 5 groups", 8, 320, 16, 320, 3, groups = 5},
  {"dcnet_narrow", 16, 3, 64, 16, 7, stride = 2, first = true},
  {"dcnet_narrow", 16, 16, 16, 16, 3},
  {"dcnet_narrow", 16, 80, 16, 20, 1},
  {"dcnet_narrow", 16, 20, 16, 20, 3},
  {"dcnet_narrow", 16, 128, 2, 128, 3},
}

local M <const> = {}

local function describe(s)
  local _, n <const>, c <const>, size <const>, outputs <const>, k <const> = table.unpack(s)
  return ("n%d %dx%d c%d -> %d, %dx%d%s"):format(n, size, size, c, outputs, k, k,
    s.stride and "/" .. s.stride or "")
end

-- As in a network: every tensor but the image is channels-last, and the weights have changed
-- since the last call.
local function one(s, seconds)
  local _, n <const>, c <const>, size <const>, outputs <const>, k <const> = table.unpack(s)
  local groups <const> = s.groups or 1
  local options <const> = {stride = s.stride or 1, padding = s.padding or k // 2, groups = groups}
  local _ <close> = braid.scope()
  local x = braid.randn(n, c, size, size)
  if not s.first then x = core.ops.channels_last(x) end
  local w <const> = braid.randn(outputs, c // groups, k, k) * 0.01
  local function forward() return braid.F.conv2d(x, w, nil, options) end
  local function touch() braid.no_grad(function() w:mul_(0.999) end) end

  local y <const> = forward()
  local dy <const> = core.ops.channels_last(braid.randn(table.unpack(y.shape)))
  local gflop <const> = 2e-9 * y:numel() * (c // groups) * k * k
  local function backward_to(t)
    t:requires_grad_()
    local time <const> = measure.time(function(graph)
      braid.grad(graph, {t}, {gradient = dy})
    end, seconds, function()
      touch()
      return forward()
    end)
    t:requires_grad_(false)
    return time
  end

  local result <const> = {gflop = gflop}
  result.forward = measure.time(forward, seconds, touch)
  if not s.first then result.input = backward_to(x) end
  result.weight = backward_to(w)
  return result
end

local DIRECTIONS <const> = {"forward", "input", "weight"}

--- Returns rows {name = "forward n8 ...", gflops =, ms =, share =}. All rows of a shape go to
-- `show` together.
function M.run(o, machine, rows, show)
  local peak <const> = machine.peak_gflops[o.threads]
  for _, s in ipairs(SHAPES) do
    local name <const> = s[1] .. ": " .. describe(s)
    if o.wanted("convolutions", name) and (s.quick or not o.quick or #o.only > 0) then
      local result <const> = one(s, o.quick and 0.03 or 0.2)
      local shown <const> = {}
      for _, direction in ipairs(DIRECTIONS) do
        local time <const> = result[direction]
        if time then
          local gflops <const> = result.gflop / time.least * 1e3
          shown[direction] = {name = direction .. " " .. name, ms = time.least, gflops = gflops,
            share = gflops / peak}
          rows[#rows + 1] = shown[direction]
        end
      end
      show(name, shown)
    end
  end
end

return M
