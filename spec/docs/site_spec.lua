--- Tests that the lessons of examples/ run, and that the site of documentation (make docs) is
-- complete: every public name has a page, every link has a target, and nothing is loaded from the
-- network.

local api <const> = require "spec.support.docs.api"
local braid <const> = require "braid"
local html <const> = require "spec.support.docs.html"
local json <const> = require "braid.io.json"
local literate <const> = require "spec.support.docs.literate"
local markdown <const> = require "spec.support.docs.markdown"
local shell <const> = require "spec.support.shell"
local site <const> = require "spec.support.docs.site"

local HAS_CMARK <const> = shell.run("command -v cmark-gfm").status == 0

local place, runs <const> = nil, {}
setup(function() place = shell.run("mktemp -d").out:match("^[^\n]+") end)
teardown(function() shell.run("rm -rf " .. shell.quote(place)) end)

describe("the lessons", function()
  for number, path in ipairs(literate.lessons()) do
    it(path .. " runs, and draws the pictures that it names", function()
      if shell.sanitized then pending("a core with sanitizers is too slow for lessons") end
      local found <const>, why <const> = site.runs({path}, place, {})
      assert.is_truthy(found, why)
      runs[path] = found[path]
      local script <const>, printed = literate.read(path), 0
      assert.matches(("^Lesson %d: "):format(number), script.title)
      assert.matches("Notice: ", script[1].text, 1, true)
      for i, cell in ipairs(script) do
        printed = printed + #(found[path].printed[i] or "")
        for _, picture in ipairs(literate.pictures(cell)) do
          if not cell.text:find("if #wrong", 1, true) then -- draws only if there is a wrong answer
            assert.is_truthy(io.open(found[path].directory .. "/" .. picture), picture)
          end
        end
      end
      assert.is_true(printed > 40)
    end)
  end

  it("are in the order of examples/README.md", function()
    local page <const>, at = shell.read("examples/README.md"), 1
    for _, path in ipairs(literate.lessons()) do
      at = assert(page:find("](" .. path:match("[^/]+$") .. ")", at, true), path)
    end
  end)
end)

describe("a literate script", function()
  local function cells(text)
    local path <const> = os.tmpname()
    shell.write(path, text)
    local script <const>, list <const> = literate.read(path), {}
    os.remove(path)
    for i, cell in ipairs(script) do
      list[i] = ("%s %d: %s"):format(cell.kind, cell.line, cell.text)
    end
    return list, script.title
  end

  it("has text in comments that follow an empty line, and code elsewhere", function()
    local list <const>, title <const> = cells("--- Title: a thing. More of it.\n--\n-- And more.\n"
      .. "\nlocal x = 1\n-- stays with the code\nlocal y = 2\n\n\n-- Text.\n\nprint(x)\n")
    assert.equal("Title: a thing", title)
    assert.same({"text 1: More of it.\n\nAnd more.",
      "code 5: local x = 1\n-- stays with the code\nlocal y = 2", "text 10: Text.",
      "code 12: print(x)"}, list)
  end)
end)

describe("html.code", function()
  it("colours code without changing its text", function()
    local code <const> = 'local x <const> = nn.Conv2d(3, "a&b") -- <c>\n'
      .. "if x then return [[\n1 < 2]] end"
    local made <const> = html.code(code, function(name) return name == "nn.Conv2d" and "c.html" end)
    assert.equal(code, html.plain((made:gsub("<[^>]+>", ""))))
    assert.matches('<a href="c.html">nn.Conv2d</a>', made, 1, true)
    assert.matches('<span class="s">&quot;a&amp;b&quot;</span>', made, 1, true)
  end)
end)

