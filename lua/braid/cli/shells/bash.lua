--- The completion of bash, as text: braid completion bash.

local HEAD <const> = [=[
# Completion of braid for bash; made by: braid completion bash

_braid_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }

# Files whose names match a pattern, and directories.
_braid_files() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do
    [[ -d $path || $path == $1 ]] && COMPREPLY+=("$path")
  done < <(compgen -f -- "$cur")
}

_braid_directories() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -d -- "$cur")
}

# The number of words before the cursor that are not options. $1 lists the options without a value.
_braid_place() {
  local i word
  place=1
  for ((i = 2; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == --* ]]; then
      [[ ${COMP_WORDS[i + 1]} == = ]] && ((i += 2)) && continue
      [[ " $1 " == *" $word "* ]] || ((i++))
    elif [[ $word != -* ]]; then
      ((place++))
    fi
  done
}

_braid() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} place
  local models="%s"
  COMPREPLY=()
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    _braid_words "%s"
    _braid_files '*.lua'
    return
  fi
  case ${COMP_WORDS[1]} in
]=]

local TAIL <const> = [=[
    *) _braid_files '*' ;;
  esac
}
complete -F _braid braid
]=]

local function action(kind)
  if type(kind) == "table" then return ('_braid_words "%s"'):format(table.concat(kind, " ")) end
  if kind == "model" then return [[_braid_words "$models"; _braid_files '*.lua']] end
  if kind == "network" then return "_braid_files '*.safetensors'" end
  return kind == "directory" and "_braid_directories" or "_braid_files '*'"
end

-- The branch for a command in the shell's `case`.
local function case_of(row)
  local lines <const>, flags <const>, all <const>, free <const> = {}, {}, {}, {}
  local function add(form, ...) lines[#lines + 1] = form:format(...) end
  add("    %s)", row.name)
  for i, o in ipairs(row.options) do
    all[i] = "--" .. o.name
    if o.flag then flags[#flags + 1] = "--" .. o.name end
    if not (o.flag or o.values or o.path) then free[#free + 1] = "--" .. o.name end
  end
  add("      case $prev in")
  for _, o in ipairs(row.options) do
    local kind <const> = o.values or o.path
    if kind then add("        --%s) %s; return ;;", o.name, action(kind)) end
  end
  if #free > 0 then add("        %s) return ;;", table.concat(free, "|")) end
  add("      esac")
  add('      if [[ $cur == -* ]]; then _braid_words "%s"; return; fi', table.concat(all, " "))
  if #row.words > 0 then
    add('      _braid_place "%s"', table.concat(flags, " "))
    add("      case $place in")
    for i, kind in ipairs(row.words) do
      add("        %s) %s ;;", i == #row.words and row.many and "*" or i, action(kind))
    end
    add("      esac")
  end
  add("      ;;")
  return table.concat(lines, "\n") .. "\n"
end

return function(t)
  local rows <const>, first <const>, cases <const> = t.rows(), {}, {}
  for i, row in ipairs(rows) do first[i], cases[i] = row.name, case_of(row) end
  for _, own in ipairs(t.OWN) do first[#first + 1] = own[1] end
  return HEAD:format(table.concat(t.models(), " "), table.concat(first, " "))
    .. table.concat(cases) .. TAIL
end
