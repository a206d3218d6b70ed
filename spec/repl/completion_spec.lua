--- Completion, hints and pictures at the prompt.

local braid <const> = require "braid"
local completion <const> = require "braid.repl.completion"
local drawing <const> = require "braid.repl.drawing"
local folder <const> = require "braid.folder"
local Screen <const> = require "braid.repl.screen"
local Session <const> = require "braid.repl.session"
local shell <const> = require "spec.support.shell"

-- The words that may complete `text`, as a set and as a list.
local function found(session, text)
  local set <const>, list <const> = {}, {}
  for i, item in ipairs(completion.find(session, text, #text + 1).items) do
    set[item.text], list[i] = item, item.text
  end
  return set, list
end

describe("completion", function()
  local session
  before_each(function()
    session = Session {write = function() end}
    session:run("x = braid.zeros(2) t = {first = 1, second = {deep = true}}")
    session:run("net = nn.Sequential{nn.Conv2d(1, 2, {kernel = 3})}")
  end)

  it("offers variables, fields, methods and Lua's words", function()
    assert.same({"net", "next", "nil", "nn", "not"}, select(2, found(session, "n")))
    assert.same({"second"}, select(2, found(session, "y = t.s")))
    assert.same({"deep"}, select(2, found(session, "f(t.second.")))
    assert.same({"print"}, select(2, found(session, "x=pri")))
    assert.truthy(found(session, "x:")["reshape"] and found(session, "x.")["shape"])
    assert.truthy(found(session, "net:pa")["parameters"])
    assert.truthy(found(session, "('a'):re")["rep"] == nil and found(session, "'a':re")["rep"])
    assert.same({}, select(2, found(session, "nothing.at")))
    assert.same({}, select(2, found(session, "1")))
    assert.same({}, select(2, found(session, "-- n")))
  end)

  it("offers every name in Braid's tables", function()
    for _, name in ipairs{"nn", "mtl", "data", "optim", "train", "plot"} do
      for _, member in ipairs(folder.names(braid[name])) do
        local set <const> = found(session, name .. "." .. member:sub(1, 2))
        assert.truthy(set[member], name .. "." .. member)
      end
    end
  end)

  it("offers a constructor's options, with what they must be", function()
    local set <const>, list <const> = found(session, "nn.Conv2d(3, 64, {")
    assert.same({"bias = ", "dilation = ", "groups = ", "kernel = ", "padding = ", "stride = "},
      list)
    assert.equal("a whole number from 1, or a list of two, by default 1", set["stride = "].said)
    assert.same({"kernel = "}, select(2, found(session, "nn.Conv2d(3, 64, {stride = 2, ke")))
    assert.same({"patience = "}, select(2, found(session, "train.fit{net = net, pati")))
    assert.is_nil(found(session, "nn.Conv2d(3, 64, {kernel = x")["bias = "])
  end)

  it("offers files, models and metrics in strings", function()
    shell.in_directory(function(dir)
      shell.write(dir .. "/picture one.png", "")
      assert.same({dir .. "/picture one.png"}, select(2, found(session, "f('" .. dir .. "/pic")))
    end)
    assert.same({"models/dcnet.lua"}, select(2, found(session, 'braid.model("models/dc')))
    session:run("tasks = mtl.tasks{smile = mtl.classes{2}}")
    assert.truthy(found(session, 'train.fit{best = "smile.')["smile.accuracy"])
  end)

  it("calls no function of the user's metatables", function()
    session:run([[
      calls = 0
      local function spy() calls = calls + 1 error("called") end
      meta = {__index = spy, __pairs = spy, __len = spy, __call = spy, __tostring = spy,
        __name = "spy", __eq = spy, __lt = spy}
      spied = setmetatable({own = setmetatable({}, meta)}, meta)
      layered = setmetatable({}, {__index = setmetatable({behind = 1}, meta)})]])
    for _, text in ipairs{"spied.", "spied.own.", "spied.nothing.", "spied(", "spied.own{", "spi",
      "spied:own(1, ", "layered."} do
      found(session, text)
      completion.signature(session, text, #text + 1)
    end
    assert.same({"behind"}, select(2, found(session, "layered.")))
    assert.equal(0, session.env.calls)
  end)

  it("raises no error, whatever the text", function()
    local pieces <const> = {"x", ".", ":", "(", "{", "[", "'", '"', "nn.Conv2d", ",", "=", "--",
      "\n", "end", "function", "[[", "}", ")", "é", "\xff", " ", "1", "braid.model("}
    math.randomseed(11)
    for _ = 1, 3000 do
      local words <const> = {}
      for i = 1, math.random(8) do words[i] = pieces[math.random(#pieces)] end
      local text <const> = table.concat(words)
      local at <const> = math.random(#text + 1)
      local items <const> = completion.find(session, text, at)
      assert.is_true(items.from >= 1 and items.from <= at)
      completion.signature(session, text, at)
      if #items.items > 0 then
        completion.common(items.items)
        completion.list(items.items, 20)
      end
    end
  end)
end)

describe("the hint about a call", function()
  local CASES <const> = {
    {"F.conv2d(", "conv2d(<x>, weight, bias?, stride = 1, padding = 0, dilation = 1, groups = 1)"},
    {"F.conv2d(x, f(1, 2), ", "conv2d(x, weight, <bias?>, stride = 1, padding = 0, dilation = 1, "
      .. "groups = 1)"},
    {"nn.Conv2d(3, ", "Conv2d(inputs, <outputs>, given)"},
    {"nn.Conv2d(3, 64, {stride = ", "stride: a whole number from 1, or a list of two"},
    {"mine(1, 2, 3, ", "mine(a, b, <...>)"}, {"nothing(1, ", nil}, {"(1 + ", nil},
    {"mine(1, 2)", nil}, {"mine[1", nil},
  }

  it("marks the argument that the cursor is in", function()
    local session <const> = Session {write = function() end}
    session:run("function mine(a, b, ...) end")
    for _, case in ipairs(CASES) do
      assert.equal(case[2], completion.signature(session, case[1], #case[1] + 1), case[1])
    end
  end)
end)

describe("the screen", function()
  -- A very simple terminal that gets what the screen writes.
  local function new_terminal(columns)
    local rows <const>, at = {{}}, {1, 0}
    local function put(text)
      local i = 1
      while i <= #text do
        local n <const>, final <const>, behind <const> = text:match("^\27%[%??(%d*)(%a)()", i)
        if final == "A" then at[1] = at[1] - tonumber(n)
        elseif final == "C" then at[2] = at[2] + tonumber(n)
        elseif final == "J" then
          for row = at[1] + 1, #rows do rows[row] = nil end
          for column = at[2] + 1, columns do rows[at[1]][column] = nil end
        elseif text:sub(i, i) == "\r" then at[2] = 0
        elseif text:sub(i, i) == "\n" then
          at = {at[1] + 1, at[2]}
          rows[at[1]] = rows[at[1]] or {}
        elseif not final then
          assert.is_true(at[2] < columns, "wrote beyond the last column")
          at[2] = at[2] + 1
          rows[at[1]][at[2]] = text:sub(i, i)
        end
        i = behind or i + 1
      end
    end
    local function lines()
      local list <const> = {}
      for i, row in ipairs(rows) do
        for column = 1, columns do row[column] = row[column] or " " end
        list[i] = table.concat(row):gsub("%s+$", "")
      end
      return list, at
    end
    return put, lines
  end

  it("breaks an entry into rows of the terminal's width, and places the cursor", function()
    math.randomseed(4)
    for columns = 4, 24, 4 do
      local put <const>, lines <const> = new_terminal(columns)
      local screen <const> = Screen {write = put, size = function() return columns, 100 end}
      screen.colours = false
      for _ = 1, 100 do
        local words <const> = {}
        for i = 1, math.random(0, 30) do words[i] = math.random() < 0.1 and "\n" or "x" end
        local text <const> = table.concat(words)
        local at <const> = math.random(#text + 1)
        screen:draw{prompt = "> ", more = columns > 4 and ". " or "", text = text, at = at}
        local wanted <const>, row, column = {}, nil, nil
        local indent, from = "> ", 1
        for line in (text .. "\n"):gmatch("(.-)\n") do
          local whole <const> = indent .. line
          local first <const> = #wanted
          for i = 1, math.max(#whole, 1), columns do
            wanted[#wanted + 1] = whole:sub(i, i + columns - 1)
          end
          if at >= from and at <= from + #line then
            local place <const> = #indent + at - from
            row, column = first + 1 + place // columns, place % columns
            if row > #wanted then wanted[row] = "" end
          end
          from, indent = from + #line + 1, columns > 4 and ". " or ""
        end
        local shown <const>, cursor <const> = lines()
        for i, line in ipairs(wanted) do wanted[i] = line:gsub("%s+$", "") end
        assert.same({wanted, {row, column}}, {shown, cursor})
      end
    end
  end)
end)

describe("pictures", function()
  local function picture(...) return braid.tensor({{...}}, {dtype = "uint8"}) end

  it("are drawn by brightness or in colours, two pixels to a character", function()
    local p <const> = picture({0, 255}, {0, 255}, {0, 0})
    assert.equal(" @\n  \n", drawing.grid({p}, {columns = 80, rows = 24, style = "letters"}))
    assert.equal("\27[38;2;0;0;0;48;2;0;0;0m▀\27[38;2;255;255;255;48;2;255;255;255m▀\27[0m\n"
      .. "\27[38;2;0;0;0;49m▀\27[38;2;0;0;0;49m▀\27[0m\n",
      drawing.grid({p}, {columns = 80, rows = 24, style = "full"}))
    assert.truthy(drawing.grid({p}, {columns = 80, rows = 24, style = "256"}):find("38;5;255", 1,
      true))
  end)

  it("fit the terminal and keep their shape", function()
    local big <const> = braid.zeros(3, 300, 600)
    local lines <const> = select(2, drawing.grid({big}, {columns = 61, rows = 40,
      style = "letters"}):gsub("\n", "\n"))
    assert.equal(15, lines)
    local text <const> = drawing.grid({big, big, big}, {columns = 62, rows = 40, style = "letters"})
    for line in text:gmatch("[^\n]+") do assert.is_true(#line <= 62) end
  end)

  it("are drawn with their landmarks", function()
    local p <const> = braid.zeros(1, 8, 8)
    local points <const> = braid.tensor{{2, 2}, {0 / 0, 1}, {99, 99}}
    assert.truthy(drawing.grid({p}, {columns = 80, rows = 24, style = "full", landmarks = points})
      :find("38;2;0;255;0", 1, true))
  end)
end)
