--- Checks PyTorch's side of examples/from_pytorch.md with PyTorch itself: the page's programs print
-- what it shows, and PyTorch has the names in its tables.
--
--   build/braid spec/support/from_pytorch.lua [--python PATH]
--
-- The suite checks Braid's side (spec/docs/from_pytorch_spec.lua).

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

local PAGE <const> = "examples/from_pytorch.md"

local M <const> = {}

--- The rows of the page's table: {pytorch =, braid =}.
function M.rows()
  local rows <const> = {}
  for pytorch, ours in shell.read(PAGE):gmatch("\n| `([^`]+)` | `([^`]+)` |") do
    rows[#rows + 1] = {pytorch = pytorch, braid = ours}
  end
  return rows
end

local function python(command, code)
  local path <const> = os.tmpname()
  shell.write(path, code)
  local result <const> = shell.run(("%s -W ignore %s"):format(command, path))
  os.remove(path)
  return result
end

local function main()
  local o <const> = braid.train.arguments(arg, {python = os.getenv "TORCH_PYTHON" or "python3"})
  local count, differ = 0, 0
  for code, output in shell.read(PAGE):gmatch("```python\n(.-)```%s*```output\n(.-)```") do
    local result <const> = python(o.python, code)
    count = count + 1
    if result.out ~= output then
      differ = differ + 1
      print(("program %d prints\n%s%s"):format(count, result.out, result.err))
    end
  end
  local lines <const> = {"import torch"}
  for _, row in ipairs(M.rows()) do lines[#lines + 1] = row.pytorch end
  local names <const> = python(o.python, table.concat(lines, "\n") .. "\n")
  if names.status ~= 0 then print(names.err) end
  print(("%d programs, %d differ; %d names%s"):format(count, differ, #lines - 1,
    names.status == 0 and ", all there" or ""))
  os.exit(differ == 0 and names.status == 0)
end

if arg[0]:find("from_pytorch%.lua$") then main() end
return M
