--- A terminal for specs. tmux runs a command in it, types keys and reads the screen.
-- @usage
-- local t <close> = terminal.open("build/braid")
-- t:keys("1 + 1", "Enter"); t:shows("^2$")

local shell <const> = require "spec.support.shell"

local M <const> = {}
M.__index = M

local SECONDS <const> = 10 -- how long the screen may take

M.there = shell.run("command -v tmux").status == 0

local count = 0

function M:tmux(...) return shell.run(("tmux -L %s -f /dev/null %s"):format(self.name, (...))) end

--- Opens a terminal. Options: columns, rows, env = "NAME=value ...". HOME is a new directory.
function M.open(command, o)
  o = o or {}
  count = count + 1
  local home <const> = shell.run("mktemp -d").out:gsub("\n", "")
  local self <const> = setmetatable({home = home, name = ("braid%d_%s"):format(count,
    home:match("%w+$"))}, M)
  local line <const> = ("env -u NO_COLOR -u XDG_STATE_HOME -u XDG_CONFIG_HOME HOME=%s "
    .. "TERM=screen-256color %s %s; echo ended $?; cat"):format(home, o.env or "", command)
  self:tmux(("new-session -d -x %d -y %d %s"):format(o.columns or 80, o.rows or 24,
    shell.quote(line)))
  return self
end

--- Types keys with tmux's names ("Enter", "C-a"), and texts unchanged.
function M:keys(...)
  for _, key in ipairs{...} do
    local is_name <const> = key:find("^[CM]%-.") or #key > 1 and key:find("^%u%l+$")
      or key == "BSpace"
    self:tmux(("send-keys %s -- %s"):format(is_name and "" or "-l", shell.quote(key)))
  end
end

--- Pastes a text as a terminal does, in brackets if the program asked for them.
function M:paste(text)
  shell.write(self.home .. "/paste", text)
  self:tmux(("load-buffer %s/paste"):format(self.home))
  self:tmux("paste-buffer -p -r")
end

function M:resize(columns, rows)
  self:tmux(("resize-window -x %d -y %d"):format(columns, rows or 24))
end

--- The screen's lines up to the last that is not empty; with `colours`, also the colour codes.
function M:screen(colours)
  local text <const> = self:tmux("capture-pane -p" .. (colours and " -e" or "")).out
  return (text:gsub("%s+$", ""))
end

--- The column and row of the cursor, from 0.
function M:cursor()
  local x <const>, y <const> = self:tmux("display -p '#{cursor_x} #{cursor_y}'").out
    :match("(%d+) (%d+)")
  return tonumber(x), tonumber(y)
end

--- Waits until the end of the screen is this text (or, for a pattern, matches it).
function M:shows(wanted, is_pattern)
  local screen
  for _ = 1, SECONDS * 20 do
    screen = self:screen()
    if is_pattern and screen:find(wanted) or not is_pattern and screen:sub(-#wanted) == wanted then
      return screen
    end
    shell.run("sleep 0.05")
  end
  error(("the screen does not end with:\n%s\n---- but is:\n%s"):format(wanted, screen), 2)
end

function M:__close()
  self:tmux("kill-server")
  shell.run("rm -rf " .. shell.quote(self.home))
end

return M
