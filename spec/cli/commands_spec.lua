--- Tests what all commands have in common: help, errors, --json, completion and man page. Each
-- command is a file of lua/braid/cli.

local braid <const> = require "braid"
local mtl <const> = braid.mtl
local folder <const> = require "braid.folder"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

local commands <const> = folder("braid.cli", {internal = {"launcher"}})

local function run(arguments)
  return shell.run(shell.braid .. " " .. arguments)
end

-- The output of `braid completion`, made once.
local texts <const> = {}
local function made(kind)
  texts[kind] = texts[kind] or run("completion " .. kind).out
  return texts[kind]
end

describe("the command line", function()
  for _, name in ipairs(folder.names(commands)) do
    it("lists " .. name .. " in its help", function()
      assert.equal(name, commands[name].usage:match("^%S+"))
      assert.is_truthy(run("--help").out:find("\n       braid " .. commands[name].usage, 1, true))
    end)

    it("says in one line what is wrong with a call of " .. name, function()
      local words <const> = ("x "):rep(commands[name].most == math.huge and 0
        or (commands[name].most or 0) + 1)
      for _, wrong in ipairs{"--no-such-option=1 /no/such/file", "-x", words, "--no-such-option"} do
        if wrong ~= "" then
          local result <const> = run(name .. " " .. wrong)
          assert.equal(2, result.status)
          assert.matches("^braid: " .. name .. ": [^\n]+\n$", result.err)
          assert.equal("", result.out)
        end
      end
    end)

    it("fails if " .. name .. " gets a file that does not exist", function()
      if commands[name].most == 0 then return end
      local result <const> = run(name .. (" /no/such/file"):rep(math.max(1,
        commands[name].least or 0)))
      assert.is_true(result.status == 1 or result.status == 2)
      assert.matches("^braid: " .. name .. ": [^\n]+\n$", result.err)
    end)

    it("has --json for " .. name .. ", or a reason why not", function()
      local command <const> = commands[name]
      assert.not_equal(command.prints ~= nil, (command.options or {}).json ~= nil)
      if command.prints then return end
      local result <const> = run(name .. " --json=maybe")
      assert.equal(2, result.status)
      assert.matches("--json must be ", result.err, 1, true)
    end)

    it("has completion and a section of the man page for " .. name, function()
      for _, kind in ipairs{"bash", "zsh", "fish"} do
        assert.matches("%f[%w_]" .. name .. "%f[^%w_]", made(kind))
      end
      local section <const> = made "man":match("\n%.SS braid " .. name .. "[^\n]*\n(.-)\n%.S")
      assert.is_string(section)
      for option in pairs(commands[name].options or {}) do
        local written <const> = "\\-\\-" .. option
        assert.is_truthy(section:find(written, 1, true), option)
      end
    end)

    it("shows by -h the options of " .. name, function()
      for _, call in ipairs{name .. " -h", name .. " --help", "help " .. name} do
        local result <const> = run(call)
        assert.equal(0, result.status)
        assert.equal("usage: braid " .. commands[name].usage, result.out:match("^[^\n]*"))
        for option in pairs(commands[name].options or {}) do
          assert.is_truthy(result.out:find("\n  %-%-" .. option .. "%f[^%w_]"), option)
          assert.is_string((commands[name].said or {})[option], option)
        end
      end
    end)
  end

  it("lists the networks that come with Braid, and shows the header of each", function()
    local rows <const> = json.decode(run("models --json").out)
    local listed <const> = run("models").out
    local names <const> = shell.run("cd models && ls *.lua").out
    local count = 0
    for name in names:gmatch("([%w_]+)%.lua") do
      count = count + 1
      assert.equal(name, rows[count].name)
      assert.matches("^%u", rows[count].title)
      assert.matches("^%d[%d,]+$", rows[count].parameters)
      assert.is_truthy(("\n" .. listed):find("\n" .. name .. " +" .. rows[count].parameters))
      local header <const> = run("models " .. name).out
      assert.equal(header, run("help " .. name).out)
      assert.is_truthy(shell.read("models/" .. name .. ".lua"):find("--- "
        .. header:match("^[^\n]*"), 1, true))
    end
    assert.equal(#rows, count)
  end)

  it("shows help for functions, and suggests names for misspelt ones", function()
    assert.matches("^braid%.F%.conv2d%(", run("help conv2d").out)
    local result <const> = run("help conv2dd")
    assert.equal(1, result.status)
    assert.matches(" or conv2d", result.err, 1, true)
    assert.matches("did you mean dcnet", run("models dcnte").err, 1, true)
    assert.matches("did you mean --json", run("models --jsno").err, 1, true)
  end)

  it("fails if its output cannot be written", function()
    if shell.run("test -w /dev/full").status ~= 0 then pending("there is no /dev/full") end
    for _, call in ipairs{"models", "models --json", "completion bash", "train -h",
      "inspect models/dcnet.lua"} do
      local result <const> = run(call .. " >/dev/full")
      assert.equal(1, result.status, call)
      assert.matches("^braid: %l+: the output cannot be written: [^\n]+\n$", result.err)
    end
  end)

  it("inspects the file of a network", function()
    shell.in_directory(function(directory)
      local path <const> = directory .. "/net.safetensors"
      braid.save(path, braid.model("models/tcdcn.lua", {tasks = mtl.tasks{pose = mtl.classes{5}}}))
      local shown <const> = tostring(braid.inspect(path)) .. "\n"
      assert.same({status = 0, signal = false, err = "", out = shown}, run("inspect " .. path))
    end)
  end)

  it("takes a word that is not a command as the path of a script", function()
    local unknown <const> = run("frobnicate")
    assert.matches("^braid: cannot open frobnicate: .*; braid help lists the commands", unknown.err)
    assert.equal(2, unknown.status)
    assert.matches("; braid %-%-version tells", run("version").err)
    assert.matches("^braid: cannot open none.lua: No such file", run("none.lua").err)
    local near <const> = run("trian")
    assert.equal(2, near.status)
    assert.matches("did you mean train", near.err, 1, true)
  end)
end)
