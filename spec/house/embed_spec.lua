--- Tests examples/embed: programs in C and Python that use a network, after `make install`.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const> = braid.data, braid.mtl
local quote <const> = shell.quote

local function network()
  braid.manual_seed(3)
  local net <const> = braid.model("models/tcdcn.lua", {tasks = mtl.tasks{age = mtl.real{1},
    landmarks = mtl.landmarks{points = 5}, pose = mtl.classes{5}}})
  local loader <const> = data.loader(data.faces{n = 4, seed = 1}.train, {batch = 2, size = 40})
  net.card = {preprocessing = loader:recipe()}
  return net
end

-- The text that predict.c prints for an answer, without the line of the task age.
local function wanted(answer)
  local lines <const> = {}
  for i, p in ipairs(answer.landmarks.points) do
    lines[i] = ("landmarks %d: %.2f %.2f\n"):format(i, p[1], p[2])
  end
  lines[#lines + 1] = ("pose: class %d (%.1f%%)\n"):format(answer.pose.class,
    100 * answer.pose.share)
  return table.concat(lines)
end

local function sorted(text)
  local lines <const> = {}
  for line in text:gmatch("[^\n]+") do
    if not line:find("^picture") and not line:find("^age") then lines[#lines + 1] = line end
  end
  table.sort(lines)
  return lines
end

describe("examples/embed", function()
  it("predict.c is built by pkg-config, and predicts what the module predicts #slow", function()
    if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
    if shell.run("pkg-config --exists lua5.4").status ~= 0 then
      pending("pkg-config does not find lua5.4")
    end
    shell.in_directory(function(dir)
      local made <const> = shell.run(("make DEPS=no BUILD=%s install PREFIX=%s/a && cp -r "
        .. "examples/embed %s/b && make -C %s/b CFLAGS=-Werror PKG_CONFIG_PATH=%s/a/share/"
        .. "pkgconfig"):format(shell.build, dir, dir, dir, dir))
      assert(made.status == 0, made.out .. made.err)
      local net <const> = network()
      braid.save(dir .. "/net.safetensors", net)
      local pictures <const>, texts <const> = {}, {}
      for i, sides in ipairs{{3, 60, 50}, {1, 40, 90}} do
        pictures[i] = ("%s/%d.png"):format(dir, i)
        braid.save(pictures[i], braid.randint(0, 255, sides):to("uint8"))
        texts[i] = wanted(net:predict(pictures[i]))
      end
      local result <const> = shell.run(("cd / && %s/b/predict %s/net.safetensors %s"):format(dir,
        dir, table.concat(pictures, " ")))
      assert.same({0, ""}, {result.status, result.err})
      assert.same(sorted(table.concat(texts)), sorted(result.out))
      assert.matches("age: ", result.out)

      shell.write(dir .. "/bad.safetensors", "no network")
      local bad <const> = shell.run(("%s/b/predict %s/bad.safetensors x.png"):format(dir, dir))
      assert.equal(1, bad.status)
      assert.matches("^open: [^\n]+bad.safetensors: not a whole safetensors file: [^\n]+\n$",
        bad.err)
      assert.same({2, "usage: predict NETWORK PICTURE ...\n"},
        {shell.run(dir .. "/b/predict").status, shell.run(dir .. "/b/predict").err})
    end)
  end)

  it("run_onnx.py gives a network's outputs without Braid #slow", function()
    local python <const> = os.getenv "ONNX_PYTHON" or "python3"
    if not pcall(function() return braid.export end) then pending("there is no braid.export") end
    if shell.run(quote(python) .. " -c 'import onnxruntime'").status ~= 0
      and shell.run(quote(python) .. " -c 'import cv2'").status ~= 0 then
      pending(python .. " has neither onnxruntime nor OpenCV (apt-get install python3-opencv, or "
        .. "ONNX_PYTHON=...)")
    end
    shell.in_directory(function(dir)
      local net <const> = network():eval()
      local x <const> = braid.rand(2, 1, 40, 40)
      braid.export(net, dir .. "/net.onnx", {input = {1, 40, 40}})
      braid.save(dir .. "/x.npy", x)
      local result <const> = shell.run(quote(python) .. (" examples/embed/run_onnx.py %s/net.onnx "
        .. "%s/x.npy"):format(dir, dir))
      assert(result.status == 0, result.err)
      local outputs <const>, seen = net(x), 0
      for line in result.out:gmatch("[^\n]+") do
        local name <const>, values <const> = line:match("^(%S+) [%d ]+ : (.*)$")
        local flat <const>, i = outputs[name]:reshape(-1):totable(), 0
        for number in values:gmatch("%S+") do
          i = i + 1
          assert.is_true(math.abs(tonumber(number) - flat[i]) < 1e-4, name)
        end
        assert.equal(#flat, i)
        seen = seen + 1
      end
      assert.equal(3, seen)
    end)
  end)
end)
