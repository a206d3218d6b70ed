--- Real pictures in terminals that can show them: by kitty's graphics protocol, iTerm2's inline
-- pictures, or sixel.
--
-- The terminal is asked once. The last question is for its device attributes. Every terminal
-- answers this one, so its answer ends the wait. Without any answer the wait is short. Keys typed
-- meanwhile are kept for the editor (M.typed). Replies that come later count as keys that do
-- nothing (keys.lua).

local colours <const> = require "braid.repl.colours"
local core <const> = require "braid.core"
local samples <const> = require "braid.train.reporting.samples"

local M <const> = {typed = ""}

local SECONDS <const> = 0.3 -- seconds that a terminal may take to answer
local CHUNK <const> = 4096  -- bytes of base64 in one of kitty's sequences

local QUESTION <const> = "\27_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\27\\\27[>q\27[c"

-- Takes the replies out of the bytes. -> the rest
local function without_replies(bytes)
  return (bytes:gsub("\27_G.-\27\\", ""):gsub("\27P>|.-\27\\", ""):gsub("\27%[%?[%d;]*c", ""))
end

--- The kind of pictures that the terminal can show according to its replies, or nil.
function M.kind_of(replies)
  if replies:find("\27_Gi=31;OK", 1, true) then return "kitty" end
  local name <const> = replies:match("\27P>|(.-)\27\\") or ""
  if name:find("^iTerm2") or name:find("^WezTerm") then return "iterm" end
  local attributes <const> = replies:match("\27%[%?([%d;]*)c") or ""
  if (";" .. attributes .. ";"):find(";4;", 1, true) then return "sixel" end
end

--- Asks by write(text) and read(seconds), which returns bytes as core.terminal_read does. -> the
-- kind or nil, and the keys typed meanwhile
function M.ask(write, read, clock)
  write(QUESTION)
  local bytes, ends <const> = "", clock() + SECONDS
  while not bytes:find("\27%[%?[%d;]*c") do
    local left <const> = ends - clock()
    if left <= 0 then break end
    local more <const>, why <const> = read(left)
    if not more and why ~= "change" then break end
    bytes = bytes .. (more or "")
  end
  return M.kind_of(bytes), without_replies(bytes)
end

local known -- the kind, or false, once it was asked

--- The kind of pictures that this process's terminal shows, or nil.
function M.kind()
  if not colours.wanted() or not (core.is_terminal(0) and core.is_terminal(1)) then return nil end
  if known == nil then
    io.stdout:flush()
    if not core.terminal_raw(true) then return nil end
    local kind <const>, typed <const> = M.ask(function(text) io.stdout:write(text):flush() end,
      core.terminal_read, core.clock)
    core.terminal_raw(false)
    known, M.typed = kind or false, M.typed .. typed
  end
  return known or nil
end

-- ---- pictures ---------------------------------------------------------------------------------

local function png_of(rows) return core.image_encode(core.from_table(rows, "uint8")) end

local function kitty(rows, columns)
  local text <const>, out <const> = samples.base64(png_of(rows)), {}
  for at = 1, #text, CHUNK do
    local head <const> = at == 1 and ("a=T,f=100,q=2,c=%d,"):format(columns) or ""
    out[#out + 1] = ("\27_G%sm=%d;%s\27\\"):format(head, at + CHUNK <= #text and 1 or 0,
      text:sub(at, at + CHUNK - 1))
  end
  return table.concat(out) .. "\n"
end

local function iterm(rows, columns)
  local png <const> = png_of(rows)
  return ("\27]1337;File=inline=1;size=%d;width=%d;preserveAspectRatio=1:%s\7\n"):format(#png,
    columns, samples.base64(png))
end

-- A run of equal sixels: the sixel itself, or !count and the sixel.
local function run_text(count, bits)
  local sign <const> = string.char(63 + bits)
  return count > 3 and "!" .. count .. sign or sign:rep(count)
end

-- The number of a colour among 6 x 6 x 6.
local function cube(p) return 36 * (p[1] * 6 // 256) + 6 * (p[2] * 6 // 256) + p[3] * 6 // 256 end

-- Six rows of pixels: for each colour in them a line of runs.
local function sixel_band(rows, top, out)
  local masks <const>, order <const>, width <const> = {}, {}, #rows[top]
  for k = 0, math.min(5, #rows - top) do
    for x, p in ipairs(rows[top + k]) do
      local c <const> = cube(p)
      if not masks[c] then masks[c], order[#order + 1] = {}, c end
      masks[c][x] = (masks[c][x] or 0) | 1 << k
    end
  end
  for i, c in ipairs(order) do
    out[#out + 1] = (i > 1 and "$#" or "#") .. c
    local bits, count = masks[c][1] or 0, 0
    for x = 1, width do
      local here <const> = masks[c][x] or 0
      if here ~= bits then
        out[#out + 1] = run_text(count, bits)
        bits, count = here, 0
      end
      count = count + 1
    end
    if bits ~= 0 then out[#out + 1] = run_text(count, bits) end
  end
  out[#out + 1] = "-"
end

local function sixel(rows)
  local out <const> = {('\27P0;1q"1;1;%d;%d'):format(#rows[1], #rows)}
  for c = 0, 215 do
    out[#out + 1] = ("#%d;2;%d;%d;%d"):format(c, c // 36 * 20, c // 6 % 6 * 20, c % 6 * 20)
  end
  for top = 1, #rows, 6 do sixel_band(rows, top, out) end
  return table.concat(out) .. "\27\\\n"
end

local DRAW <const> = {kitty = kitty, iterm = iterm, sixel = sixel}

--- The bytes that show rows of pixels {r, g, b}, for a kind of pictures, `columns` columns wide.
function M.text(kind, rows, columns) return DRAW[kind](rows, columns) end

return M
