--- Builds the site of documentation: `build/braid spec/support/docs/site.lua DIRECTORY`.
--
-- The guide is made from the lessons in examples/, the cookbook from the pages in Markdown and the
-- longer scripts, the pages of names from help. All code is run, and shown with what it printed.
-- Pages need no server and no network; only the search needs JavaScript.

local api <const> = require "spec.support.docs.api"
local check <const> = require "braid.check"
local comments <const> = require "braid.repl.comments"
local html <const> = require "spec.support.docs.html"
local literate <const> = require "spec.support.docs.literate"
local markdown <const> = require "spec.support.docs.markdown"
local shell <const> = require "spec.support.shell"
local version <const> = require "braid.version"

local HERE <const> = "spec/support/docs/"

-- The pages in Markdown: file, page, title, part.
local PAGES <const> = {
  {"README.md", "index.html", "Braid"},
  {"examples/README.md", "cookbook/index.html", "Cookbook", "Cookbook"},
  {"examples/from_pytorch.md", "from_pytorch.html", "From PyTorch to Braid", "From PyTorch"},
  {"models/README.md", "networks.html", "Published networks", "Networks"},
  {"examples/papers/README.md", "papers.html", "The papers' tables and figures", "Networks"},
  {"spec/bench/README.md", "measured.html", "Measured", "Measured"},
  {"CONTRIBUTING.md", "contributing.html", "Working on Braid"},
  {"CHANGELOG.md", "changelog.html", "Changes"},
}
local TOP <const> = {{"Guide", "guide/index.html"}, {"Cookbook", "cookbook/index.html"},
  {"Networks", "networks.html"}, {"Names", "api/index.html"}, {"From PyTorch", "from_pytorch.html"},
  {"Measured", "measured.html"}}

local Site <const> = {}
Site.__index = Site

-- o: directory; outputs = what examples of names print; scripts = the paths of longer scripts.
local function new(o)
  local site <const> = setmetatable({directory = o.directory, outputs = o.outputs or {},
    small = o.small or {}, pages = {}, index = {}, sources = {}, made = {}}, Site)
  site.entries, site.address = api.entries()
  for _, page in ipairs(PAGES) do site.pages[page[1]] = page[2] end
  for _, path in ipairs(literate.lessons()) do
    site.pages[path] = ("guide/%s.html"):format(path:match("([^/]+)%.lua$"))
  end
  for _, path in ipairs(o.scripts or {}) do
    site.pages[path] = site.pages[path] or ("cookbook/%s.html"):format(path:match("([^/]+)%.lua$"))
  end
  site.pages.examples, site.pages.models = "guide/index.html", "networks.html"
  return site
end

-- Functions that give the address of a name and of a file, as seen from a page.
function Site:links(path)
  local root <const> = ("../"):rep(select(2, path:gsub("/", "")))
  local function link(name)
    local address <const> = self.address[name] or self.address[name:gsub("^braid%.", "")]
    return address and root .. address
  end
  local function page_of(file)
    local address <const> = self.pages[file] or file:find("%.png$") and self:copied(file)
    return address and root .. address
  end
  return link, page_of, root
end

function Site:file(path, text)
  local place <const> = self.directory .. "/" .. path
  local folder <const> = place:match("^(.*)/")
  if not self.made[folder] then shell.run("mkdir -p " .. shell.quote(folder)) end
  self.made[folder] = true
  shell.write(place, text)
end

-- Copies a picture to the site. -> its address
function Site:copied(path)
  local name <const> = path:match("[^/]+$")
  self:file("pictures/" .. name, shell.read(path))
  return "pictures/" .. name
end

-- The different words of a page, for the search.
local function words_of(body)
  local set <const>, list <const> = {}, {}
  for word in html.plain(body:gsub("<[^>]+>", " ")):lower():gmatch("%a[%w_]+") do
    if not set[word] and #word > 2 then list[#list + 1] = word end
    set[word] = true
  end
  return table.concat(list, " ")
end

