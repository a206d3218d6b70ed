--- `braid completion bash | zsh | fish | man`: prints the completion of the command for a shell, or
-- its man page. Both are made from the table of commands.
--
-- `make install` installs all of them. A shell can also load its completion: eval "$(braid
-- completion bash)", or braid completion fish | source.

local table_of <const> = require "braid.cli.shells.table"

local MADE <const> = {"bash", "zsh", "fish", "man"}

return {usage = "completion SHELL           print completion for bash, zsh, fish, or the man page",
  least = 1, most = 1, words = {MADE}, prints = "a script for a shell, or a page for man",
  wrong = function(_, words)
    for _, name in ipairs(MADE) do
      if name == words[1] then return end
    end
    return ("SHELL must be bash, zsh, fish or man, not '%s'"):format(words[1])
  end,
  run = function(_, name)
    print((require("braid.cli.shells." .. name)(table_of):gsub("\n$", "")))
  end}
