--- Asks bash, zsh and fish for completions of lines that end at the cursor.

local shell <const> = require "spec.support.shell"

local M <const> = {}

M.SHELLS = {"bash", "zsh", "fish"}

-- Prints for each line of the file LINES, split as bash splits it, what the function offers.
local BASH <const> = [=[
source %s
while IFS= read -r line; do
  IFS=$'\t' read -r -a COMP_WORDS <<<"${line}x"
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMP_WORDS[COMP_CWORD]=${COMP_WORDS[COMP_CWORD]%%x}
  _braid
  printf 'MATCH %%s\n' "${COMPREPLY[@]}"
  echo DONE
done <%s
]=]

local FISH <const> = [=[
source %s
while read -l line
  for match in (complete -C $line)
    echo MATCH (string split -m 1 \t -- $match)[1]
  end
  echo DONE
end <%s
]=]

-- The setup of an interactive zsh that prints the completions that it offers.
local ZSH_SETUP <const> = [=[
PS1= PS2= PROMPT_EOL_MARK=
unsetopt promptsp promptcr
LISTMAX=10000
autoload -Uz compinit
compinit -u -D
source %s
compadd() {
  local -a out
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  builtin compadd -O out "$@"
  print -rl -- "" "MATCH "${^out}
}
finish() { zle complete-word; print; print DONE; BUFFER=; }
zle -N finish
bindkey '^I' finish
print READY
]=]

local ZSH <const> = [=[
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "source %s"
zpty -r z said '*READY*'
while IFS= read -r line; do
  zpty -w -n z "$line"$'\t'
  zpty -r z said '*DONE*'
  print -r -- "$said" | tr -d '\r' | sed -n 's/^MATCH ..*/&/p'
  print DONE
done <%s
zpty -d z
]=]

local function run(command, script, file)
  shell.write(file, script)
  local result <const> = shell.run(("timeout 120 %s %s </dev/null"):format(command, file))
  assert(result.status == 0, result.err)
  return result.out
end

local RUN <const> = {
  bash = function(made, lines, dir)
    local split <const> = lines:gsub("=", "\t=\t"):gsub(" ", "\t"):gsub("\t=\t\t", "\t=\t")
    shell.write(dir .. "/lines", split)
    return run("bash --norc --noprofile", BASH:format(made, dir .. "/lines"), dir .. "/try")
  end,
  fish = function(made, lines, dir)
    shell.write(dir .. "/lines", lines)
    return run("env HOME=" .. dir .. " fish --no-config", FISH:format(made, dir .. "/lines"),
      dir .. "/try")
  end,
  zsh = function(made, lines, dir)
    shell.write(dir .. "/lines", lines)
    shell.write(dir .. "/setup", ZSH_SETUP:format(made))
    return run("env HOME=" .. dir .. " TERM=dumb COLUMNS=200 zsh -f",
      ZSH:format(dir .. "/setup", dir .. "/lines"), dir .. "/try")
  end,
}

--- Whether a shell is there.
function M.has(name) return shell.run("command -v " .. name).status == 0 end

--- For each line, in order, the set of words that the shell offers. `made` is Braid's completion
-- script for the shell.
function M.offers(name, made, lines, dir)
  local out <const> = RUN[name](made, table.concat(lines, "\n") .. "\n", dir)
  local list <const>, set = {}, {}
  for line in out:gmatch("[^\n]+") do
    local match <const> = line:match("^MATCH (.+)$")
    if match then
      set[match:gsub("^%-%-[%w_]+=", "")] = true
    elseif line == "DONE" then
      list[#list + 1], set = set, {}
    end
  end
  return list
end

return M
