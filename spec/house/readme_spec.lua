-- The README's Lua blocks, run as a user would run them; what they print has the form
-- that the README shows. Numbers may differ between processors, so only their places are
-- compared.

local function read(path)
  local file <const> = assert(io.open(path))
  local text <const> = file:read("a")
  file:close()
  return text
end

local function form(text)
  return (text:gsub("%d+%.?%d*", "#"):gsub("[ \t]+", " "):gsub("%s+$", ""))
end

local function run(code)
  local path <const> = os.tmpname()
  local file <const> = assert(io.open(path, "w"))
  file:write(code)
  file:close()
  local pipe <const> = assert(io.popen(("build/braid %s 2>&1"):format(path)))
  local output <const> = pipe:read("a")
  local ok <const> = pipe:close()
  os.remove(path)
  return ok, output
end

describe("the README", function()
  local text <const> = read("README.md")
  local blocks = 0
  for code, output in text:gmatch("```lua\n(.-)```%s+```output\n(.-)```") do
    blocks = blocks + 1
    it(("shows what its program %d prints"):format(blocks), function()
      local ok <const>, printed <const> = run(code)
      assert.is_true(ok, printed)
      assert.equal(form(output), form(printed))
    end)
  end

  it("shows the output of every Lua block", function()
    assert.equal(select(2, text:gsub("```lua\n", "")), blocks)
    assert.is_true(blocks >= 2)
  end)

  it("has the pictures it shows", function()
    for path in text:gmatch("!%[[^%]]*%]%(([^)]+)%)") do assert.is_truthy(io.open(path), path) end
  end)
end)
