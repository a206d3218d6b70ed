--- The pages of names: a page for each public name and each class of objects, with the facts that
-- help shows (braid/repl/docs.lua), and a page for each place of names (such as nn or data).

local class <const> = require "braid.class"
local comments <const> = require "braid.repl.comments"
local docs <const> = require "braid.repl.docs"
local examples <const> = require "braid.repl.examples"
local html <const> = require "spec.support.docs.html"
local library <const> = require "braid.repl.library"
local names <const> = require "braid.repl.names"
local related <const> = require "braid.repl.related"

local M <const> = {}

-- The places in the order in which the side of a page lists them, and what each holds.
M.PLACES = {
  {"braid", "tensors, operators, files, networks"}, {"tensor", "methods that only tensors have"},
  {"F", "functions for networks, and all operators"}, {"nn", "layers, modules, backbones"},
  {"nn.init", "first values of parameters"}, {"loss", "losses"}, {"optim", "optimizers, schedules"},
  {"mtl", "tasks, columns, mixers"}, {"mtl.weighting", "methods that weigh tasks"},
  {"mtl.metric", "metrics"}, {"data", "readers, transforms, loaders"},
  {"train", "training, comparing, searching"}, {"train.space", "spaces to search"},
  {"train.statistics", "tests and intervals"},
  {"train.statistics.normal", "the normal distribution"},
  {"train.statistics.student", "Student's distribution"},
  {"plot", "pictures of numbers and networks"},
  {"vision", "the detector of faces"}, {"vision.mtcnn", "MTCNN"}, {"io", "bytes of files"},
  {"objects", "what functions give: loaders, reports, figures"},
}

local function place_of(chain)
  if chain[1] == "tensor" then return "tensor" end
  return #chain == 2 and "braid" or table.concat(chain, ".", 2, #chain - 1)
end

local function is_called(value) return type(value) == "function" or class.is_class(value) end

local LONGEST <const> = 150 -- bytes of the line about a name

-- The first sentence about a name, without the name before it, cut between words.
local function short(text, name)
  local before <const>, rest <const> = text:match("^([%w_.]+): (.*)$")
  if before and name:find(before:match("[^.]+$"), 1, true) then text = rest end
  return #text <= LONGEST and text or text:sub(1, LONGEST):match("^(.*)%s") .. " ..."
end

