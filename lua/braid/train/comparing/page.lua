--- Makes a page of HTML that needs no other files: a title, tables and pictures.

local html <const> = require "braid.train.table.html"

local PAGE <const> = [[
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title>
<style>
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em}
.wide{overflow-x:auto;margin:1em 0}
.tests td:last-child{white-space:normal;min-width:18em;text-align:left}
svg{max-width:100%%;height:auto}
</style></head><body>
<h1>%s</h1>
%s
</body></html>]]

--- parts is a list of HTML texts, each as {text} or {text, CSS class}.
return function(title, parts)
  local words <const> = {}
  for i, part in ipairs(parts) do
    words[i] = ('<div class="wide %s">%s</div>'):format(part[2] or "", part[1])
  end
  local name <const> = html.escaped(title)
  return PAGE:format(name, name, table.concat(words, "\n"))
end
