--- The completion of fish, as text: braid completion fish.

local HEAD <const> = [[
# Completion of braid for fish; made by: braid completion fish

# Whether the command line begins with this command, and (with a number) the cursor stands at that
# word behind it, options and their values not counted ("+": at it or a later one).
function __braid_at
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test "$words[2]" = $argv[1]; or return 1
    set -q argv[2]; or return 0
    set -l place 1
    set -l value no
    for word in $words[3..-1]
        if test $value = yes
            set value no
        else if string match -q -- '--*' $word
            string match -q -- '*=*' $word; or contains -- $word $argv[4..-1]; or set value yes
        else if not string match -q -- '-*' $word
            set place (math $place + 1)
        end
    end
    test $value = no; or return 1
    if test "$argv[3]" = +
        test $place -ge $argv[2]
    else
        test $place -eq $argv[2]
    end
end

function __braid_first
    test (count (commandline -opc)) -eq 1
end

function __braid_files
    __fish_complete_suffix $argv[1]
end

complete -c braid -f
complete -c braid -n __braid_first -a '(__braid_files .lua)'
]]

local function quoted(text) return "'" .. text:gsub("[\\']", "\\%0") .. "'" end

-- The options of fish's `complete` for a kind of word.
local function action(kind, models)
  if type(kind) == "table" then return "-a " .. quoted(table.concat(kind, " ")) end
  if kind == "model" then
    return "-a " .. quoted(table.concat(models, " ") .. " (__braid_files .lua)")
  end
  if kind == "network" then return "-a '(__braid_files .safetensors)'" end
  return kind == "directory" and "-a '(__fish_complete_directories)'" or "-F"
end

local function lines_of(row, models)
  local lines <const>, flags <const> = {}, {}
  local function add(form, ...) lines[#lines + 1] = "complete -c braid " .. form:format(...) end
  for _, o in ipairs(row.options) do
    local kind <const> = o.values or o.path
    if o.flag then flags[#flags + 1] = "--" .. o.name end
    add("-n '__braid_at %s' -l %s %s -d %s", row.name, o.name, o.flag and "-f"
      or kind and (kind == "file" and "-r " or "-x ") .. action(kind, models) or "-x",
      quoted(o.said))
  end
  for i, kind in ipairs(row.words) do
    local repeats <const> = i == #row.words and row.many and "+" or "="
    add("-n '__braid_at %s %d %s %s' %s", row.name, i, repeats, table.concat(flags, " "),
      action(kind, models))
  end
  return table.concat(lines, "\n") .. "\n"
end

return function(t)
  local parts <const>, models <const> = {HEAD}, t.models()
  for _, row in ipairs(t.rows()) do
    parts[#parts + 1] = ("complete -c braid -n __braid_first -a %s -d %s\n"):format(row.name,
      quoted(row.summary))
    parts[#parts + 1] = lines_of(row, models)
  end
  for _, own in ipairs(t.OWN) do
    local dashes <const>, name <const> = own[1]:match("^(%-+)(.*)$")
    parts[#parts + 1] = ("complete -c braid -n __braid_first -%s %s -d %s\n"):format(
      dashes == "--" and "l" or "s", name, quoted(own[2]))
  end
  return table.concat(parts)
end
