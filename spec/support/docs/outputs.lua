--- What the examples of public names print at the prompt: {[code of an example] = output}.
--
-- Examples of training, of readers of files and of the detector are left out: they take long, or
-- print times.

local api <const> = require "spec.support.docs.api"
local literate <const> = require "spec.support.docs.literate"
local shell <const> = require "spec.support.shell"

local PLACES <const> = "braid tensor F nn nn.init loss optim mtl mtl.weighting mtl.metric"

local SCRIPT <const> = [[
package.path = %q .. package.path
local Session <const> = require "braid.repl.session"
local api <const> = require "spec.support.docs.api"
local examples <const> = require "braid.repl.examples"
local entries <const> = api.entries()
for i, entry in ipairs(entries) do
  local is_wanted <const> = (" " .. %q .. " "):find(" " .. entry.place .. " ", 1, true)
  for j, example in ipairs(is_wanted and entry.doc and entry.doc.examples or {}) do
    local session <const> = Session{width = function() return 88 end}
    session.complain = function() end
    session.tell = function() end
    require("braid").manual_seed(1)
    local show <const> = io.stdout
    for _, line in ipairs(examples.given(example)) do session:run(line .. ";") end
    show:write(("\1example %%d %%d\1"):format(i, j))
    for _, line in ipairs(example) do
      for _, one in ipairs(#example > 1 and {table.concat(example, "\n")} or
        examples.entries(line)) do
        session:run(one)
      end
      if #example > 1 then break end
    end
    show:write("\1end\1")
  end
end
]]

--- The outputs, {[code] = text}. Examples run in the directory.
return function(directory)
  local path <const>, out <const> = directory .. "/outputs.lua", {}
  shell.write(path, SCRIPT:format(shell.root .. "/?.lua;", PLACES))
  local result <const> = shell.run(("cd %s && %s %s"):format(shell.quote(directory),
    literate.braid, shell.quote(path)))
  assert(result.status == 0, result.err)
  local entries <const> = api.entries()
  for i, j, text in result.out:gmatch("\1example (%d+) (%d+)\1(.-)\1end\1") do
    local example <const> = entries[tonumber(i)].doc.examples[tonumber(j)]
    if not text:find("%d%.%d+ s%f[%W]") then
      out[api.code_of(example)] = text:gsub("%s+$", "")
    end
  end
  return out
end
