--- Makes HTML for the site: escaped text, coloured code, paragraphs of comments, and pages from a
-- template.

local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

local ESCAPES <const> = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}

function M.escape(text) return (text:gsub('[&<>"]', ESCAPES)) end

--- The text without its escapes.
function M.plain(text)
  return (text:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&amp;", "&"))
end

local CLASS <const> = {keyword = "k", string = "s", number = "n", comment = "c"}

--- Lua code with its colours. `link(path)` gives the address for a name such as nn.Conv2d, or nil;
-- names without a dot are variables.
function M.code(text, link)
  local out <const>, at = {}, 1
  local list <const> = tokens(text)
  local i = 1
  while i <= #list do
    local token <const> = list[i]
    out[#out + 1] = M.escape(text:sub(at, token.from - 1))
    local to, last = token.to, i
    while token.kind == "name" and list[last + 1] and list[last + 1].text == "."
      and list[last + 2] and list[last + 2].kind == "name" do
      last = last + 2
      to = list[last].to
    end
    local said <const>, class <const> = M.escape(text:sub(token.from, to)), CLASS[token.kind]
    local address <const> = last > i and link and link(text:sub(token.from, to))
    out[#out + 1] = class and ('<span class="%s">%s</span>'):format(class, said)
      or address and ('<a href="%s">%s</a>'):format(address, said) or said
    at, i = to + 1, last + 1
  end
  return table.concat(out) .. M.escape(text:sub(at))
end

function M.block(text, link)
  return ('<pre class="code"><code>%s</code></pre>\n'):format(M.code(text, link))
end

function M.output(text)
  return ('<pre class="output"><samp>%s</samp></pre>\n'):format(M.escape(text))
end

--- Escaped text in which names of Braid, such as nn.Conv2d, are links.
function M.linked(text, link)
  return (M.escape(text):gsub("%f[%w_][%a_][%w_]*%.[%w_.]*[%w_]", function(name)
    local address <const> = link(name)
    return address and ('<a href="%s"><code>%s</code></a>'):format(address, name) or nil
  end))
end

--- The lines of a comment: indented lines are shown as they are, others become paragraphs.
function M.prose(lines, link)
  local out <const>, words, kept = {}, {}, {}
  local function flush()
    if #words > 0 then
      out[#out + 1] = ("<p>%s</p>\n"):format(M.linked(table.concat(words, " "), link))
    end
    while kept[#kept] == "" do kept[#kept] = nil end
    if #kept > 0 then
      out[#out + 1] = ('<pre class="table">%s</pre>\n'):format(
        M.linked(table.concat(kept, "\n"), link))
    end
    words, kept = {}, {}
  end
  for _, line in ipairs(lines) do
    if line:find("^%s") and #words == 0 or line:find("^  ") then
      if #words > 0 then flush() end
      kept[#kept + 1] = line
    elseif line == "" then
      if #kept > 0 then kept[#kept + 1] = "" else flush() end
    else
      if #kept > 0 then flush() end
      words[#words + 1] = line
    end
  end
  flush()
  return table.concat(out)
end

--- A list of links {title, address, here =} for the side of a page.
function M.list(links, root)
  local out <const> = {}
  for _, link in ipairs(links) do
    out[#out + 1] = ('<li%s><a href="%s%s">%s</a></li>'):format(link.here and ' class="here"' or "",
      root, link[2], M.escape(link[1]))
  end
  return "<ul>\n" .. table.concat(out, "\n") .. "\n</ul>\n"
end

local PAGE <const> = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="stylesheet" href="%sstyle.css">
<script defer src="%sindex.js"></script>
<script defer src="%ssearch.js"></script>
</head>
<body data-root="%s">
<header>
<a class="name" href="%sindex.html">Braid</a>
<nav>%s</nav>
<input id="search" type="search" placeholder="Search  /" aria-label="Search" hidden>
</header>
<ol id="found" hidden></ol>
<div class="page">
<aside>
%s</aside>
<main>
%s</main>
</div>
</body>
</html>
]]

--- A page: o = {title =, path = its own, top = {{title, address}}, part = the title of its part,
-- side =, body =}.
function M.page(o)
  local root <const> = ("../"):rep(select(2, o.path:gsub("/", "")))
  local links <const> = {}
  for _, link in ipairs(o.top) do
    links[#links + 1] = ('<a%s href="%s%s">%s</a>'):format(
      link[1] == o.part and ' class="here"' or "", root, link[2], link[1])
  end
  return PAGE:format(M.escape(o.title), root, root, root, root, root, table.concat(links, "\n"),
    o.side and M.list(o.side, root) or "", o.body)
end

return M
