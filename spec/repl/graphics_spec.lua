--- Pictures in terminals: the prompt understands how a terminal answers, sends pictures in its
-- format, and never takes a terminal's reply for typed text.

local braid <const> = require "braid"
local drawing <const> = require "braid.repl.drawing"
local graphics <const> = require "braid.repl.graphics"
local keys <const> = require "braid.repl.keys"

-- Asks a terminal that answers with these bytes, a piece for each read, and then is silent.
local function ask(...)
  local pieces <const>, now, asked = {...}, 0, nil
  local kind <const>, typed <const> = graphics.ask(function(text) asked = text end, function(left)
    if #pieces > 0 then return table.remove(pieces, 1) end
    now = now + left
    return nil, "time"
  end, function() return now end)
  assert.truthy(asked:find("\27%[c$"))
  return kind, typed, now
end

describe("a terminal that is asked about pictures", function()
  it("says which format it can show", function()
    assert.same({"kitty", "", 0}, {ask("\27_Gi=31;OK\27\\", "\27[?62;c")})
    assert.same({"iterm", "", 0}, {ask("\27P>|iTerm2 3.5\27\\\27[?62;4c")})
    assert.same({"sixel", "", 0}, {ask("\27[?62;4;22c")})
    assert.same({nil, "", 0}, {ask("\27[?1;2c")})
    assert.same({nil, "", 0}, {ask("\27[?62;14;24c")})
  end)

  it("is waited for at most 0.3 s", function()
    local kind <const>, typed <const>, waited <const> = ask()
    assert.is_nil(kind)
    assert.equal("", typed)
    assert.is_true(waited <= 0.31)
  end)

  it("loses no key that is typed before its answer ends", function()
    assert.same({"kitty", "ab", 0}, {ask("a", "\27_Gi=31;OK\27\\b\27[?62;c")})
  end)
end)

describe("a late reply", function()
  for name, reply in pairs{kitty = "\27_Gi=31;OK\27\\", version = "\27P>|kitty(0.3)\27\\",
    attributes = "\27[?62;4c", title = "\27]11;rgb:00/00/00\7"} do
    it("of the kind " .. name .. " is not taken as text", function()
      local key, rest = keys.next(reply .. "x", true)
      assert.same({"unknown", "x"}, {key, rest})
      for n = 3, #reply - 1 do assert.is_nil((keys.next(reply:sub(1, n), true))) end
      key, rest = keys.next("\27P", false)
      assert.same({"M-P", ""}, {key, rest})
    end)
  end
end)

describe("a picture", function()
  local RED <const> = {255, 0, 0}
  local rows <const> = {}
  for y = 1, 12 do
    rows[y] = {}
    for x = 1, 10 do rows[y][x] = RED end
  end

  it("is sent to kitty in pieces", function()
    local text <const> = graphics.text("kitty", rows, 20)
    assert.truthy(text:find("^\27_Ga=T,f=100,q=2,c=20,m=0;iVBORw0KGgo.-\27\\\n$"))
  end)

  it("is sent to iTerm2 whole", function()
    assert.truthy(graphics.text("iterm", rows, 20):find(
      "^\27%]1337;File=inline=1;size=%d+;width=20;preserveAspectRatio=1:iVBORw0KGgo[^\7]+\7\n$"))
  end)

  it("is sent as sixels, with lengths of runs", function()
    local text <const> = graphics.text("sixel", rows, 20)
    assert.truthy(text:find('^\27P0;1q"1;1;10;12#0;2;0;0;0'))
    assert.truthy(text:find("#180!10~%-#180!10~%-\27\\\n$"))
  end)

  it("is drawn from tensors of many shapes, and ends with a line break", function()
    for _, shape in ipairs{{1, 5, 7}, {3, 40, 40}, {600, 20}, {5, 3, 8, 8}} do
      local t <const> = braid.rand(shape)
      local list <const> = #shape == 4 and {t[1], t[2], t[3], t[4], t[5]} or {t}
      for _, kind in ipairs{"kitty", "iterm", "sixel"} do
        assert.truthy(drawing.picture(kind, list, {columns = 80, rows = 20}):find("\n$"))
      end
    end
  end)
end)
