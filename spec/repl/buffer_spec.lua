--- The prompt's text buffer against a plain one with the same methods. And the prompt's keys,
-- widths of characters, indentation and history file.

local Buffer <const> = require "braid.repl.buffer"
local History <const> = require "braid.repl.history"
local indent <const> = require "braid.repl.indent"
local keys <const> = require "braid.repl.keys"
local Plain <const> = require "spec.support.plain_buffer"
local shell <const> = require "spec.support.shell"
local width <const> = require "braid.repl.width"

local METHODS <const> = {}
for name in pairs(Plain.DO) do METHODS[#METHODS + 1] = name end
table.sort(METHODS)

local PIECES <const> = {"a", "b", "_", "1", " ", "\n", "(", "é", "日", "👍", "\u{301}", "foo bar",
  "x\ny", "\t", "."}

-- Types `count` random keys. After each key, texts and cursors must be equal.
local function compare(count, seed)
  math.randomseed(seed)
  local buffer, plain, done
  for i = 1, count do
    if i % 300 == 1 then buffer, plain, done = Buffer(), Plain.new(), {} end
    if math.random() < 0.45 then
      local piece <const> = PIECES[math.random(#PIECES)]
      done[#done + 1] = "insert " .. piece
      buffer:insert(piece)
      plain:insert(piece)
    else
      local name <const> = METHODS[math.random(#METHODS)]
      done[#done + 1] = name
      buffer[name](buffer)
      Plain.DO[name](plain)
    end
    if buffer.text ~= plain:text() or buffer.at ~= plain:at() then
      assert.same({plain:text(), plain:at()}, {buffer.text, buffer.at},
        ("seed %d: %s"):format(seed, table.concat(done, ", ")))
    end
  end
end

describe("the buffer", function()
  it("has a plain one's text and cursor after random keys", function() compare(10000, 1) end)
  it("#slow has the same text and cursor after 200,000 keys", function() compare(200000, 2) end)

  it("goes up and down to the column where it began, or to the last one before it", function()
    local b <const> = Buffer("long line\nx\n日本語日本語")
    b:move(6)
    assert.is_false(b:up())
    assert.is_true(b:down())
    assert.equal(12, b.at)
    assert.is_true(b:down())
    assert.equal("日本", b.text:sub(13, b.at - 1)) -- 4 columns; a third one would need 6
    assert.is_false(b:down())
    assert.is_true(b:up())
    assert.is_true(b:up())
    assert.equal(6, b.at)
  end)

  it("yanks earlier killed texts one after the other", function()
    local b <const> = Buffer("one two")
    b:kill_word_left()
    b:home()
    b:kill_line()
    b:yank()
    assert.equal("one ", b.text)
    b:yank_before()
    assert.equal("two", b.text)
    b:yank_before()
    assert.equal("one ", b.text)
  end)

  it("takes any bytes, and moves the cursor by whole characters", function()
    math.randomseed(3)
    for _ = 1, 300 do
      local b <const> = Buffer()
      for _ = 1, 30 do
        local bytes <const> = {}
        for i = 1, math.random(4) do bytes[i] = string.char(math.random(0, 255)) end
        b:insert(table.concat(bytes))
        b[METHODS[math.random(#METHODS)]](b)
        assert.is_true(b.at >= 1 and b.at <= #b.text + 1)
      end
      b:top()
      local steps = 0
      while b.at <= #b.text do
        local at <const> = b.at
        b:right()
        assert.is_true(b.at > at)
        steps = steps + 1
        b:left()
        assert.equal(at, b.at)
        b:right()
      end
      assert.is_true(steps <= #b.text)
    end
  end)
end)

describe("widths", function()
  it("are the numbers of columns that a terminal needs", function()
    for text, columns in pairs{abc = 3, ["日本"] = 4, ["é"] = 1, ["e\u{301}"] = 1, ["👍🏽"] = 2,
      ["\xff"] = 1, ["ｱ"] = 1, ["한"] = 2, ["→"] = 1, [""] = 0, ["a\u{200b}"] = 1} do
      assert.equal(columns, width.of(text), text)
    end
  end)
end)

describe("keys", function()
  local CASES <const> = {["\1"] = "C-a", ["\r"] = "Enter", ["\127"] = "Backspace", ["\27[A"] = "Up",
    ["\27OA"] = "Up", ["\27[1;5C"] = "C-Right", ["\27[1;3D"] = "M-Left", ["\27[3~"] = "Delete",
    ["\27b"] = "M-b", ["\27\127"] = "M-Backspace", ["\27\r"] = "M-Enter", ["\31"] = "C-_",
    ["\27[99z"] = "unknown", ["\27[H"] = "Home", ["\27[4~"] = "End", ["\27<"] = "M-<"}

  it("are recognised from the bytes that terminals send", function()
    for bytes, name in pairs(CASES) do
      local got <const>, rest <const> = keys.next(bytes .. "x", true)
      assert.same({name, "x"}, {got, rest})
    end
  end)

  it("are returned only after their last byte", function()
    for _, whole in ipairs{"\27[1;5C", "\27[3~", "é", "日", "\27OA", "\27[200~a\nb\27[201~"} do
      for i = 1, #whole - 1 do assert.is_nil(keys.next(whole:sub(1, i), true)) end
      assert.equal("", select(2, keys.next(whole, true)))
    end
    assert.equal("Escape", (keys.next("\27", false)))
  end)

  it("without a name are text, and pasted text is one key", function()
    assert.same({"text", "b", "é"}, {keys.next("éb", true)})
    assert.same({"text", "a", "\xff"}, {keys.next("\xffa", true)})
    assert.same({"paste", "x", "a\nb\n"}, {keys.next("\27[200~a\r\nb\r\27[201~x", true)})
  end)

  it("use up any random bytes", function()
    math.randomseed(5)
    for _ = 1, 3000 do
      local bytes = {}
      for i = 1, math.random(12) do
        bytes[i] = math.random() < 0.3 and "\27" or math.random() < 0.3 and "["
          or string.char(math.random(0, 255))
      end
      bytes = table.concat(bytes)
      while true do
        local name <const>, rest <const> = keys.next(bytes, false)
        if not name then break end
        assert.is_true(#rest < #bytes)
        bytes = rest
      end
    end
  end)
end)

describe("indentation", function()
  it("grows after a line that opens a block, and shrinks at its end", function()
    for text, blanks in pairs{["for i = 1, 2 do"] = 2, ["x = {"] = 2, ["  f(function()"] = 4,
      ["x = 1"] = 0, ["  x = 1"] = 2, ["if a then b() else"] = 2, ["end"] = 0, ["  else"] = 4} do
      assert.equal(blanks, #indent.of("y = 1\n" .. text), text)
    end
    local b <const> = Buffer("do\n  x()\n  ")
    for c in ("end"):gmatch(".") do
      b:insert(c)
      indent.closed(b)
    end
    assert.equal("do\n  x()\nend", b.text)
  end)
end)

describe("the history", function()
  local function lines(path) return select(2, shell.read(path):gsub("\n", "\n")) end

  it("keeps entries of several lines, but no repeated entry, and none after a space", function()
    shell.in_directory(function(dir)
      local path <const> = dir .. "/a/b/history"
      local h <const> = History(path)
      h:load()
      for _, entry in ipairs{"x = 1", "x = 1", " secret", "f(\n  '\\n')", "", "y"} do
        h:add(entry)
      end
      assert.same({"x = 1", "f(\n  '\\n')", "y"}, h.entries)
      local other <const> = History(path)
      other:load()
      assert.same(h.entries, other.entries)
      assert.equal("600\n", shell.run("stat -c %a " .. path).out)
    end)
  end)

  it("keeps the entries of two prompts that write to one file", function()
    shell.in_directory(function(dir)
      local path <const> = dir .. "/history"
      local one <const>, two <const> = History(path), History(path)
      one:load()
      two:load()
      for i = 1, 50 do
        one:add("one" .. i)
        two:add("two" .. i)
      end
      assert.equal(100, lines(path))
    end)
  end)

  it("is shortened to its newest 10,000 entries", function()
    shell.in_directory(function(dir)
      local path <const>, list <const> = dir .. "/history", {}
      for i = 1, 13000 do list[i] = "x" .. i end
      shell.write(path, table.concat(list, "\n") .. "\n")
      local h <const> = History(path)
      h:load()
      assert.same({10000, "x3001", "x13000"}, {#h.entries, h.entries[1], h.entries[10000]})
      assert.equal(10000, lines(path))
    end)
  end)

  it("stays in memory where no file can be written", function()
    shell.in_directory(function(dir)
      for _, path in ipairs{dir, "/proc/no/history", "/dev/null"} do
        local h <const> = History(path)
        h:load()
        h:add("x")
        assert.same({"x"}, h.entries)
      end
      shell.write(dir .. "/strange", "\0\1binary\n\xff\xfe\ngood\n")
      local h <const> = History(dir .. "/strange")
      h:load()
      assert.equal("good", h.entries[#h.entries])
    end)
  end)

  it("does not write to the file of another user", function()
    shell.in_directory(function(dir)
      local path <const> = dir .. "/history"
      shell.write(path, "theirs\n")
      if shell.run("chown 65534 " .. path).status ~= 0 then
        return pending("only root can make a file of another user")
      end
      local h <const> = History(path)
      h:load()
      h:add("x")
      assert.same({"x"}, h.entries)
      assert.equal("theirs\n", shell.read(path))
    end)
  end)

  it("finds entries by a text in them, and by their beginning", function()
    shell.in_directory(function(dir)
      local h <const> = History(dir .. "/history")
      h:load()
      for _, entry in ipairs{"apple", "banana", "apricot", "cherry"} do h:add(entry) end
      assert.equal(3, h:find("ap", 99))
      assert.equal(1, h:find("ap", 3))
      assert.is_nil(h:find("zz", 99))
      for text, entry in pairs{a = "apricot", ap = "apricot", app = "apple", b = "banana"} do
        assert.equal(entry, h:beginning(text))
      end
      assert.is_nil(h:beginning("apple"))
      assert.equal("apricot", h:beginning("a"))
    end)
  end)
end)
