--- The files by which Jupyter knows the kernel: where they are, and what is in them.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local logo <const> = require "braid.jupyter.logo"

local M <const> = {}

local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)kernel_spec%.lua$")
local PYTHONS <const> = {"python3", "/usr/bin/python3"}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- An absolute path, which holds in whatever directory Jupyter runs.
local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  return (os.getenv("PWD") or ".") .. "/" .. path
end

--- The directory of the kernel below a prefix; without a prefix, among the user's own kernels.
function M.directory(prefix)
  if prefix then return absolute(prefix) .. "/share/jupyter/kernels/braid" end
  local data <const>, home <const> = os.getenv("XDG_DATA_HOME"), os.getenv("HOME")
  local own <const> = os.getenv("JUPYTER_DATA_DIR")
    or data and data:sub(1, 1) == "/" and data .. "/jupyter"
    or home and home ~= "" and home .. "/.local/share/jupyter"
  if not own then
    check.fail("jupyter: HOME is not set, so there is no place for a user's kernels; --prefix DIR "
      .. "says one")
  end
  return own .. "/kernels/braid"
end

-- The path of the Python that a command runs, if it has ipykernel.
local function python_with_kernel(command)
  local pipe <const> = io.popen(quote(command)
    .. " -c 'import sys, ipykernel.kernelbase; print(sys.executable)' 2>/dev/null")
  local path <const> = pipe and pipe:read("l")
  if pipe then pipe:close() end
  return path and path ~= "" and path or nil
end

--- The path of a Python that can run the kernel: the given one, else the first that has ipykernel.
function M.python(given)
  local tried <const> = given and {given} or PYTHONS
  for _, command in ipairs(tried) do
    local path <const> = python_with_kernel(command)
    if path then return path end
  end
  check.fail("jupyter: %s has no ipykernel: apt install python3-ipykernel, or --python PATH says "
    .. "which Python has it", table.concat(tried, " and "))
end

--- The files by name, for a Python and the command braid.
function M.files(python, command)
  return {
    ["kernel.json"] = json.encode{
      -- without the flag some Pythons warn of a debugger that is not used
      argv = {python, "-Xfrozen_modules=off", absolute(HOME) .. "kernel.py", absolute(command),
        "-f", "{connection_file}"},
      display_name = "Braid", language = "lua", interrupt_mode = "signal"} .. "\n",
    ["logo-32x32.png"] = logo(32),
    ["logo-64x64.png"] = logo(64),
  }
end

-- Makes a directory and those above it.
local function make(directory)
  for at in (directory .. "/"):gmatch("()/") do
    local above <const> = directory:sub(1, at - 1)
    if above ~= "" and core.path_kind(above) ~= "directory" then
      local ok <const>, why <const> = core.make_folder(above)
      if not ok then check.fail("jupyter: %s", why) end
    end
  end
end

--- Writes the files.
function M.write(directory, list)
  make(directory)
  for name, text in pairs(list) do
    local ok <const>, why <const> = files.write(directory .. "/" .. name, {text})
    if not ok then check.fail("jupyter: %s", why) end
  end
end

--- Removes the files, and the directory if nothing else is in it.
function M.remove(directory)
  if not core.path_kind(directory .. "/kernel.json") then
    check.fail("jupyter: there is no kernel in %s", directory)
  end
  for _, name in ipairs{"kernel.json", "logo-32x32.png", "logo-64x64.png"} do
    os.remove(directory .. "/" .. name)
  end
  os.remove(directory)
end

return M
