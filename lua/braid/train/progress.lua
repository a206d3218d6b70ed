--- A progress bar with the remaining time. It redraws one line on standard error if that is a
-- terminal, or one bar in a notebook. Elsewhere it draws nothing. So the output may go to a file
-- or a pipe while the bar is seen.
-- @usage
-- local bar <const> = train.progress(10)
-- for _ = 1, 10 do bar:advance("epoch 3/30", 64) end
-- bar:print("epoch 3  loss 0.12")

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local class <const> = require "braid.class"
local prompt <const> = require "braid.prompt"

local Progress <const> = class("Progress")

Progress.clock = core.clock

local SCREEN <const> = 2 -- the file descriptor of standard error
local REDRAW <const> = 0.1 -- seconds between two drawings
local COLUMNS <const> = 80

local ARGUMENTS <const> = check.declare("train.progress", {
  total = check.argument(check.number{above = 0}),
})
local ADVANCE <const> = check.declare("train.progress: advance", {
  label = check.argument(check.text("")), items = check.argument(check.number{1, from = 0}),
})

function Progress:init(total)
  check.options(ARGUMENTS, nil, {total = total})
  self.total, self.done, self.items = total, 0, 0
  self.start, self.drawn = core.clock(), -math.huge
end

--- A time as text: 75 gives "1:15".
function Progress.time(seconds)
  local s <const> = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60) end
  return ("%d:%02d"):format(s // 60, s % 60)
end

--- The remaining seconds at the mean speed so far.
function Progress:left()
  if self.done == 0 then return 0 end
  return (core.clock() - self.start) / self.done * (self.total - self.done)
end

-- Leaves these seconds out of the speed, because no step ran in them.
function Progress:pause(seconds) self.start = self.start + seconds end

--- The number of columns for text that is redrawn, or nil if nothing can be redrawn.
function Progress.width() return core.terminal_width(SCREEN) or prompt.bar and COLUMNS or nil end

--- Draws a line over the line that the same owner drew before. A notebook shows a bar for `share`,
-- the part of the work that is done, and `words`. A terminal shows `text`, or `words` if there is
-- no text.
function Progress.redraw(owner, share, words, text)
  if prompt.bar then return prompt.bar(owner, share, words) end
  io.stdout:flush()
  io.stderr:write("\r\27[K", text or words)
end

--- Erases the drawn line, before another line is printed.
function Progress.erase()
  if core.terminal_width(SCREEN) then io.stderr:write("\r\27[K") end
end

function Progress:draw(label)
  local width <const> = Progress.width()
  if not width then return end
  local share <const> = self.done / self.total
  local rate <const> = self.items / math.max(core.clock() - self.start, 1e-9)
  local tail <const> = format(" %3d%%  %.0f images/s  %s left", 100 * share // 1, rate,
    Progress.time(self:left()))
  local room <const> = math.max(4, math.min(40, width - #label - #tail - 5))
  local full <const> = math.floor(room * share)
  local head <const> = full < room and ">" or ""
  Progress.redraw(self, share, label .. tail, label .. " [" .. ("="):rep(full) .. head
    .. (" "):rep(room - full - #head) .. "]" .. tail)
end

--- Counts one more step of `items` images.
function Progress:advance(label, items)
  local o <const> = check.options(ADVANCE, nil, {label = label, items = items})
  self.done, self.items = self.done + 1, self.items + o.items
  local now <const> = core.clock()
  if now - self.drawn < REDRAW and self.done < self.total then return end
  self.drawn = now
  self:draw(o.label)
end

--- Prints a line that stays, in place of the bar.
function Progress.print(_, text)
  Progress.erase()
  print(text)
  io.flush()
end

return Progress
