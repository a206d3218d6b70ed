--- examples/papers/README.md, which spec/support/papers_readme.lua makes from the experiments and
-- from the results in examples/papers/results.

local json <const> = require "braid.io.json"
local papers <const> = require "braid.papers"
local readme <const> = require "spec.support.papers_readme"
local shell <const> = require "spec.support.shell"

local REMAKE <const> = "remake it: build/braid spec/support/papers_readme.lua "
  .. ">examples/papers/README.md"

-- The names of the results in examples/papers/results.
local function kept()
  local names <const> = {}
  for name in shell.run("ls examples/papers/results").out:gmatch("([%w_]+)%.json") do
    names[#names + 1] = name
  end
  return names
end

-- An experiment with the paper's numbers for two networks.
local function experiment()
  return papers.experiment{paper = "002", item = "table 9", title = "nothing", data = {"faces"},
    minutes = 1, options = {epochs = {3, from = 1}}, differs = {"it is made up"},
    run = function(e)
      local r <const> = e:compare("nine", {})
      e:beside{title = "Table 9", results = r, names = {b = "wide"}, columns = {
        {metric = "x.error", title = "error", printed = {a = 1.5, b = 2}},
        {metric = "x.other", title = "not printed"}}}
      e:note("printed beside it: 7")
    end}
end

local RESULT <const> = {quick = false, left = 0, seeds = {1, 2, 3}, options = {epochs = 3},
  data = "MTFL", notes = {"a note"}, differs = {}, tables = { {title = "Table 9",
    markdown = "| network | error, ours |\n| a | 1.41 ± 0.02 |",
    words = {"error: 1 of 1 pairs hold (1 distinguishable)"}} }}

describe("the papers' README", function()
  local path <const> = os.tmpname()
  setup(function() shell.write(path, "--- What it says.\n--\n-- Section 9: more.\nlocal x\n") end)
  teardown(function() os.remove(path) end)

  it("has only the paper's numbers, and says so, if no run of an experiment is kept", function()
    local text <const> = readme.section("002_table9", path, experiment())
    for _, part in ipairs{"## [002_table9](002_table9.lua)", "What it says.", "Section 9: more.",
      "No run is kept yet", "| network | error |", "| a | 1.5 |", "| wide | 2 |",
      "- printed beside it: 7", "- it is made up"} do
      assert.matches(part, text, 1, true)
    end
    assert.is_nil(text:find("not printed", 1, true))
  end)

  it("has our numbers, the rankings and the settings of a result", function()
    local text <const> = readme.section("002_table9", path, experiment(), RESULT)
    for _, part in ipairs{"| a | 1.41 ± 0.02 |", "- error: 1 of 1 pairs hold", "- a note",
      "Data: MTFL; 3 seeds; epochs 3."} do
      assert.matches(part, text, 1, true)
    end
    assert.is_nil(text:find("No run", 1, true))
  end)

  it("is made from results of full runs, none of them quick", function()
    for _, name in ipairs(kept()) do
      local text <const> = shell.read(("examples/papers/results/%s.json"):format(name))
      local result <const> = json.decode(text)
      assert.is_string(papers.files()[name], name)
      assert.equal(name, result.name)
      assert.is_false(result.quick)
      assert.is_true(#text < 100000)
      assert.is_nil(text:find('"/', 1, true), name .. " names a place on a disk")
    end
  end)

  it("is the same as its script makes it now #slow", function()
    assert(readme.page() == shell.read("examples/papers/README.md"), REMAKE)
  end)
end)
