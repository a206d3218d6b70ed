--- Tests braid.inspect on every format that it knows, with whole and damaged files.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local file <const> = require "spec.support.file"
local folder <const> = require "braid.folder"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"
local torch_file <const> = require "spec.support.torch_file"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train

local formats <const> = folder "braid.inspect.formats"

local function tasks() return mtl.tasks{pose = mtl.classes{5}} end

local function network() return braid.model("models/tcdcn.lua", {tasks = tasks(), norm = true}) end

-- A sample of each format: a function that makes it in dir, and returns the path and parts of the
-- text that braid.inspect must give.
local SAMPLES <const> = {
  tensors = function(dir)
    local path <const> = dir .. "/net.safetensors"
    braid.save(path, network())
    return path, {": a network, ", "\nwould run: its definition, ", 'options: {"norm":true}'}
  end,
  array = function(dir)
    braid.save(dir .. "/x.npy", braid.ones(3, 4))
    return dir .. "/x.npy", {": a tensor, 176 bytes\n  float32 (3, 4)"}
  end,
  arrays = function(dir)
    braid.save(dir .. "/x.npz", {a = braid.ones(2), b = braid.zeros({2, 3}, {dtype = "int64"})})
    return dir .. "/x.npz", {": tensors, ",
      "\n2 tensors, 8 values\n  a  float32 (2)\n  b  int64 (2, 3)"}
  end,
  caffemodel = function(dir)
    shell.write(dir .. "/x.caffemodel", file.caffemodel{{"conv1", braid.ones(2, 3)}})
    return dir .. "/x.caffemodel", {": weights of Caffe, ", "1 layer, 6 values",
      "\n  conv1  float32 (2, 3)"}
  end,
  pytorch = function(dir)
    shell.write(dir .. "/x.pth", torch_file.sample())
    return dir .. "/x.pth", {": values of PyTorch, ", "\n4 tensors, 13 values\n",
      "\n  half  uint16 (2)", "\n  state_dict.w  float32 (2, 3)", "\n  epoch: 3"}
  end,
  picture = function(dir)
    braid.save(dir .. "/x.png", braid.zeros(3, 20, 30):to("uint8"))
    return dir .. "/x.png", {": a picture, ", "PNG, 30 x 20 pixels, colours", "uint8 (3, 20, 30)"}
  end,
  idx = function(dir)
    shell.write(dir .. "/t-idx3-ubyte", ("\0\0\8\3" .. (">I4I4I4"):pack(2, 3, 4)) .. ("x"):rep(24))
    return dir .. "/t-idx3-ubyte", {": pictures of IDX, 40 bytes\n  uint8 (2, 3, 4)"}
  end,
  lua = function(dir)
    shell.run(("cp models/dcnet.lua %s/net.lua"):format(dir))
    return dir .. "/net.lua", {": a definition of a network, ", "in the sandbox of definitions",
      "\noptions: at, backbone, channels, ",
      "\nuses: mtl.collaborative, mtl.columns, nn.backbone\n",
      "\nheader:\nDeep collaboration network (Trottier"}
  end,
  run = function(dir)
    local sets <const> = data.faces{n = 40, seed = 1}
    train.fit{net = network(), train = sets.train, val = sets.val, epochs = 2, batch = 20, seed = 3,
      dir = dir .. "/a", loader = {size = 40}, progress = false}
    return dir .. "/a", {": a run\n", "\nwould run: nothing, to list it; ",
      "\n2 epochs, step 4", "\nbest: ", "\n  best.safetensors  a network  ",
      "\n  last.safetensors  a checkpoint  ", "\nseed: 3\n"}
  end,
  data = function(dir)
    shell.run(("mkdir -p %s/d/cat %s/d/dog"):format(dir, dir))
    for i, name in ipairs{"cat/1", "cat/2", "dog/1"} do
      braid.save(("%s/d/%s.png"):format(dir, name), braid.zeros(1, i, i):to("uint8"))
    end
    return dir .. "/d", {": data\nread by data.images (braid show data ", "\n3 pictures: 3 .png"}
  end,
  events = function(dir)
    local lines <const> = '{"event":"start","step":0}\n{"event":"epoch","epoch":1}\n'
    shell.write(dir .. "/metrics.jsonl", lines:rep(2))
    return dir .. "/metrics.jsonl", {": the events of a run, ",
      "\n4 lines\n  epoch: 2\n  start: 2\n"}
  end,
  json = function(dir)
    shell.write(dir .. "/config.json", '{"braid":"0.1.0","options":{"batch":8},"seed":null}')
    return dir .. "/config.json", {": the configuration of a run, ", '\n  options: {"batch":8}\n',
      "\n  seed: null"}
  end,
  table = function(dir)
    shell.write(dir .. "/faces.csv", "file,x,smile\na.png,1.5,yes\nb.png,2,no\n")
    return dir .. "/faces.csv", {": a table, ", '\n2 rows, 3 columns, separated by ","\n',
      "\n  file: texts\n  x: numbers\n  smile: texts"}
  end,
}

-- The text of braid.inspect for a path, or its error message.
local function said(path)
  local ok <const>, found <const> = pcall(braid.inspect, path)
  return tostring(found), ok and found or nil
end

local function is_one_clear_line(text)
  assert.matches("^[^\n]*inspect: [^\n]+$", text)
  for _, raw in ipairs{"attempt to", "bad argument", "stack overflow", "/lua/braid/", "[%c\127]"} do
    assert.is_nil(text:find(raw), text)
  end
