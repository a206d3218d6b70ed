--- The command line: runs a script, a module, code, the prompt, or a command.
--
-- A command is a file of this folder with the command's name. It returns {usage = "what --help
-- says", run = f(options, words ...)}. f prints, and raises an error if it fails. The table may
-- also have options, in the form that braid.arguments takes; said, what each option means; least
-- and most, the number of words; wrong(options, words), which returns what is wrong with them
-- together; more, a further text for -h; words and paths, the kinds of the words and of values for
-- completion (shells/table.lua); and prints, what a command without --json prints.
-- The exit status is 1 after a failure, 2 after wrong arguments, 130 after Ctrl-C.

local arguments_of <const> = require "braid.arguments"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local nearest <const> = require "braid.nearest"

local commands <const> = folder("braid.cli", {internal = {"launcher"}})

local USAGE <const> = [[
usage: braid                            start the prompt
       braid FILE.lua [arguments]       run a script, which can require "braid"
       braid -m MODULE [arguments]      run a module that require can find
       braid -e CODE [arguments]        run code, or print the value of an expression
       braid - [arguments]              run code from the standard input
       braid -i [FILE | -m .. | -e ..]  the same, then start a prompt with its variables
       braid --debug FILE [arguments]   run a script; if it fails, look at its calls
       braid --version
       braid --help]]

