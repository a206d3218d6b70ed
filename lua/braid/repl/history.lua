--- The history of entries in $XDG_STATE_HOME/braid/history, one per line, shared by all prompts.
-- Each entry is appended at once under a lock, so no entry is lost if several prompts run or a
-- connection breaks. If there is no home, or the file belongs to someone else, the history is only
-- in memory.

local class <const> = require "braid.class"
local core <const> = require "braid.core"

local History <const> = class("History")

local LIMIT <const> = 10000
local SLACK <const> = 2000 -- the file is shortened when it has so many entries more than LIMIT

local function default_path()
  local state, home <const> = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if not state or state:sub(1, 1) ~= "/" then
    if not home or home == "" then return nil end
    state = home .. "/.local/state"
  end
  return state .. "/braid/history"
end

-- An entry as one line of the file, and back.
local function to_line(entry) return (entry:gsub("[\\\n]", {["\\"] = "\\\\", ["\n"] = "\\n"})) end
local function from_line(line)
  if not line:find("\\", 1, true) then return line end
  return (line:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

-- Makes the directories above a path; returns whether they exist.
local function make_above(path)
  for at in path:gmatch("()/") do
    local folder <const> = path:sub(1, at - 1)
    if folder ~= "" and core.path_kind(folder) ~= "directory" and not core.make_folder(folder) then
      return false
    end
  end
  return true
end

-- Opens the file and locks it. Returns nil if that takes more than a tenth of a second.
local function held(path)
  for _ = 1, 20 do
    local journal <const>, _, busy <const> = core.journal(path)
    if journal or not busy then return journal end
    core.pause(0.005)
  end
end

function History:init(path)
  self.entries, self.loaded = {}, false
  self.path = path or default_path() or false
  if not self.path then return end
  if core.path_kind(self.path) == "directory" or not make_above(self.path)
    or not core.make_private(self.path) then
    self.path = false
  end
end

--- Reads the file, at the first use of the entries.
function History:load()
  if self.loaded then return end
  self.loaded = true
  local file <close> = self.path and io.open(self.path, "rb") or nil
  if not file then return end
  local list <const> = {}
  local text <const> = file:read("a") or ""
  -- another program wrote to the file
  local is_strange <const> = text:find("[%z\1-\8\11-\31]") ~= nil
  for line in text:gmatch("[^\n]+") do
    if not (is_strange and line:find("[%z\1-\8\11-\31]")) then
      list[#list + 1] = from_line(line)
    end
  end
  local first <const> = math.max(1, #list - LIMIT + 1)
  self.entries = table.move(list, first, #list, 1, {})
  if #list > LIMIT + SLACK then self:shorten() end
end

-- Keeps only the newest entries in the file, unless another prompt has it locked.
function History:shorten()
  local journal <close> = held(self.path)
  if not journal then return end
  local file <close> = io.open(self.path, "rb")
  local lines <const> = {}
  for line in file:lines() do lines[#lines + 1] = line end
  journal:cut(0)
  journal:put(table.concat(lines, "\n", math.max(1, #lines - LIMIT + 1)) .. "\n")
end

--- Adds an entry, unless it begins with a space or equals the last one.
function History:add(entry)
  local list <const> = self.entries
  if entry:find("^%s") or not entry:find("%S") or list[#list] == entry then return end
  list[#list + 1] = entry
  if #list > LIMIT + SLACK then
    self.entries = table.move(list, #list - LIMIT + 1, #list, 1, {})
  end
  local journal <close> = self.path and held(self.path) or nil
  if journal then journal:put(to_line(entry) .. "\n") end
end

--- The number of the newest entry before number `from` that contains the text, or nil.
function History:find(text, from)
  for i = math.min(from, #self.entries + 1) - 1, 1, -1 do
    if self.entries[i]:find(text, 1, true) then return i end
  end
end

--- The newest entry that begins with the text and is longer, or nil. The search starts at the entry
-- that was found for a shorter text, because no newer entry can fit.
function History:beginning(text)
  local seen = self.seen
  if not seen or seen.count ~= #self.entries or text:sub(1, #seen.text) ~= seen.text then
    seen = {text = text, at = #self.entries, count = #self.entries}
  end
  local n <const>, at = #text, seen.at
  while at > 0 do
    local entry <const> = self.entries[at]
    if #entry > n and entry:sub(1, n) == text then break end
    at = at - 1
  end
  self.seen = {text = text, at = at, count = #self.entries}
  return self.entries[at]
end

return History
