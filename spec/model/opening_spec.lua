--- braid.open and braid.inspect on files that are damaged, or that someone changed on purpose.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local files <const> = require "braid.io.files"
local mtl <const> = braid.mtl

local saved_networks <const> = require "spec.support.saved_networks"
local with_file <const> = saved_networks.with_file
local tasks_of <const> = saved_networks.tasks_of
local small <const> = saved_networks.small
local defined <const> = saved_networks.defined

local function fails(f, ...) assert.error_matches(f, ..., 1, true) end

-- Writes the file of a network, with metadata that f(metadata) changes.
local function tampered(path, net, f)
  braid.save(path, net)
  local tensors <const>, metadata <const> = braid.load(path)
  f(metadata)
  braid.save(path, tensors, metadata)
end

describe("braid.open", function()
  it("says what a file is if it holds no network", function()
    fails(function() braid.open("/nowhere/x.safetensors") end,
      "open: /nowhere/x.safetensors: No such file or directory (its folder does not exist either)")
    fails(function() braid.open("models") end, "open: models: Is a directory")
    fails(function() braid.open("README.md") end, "open: README.md: not a whole safetensors file")
    fails(function() braid.open(3) end, "open: wants the path of a file, a string, not a number")
    with_file(function(path)
      braid.save(path, {a = braid.ones(1)})
      fails(function() braid.open(path) end,
        path .. ": it holds tensors, not a network; braid.load reads them")
      braid.save(path, small())
      local bytes <const> = files.read(path)
      for _, n in ipairs{0, 7, 100, #bytes // 2, #bytes - 1} do
        assert(files.write(path, {bytes:sub(1, n)}))
        fails(function() braid.open(path) end, path .. ": not a whole safetensors file")
      end
    end)
  end)

  local function tasks(text) return {["braid.tasks"] = text} end
  local function changes(text) return {["braid.changes"] = text} end
  local function definition(text) return {["braid.definition"] = text} end

  -- Damaged metadata, each with its message.
  local DAMAGE <const> = {
    {definition "return function(", "open: %s: model:"},
    {definition "return 5", "not a function of the tasks"},
    {definition "return function() return 5 end", "makes no network"},
    {definition "return function() os.exit(1) end", "os"},
    {definition "\27Lua", "binary"},
    {definition "return function() return nn.Linear(2, 2) end", "no option 'norm'"},
    {definition "return function(_, o) return o.norm and nn.Linear(2, 2) end", "load_state_dict"},
    {definition "return function() error({}) end", "an error that is not a string"},
    {definition(("x"):rep((1 << 20) + 1)), "bytes of definition"},
    {definition(false), "it has no definition"},
    {{["braid.definition"] = false, ["braid.definition.bytes"] = "\u{100}"}, "is damaged"},
    {{["braid.format"] = "7"}, "it has format 7, but this Braid"},
    {{["braid.format"] = "1e0"}, "its format is damaged"},
    {{["braid.format"] = ("1"):rep(1000)}, "its format is damaged"},
    {{["braid.version"] = "\27[2J"}, "its version is damaged"},
    {{["braid.version"] = false}, "its version is damaged"},
    {{["braid.options"] = "{"}, "its options: json"},
    {{["braid.options"] = [[{"norm": {"mtl.mixer": "../heads"}}]]}, "a mixer of an unknown kind"},
    {{["braid.options"] = [[{"norm": {"mtl.mixer": ["nddr"]}}]]}, "a mixer of an unknown kind"},
    {{["braid.options"] = [[{"norm": {"mtl.mixer": "nddr", "options": {"x": 1}}}]]},
      "mtl.nddr: there is no option 'x'"},
    {{["braid.options"] = [[{"norm": {"mtl.mixer": "ttc", "options": {"start": 3}}}]]}, "start"},
    {{["braid.options"] = "5"}, "its options are not an object"},
    {{["braid.options"] = "[1]"}, "its options are not an object"},
    {{["braid.options"] = "null"}, "its options"},
    {{["braid.options"] = "{\"norm\":null}"}, "its options.norm is null"},
    {{["braid.options"] = "{\"norm\":NaN}"}, "its options.norm is nan"},
    {{["braid.options"] = false}, "its options are not an object"},
    {{["braid.options"] = ("{\"a\":"):rep(60) .. "1" .. ("}"):rep(60)}, "nested too deeply"},
    {tasks "5", "its tasks are not an object"},
    {tasks "[{}]", "its tasks are not an object"},
    {tasks "{\"a\":{\"kind\":\"../x\",\"list\":[],\"options\":{}}}",
      "the task a is of an unknown kind"},
    {tasks "{\"a\":{\"kind\":\"tasks\",\"list\":[],\"options\":{}}}",
      "the task a is of an unknown kind"},
    {tasks "{\"a\":{\"kind\":\"init\",\"list\":[],\"options\":{}}}",
      "the task a is of an unknown kind"},
    {tasks "{\"a\":{\"kind\":\"classes\"}}", "the task a is of an unknown kind"},
    {tasks "{\"a\":{\"kind\":\"classes\",\"list\":[2],\"options\":{\"loss\":1}}}",
      "the task a: mtl.classes: there is no option 'loss'"},
    {tasks "{\"a\":{\"kind\":\"classes\",\"list\":[-2],\"options\":{}}}",
      "the task a: mtl.classes: "},
    {tasks "{\"a\":{\"kind\":\"classes\",\"list\":[\"x\"],\"options\":{}}}",
      "the task a: mtl.classes: "},
    {tasks "{}", "wants one task or more"},
    {{["braid.card"] = "5"}, "the card is not a table"},
    {{["braid.card"] = "{\"licence\":5}"}, "licence must be a text"},
    {{["braid.card"] = "{\"x\":5}"}, "there is no option 'x'"},
    {{["braid.card"] = "{\"metrics\":{\"values\":{\"pose\":{\"f1\":\"x\"}}}}"}, "values"},
    {{["braid.card"] = "{\"preprocessing\":{\"channels\":2}}"}, "channels must be 1 or 3"},
    {{["braid.card"] = "{\"preprocessing\":{\"channels\":1,\"transforms\":[[\"../x\"]]}}"},
      "transforms"},
    {{["braid.card"] = "{\"preprocessing\":{\"channels\":1,\"transforms\":[[\"crop\",-1]]}}"},
      "margin"},
    {{["braid.definitions"] = "[\"x\"]"}, "its definitions are not an object"},
    {{["braid.definitions"] = "{\"../x\":\"\"}"}, "its definitions are not texts by name"},
    {{["braid.definitions"] = "{\"x\":5}"}, "its definitions are not texts by name"},
    {changes "5", "its changes are not a list"},
    {changes "{\"add\":\"x\"}", "its changes are not a list"},
    {changes "[5]", "its change 1 is of an unknown kind"},
    {changes "[{\"add\":\"x\"}]", "its change 1 is of an unknown kind"},
    {changes "[{\"tasks\":[\"x\"],\"columns\":[]}]", "its change 1 is of an unknown kind"},
    {changes "[{\"tasks\":[\"x\"],\"columns\":[\"x\"]}]", "there is no task 'x'"},
    {changes "[{\"mutual\":5}]", "its change 1 is of an unknown kind"},
    {changes "[{\"mutual\":{\"form\":5}}]", "mutual"},
    {changes "[{\"mix\":5,\"at\":[\"x\"]}]", "its change 1 is of an unknown kind"},
    {changes "[{\"mix\":{},\"at\":\"x\"}]", "its change 1 is of an unknown kind"},
    {changes "[{\"mix\":{},\"at\":[\"conv1\"]}]", "must be one like"},
    {changes "[{\"mix\":{\"mtl.mixer\":\"../x\"},\"at\":[\"conv1\"]}]", "unknown kind"},
    {changes "[{\"mix\":{\"mtl.mixer\":\"ttc\",\"options\":{\"x\":1}},\"at\":[\"conv1\"]}]",
      "no option 'x'"},
    {changes("[" .. ("{\"tasks\":[\"a\"],\"columns\":[\"a\"]},"):rep(1001):sub(1, -2) .. "]"),
      "it has 1001 changes"},
  }

  it("says which metadata are damaged, and braid.inspect shows what it can", function()
    with_file(function(path)
      local net <const> = small()
      for _, case in ipairs(DAMAGE) do
        tampered(path, net, function(metadata)
          for key, value in pairs(case[1]) do metadata[key] = value or nil end
        end)
        local ok <const>, message <const> = pcall(braid.open, path)
        assert.is_false(ok)
        assert.matches("^spec/model/opening_spec%.lua:%d+: open: ", message)
        assert.matches("open: " .. path .. ": ", message, 1, true)
        assert.matches(case[2]:format(path), message, 1, true)
        assert.is_nil(message:find("lua/braid/", 1, true), message)
        local found <const> = braid.inspect(path)
        assert.is_nil(tostring(found):find("[%c\127]", 1) and
          tostring(found):gsub("[\n\t]", ""):find("%c"))
        assert.is_nil(found.problem and found.options)
      end
    end)
  end)

  it("#slow raises an error of its own or gives a network for random damage", function()
    shell.in_directory(function(folder)
      local path <const> = folder .. "/net.safetensors"
      local net <const> = defined("return function(_, o) return nn.Linear(2, o.n) end",
        {n = 2, tasks = tasks_of()})
      braid.save(path, net)
      local bytes <const> = files.read(path)
      local head <const> = 8 + string.unpack("<i8", bytes)
      local random <const> = math.random
      math.randomseed(7)
      local opened = 0
      for i = 1, 2000 do
        local text, from <const> = bytes, random(9, head)
        for _ = 1, random(1, 3) do
          local at <const>, kind <const> = random(9, head), random(1, 5)
          if kind == 1 then
            text = text:sub(1, at - 1) .. string.char(random(0, 255)) .. text:sub(at + 1)
          elseif kind == 2 then
            local n <const> = random(1, 20)
            text = text:sub(1, at - 1) .. text:sub(at + n) .. (" "):rep(0)
          elseif kind == 3 then
            local n <const> = random(1, 40)
            text = text:sub(1, at - 1) .. text:sub(from, from + n) .. text:sub(at)
          elseif kind == 4 then
            text = text:sub(1, at - 1) .. ("0123456789{}[]\",:nul-e."):sub(random(1, 23)):sub(1, 1)
              .. text:sub(at + 1)
          else
            text = text:gsub("%d+", function(d)
              return random(1, 40) == 1 and tostring(random(0) >> random(0, 63)) or d
            end)
          end
        end
        -- In half of the cases the length is corrected; otherwise the header would never be read.
        if i % 2 == 0 then
          local length <const> = string.unpack("<i8", bytes) + #text - #bytes
          text = string.pack("<i8", length) .. text:sub(9)
        end
        assert(files.write(path, {text}))
        local ok <const>, message <const> = pcall(braid.open, path)
        if ok then opened = opened + 1 end
        if not ok then assert.matches("^spec/model/opening_spec.lua:%d+: open: ", message) end
        local seen <const>, found <const> = pcall(braid.inspect, path)
        if seen then
          assert.is_nil(tostring(found):gsub("[\n\t]", ""):find("%c"))
        end
      end
      assert.is_true(opened > 50)
      assert.equal("net.safetensors\n", shell.run("ls -A " .. folder).out)
    end)
  end)
end)

describe("braid.inspect", function()
  it("tells what is in a network's file, and does not run its definition", function()
    with_file(function(path)
      local net <const> = small():add_task("age", mtl.real{1})
      braid.save(path, net, {note = "a\27[31mb"})
      tampered(path, net, function(metadata)
        metadata["braid.definition"] = "error('run')" .. metadata["braid.definition"]
        metadata.note = "a\27[31mb"
      end)
      local found <const> = braid.inspect(path)
      assert.equal(1, found.format)
      assert.equal(braid.VERSION, found.version)
      assert.same({norm = true}, found.options)
      assert.equal("classes", found.tasks.pose.kind)
      assert.same({5}, found.tasks.pose.list)
      assert.equal("age", found.changes[1].add)
      assert.same({dtype = "F32", shape = {5, 100}, bytes = 2000},
        found.tensors["head.pose.weight"])
      assert.equal(#files.read(path), found.size)
      local text <const> = tostring(found)
      for _, part in ipairs{"a network", "format 1, written by Braid " .. braid.VERSION,
        'options: {"norm":true}', "task pose: classes [5]", "head.pose.weight  F32 (5, 100)",
        "metadata note: a\\x1b[31mb", "error('run')"} do
        assert.is_truthy(text:find(part, 1, true), part .. "\n" .. text)
      end
    end)
  end)

  it("reads files of other programs, even with types that no tensor here has", function()
    with_file(function(path)
      local header <const> = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F4","shape":[2,3],'
        .. '"data_offsets":[0,3]},"b\\u001b":{"dtype":"C64","shape":[1],"data_offsets":[3,11]}}'
      assert(files.write(path, {string.pack("<s8", header), ("\0"):rep(11)}))
      local found <const> = braid.inspect(path)
      assert.same({"a", "b\27"}, found.names)
      assert.same({dtype = "F4", shape = {2, 3}, bytes = 3}, found.tensors.a)
      assert.equal(7, found.values)
      assert.same({format = "pt"}, found.metadata)
      assert.is_nil(found.definition)
      assert.matches(": tensors, %d+ bytes\nmetadata format: pt\n2 tensors, 7 values, 11 bytes\n",
        tostring(found))
      assert.is_nil(tostring(found):find("\27"))
      fails(function() braid.load(path) end,
        "'a' is of type F4, whose values no tensor here holds exactly")
      fails(function() braid.inspect("README.md") end,
        "inspect: README.md: no format that is read here; files end in ")
      fails(function() braid.inspect() end, "inspect: wants the path of a file, a string, not nil")
      fails(function() braid.inspect("nothing.safetensors") end, "inspect: nothing.safetensors: No")
    end)
  end)
end)