--- All entries {name = "nn.Conv2d", place = "nn", item = as names.all gives it, doc =, path = the
-- page's}, and addresses by name.
function M.entries()
  local list <const>, of <const> = {}, {}
  for _, row in ipairs(M.PLACES) do of[row[1]] = ("api/%s.html"):format(row[1]) end
  local function add(name, place, item)
    if of[table.concat(item.chain, ".", 2)] and not is_called(item.value) then return end
    local entry <const> = {name = name, place = place, item = item, path = ("api/%s.html"):format(
      name)}
    if is_called(item.value) then
      entry.doc = docs.of(item.value, item.chain, item.place, item.method)
      entry.summary = short(docs.summary(item.value, item.chain, item.place, item.method), name)
    end
    list[#list + 1], of[name] = entry, entry.path
  end
  for _, item in ipairs(names.all()) do
    local place <const>, last <const> = place_of(item.chain), item.chain[#item.chain]
    add(place .. "." .. last, place, item)
  end
  for _, object in ipairs(select(2, library.files())) do
    local name <const> = object[1]:gsub("^braid%.", "")
    add("objects." .. name, "objects", {chain = {object[1]}, value = object[2]})
  end
  return list, of
end

-- The example's lines as help shows them: the values that it uses, then the entries.
function M.code_of(example)
  local lines <const> = {}
  for _, line in ipairs(examples.given(example)) do lines[#lines + 1] = line end
  for _, line in ipairs(example) do
    for _, entry in ipairs(examples.entries(line)) do lines[#lines + 1] = entry end
  end
  return table.concat(lines, "\n")
end

-- The arguments and options as help lists them: a line with two spaces for each.
local function options(lines, link)
  local out <const> = {}
  for _, line in ipairs(lines) do
    local name <const>, said <const> = line:match("^  ([^:]+): (.*)$")
    if name then
      out[#out + 1] = ("<dt><code>%s</code></dt><dd>%s</dd>\n"):format(html.escape(name),
        html.linked(said, link))
    else
      if #out > 0 then out[#out + 1] = "</dl>\n" end
      local title <const> = line:gsub(":$", ""):gsub("^%l", string.upper)
      out[#out + 1] = ("<h2>%s</h2>\n<dl>\n"):format(title)
    end
  end
  return #out > 0 and table.concat(out) .. "</dl>\n" or ""
end

local function returned(doc, link)
  local out <const> = {}
  for _, result in ipairs(doc.returns) do
    out[#out + 1] = ("<dt><code>%s</code></dt><dd>%s</dd>\n"):format(html.escape(result.type),
      html.linked(result.said, link))
  end
  return #out > 0 and "<h2>Returns</h2>\n<dl>\n" .. table.concat(out) .. "</dl>\n" or ""
end

-- The methods that a class itself has, if they have a comment.
local function methods(handle, chain, link)
  local list <const>, out <const> = {}, {}
  for name, f in pairs(handle) do
    if type(f) == "function" and name:find("^%l[%w_]*$") and name ~= "init"
      and class.own(handle, name) then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  for _, name in ipairs(list) do
    local doc <const> = docs.of(class.own(handle, name), {chain[#chain], name}, nil, true)
    if #doc.text > 0 then
      out[#out + 1] = ('<h3 id="%s"><code>%s</code></h3>\n%s'):format(name,
        html.escape(doc.signature:gsub("^[%w_.]+:", ":")), html.prose(doc.text, link))
      for _, example in ipairs(doc.examples) do
        out[#out + 1] = html.block(table.concat(example, "\n"), link)
      end
    end
  end
  return #out > 0 and "<h2>Methods</h2>\n" .. table.concat(out) or ""
end

local function written(doc)
  if not doc.path then return "<p class=\"source\">An operator of the core, in C.</p>\n" end
  local file <const> = comments.short(doc.path)
  return ('<p class="source">Written in <a href="../%s#l%d">%s:%d</a>.</p>\n'):format(
    M.source_page(doc.path), doc.line or 1, html.escape(file), doc.line or 1)
end

--- The page that shows a file's code.
function M.source_page(path)
  return ("source/%s.html"):format(comments.short(path):gsub("^braid/", ""))
end

--- The body of an entry's page. `outputs` has what its examples print, by code.
function M.body(entry, link, outputs)
  local doc <const>, item <const> = entry.doc, entry.item
  local out <const> = {("<h1>%s</h1>\n"):format(html.escape(entry.name))}
  local function add(text) out[#out + 1] = text end
  if not doc then
    add(("<p>%s</p>\n"):format(html.escape(type(item.value) == "table" and "A place of names."
      or ("The value %s."):format(tostring(item.value)))))
    return table.concat(out)
  end
  add(('<pre class="signature"><code>%s</code></pre>\n'):format(html.code(doc.signature)))
  add(html.prose(doc.text, link))
  add(returned(doc, link))
  add(options(doc.options, link))
  for i, example in ipairs(doc.examples) do
    local code <const> = M.code_of(example)
    add(i == 1 and "<h2>Example</h2>\n" or "")
    add(html.block(code, link))
    if outputs and outputs[code] and outputs[code] ~= "" then add(html.output(outputs[code])) end
  end
  if class.is_class(item.value) then add(methods(item.value, item.chain, link)) end
  local also <const> = {}
  for _, name in ipairs(related(item.value, item.chain, doc.see)) do
    local address <const> = link(name)
    also[#also + 1] = address and ('<a href="%s"><code>%s</code></a>'):format(address, name)
      or ("<code>%s</code>"):format(name)
  end
  if #also > 0 then add("<p>See also " .. table.concat(also, ", ") .. ".</p>\n") end
  add(written(doc))
  return table.concat(out)
end

--- The body of a place's page: its names, with the first sentence about each.
function M.place_body(place, said, entries)
  local rows <const> = {}
  for _, entry in ipairs(entries) do
    if entry.place == place then
      rows[#rows + 1] = ('<dt><a href="%s"><code>%s</code></a></dt><dd>%s</dd>\n'):format(
        entry.path:gsub("^api/", ""), html.escape(entry.name:gsub("^objects%.", "")),
        html.escape(entry.summary or ""))
    end
  end
  return ("<h1>%s</h1>\n<p>%s: %d names.</p>\n<dl class=\"names\">\n%s</dl>\n"):format(place,
    said:gsub("^%l", string.upper), #rows, table.concat(rows))
end

return M
