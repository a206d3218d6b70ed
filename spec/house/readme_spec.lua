--- Tests the pages in Markdown: their programs run and print the output shown, and the paths and
-- targets of make that they name exist.

local markdown <const> = require "spec.support.markdown"
local shell <const> = require "spec.support.shell"

local TARGETS <const> = shell.run(".ci/help Makefile").out

local function exists(path) return shell.run("test -e " .. shell.quote(path)).status == 0 end

-- The words of a page that begin like paths of this repository. A choice in braces stands for each
-- of its words.
local function paths_in(text)
  local paths <const> = {}
  for path in (" " .. text):gmatch("[%s`%(|'\"=:]([%w_.]+/[%w_./{},-]+)") do
    local top <const> = path:match("^[^/]+")
    if ("csrc lua models examples spec rocks .ci"):find(top, 1, true) and #top > 2 then
      local before <const>, choice <const>, after <const> = path:match("^(.-){(.-)}(.*)$")
      for word in (choice or ""):gmatch("[^,]+") do paths[#paths + 1] = before .. word .. after end
      if not choice then paths[#paths + 1] = path:gsub("[.,:]+$", "") end
    end
  end
  return paths
end

-- The words of `make ...` in a page's code that are neither targets nor variables of the Makefile.
local function unknown_to_make(text)
  local unknown <const> = {}
  local code <const> = {}
  for block in text:gmatch("\n```sh(\n.-\n)```") do code[#code + 1] = block end
  for span in text:gsub("\n```.-\n```", ""):gmatch("`([^`\n]+)`") do code[#code + 1] = span end
  for words in ("\n" .. table.concat(code, "\n")):gmatch("[\n ]make ([^\n;|&#]+)") do
    for word in words:gsub("'[^']*'", "X"):gmatch("%S+") do
      local name <const> = word:match("^([A-Z_]+)=") or word:match("^[a-z-]+$")
      local form <const> = name and (name:find("%u") and "\n  %s " or "  make %s ")
      if form and not TARGETS:find(form:format(name:gsub("%-", "%%-"))) then
        unknown[#unknown + 1] = word
      end
    end
  end
  return unknown
end

for _, page in ipairs(markdown.pages()) do
  describe(page, function()
    local text <const> = shell.read(page)
    local here <const> = page:match("^(.*/)") or ""

    for i, program in ipairs(markdown.programs(page)) do
      it(("shows what its program %d prints"):format(i), function()
        assert.is_truthy(program.output, "no output follows the program")
        local ok <const>, printed <const> = markdown.run(program.code)
        assert.is_true(ok, printed)
        assert.equal(markdown.form(program.output), markdown.form(printed))
      end)
    end

    it("names files that exist", function()
      for target in text:gmatch("%]%(([^)#]+)%)") do
        if not target:find("^%a+:") then assert.is_true(exists(here .. target), target) end
      end
      for _, path in ipairs(paths_in(text)) do assert.is_true(exists(path), path) end
    end)

    it("names targets and variables that the Makefile has", function()
      assert.same({}, unknown_to_make(text))
    end)
  end)
end

describe("the README", function()
  it("is short and has a program", function()
    local text <const> = shell.read("README.md")
    assert.is_true(select(2, text:gsub("\n", "\n")) <= 170)
    assert.is_true(#markdown.programs("README.md") >= 1)
  end)
end)

describe("models/README.md", function()
  it("is made of the models' first comments", function()
    assert(require "spec.support.models_readme"() == shell.read("models/README.md"),
      "remake it: build/braid spec/support/models_readme.lua >models/README.md")
  end)
end)

describe("the check of what pages name", function()
  it("finds a missing path, target and variable", function()
    assert.same({"lua/braid/a.lua", "csrc/x.c", "csrc/y.c"},
      paths_in("see `lua/braid/a.lua`, csrc/{x,y}.c; and/or build/braid"))
    assert.same({"frobnicate", "LOUD=1"},
      unknown_to_make("to make it\n```sh\nmake test SLOW=yes\n```\n`make frobnicate`, "
        .. "`make lint LOUD=1`\n"))
  end)
end)