local function usage()
  local lines <const> = {USAGE}
  for _, name in ipairs(folder.names(commands)) do
    lines[#lines + 1] = "       braid " .. commands[name].usage
  end
  return table.concat(lines, "\n")
end

local function complain(...) io.stderr:write("braid: ", table.concat({...}), "\n") end

-- The table that a script has as its global `arg`: the script's name is at 0.
local function shift(arguments, at)
  local shifted <const> = {}
  for i = 0, #arguments do shifted[i - at] = arguments[i] end
  shifted[-at] = arguments[0]
  return shifted
end

-- Runs a script as lua5.4 does: arg[0] is its name, and a failure prints a traceback.
local function run_file(path, rest)
  local chunk <const>, message <const> = loadfile(path)
  if not chunk then
    complain(message)
    return 1
  end
  arg = rest
  local ok <const>, failure <const> = xpcall(chunk, function(e)
    if type(e) ~= "string" then return e end
    return debug.traceback(e, 2)
  end, table.unpack(rest))
  if ok then return 0 end
  complain(tostring(failure))
  return 1
end

-- The fault in a command's arguments as text, or nil.
local function fault(command, options, words)
  local least <const>, most <const> = command.least or 0, command.most or 0
  if #words < least then return "something is missing: braid " .. command.usage:match("^(.-)  ") end
  if #words > most then return ("there is no place for '%s'"):format(words[most + 1]) end
  return command.wrong and command.wrong(options, words)
end

--- The text that -h prints for a command.
local function said_of(command)
  local options <const> = command.options or {}
  local lines <const> = {"usage: braid " .. command.usage}
  if command.more then lines[#lines + 1] = command.more end
  if next(options) then
    lines[#lines + 1] = arguments_of.described(options, command.said)
    lines[#lines + 1] = "  --config FILE  options by name (.json or .lua); the command line wins"
  end
  return table.concat(lines, "\n")
end

local unwritten -- why something that was printed could not be written

-- Lua's print does not report failures. After a failure a command goes on, so that a training is
-- not lost, and fails at its end.
local function checked_print(...)
  local words <const> = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  local ok, why = io.stdout:write(table.concat(words, "\t"), "\n")
  if ok then ok, why = io.stdout:flush() end
  if not ok then unwritten = unwritten or why end
end

-- 0, or 1 if printed text could not be written, as to a full disk.
local function written(name)
  local _, wrong <const> = io.stdout:flush()
  local why <const> = unwritten or wrong
  if not why then return 0 end
  complain(name, ": the output cannot be written: ", why)
  return 1
end

local function run_command(name, arguments)
  rawset(_G, "print", checked_print)
  local command <const> = commands[name]
  local own = table.move(arguments, 2, #arguments, 1, {})
  local options, words
  if command.options then own, words = require "braid.cli.given.configured"(own) end
  if own then options, words = arguments_of.read(own, command.options or {}) end
  if options and not words then
    print(said_of(command))
    return written(name)
  end
  local wrong <const> = not options and words or fault(command, options, words)
  if wrong then
    complain(name, ": ", wrong, (" (braid %s -h lists what it takes)"):format(name))
    return 2
  end
  require "braid" -- this gives tensors their methods
  local ok <const>, message <const> = check.caught(command.run, options, table.unpack(words))
  if ok then return written(name) end
  if message:find("interrupted!", 1, true) then return 130 end
  complain(message:find(name .. ": ", 1, true) == 1 and "" or name .. ": ", message)
  return 1
end

local function read(path)
  if path == "-" then return io.read("a") end
  local file <close>, message <const> = io.open(path, "rb")
  if not file then return nil, message end
  return file:read("a")
end

-- The path of a module; or nil, after printing why there is none.
local function find_module(name)
  local path <const>, tried <const> = package.searchpath(name, package.path)
  if not path then complain("module '", name, "' not found:", tried) end
  return path
end

-- Reads the options before the script: {prompt =, kind = "file" | "code" | "module" | "input" |
-- "prompt", what =, at = the number of that argument}; or nil and what is wrong.
local function parse(arguments)
  local o <const>, at = {kind = "prompt", at = 0}, 1
  while arguments[at] == "-i" or arguments[at] == "--debug" do
    o.debug = o.debug or arguments[at] == "--debug"
    o.prompt, at = true, at + 1
  end
  local first <const> = arguments[at]
  if first == "-e" or first == "-m" then
    o.kind, o.what, o.at = first == "-e" and "code" or "module", arguments[at + 1], at + 1
    local needs <const> = first == "-e" and "code" or "a module"
    if not o.what then return nil, first .. " needs " .. needs end
  elseif first == "-" then
    o.kind, o.what, o.at = "input", "-", at
  elseif first and first:sub(1, 1) == "-" then
    return nil, "unknown option " .. first
  elseif first then
    o.kind, o.what, o.at = "file", first, at
  elseif not core.is_terminal(0) and not o.prompt then
    o.kind, o.what = "input", "-"
  end
  return o
end

-- Runs the file, code, module or input in a session. -> the exit status
local function run_in_session(session, o, rest)
  local text, message = o.what, nil
  if o.kind ~= "code" then text, message = read(o.what) end
  if not text then
    complain(message)
    return 1
  end
  local name <const> = o.kind == "code" and "-e" or o.kind == "input" and "stdin" or o.what
  arg = rest
  session.asks = o.kind ~= "file" -- a file is Lua and nothing else
  local fine <const> = session:script(text, name, table.unpack(rest))
  session.asks = false
  return fine and 0 or 1
end

local function run(arguments, o)
  if o.kind == "module" then
    o.what = find_module(o.what)
    if not o.what then return 1 end
    o.kind = "file"
  end
  local rest <const> = shift(arguments, o.at)
  if o.kind == "file" then rest[0] = o.what end
  if o.kind == "file" and not o.prompt then return run_file(o.what, rest) end
  require("braid.prompt").waits = o.prompt or o.kind == "prompt"
  local session <const> = require "braid.repl.session" {lasts = o.prompt}
  local function given()
    local status <const> = run_in_session(session, o, rest)
    if o.debug and status == 0 then session.over = true end
    if o.debug then require "braid.repl.frames".look(session) end
    return status
  end
  if o.prompt or o.kind == "prompt" then
    return require "braid.repl" (session, o.kind ~= "prompt" and given or nil)
  end
  local status <const> = given()
  return type(session.over) == "number" and session.over or status
end

--- Runs the command line with the arguments of `lua` -> the exit status.
return function(arguments)
  local first <const> = arguments[1]
  if first == "--version" then
    print(("braid %s (%s, %s)"):format(require "braid.version", _VERSION, core.isa()))
    return 0
  end
  if first == "--help" or first == "-h" then
    print(usage())
    return 0
  end
  local command <const> = first and first:find("^[%l_]+$") and folder.find(commands, first)
  if command then return run_command(first, arguments) end
  local is_word <const> = first and first:find("^[%l_]+$") and not core.path_kind(first)
  local near <const> = is_word and nearest.names(first, folder.names(commands)) or {}
  if near[1] then
    complain("there is no command ", first, ", nor a file; did you mean ",
      table.concat(near, " or "), "?")
    return 2
  end
  if is_word then
    complain("cannot open ", first, ": there is no file of this name, nor a command; ",
      first == "version" and "braid --version tells the version" or "braid help lists the commands")
    return 2
  end
  local o <const>, message <const> = parse(arguments)
  if not o then
    complain(message, "\n", usage())
    return 2
  end
  return run(arguments, o)
end
