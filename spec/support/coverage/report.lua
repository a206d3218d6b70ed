--- Lists the lines of csrc and lua that no spec reaches, from what `make coverage` left in a
-- directory:
--
--   build/braid spec/support/coverage/report.lua build-coverage
--
-- Prints a row for each directory. Writes to coverage.txt there a line for each file, least
-- covered first: its share, its lines, and the lines not reached. Lines of C come from gcov; a
-- line of a kernel counts if one of its types and instruction sets reaches it. A line of
-- Lua counts if luac makes code for it, unless it has only `end` and closing brackets. While a
-- definition is built, its budget uses Lua's hook, so lines that run then are not seen:
-- lua/braid/sandbox is covered better than reported.

local directory <const> = assert(arg[1], "give the directory")

local function lines_from(command)
  local pipe <const> = assert(io.popen(command))
  return function()
    local line <const> = pipe:read("l")
    if not line then assert(pipe:close(), command) end
    return line
  end
end

-- path -> {[line] = whether it was reached}
local files <const> = {}

local function note(path, line, reached)
  local lines <const> = files[path] or {}
  files[path] = lines
  lines[line] = lines[line] or reached
end

local function count_c()
  local path
  for line in lines_from(("find %s -name '*.gcno' -print0 | xargs -0 -n 16 gcov -t 2>/dev/null")
    :format(directory)) do
    local count <const>, number <const>, text <const> = line:match("^ *([^ :]+): *(%d+):(.*)$")
    if number == "0" then
      path = text:match("^Source:(.*)$") or path
    elseif count and count ~= "-" and path:find("^csrc/") then
      note(path, math.tointeger(number), not count:find("^[#=]"))
    end
  end
end

local function count_lua()
  for path in lines_from("find lua/braid -name '*.lua' ! -name launcher.lua | sort") do
    local texts <const> = {}
    for text in io.lines(path) do texts[#texts + 1] = text end
    for line in lines_from(("luac5.4 -l -p '%s'"):format(path)) do
      local number <const> = math.tointeger(line:match("^\t%d+\t%[(%d+)%]"))
      local words <const> = number and texts[number]:gsub("%-%-.*", ""):gsub("end", "")
      if words and words:find("[^%s%)%}%],]") and not line:find("VARARGPREP") then
        note(path, number, false)
      end
    end
  end
  for line in lines_from(("find %s/lua -type f -exec cat {} + | sort -u"):format(directory)) do
    local path <const>, number <const> = line:match("^(.*):(%d+)$")
    local lines <const> = files[path]
    local at <const> = math.tointeger(number)
    if lines and lines[at] == false then lines[at] = true end
  end
end

-- Sorted numbers as text, "3-5 9": consecutive lines are joined. Lines without code do not end
-- such a run.
local function runs_of(lines)
  local numbers <const>, runs <const> = {}, {}
  for number in pairs(lines) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  local first, last
  local function close()
    if first then runs[#runs + 1] = first == last and tostring(first) or first .. "-" .. last end
    first = nil
  end
  for _, number in ipairs(numbers) do
    if lines[number] then close() else first, last = first or number, number end
  end
  close()
  return table.concat(runs, " ")
end

local function row(name, reached, all)
  return ("%6.1f%%  %6d of %6d  %s"):format(100 * reached / math.max(1, all), reached, all, name)
end

count_c()
count_lua()

local sums <const>, order <const>, list <const> = {}, {}, {}
local function add(name, reached, all)
  if not sums[name] then sums[name], order[#order + 1] = {0, 0}, name end
  sums[name][1], sums[name][2] = sums[name][1] + reached, sums[name][2] + all
end

for path, lines in pairs(files) do
  local reached, all = 0, 0
  for _, was in pairs(lines) do reached, all = reached + (was and 1 or 0), all + 1 end
  add(path:match("^[^/]+"), reached, all)
  add(path:match("^lua/braid/[^/]+/") or path:match("^csrc/[^/]+/") or "lua/braid/", reached, all)
  list[#list + 1] = {share = reached / all, text = row(path, reached, all),
    missing = runs_of(lines)}
end
table.sort(order)
table.sort(list, function(a, b)
  if a.share ~= b.share then return a.share < b.share end
  return a.text < b.text
end)

for _, name in ipairs(order) do print(row(name, sums[name][1], sums[name][2])) end
local out <close> = assert(io.open(directory .. "/coverage.txt", "w"))
for _, file in ipairs(list) do out:write(file.text, "  ", file.missing, "\n") end
print(("lines that no spec reaches, file by file: %s/coverage.txt"):format(directory))
