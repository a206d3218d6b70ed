--- Runs each file of specs in a process of its own, so that the heap of one file slows no other.
-- Sums up the reports of report.lua. The last line is `N passed, N failed, N skipped`.
--
--   lua5.4 spec/support/suite.lua PROCESSES "spec/a_spec.lua spec/..." COMMAND...
--
-- PROCESSES files run at once; each gets its share of the processors. A process that ends without
-- its report, or with a status that its report does not explain, is a failure. So is a run
-- without a test, unless COMMAND includes `none-is-fine`.

local processes <const>, roots <const> = math.tointeger(arg[1]), arg[2]
assert(processes and processes > 0, "PROCESSES must be a whole number above 0")

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local lines <const> = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines
end

local start <const>, processors <const>, folder <const> = table.unpack(
  lines_of("date +%s.%N; nproc; mktemp -d"))

local files <const> = {}
for root in roots:gmatch("%S+") do
  local found <const> = root:find("%.lua$") and {root}
    or lines_of(("find %s -name '*_spec.lua' | sort"):format(quote(root)))
  table.move(found, 1, #found, #files + 1, files)
end

local words <const>, none_is_fine = {}, false
for i = 3, #arg do
  words[#words + 1] = quote(arg[i])
  none_is_fine = none_is_fine or arg[i] == "none-is-fine"
end

local passed, failed <const>, skipped <const> = 0, {}, {}

-- Prints a process's output without its report, and adds the report to the others.
local function take(file, status, path)
  local f <close> = assert(io.open(path, "rb"))
  local before <const>, report <const> = f:read("a"):match("^(.*)\0report\n(.*)$")
  f:seek("set")
  io.write(before or f:read("a"))
  local failures <const> = #failed
  for line in (report or ""):gmatch("[^\n]*\n?") do
    local what <const>, text <const> = line:match("^(%l+) (.*)\n$")
    if what == "passed" then passed = passed + math.tointeger(text)
    elseif what == "failed" then failed[#failed + 1] = text
    elseif what == "skipped" then skipped[#skipped + 1] = text
    else io.write(line) end
  end
  if not report or (status == 0) ~= (#failed == failures) then
    failed[#failed + 1] = ("%s: its process ended with status %d %s"):format(file, status,
      report and "after its report" or "before its report")
    io.write("\n  FAILED ", failed[#failed], "\n")
  end
  io.flush()
end

-- The shell that xargs starts for each file tells how its process ended, and where its output is.
local list <const> = folder .. "/files"
do
  local f <close> = assert(io.open(list, "w"))
  f:write(table.concat(files, "\n"), "\n")
end
local run <const> = ([[
out=$(mktemp -p %s); OMP_NUM_THREADS=${OMP_NUM_THREADS:-%d} %s "$1" >$out 2>&1; echo "$? $out $1"]])
  :format(folder, math.max(1, processors // processes), table.concat(words, " "))
local pipe <const> = io.popen(("xargs -r -P %d -n 1 sh -c %s sh <%s"):format(processes, quote(run),
  list))
local ended = 0
for line in pipe:lines() do
  local status <const>, path <const>, file <const> = line:match("^(%d+) (%S+) (.*)$")
  take(file, math.tointeger(status), path)
  os.remove(path)
  ended = ended + 1
end
if not pipe:close() or ended < #files then
  failed[#failed + 1] = ("%d of %d files ran to their ends"):format(ended, #files)
end
os.execute("rm -rf " .. quote(folder))

local function say(title, texts)
  if #texts > 0 then io.write("\n", title, ":\n  ", table.concat(texts, "\n  "), "\n") end
end

say("Skipped", skipped)
say("Failed", failed)
local none <const> = passed == 0 and #failed == 0 and not none_is_fine
if none then io.write("\nNo test ran.\n") end
io.write(("\n%.1f seconds\n%d passed, %d failed, %d skipped\n"):format(
  lines_of("date +%s.%N")[1] - start, passed, #failed, #skipped))
os.exit(not none and #failed == 0, true)
