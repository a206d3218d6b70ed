--- The man page of braid, as text in the macros of man: braid completion man.

local VERSION <const> = require "braid.version"

local SYNOPSIS <const> = {
  {"", "start the prompt"}, {"FILE.lua [arguments]", "run a script, which can require \"braid\""},
  {"-m MODULE [arguments]", "run a module that require can find"},
  {"-e CODE [arguments]", "run code, or print the value of an expression"},
  {"- [arguments]", "run code from the standard input"},
  {"-i [FILE | -m MODULE | -e CODE]", "the same, then start a prompt with its variables"},
  {"--debug FILE [arguments]", "run a script; if it fails, look at its calls"},
  {"--version", "the version, Lua's version and the instruction set"},
  {"--help", "all commands"},
}

local ARGUMENTS <const> = {
  {"--name value, --name=value", "An option. In names - and _ are the same. A flag takes no value, "
    .. "or =yes or =no. Words after -- are never options."},
  {"numbers", "30, 1e-3, 10k, 2M."},
  {"settings", "\"width=0.5 norm names={a, b}\": a name alone is true; values are numbers, yes, "
    .. "no, words, texts in quotes, and lists or tables in braces."},
  {"--config FILE", "Options by name from a .json file, or from a .lua file that returns a table "
    .. "and runs in the sandbox of definitions. Options on the command line win."},
}

local STATUS <const> = {{"0", "success"}, {"1", "the command failed"},
  {"2", "the arguments were wrong"}, {"130", "the command was interrupted"}}

local ENVIRONMENT <const> = {
  {"OMP_NUM_THREADS", "the number of threads"},
  {"BRAID_ISA", "base, avx2 or avx512: the instruction set, in place of the best one there is"},
  {"NO_COLOR", "no colours"}, {"XDG_STATE_HOME, XDG_CONFIG_HOME", "where the prompt keeps its "
    .. "history, and finds init.lua"},
}

local EXAMPLES <const> = {
  'braid train dcnet --data path/to/mtfl --tasks "landmarks pose smile*0.1" --epochs 30 '
    .. "--dir runs/a",
  "braid eval runs/a --data path/to/mtfl",
  "braid predict runs/a face.jpg --out pictures",
  "braid compare hard_sharing dcnet --data faces --seeds 1,2,3 --epochs 5 --dir runs/c",
  'braid sweep tcdcn --data faces --space "lr=log(1e-4, 1e-2)" --trials 20 --best loss --epochs 5 '
    .. "--dir runs/s",
}

local WIDTH <const> = 72 -- characters of a line, which escapes make longer

-- A text on one line, with everything escaped that man would read as a request.
local function plain(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("~", "\\(ti"):gsub("%^", "\\(ha")
  return (text:gsub("^[.']", "\\&%0"))
end

-- The same text on several lines. Each line but the last ends in `ending`.
local function wrapped(text, ending)
  local lines <const>, line = {}, nil
  for word in text:gmatch("%S+") do
    if line and #line + #word >= WIDTH then
      lines[#lines + 1], line = plain(line .. (ending or "")), nil
    end
    line = line and line .. " " .. word or word
  end
  lines[#lines + 1] = plain(line or "")
  return table.concat(lines, "\n")
end

-- Lines of tagged paragraphs.
local function listed(lines, list)
  for _, pair in ipairs(list) do
    lines[#lines + 1] = ".TP\n.B " .. plain(pair[1]) .. "\n" .. wrapped(pair[2])
  end
end

local function add_command(lines, row)
  lines[#lines + 1] = ".SS braid " .. plain(row.usage)
  lines[#lines + 1] = wrapped(row.summary:gsub("^%l", string.upper) .. ".")
  if row.more then lines[#lines + 1] = wrapped(row.more:gsub("^%l", string.upper) .. ".") end
  local list <const> = {}
  for _, o in ipairs(row.options) do
    local values <const> = o.values and #o.values < 12 and o.values
    local text <const> = o.said .. (values and " (" .. table.concat(values, ", ") .. ")" or "")
    if o.name ~= "help" and o.name ~= "config" then
      local value <const> = o.flag and "" or " " .. (o.path or "value"):upper()
      list[#list + 1] = {"--" .. o.name .. value, text}
    end
  end
  listed(lines, list)
end

return function(t)
  local now <const> = math.tointeger(tonumber(os.getenv("SOURCE_DATE_EPOCH") or "")) or os.time()
  local lines <const> = {
    (".TH BRAID 1 %s \"Braid %s\" \"User Commands\""):format(os.date("!%Y-%m-%d", now), VERSION),
    ".SH NAME", "braid \\- networks that learn several tasks at once", ".SH SYNOPSIS",
  }
  for i, row in ipairs(SYNOPSIS) do
    lines[#lines + 1] = (i > 1 and ".br\n" or "") .. ".B braid" .. (row[1] ~= ""
      and "\n" .. plain(row[1]) or "")
  end
  for _, row in ipairs(t.rows()) do
    local options <const> = #row.options > 1 and " [options]" or ""
    lines[#lines + 1] = ".br\n.B braid\n" .. plain(row.usage .. options)
  end
  lines[#lines + 1] = ".SH DESCRIPTION\n" .. wrapped("Braid trains, compares and shows neural "
    .. "networks that learn several tasks at once. Without arguments it starts a prompt; with a "
    .. "file it runs a script.")
  for _, row in ipairs(SYNOPSIS) do
    listed(lines, {{row[1] == "" and "braid" or "braid " .. row[1], row[2]}})
  end
  lines[#lines + 1] = ".SH COMMANDS"
  for _, row in ipairs(t.rows()) do add_command(lines, row) end
  for _, section in ipairs{{"ARGUMENTS OF COMMANDS", ARGUMENTS}, {"EXIT STATUS", STATUS},
    {"ENVIRONMENT", ENVIRONMENT}} do
    lines[#lines + 1] = ".SH " .. section[1]
    listed(lines, section[2])
  end
  lines[#lines + 1] = ".SH EXAMPLES"
  for i, text in ipairs(EXAMPLES) do
    lines[#lines + 1] = (i > 1 and ".PP\n" or "") .. ".nf\n" .. wrapped(text, " \\") .. "\n.fi"
  end
  lines[#lines + 1] = ".SH SEE ALSO\n.BR lua5.4 (1)"
  return table.concat(lines, "\n") .. "\n"
end
