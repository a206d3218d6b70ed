--- Tests that public functions take the arguments that they name, and refuse more.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local folder <const> = require "braid.folder"

local nn <const>, MANY <const> = braid.nn, 12

local function all_of(f, takes)
  for _, part in ipairs{"nn", "optim", "mtl", "data", "loss", "F", "plot", "train", "io"} do
    for _, name in ipairs(folder.names(braid[part])) do
      local value <const> = folder.find(braid[part], name)
      if takes(value) then f(part .. "." .. name, value) end
    end
  end
end

-- The message of a call with n arguments.
local function said(value, n)
  local given <const> = {}
  for i = 1, n do given[i] = false end
  local ok <const>, message <const> = pcall(function()
    local result <const> = value(table.unpack(given, 1, n))
    return result
  end)
  return ok and "no error" or tostring(message)
end

-- These functions take a list as separate arguments.
local ANY <const> = {["F.repeat_"] = true, ["F.tile"] = true, ["F.permute"] = true,
  ["F.reshape"] = true, ["F.view"] = true, ["F.expand"] = true, ["F.argsort"] = true}

describe("too many arguments", function()
  it("are an error in every class of Braid", function()
    local seen = 0
    all_of(function(name, value)
      seen = seen + 1
      assert.matches("takes at most %d arguments?, not 12; there is no place for false",
        said(value, MANY), name)
    end, class.is_class)
    assert.is_true(seen > 50)
  end)

  it("are an error in every function", function()
    local seen = 0
    all_of(function(name, value)
      if ANY[name] then return end
      seen = seen + 1
      local text <const> = said(value, MANY)
      assert.is_truthy(text:find("takes at most %d arguments?, not 12")
        or text:find("too many arguments") or text:find("must be"), name .. ": " .. text)
    end, function(value) return type(value) == "function" end)
    assert.is_true(seen > 150)
  end)

  it("are named at the user's line, with the function, unless they are nil", function()
    for text, f in pairs{
      ["Dropout: takes at most 1 argument, not 2; there is no place for true"] = function()
        local _ <const> = nn.Dropout(0.5, true)
      end,
      ['optim.step: takes at most 2 arguments, not 3; there is no place for "x"'] = function()
        local _ <const> = braid.optim.step(3, {}, "x")
      end,
    } do
      local at <const> = debug.getinfo(f, "S").linedefined + 1
      assert.same({false, ("spec/house/arguments_spec.lua:%d: %s"):format(at, text)}, {pcall(f)})
    end
    assert.equal(0.5, nn.Dropout(0.5, nil, nil).p)
  end)
end)

describe("a scale factor", function()
  it("is named in the error if it makes too many or too few pixels", function()
    for _, factor in ipairs{1e18, 1e-18, 1e300} do
      for _, given in ipairs{factor, {2, factor}} do
        local ok <const>, message <const> = pcall(function()
          return (braid.F.interpolate(braid.ones(1, 1, 2, 2), {scale_factor = given}))
        end)
        assert.is_false(ok)
        assert.matches(": interpolate: scale_factor .* makes .* of 2 pixels", message)
      end
    end
  end)
end)

describe("layers", function()
  it("of an impossible size are named in the error", function()
    local huge <const> = 1 << 40
    local layers <const> = {Linear = {huge, huge}, Conv1d = {huge, huge, {kernel = 3}},
      Conv2d = {huge, huge, {kernel = 3}}, ConvTranspose2d = {huge, huge, {kernel = 3}},
      Bilinear = {huge, huge, huge}, Embedding = {huge, huge}, LayerNorm = {{huge, huge}},
      BatchNorm1d = {1 << 61}, BatchNorm2d = {1 << 61}, GroupNorm = {1, 1 << 61},
      InstanceNorm2d = {1 << 61, {affine = true}}, PReLU = {1 << 61}}
    for name, arguments in pairs(layers) do
      local ok <const>, message <const> = pcall(function()
        local layer <const> = nn[name](table.unpack(arguments))
        return layer
      end)
      assert.is_false(ok)
      assert.matches("^spec/house/arguments_spec.lua:%d+: " .. name .. ": ", message)
    end
  end)

  it("that get no tensor are named by their paths in the error", function()
    local net <const> = nn.Sequential{function(x) return x end, nn.Sequential{nn.Linear(2, 2)}}
    local ok <const>, message <const> = pcall(function() return (net({})) end)
    assert.is_false(ok)
    assert.matches(": Sequential.2.1: linear: x must be a tensor, not table$", message)
  end)
end)
