--- The line editor with any input: random keys and bytes, with completion, search and history.

local Editor <const> = require "braid.repl.editor"
local Screen <const> = require "braid.repl.screen"
local Session <const> = require "braid.repl.session"

local KEYS <const> = {"\1", "\2", "\4", "\5", "\6", "\7", "\11", "\12", "\14", "\16", "\18", "\20",
  "\21", "\23", "\25", "\31", "\9", "\13", "\27[A", "\27[B", "\27[C", "\27[D", "\27[H", "\27[3~",
  "\27b", "\27f", "\27d", "\27y", "\27\127", "\27\13", "\127", "\27[200~a = 1\nb\27[201~", "\3",
  "\27[5~", "\27[1;5C", "\27[Z", "\27"}
local TEXTS <const> = {"x", " ", "nn.", "Conv2d(", "{ker", "'", "[[", "]]", "end",
  "for i = 1, 2 do", "(", ")", "é", "日本", "\u{301}", "\xff", "\xe3\x81", "--",
  "F.conv2d(x, ", "braid.model(\"", "=", "local t = ", "return", "?", ":trace"}

-- An editor that reads these pieces of bytes, and then the end of the input.
local function editor_of(session, history, pieces, size)
  local i = 0
  local written <const> = {}
  local screen <const> = Screen {size = function() return size, 10 end,
    write = function(text) written[#written + 1] = text end}
  return Editor(session, {history = history, screen = screen, read = function()
    i = i + 1
    if pieces[i] == "change" then return nil, "change" end
    if pieces[i] == "" then return nil, "time" end
    if not pieces[i] then return nil, "end" end
    return pieces[i]
  end}), written
end

local function memory_history(entries)
  local History <const> = require "braid.repl.history"
  local history <const> = History("/dev/null/none")
  history:load()
  for _, entry in ipairs(entries) do history:add(entry) end
  return history
end

describe("the editor", function()
  local function type_in(count, seed)
    math.randomseed(seed)
    local session <const> = Session {write = function() end}
    local history <const> = memory_history{"x = 1", "for i = 1, 2 do\n  f(i)\nend", "日本 = 2"}
    for _ = 1, count do
      local pieces <const> = {}
      for i = 1, math.random(40) do
        local what <const> = math.random()
        pieces[i] = what < 0.45 and KEYS[math.random(#KEYS)]
          or what < 0.9 and TEXTS[math.random(#TEXTS)]
          or what < 0.93 and "change" or what < 0.96 and ""
          or string.char(math.random(0, 25), math.random(27, 255))
      end
      local editor <const>, written <const> = editor_of(session, history, pieces,
        math.random(4, 60))
      local done, text
      local ok <const>, message <const> = pcall(function()
        repeat
          done, text = editor:edit()
          if done == "entry" then history:add(text) end
        until done == "end"
      end)
      assert(ok, ("%s\nseed %d, typed %q"):format(message, seed, table.concat(pieces)))
      assert.is_true(#written > 0)
    end
  end

  it("takes any keys and bytes", function() type_in(150, 1) end)
  it("#slow takes very many keys and bytes", function() type_in(5000, 2) end)

  it("returns the entry that was typed, whatever pieces its bytes come in", function()
    local session <const> = Session {write = function() end}
    local typed <const> = "for i = 1, 2 do\rf('日本')\rend\r"
    for size = 1, 7 do
      local pieces <const> = {}
      for i = 1, #typed, size do pieces[#pieces + 1] = typed:sub(i, i + size - 1) end
      local editor <const> = editor_of(session, memory_history{}, pieces, 40)
      local done <const>, text <const> = editor:edit()
      assert.same({"entry", "for i = 1, 2 do\n  f('日本')\nend"}, {done, text})
    end
  end)

  it("waits for the end of pasted text that comes slowly", function()
    local session <const> = Session {write = function() end}
    local pieces <const> = {"\27[200~x = [[", "a\r\nb", "change", "\r", "]]\27[20", "1~", "\r"}
    local editor <const> = editor_of(session, memory_history{}, pieces, 40)
    assert.same({"entry", "x = [[a\nb\n]]"}, {editor:edit()})
  end)
end)
