--- Pages in Markdown as HTML, by Debian's cmark-gfm. Lua programs are coloured, headings can be
-- linked to, and links to files of the project become links to their pages.

local html <const> = require "spec.support.docs.html"
local shell <const> = require "spec.support.shell"

local M <const> = {}

local function slug(text)
  return (html.plain(text:gsub("<[^>]+>", "")):lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

--- A path without its `..` and `.`.
function M.resolved(path)
  local parts <const> = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." then parts[#parts] = nil elseif part ~= "." then parts[#parts + 1] = part end
  end
  return table.concat(parts, "/")
end

--- HTML of a text. Its links are relative to `folder` ("examples/"). `page_of(path)` gives the
-- address of a file of the project or nil, `link(name)` the address of a name.
function M.render(text, folder, page_of, link)
  local path <const> = os.tmpname()
  shell.write(path, text)
  local result <const> = shell.run("cmark-gfm -e table " .. path)
  os.remove(path)
  assert(result.status == 0, "cmark-gfm: " .. result.err)
  local out = result.out:gsub("<h(%d)>(.-)</h%d>", function(level, title)
    return ('<h%s id="%s">%s</h%s>'):format(level, slug(title), title, level)
  end)
  out = out:gsub('<pre><code class="language%-(%w+)">(.-)\n?</code></pre>', function(kind, code)
    if kind == "lua" then return html.block(html.plain(code), link) end
    if kind == "output" then return html.output(html.plain(code)) end
    return ('<pre class="code"><code>%s</code></pre>'):format(code)
  end)
  out = out:gsub('(<%a+) (%a+)="([^"]*)"', function(tag, attribute, target)
    if target:find("^%a+:") or target:find("^#") or not attribute:find("^[hs]r[ec]f?$") then
      return nil
    end
    local file <const>, place <const> = target:match("^([^#]*)(.*)$")
    local address <const> = page_of(M.resolved(folder .. file))
    return address and ('%s %s="%s"'):format(tag, attribute, address .. place) or tag
  end)
  return (out:gsub("<table>.-</table>", '<div class="wide">%0</div>'))
end

--- Headings of the second level, as {title, address} on a page.
function M.headings(body, path)
  local list <const> = {}
  for id, title in body:gmatch('<h2 id="([^"]+)">(.-)</h2>') do
    list[#list + 1] = {html.plain(title:gsub("<[^>]+>", "")), path .. "#" .. id}
  end
  return list
end

return M