describe("the site", function()
  local pages <const>, directory = {}, nil

  setup(function()
    if not HAS_CMARK then return end
    directory = place .. "/site"
    for _, path in ipairs(literate.lessons()) do
      runs[path] = runs[path] or {printed = {}, directory = place}
    end
    site.build{directory = directory, lessons = runs, scripts = {},
      paths = {"examples/faces.lua", "examples/tcdcn.lua"}}
    for path in shell.run("cd " .. directory .. " && find . -type f").out:gmatch("%./([^\n]+)") do
      pages[path] = shell.read(directory .. "/" .. path)
    end
  end)

  local function holds(title, f)
    it(title, function()
      if not HAS_CMARK then pending("there is no cmark-gfm (apt install cmark-gfm)") end
      f()
    end)
  end

  holds("has a page for each public name, with its call, options and text", function()
    local entries <const>, count = api.entries(), 0
    for _, entry in ipairs(entries) do
      local page <const> = assert(pages[entry.path], entry.path)
      local text <const> = html.plain(page:gsub("<[^>]+>", ""))
      if entry.doc then
        assert.is_truthy(text:find(entry.doc.signature, 1, true), entry.name)
        for _, line in ipairs(entry.doc.options) do
          local name <const> = line:match("^  ([^:]+): ")
          assert.is_truthy(not name or text:find(name, 1, true), entry.name)
        end
        assert.is_truthy(text:find((entry.doc.text[1] or ""):match("^%s*(%S*)"), 1, true))
      end
      count = count + 1
    end
    assert.is_true(count > 500)
    for _, name in ipairs{"nn.Conv2d", "mtl.cross_stitch", "mtl.weighting.upgrad", "data.loader",
      "tensor.item", "objects.data.loader"} do
      assert.is_truthy(pages[("api/%s.html"):format(name)], name)
    end
  end)

  holds("has links whose pages, and places in them, exist", function()
    local count = 0
    for path, text in pairs(pages) do
      local folder <const> = path:match("^(.*/)") or ""
      for target in (path:find("%.html$") and text or ""):gmatch('%shref="([^"]*)"') do
        local file <const>, anchor <const> = target:match("^([^#]*)#?(.*)$")
        if target:find("%.html") and not target:find("^%a+:") or target:find("^#") then
          local to <const> = file == "" and path or markdown.resolved(folder .. file)
          assert.is_truthy(pages[to], path .. ": " .. target)
          assert.is_truthy(anchor == "" or pages[to]:find(('id="%s"'):format(anchor), 1, true),
            path .. ": " .. target)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 5000)
  end)

  holds("loads nothing from the network, and its pictures exist", function()
    for path, text in pairs(pages) do
      if path:find("%.html$") then
        for target in text:gmatch('%ssrc="([^"]*)"') do
          local file <const> = target:gsub("%.%./", "")
          assert.is_truthy(pages[file], path .. ": " .. target)
        end
        assert.is_nil(text:find("<link[^>]*http"), path)
      end
    end
    assert.is_nil(pages["style.css"]:find("url(", 1, true))
    assert.is_nil(pages["search.js"]:find("fetch", 1, true))
  end)

  holds("has a search index that names every page once", function()
    local rows <const> = assert(json.decode((pages["index.js"]:gsub("^const PAGES=", "")
      :gsub(";%s*$", ""):gsub("<\\/", "</"))))
    local seen <const> = {}
    for _, row in ipairs(rows) do
      assert.is_nil(seen[row[2]], row[2])
      seen[row[2]] = true
      assert.is_truthy(pages[row[2]], row[2])
      assert.is_true(#row[1] > 0)
    end
    assert.is_true(#rows > 600)
    for path in pairs(pages) do
      local is_left_out <const> = path:find("^source/") or path:find("^changelog")
      assert.is_true(not path:find("%.html$") or is_left_out ~= nil or seen[path] or false,
        path)
    end
  end)

  holds("shows a lesson's text, its code, and what it printed", function()
    local page <const> = pages["guide/01_tensors.html"]
    assert.matches("<h1>Lesson 1: tensors</h1>", page, 1, true)
    assert.matches("Next: 2 gradients", page, 1, true)
    assert.matches('href="../api/braid.tensor.html"', page, 1, true)
    local printed <const> = runs["examples/01_tensors.lua"].printed
    for _, text in pairs(printed) do
      assert.is_truthy(page:find(html.escape(text), 1, true), text)
    end
  end)

  holds("shows Braid's sources with a link target for each line", function()
    local page <const> = pages["source/nn/prelu.lua.html"]
    assert.equal(select(2, shell.read("lua/braid/nn/prelu.lua"):gsub("\n", "\n")),
      select(2, page:gsub('<span id="l%d+">', "")) - 1)
    assert.matches("source/nn/prelu.lua.html#l17", pages["api/nn.PReLU.html"], 1, true)
  end)

  holds("needs no JavaScript except for the search", function()
    for path, text in pairs(pages) do
      if path:find("%.html$") then
        assert.equal(2, select(2, text:gsub("<script", "")), path)
        assert.matches('type="search"[^>]* hidden', text)
      end
    end
    assert.is_string(braid.VERSION)
  end)
end)
