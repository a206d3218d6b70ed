--- help(): what the prompt can do.

local commands <const> = require "braid.repl.commands"

local KEYS <const> = [[
Enter runs an entry, or goes on with it while it is incomplete. Expressions print what they give;
a semicolon at the end prints nothing. _ is the last result, _1 _2 ... the last and those before.
Outermost locals last. After an error _err is its value, :trace shows all calls, and debug() looks
at their variables, with up(), down() and debug(false).
Keys are those of readline: Tab completes, Ctrl-R searches the history, Right takes the grey hint,
Ctrl-_ undoes, Alt-Enter begins a line, Ctrl-C clears the line or interrupts what runs, Ctrl-D ends.
]]

return function()
  local lines <const> = {KEYS}
  for _, name in ipairs(commands.names()) do lines[#lines + 1] = "  " .. commands.said(name) end
  print(table.concat(lines, "\n"))
end