--- Writes a page, and adds it to the index of the search. `said` is the line that the search shows.
function Site:page(path, title, body, o)
  o = o or {}
  self:file(path, html.page{path = path, title = title == "Braid" and title or title .. " · Braid",
    top = TOP, part = o.part, side = o.side, body = body})
  if not o.hidden then
    self.index[#self.index + 1] = {title, path, o.said or "", o.words or words_of(body)}
  end
end

-- ---- guide and cookbook ------------------------------------------------------------------------

-- The body of a script's page. `printed` has what its cells printed; pictures are in `place`.
function Site:script_body(script, path, printed, place)
  local link <const>, page_of <const>, root <const> = self:links(path)
  local out <const> = {("<h1>%s</h1>\n"):format(html.escape(script.title))}
  for i, cell in ipairs(script) do
    if cell.kind == "text" then
      out[#out + 1] = markdown.render(cell.text, "examples/", page_of, link)
    else
      out[#out + 1] = html.block(cell.text, link)
      if printed and printed[i] and printed[i] ~= "" then
        out[#out + 1] = html.output(printed[i])
      end
      for _, picture in ipairs(printed and literate.pictures(cell) or {}) do
        local file <const> = place .. "/" .. picture
        if shell.run("test -e " .. shell.quote(file)).status == 0 then
          out[#out + 1] = ('<p><img src="%s%s" alt="what this code drew"></p>\n'):format(root,
            self:copied(file))
        end
      end
    end
  end
  return table.concat(out)
end

function Site:lessons(runs)
  local list <const>, scripts <const> = {}, {}
  for i, path in ipairs(literate.lessons()) do
    scripts[i] = literate.read(path)
    list[i] = {scripts[i].title:gsub("^Lesson (%d+): ", "%1 "), self.pages[path]}
  end
  local rows <const> = {}
  for i, script in ipairs(scripts) do
    local path <const> = self.pages[script.path]
    local run <const> = runs[script.path]
    local side <const> = {}
    for j, each in ipairs(list) do side[j] = {each[1], each[2], here = i == j} end
    local next_one <const> = list[i + 1]
    local body <const> = self:script_body(script, path, run.printed, run.directory)
      .. (next_one and ('<p class="next"><a href="../%s">Next: %s</a></p>\n'):format(next_one[2],
        next_one[1]) or "")
    self:page(path, script.title, body, {part = "Guide", side = side})
    local first <const> = html.linked(script[1].text:match("^(.-)\n\n") or script[1].text,
      self:links(path))
    rows[i] = ('<dt><a href="../%s">%s</a></dt><dd>%s</dd>\n'):format(path, script.title, first)
  end
  self:page("guide/index.html", "Guide", "<h1>Guide</h1>\n<p>Twelve lessons, to be read in order. "
    .. "Each is a script of examples/ that runs in seconds; below its code is what it printed and "
    .. "drew.</p>\n<dl class=\"lessons\">\n" .. table.concat(rows) .. "</dl>\n",
    {part = "Guide", side = list, words = "guide lessons course tutorial"})
end

-- The longer scripts: their code, and what a small form of them prints.
function Site:scripts(runs)
  local side <const> = {{"Cookbook", "cookbook/index.html"}}
  local paths <const> = {}
  for path, page in pairs(self.pages) do
    if path:find("%.lua$") and page:find("^cookbook/") then paths[#paths + 1] = path end
  end
  table.sort(paths)
  for _, path in ipairs(paths) do
    side[#side + 1] = {path:match("[^/]+$"), self.pages[path]}
  end
  for _, path in ipairs(paths) do
    local script <const>, run <const> = literate.read(path), runs[path]
    script.title = path:match("[^/]+$")
    local name <const> = self.pages[path]
    local body = self:script_body(script, name, run and run.printed, run and run.directory)
    if run then
      body = body:gsub("</h1>\n", ("%%0<p>Below the code stands what a small form prints, "
        .. "<code>%s</code>.</p>\n"):format(html.escape(run.arguments)), 1)
    end
    self:page(name, script.title, body, {part = "Cookbook", side = side})
  end
  return side
end

function Site:markdown_pages(cookbook)
  for _, page in ipairs(PAGES) do
    local file <const>, path <const>, title <const>, part <const> = table.unpack(page)
    local link <const>, page_of <const> = self:links(path)
    local text <const> = shell.read(file)
    local body <const> = markdown.render(text, file:match("^(.*/)") or "", page_of, link)
    local side <const> = markdown.headings(body, path)
    if part == "Cookbook" then table.move(cookbook, 2, #cookbook, #side + 1, side) end
    self:page(path, title, body, {part = part, side = side, hidden = title == "Changes"})
  end
end

-- ---- names -------------------------------------------------------------------------------------

local function places_side(here)
  local side <const> = {}
  for i, place in ipairs(api.PLACES) do
    side[i] = {place[1], ("api/%s.html"):format(place[1]), here = place[1] == here}
  end
  return side
end

function Site:names()
  for _, entry in ipairs(self.entries) do
    local link <const> = self:links(entry.path)
    local doc <const> = entry.doc
    self:page(entry.path, entry.name, api.body(entry, link, self.outputs), {part = "Names",
      side = places_side(entry.place), said = entry.summary, words = doc and words_of(
      table.concat(doc.text, " ") .. " " .. table.concat(doc.options, " ")) or ""})
    if doc and doc.path then self.sources[doc.path] = true end
  end
  local rows <const> = {}
  for i, place in ipairs(api.PLACES) do
    self:page(("api/%s.html"):format(place[1]), place[1],
      api.place_body(place[1], place[2], self.entries), {part = "Names",
      side = places_side(place[1]), said = place[2], words = place[2]})
    rows[i] = ('<dt><a href="%s.html"><code>%s</code></a></dt><dd>%s</dd>\n'):format(place[1],
      place[1], place[2])
  end
  self:page("api/index.html", "Names", "<h1>Names</h1>\n<p>Every public name has a page. "
    .. "<code>help \"word\"</code> at the prompt shows the same.</p>\n<dl class=\"names\">\n"
    .. table.concat(rows) .. "</dl>\n", {part = "Names", side = places_side(),
    words = "api reference names"})
end

function Site:source_pages()
  for _, path in ipairs(check.sorted_keys(self.sources)) do
    local lines <const>, number = {}, 0
    for line in (html.code(shell.read(path)) .. "\n"):gmatch("(.-)\n") do
      number = number + 1
      lines[number] = ('<span id="l%d">%s</span>'):format(number, line)
    end
    local short <const> = comments.short(path)
    self:page(api.source_page(path), short, ("<h1>%s</h1>\n<pre class=\"code\"><code>%s</code>"
      .. "</pre>\n"):format(short, table.concat(lines, "\n")), {part = "Names", hidden = true})
  end
end

-- ---- all ---------------------------------------------------------------------------------------

-- A string of JavaScript.
local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("%s+", " "):gsub("</", "<\\/") .. '"'
end

function Site:search()
  local rows <const> = {}
  for i, row in ipairs(self.index) do
    for k = 1, 4 do row[k] = quoted(row[k]) end
    rows[i] = "[" .. table.concat(row, ",") .. "]"
  end
  self:file("index.js", "const PAGES=[\n" .. table.concat(rows, ",\n") .. "\n];\n")
  for _, name in ipairs{"style.css", "search.js"} do self:file(name, shell.read(HERE .. name)) end
end

local M <const> = {}

--- Runs scripts, each in its own directory below `place`. `arguments` has their arguments by path.
-- -> {[path] = {printed =, directory =, arguments =}}
function M.runs(paths, place, arguments)
  local runs <const> = {}
  for _, path in ipairs(paths) do
    local script <const> = literate.read(path)
    local directory <const>, words <const> = place .. "/" .. script.name, arguments[path]
    shell.run("mkdir -p " .. shell.quote(directory))
    local printed <const>, why <const> = literate.run(script, directory, words)
    if not printed then return nil, why end
    runs[path] = {printed = printed, directory = directory, arguments = words}
  end
  return runs
end

--- Writes the site. o: directory; lessons, scripts = what M.runs gives (scripts may be {}); paths =
-- the paths of the longer scripts; outputs = what examples of names print, by code.
-- -> the number of pages that the search knows
function M.build(o)
  local site <const> = new{directory = o.directory, outputs = o.outputs, scripts = o.paths}
  site:lessons(o.lessons)
  site:markdown_pages(site:scripts(o.scripts))
  site:names()
  site:source_pages()
  site:search()
  return #site.index
end

local function main(directory)
  local small <const> = require "spec.support.small_examples"
  local started <const> = os.time()
  shell.in_directory(function(place)
    local lessons <const> = assert(M.runs(literate.lessons(), place, {}))
    local paths <const> = check.sorted_keys(small)
    local arguments <const> = {}
    for _, path in ipairs(paths) do arguments[path] = small[path]:format("build") end
    local scripts <const> = assert(M.runs(paths, place, arguments))
    local outputs <const> = require "spec.support.docs.outputs"(place)
    local count <const> = M.build{directory = directory, lessons = lessons, scripts = scripts,
      paths = paths, outputs = outputs}
    print(("Braid %s: %d pages in %d s; open %s/index.html"):format(version, count,
      os.time() - started, directory))
  end)
end

if arg[0]:find("docs/site%.lua$") then main(arg[1] or "build/docs") end
return M