end

describe("braid.inspect", function()
  for _, name in ipairs(folder.names(formats)) do
    it("recognises " .. name .. ", and names damage in one line", function()
      shell.in_directory(function(dir)
        local path <const>, parts <const> = SAMPLES[name](dir)
        local text <const>, found <const> = said(path)
        for _, part in ipairs(parts) do
          assert.is_truthy(text:find(part, 1, true), part .. "\n" .. text)
        end
        assert.equal(name, found.kind)
        assert.equal(path, found.path)
        local shown <const> = shell.run(shell.braid .. " inspect " .. path)
        assert.same({0, text .. "\n", ""}, {shown.status, shown.out, shown.err})
        local machine <const> = shell.run(shell.braid .. " inspect --json " .. path)
        local decoded <const> = json.decode(machine.out)
        assert.equal(name, decoded.kind)
        assert.equal(found.holds, decoded.holds)
        assert.equal(found.runs, decoded.runs)
        if core.path_kind(path) == "directory" then return end
        local bytes <const> = shell.read(path)
        for cut = 0, 60 do -- each file is cut here, or one byte is changed
          local at <const> = #bytes * cut // 61
          for _, damaged in ipairs{bytes:sub(1, at),
            bytes:sub(1, at) .. "\xA7" .. bytes:sub(at + 2)} do
            shell.write(path, damaged)
            local message <const>, value <const> = said(path)
            if not value then is_one_clear_line(message) end
            assert.is_nil(message:find("[\0-\8\11-\31\127]"))
          end
        end
      end)
    end)
  end

  it("has a format for each sample of this spec", function()
    for name in pairs(SAMPLES) do assert.is_truthy(folder.find(formats, name), name) end
  end)

  it("finds the format by the contents of a file first, then by its name", function()
    shell.in_directory(function(dir)
      braid.save(dir .. "/x.png", braid.zeros(1, 2, 3):to("uint8"))
      braid.save(dir .. "/y.npy", braid.zeros(2))
      shell.run(("cd %s && mv x.png x.npy && mv y.npy y.csv"):format(dir))
      assert.equal("picture", braid.inspect(dir .. "/x.npy").kind)
      assert.equal("array", braid.inspect(dir .. "/y.csv").kind)
    end)
  end)

  it("runs no Lua, and tells definitions, tables and scripts apart", function()
    shell.in_directory(function(dir)
      local function of(text)
        shell.write(dir .. "/x.lua", text)
        return select(2, said(dir .. "/x.lua"))
      end
      local mark <const> = dir .. "/mark"
      local found <const> = of(("io.open(%q, 'w')\nreturn function() end"):format(mark))
      assert.equal("a script of Lua", found.holds)
      assert.same({"io"}, found.outside)
      assert.is_nil(core.path_kind(mark))
      assert.equal("a table in Lua (--config)", of("return {epochs = 3, io = 2}").holds)
      local net <const> = of("-- Name (me 2020): x\nlocal f = 2\nreturn function(t, given)\n"
        .. "  -- o.no\n  return nn.Linear(given.width or t.o.x, 'o.y')\nend")
      assert.equal("a definition of a network", net.holds)
      assert.same({"width"}, net.takes)
      assert.same({"nn.Linear"}, net.uses)
      assert.equal(4, net.lines)
      assert.equal("Name (me 2020)", net.title)
      local wrong <const> = of("return {")
      assert.equal("Lua that does not compile", wrong.holds)
      assert.matches("x.lua:1: ", wrong.problem)
      assert.is_nil(wrong.runs)
      local text <const> = said(dir .. "/x.lua")
      assert.matches("\nproblem: ", text)
      shell.write(dir .. "/x.lua", string.dump(function() end))
      is_one_clear_line((said(dir .. "/x.lua")))
      assert.matches("compiled Lua", said(dir .. "/x.lua"))
    end)
  end)

  it("says what to do with files that it does not know", function()
    shell.in_directory(function(dir)
      for name, part in pairs{["x.ckpt"] = "if torch.save wrote it, name it .pth",
        ["x.pkl"] = "a pickle",
        ["x.onnx"] = "braid.import reads such files",
        ["x.md"] = "files end in .caffemodel, .csv, "} do
        shell.write(dir .. "/" .. name, "text")
        local text <const>, found <const> = said(dir .. "/" .. name)
        assert.is_nil(found)
        is_one_clear_line(text)
        assert.is_truthy(text:find(part, 1, true), text)
      end
      assert.matches("a directory with no run and no data", said(dir))
      SAMPLES.run(dir)
      assert.matches("a directory; there is " .. dir .. "/a", said(dir), 1, true)
      assert.matches("No such file", said(dir .. "/none.npy"))
    end)
  end)

  it("shows what it can of a run that is damaged or has no events", function()
    shell.in_directory(function(dir)
      SAMPLES.run(dir)
      local path <const> = dir .. "/a"
      shell.write(path .. "/metrics.jsonl", shell.read(path .. "/metrics.jsonl") .. "{\n")
      shell.write(path .. "/best.safetensors", "no")
      local found <const> = braid.inspect(path .. "/")
      assert.matches("is not an event of a run", found.problem)
      assert.matches("best.safetensors  damaged: ", tostring(found))
      os.remove(path .. "/metrics.jsonl")
      assert.equal(3, braid.inspect(path).seed)
      assert.is_nil(braid.inspect(path).epochs)
    end)
  end)
end)
