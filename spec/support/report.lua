--- The test runner's output for a file: a line, the failures as they happen, and at the end, after
-- `\0report`, the numbers that suite.lua sums up: what passed, what failed, and what was skipped
-- and why. A file without a test is a failure.

return function()
  local busted <const> = require "busted"
  require "busted.languages.en"

  local passed, failures, skips = 0, {}, {}
  local in_file, open_line = {}, false

  local function write(...)
    io.write(...)
    io.flush()
  end

  local function end_line()
    if open_line then write("\n") end
    open_line = false
  end

  local function indented(text) return (("\n" .. text):gsub("\n", "\n    "):sub(2)) end

  local function one_line(text) return (text:gsub("%s*\n%s*", " ")) end

  -- The full name is "describe it", without the file.
  local function full_name(element)
    local names <const> = {}
    while element and element.descriptor and element.descriptor ~= "file" do
      table.insert(names, 1, element.name or element.descriptor)
      element = busted.parent(element)
    end
    return table.concat(names, " ")
  end

  local function place(element, trace)
    local at <const> = element.trace or trace
    if at and at.short_src then return at.short_src .. ":" .. at.currentline end
    return element.descriptor == "file" and element.name or "?"
  end

  local on <const> = {}

  on["file start"] = function(file)
    in_file = {tests = 0, passed = passed, failed = #failures, skipped = #skips}
    write(("  %-32s"):format(file.name))
    open_line = true
    return nil, true
  end

  -- Filters by tag see registrations after this. So a file whose tests are all filtered out still
  -- counts as having tests.
  local function registered(name)
    if not name:match("^%s*$") then in_file.tests = (in_file.tests or 0) + 1 end
    return nil, true
  end

  local function registered_block(name)
    if type(name) == "string" and name:find("#", 1, true) then registered(name) end
    return nil, true
  end

  on["suite start"] = function()
    busted.subscribe({"register", "it"}, registered, {priority = 1})
    busted.subscribe({"register", "pending"}, registered, {priority = 1})
    busted.subscribe({"register", "describe"}, registered_block, {priority = 1})
    return nil, true
  end

  on["file end"] = function(file)
    if in_file.tests == 0 and #failures == in_file.failed then
      busted.publish({"error", "file"}, file, nil, file.name .. " holds no test")
    end
    local line <const> = {}
    for _, part in ipairs({{passed - in_file.passed, "passed"},
      {#failures - in_file.failed, "FAILED"}, {#skips - in_file.skipped, "skipped"}}) do
      if part[1] > 0 then line[#line + 1] = ("%d %s"):format(part[1], part[2]) end
    end
    if not open_line then write(("  %-32s"):format(file.name)) end
    write(("  %s  (%.1f s)\n"):format(#line > 0 and table.concat(line, ", ") or "none chosen",
      busted.monotime() - file.starttick))
    open_line = false
    return nil, true
  end

  on["test end"] = function(element, _, status)
    if status == "success" then passed = passed + 1 end
    if status == "pending" then
      skips[#skips + 1] = {place(element), full_name(element), element.why}
    end
    return nil, true
  end

  on["pending"] = function(element, _, message)
    element.why = type(message) == "string" and message:gsub("^[^\n]-:%d+: ", "") or nil
    return nil, true
  end

  on["failure"] = function(element, _, message, trace)
    local name <const> = full_name(element)
    local what <const> = place(element, trace) .. (name == "" and "" or ": " .. name)
    failures[#failures + 1] = what
    end_line()
    write("  FAILED ", what, "\n", indented(tostring(message)), "\n")
    return nil, true
  end

  -- An error is a failure whose traceback matters.
  on["error"] = function(element, parent, message, trace)
    on["failure"](element, parent, message, trace)
    if trace and trace.traceback then
      write(indented((trace.traceback:gsub("^%s+", ""):gsub("%s+$", ""))), "\n")
    end
    return nil, true
  end

  on["exit"] = function()
    end_line()
    write("\0report\npassed ", passed, "\n")
    for _, skip in ipairs(skips) do
      write(("skipped %s: %s%s\n"):format(skip[1], one_line(skip[2]),
        skip[3] and " (" .. one_line(skip[3]) .. ")" or ""))
    end
    for _, failure in ipairs(failures) do write("failed ", one_line(failure), "\n") end
    if #failures > 0 then os.exit(1, true) end
    return nil, true
  end

  local handler <const> = {}

  function handler.subscribe()
    for name, f in pairs(on) do
      local channel <const> = {}
      for word in name:gmatch("%S+") do channel[#channel + 1] = word end
      busted.subscribe(channel, f)
    end
  end

  return handler
end
