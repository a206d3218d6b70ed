--- The completion of zsh, as text: braid completion zsh.

local HEAD <const> = [=[
#compdef braid
# Completion of braid for zsh; made by: braid completion zsh

_braid_models() {
  _alternative 'models:network:(%s)' 'files:file:_files -g "*.lua"'
}

_braid() {
  local curcontext=$curcontext state line
  if ((CURRENT == 2)); then
    local -a commands own
    commands=(
%s    )
    own=(
%s    )
    _describe -t commands 'command' commands
    [[ $PREFIX == -* ]] && _describe -o -t options 'option' own
    _files -g '*.lua'
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
]=]

local TAIL <const> = [=[
    *) _files ;;
  esac
}

if [[ $funcstack[1] == _braid ]]; then _braid "$@"; else compdef _braid braid; fi
]=]

local function quoted(text) return (text:gsub("'", "'\\''")) end

-- A text within brackets or before a colon of _arguments and _describe.
local function said(text) return quoted(text:gsub("[%[%]:\\]", "\\%0")) end

local function action(kind)
  if type(kind) == "table" then return "(" .. table.concat(kind, " ") .. ")" end
  if kind == "model" then return "_braid_models" end
  if kind == "network" then return '_files -g "*.safetensors(-.) *(-/)"' end
  return kind == "directory" and "_files -/" or "_files"
end

local function case_of(row)
  local lines <const> = {("    %s)"):format(row.name), "      _arguments \\"}
  local function add(form, ...) lines[#lines + 1] = "        " .. form:format(...) .. " \\" end
  for _, o in ipairs(row.options) do
    if o.flag then
      add("'--%s[%s]'", o.name, said(o.said))
    else
      local kind <const> = o.values or o.path
      add("'--%s=[%s]:%s:%s'", o.name, said(o.said), o.name, kind and quoted(action(kind)) or "")
    end
  end
  for i, kind in ipairs(row.words) do
    local label <const> = type(kind) == "table" and "name" or kind
    add("'%s:%s:%s'", i == #row.words and row.many and "*" or i, label, quoted(action(kind)))
  end
  lines[#lines] = lines[#lines]:gsub(" \\$", "")
  lines[#lines + 1] = "      ;;"
  return table.concat(lines, "\n") .. "\n"
end

local function described(list)
  local lines <const> = {}
  for i, pair in ipairs(list) do lines[i] = ("      '%s:%s'\n"):format(pair[1], said(pair[2])) end
  return table.concat(lines)
end

return function(t)
  local names <const>, cases <const> = {}, {}
  for i, row in ipairs(t.rows()) do
    names[i], cases[i] = {row.name, row.summary}, case_of(row)
  end
  return HEAD:format(table.concat(t.models(), " "), described(names), described(t.OWN))
    .. table.concat(cases) .. TAIL
end
