--- Tests examples/from_pytorch.md: its programs print exactly the output shown, and Braid has the
-- names in it. spec/support/from_pytorch.lua checks PyTorch's side.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local from_pytorch <const> = require "spec.support.from_pytorch"
local markdown <const> = require "spec.support.markdown"

local PAGE <const> = "examples/from_pytorch.md"
local METHODS <const> = core.tensor_metatable.methods
local FIELDS <const> = {shape = true, grad = true, dtype = true}

-- Whether a name of the page exists, such as braid.cat, F.relu, x:sum, x.shape, ds:split.
local function is_there(name)
  local method <const> = name:match("^x:([%w_]+)$")
  if method then return METHODS[method] ~= nil end
  local own <const> = name:match("^ds:([%w_]+)$")
  if own then return braid.data.dataset[own] ~= nil end
  local field <const> = name:match("^x%.([%w_]+)$")
  if field then return FIELDS[field] end
  local value = braid
  for part in name:gsub("^braid%.", ""):gmatch("[%w_]+") do value = value[part] end
  return value ~= nil
end

describe(PAGE, function()
  for i, program in ipairs(markdown.programs(PAGE)) do
    it(("shows the exact output of its program %d"):format(i), function()
      local ok <const>, printed <const> = markdown.run(program.code)
      assert.is_true(ok, printed)
      assert.equal(program.output, printed)
    end)
  end

  it("has at least 150 rows, whose names of Braid exist", function()
    local rows <const>, seen <const> = from_pytorch.rows(), {}
    assert.is_true(#rows >= 150)
    for _, row in ipairs(rows) do
      local fine <const>, there <const> = pcall(is_there, row.braid)
      assert.is_true(fine and there, row.braid)
      assert.is_nil(seen[row.pytorch], row.pytorch)
      seen[row.pytorch] = true
    end
    for _, name in ipairs{"braid.frobnicate", "x:frobnicate"} do
      local fine <const>, there <const> = pcall(is_there, name)
      assert.is_falsy(fine and there, name)
    end
  end)
end)
