--- Tests braid.arguments, which reads the arguments of scripts and commands.

local arguments <const> = require "braid.arguments"
local check <const> = require "braid.check"

local KNOWN <const> = {epochs = {12, from = 1}, lr = {1e-3, above = 0}, out = "build",
  form = {"plain", "wide"}, at = {"auto", true, false}, quiet = false, warm_up = 0,
  data = check.text(), most = check.whole{from = 1}}

local function read(...) return arguments.read({...}, KNOWN) end

describe("arguments", function()
  it("are --name value or --name=value, and get the type of the default", function()
    for _, row in ipairs{
      {"epochs", "3", 3}, {"epochs", "10k", 10000}, {"epochs", "1e3", 1000},
      {"epochs", "2M", 2000000},
      {"epochs", "1.5k", 1500}, {"lr", "1e-4", 1e-4}, {"lr", "2", 2}, {"out", "a=b", "a=b"},
      {"out", "-", "-"}, {"out", "", ""}, {"form", "wide", "wide"}, {"at", "no", false},
      {"at", "yes", true}, {"at", "auto", "auto"}, {"quiet", "yes", true},
      {"quiet", "false", false},
      {"warm_up", "-2", -2}, {"warm-up", "4", 4}, {"data", "x", "x"}, {"most", "7", 7},
    } do
      local name <const>, text <const>, value <const> = table.unpack(row)
      for _, given in ipairs{{"--" .. name, text}, {"--" .. name .. "=" .. text}} do
        local options <const>, words <const> = arguments.read(given, KNOWN)
        assert.same({}, words)
        assert.equal(value, options[name:gsub("-", "_")], name .. " " .. text)
        assert.equal(math.type(value), math.type(options[name:gsub("-", "_")]))
      end
    end
  end)

  it("that are not options are words, and options that are not given have defaults", function()
    local options <const>, words <const> = read("a.png", "--quiet", "b.png", "--", "--c", "-d")
    assert.same({"a.png", "b.png", "--c", "-d"}, words)
    assert.same({epochs = 12, lr = 1e-3, out = "build", form = "plain", at = "auto", quiet = true,
      warm_up = 0}, options)
  end)

  it("that are wrong give nil and a message", function()
    for _, row in ipairs{
      {"there is no option '--epoch'; did you mean --epochs?", "--epoch", "3"},
      {"there is no option '--epoch'; did you mean --epochs?", "--epoch=3"},
      {"there is no option '-e'; there is", "-e"},
      {"--epochs must be a whole number from 1, not '0'", "--epochs", "0"},
      {"--epochs must be a whole number from 1, not '1.5'", "--epochs=1.5"},
      {"--epochs must be a whole number from 1, not '0x10'", "--epochs=0x10"},
      {"--epochs must be a whole number from 1, not 'nan'", "--epochs=nan"},
      {"--epochs must be a whole number from 1, not '3q'", "--epochs=3q"},
      {"--epochs must be a whole number from 1, not 'k'", "--epochs=k"},
      {"--epochs must be a whole number from 1, not ''", "--epochs="},
      {"--epochs must be a whole number from 1, not missing", "--epochs"},
      {"--out must be a string, not missing", "--out", "--quiet"},
      {"--lr must be a number above 0, not '1e999'", "--lr", "1e999"},
      {'--form must be "plain" or "wide", not \'tall\'', "--form", "tall"},
      {"--quiet must be true or false, not 'maybe'", "--quiet=maybe"},
    } do
      local options <const>, why <const> = read(table.unpack(row, 2))
      assert.is_nil(options)
      assert.equal(row[1], why:sub(1, #row[1]))
    end
  end)

  it("named -h or --help ask for help", function()
    for _, word in ipairs{"-h", "--help"} do
      local options <const>, words <const> = read("--epochs", "3", word)
      assert.is_table(options)
      assert.is_false(words)
    end
    assert.matches("  %-%-epochs 12 +how long\n", arguments.described(KNOWN, {epochs = "how long"}))
  end)
end)
