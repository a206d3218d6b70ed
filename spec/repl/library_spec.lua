--- The stubs for editors: they cover every public name and option, and say the same as help.
-- spec/support/editor_check.py reads them with a language server.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local docs <const> = require "braid.repl.docs"
local json <const> = require "braid.io.json"
local library <const> = require "braid.repl.library"
local names <const> = require "braid.repl.names"
local shell <const> = require "spec.support.shell"

describe("the stubs for editors", function()
  local files <const> = library.files()
  local all <const> = table.concat((function()
    local list <const> = {}
    for _, name in ipairs(check.sorted_keys(files)) do list[#list + 1] = files[name] end
    return list
  end)(), "\n")

  -- Functions and fields that the stubs define, by path, and types by name.
  local defined <const>, types <const> = {}, {}
  for path in all:gmatch("\nfunction ([%w_.:]+)%(") do defined[path] = true end
  for path in all:gmatch("\n([%w_.]+) = nil\n") do defined[path] = true end
  for _, word in ipairs{"class", "alias"} do
    for sort in all:gmatch("\n%-%-%-@" .. word .. " ([%w_.]+)") do types[sort] = true end
  end

  it("are valid Lua, and begin with ---@meta, which marks them as stubs", function()
    for name, text in pairs(files) do
      assert.is_function(load(text, name, "t"))
      assert.equal("---@meta", text:sub(1, 8))
    end
  end)

  it("have every public name", function()
    local count = 0
    for _, item in ipairs(names.all()) do
      local name <const>, place <const> = item.chain[#item.chain], item.chain[#item.chain - 1]
      local path <const> = item.method and "x:" .. name or place .. "." .. name
      assert.is_true(defined[path] or false, path)
      count = count + 1
    end
    assert.is_true(count > 500)
    for name in next, core.tensor_metatable.methods do
      assert.is_true(defined["x:" .. name], name)
    end
  end)

  it("have every declared option of every public function, with its description", function()
    local count = 0
    for _, item in ipairs(names.all()) do
      local value <const> = item.value
      local declared <const> = (type(value) == "function" or class.is_class(value))
        and docs.of(value, item.chain, item.place, item.method).declared
      for _, key in ipairs(check.sorted_keys(declared and declared.kinds or {})) do
        local kind <const> = declared.kinds[key]
        if kind and not kind.positional then
          local place <const> = "\n---@field " .. key .. (kind.needed and " " or "? ")
          assert.truthy(all:find(place, 1, true), declared.what .. ": " .. key)
          assert.truthy(all:find(kind.says, 1, true), declared.what .. ": " .. key)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 500)
  end)

  it("name only types that they define", function()
    -- Only the type is checked. The description after it may name functions, such as braid.open.
    for line in all:gmatch("\n%-%-%-@(%l+ [^\n]*)") do
      local sort <const> = line:match("^%l+ %S+ (%S+)") or line:match("^%l+ (%S+)")
      for name in (line:find("^overload") and line or sort):gmatch("%f[%w_.]braid%.[%w_.]*%w") do
        assert.is_true(types[name] or line == "meta " .. name, line)
      end
    end
  end)

  it("have the options, the results and the ways to call a function, as help has", function()
    local text <const> = files["F.lua"]
    for _, line in ipairs{"---@field keepdim? boolean true or false, by default false",
      "---@overload fun(x: braid.Tensor, options: braid.F.sum.Options): braid.Tensor",
      "function F.sum(x, dim, keepdim) end"} do
      assert.truthy(text:find("\n" .. line .. "\n", 1, true), line)
    end
    local sorting <const> = text:match("([^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\nfunction F.topk[^\n]*)")
    assert.equal(2, select(2, sorting:gsub("@return braid.Tensor\n", "")))
    local tensor <const> = files["tensor.lua"]
    assert.truthy(tensor:find("---@return integer\nfunction x:numel()", 1, true))
  end)

  it("are the files that `braid library` writes", function()
    shell.in_directory(function(dir)
      local result <const> = shell.run(shell.braid .. " library " .. dir .. "/a/")
      assert.equal("", result.err)
      for name, text in pairs(files) do
        assert.is_true(text == shell.read(dir .. "/a/" .. name), name)
      end
      local listed <const> = shell.run("ls " .. dir .. "/a").out
      assert.equal(#check.sorted_keys(files), select(2, listed:gsub("\n", "")))
    end)
  end)

  it("are found by editors in this project, by its .luarc.json", function()
    local settings <const> = json.decode(shell.read(".luarc.json"))
    assert.same({"build/library"}, settings.workspace.library)
    assert.truthy(shell.read("Makefile"):find("LIBRARY = $(BUILD)/library/", 1, true))
  end)
end)

describe("help", function()
  it("says what a function returns, in the words of its comment", function()
    local x <const> = core.tensor_metatable.methods
    local said <const> = docs.text(x.numel, {"x", "numel"}, nil, true)
    assert.truthy(said:find("\nreturns integer\n", 1, true))
    local grad <const> = require "braid".gradcheck
    assert.truthy(docs.text(grad, {"gradcheck"}):find(
      "\nreturns true?: nil if they differ\nand string?: a message", 1, true))
  end)
end)
