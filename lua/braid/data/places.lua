--- Finds the files of a data set in a directory, however its archive was unpacked.

local core <const> = require "braid.core"
local damage <const> = require "braid.data.damage"

local M <const> = {}

-- Folders that archives, desktops and servers leave behind. (Names that start with a dot are never
-- listed.)
local JUNK <const> = {["__macosx"] = true, ["@eadir"] = true, ["$recycle.bin"] = true,
  ["system volume information"] = true, ["lost+found"] = true, ["__pycache__"] = true}
local MAX_DEPTH <const>, MAX_FILES <const> = 32, 100000

--- Whether a folder of this name never has data.
function M.is_junk(name) return JUNK[name:lower()] ~= nil end

--- The kind of thing at a path: "file", "directory", or nil if nothing is there.
M.kind = core.path_kind

local ARCHIVES <const> = {zip = true, tar = true, tgz = true, gz = true, bz2 = true, xz = true,
  ["7z"] = true, rar = true}

local function is_archive(name) return ARCHIVES[(name:match("%.(%w+)$") or ""):lower()] ~= nil end

-- A hint why a path is not a directory.
local function hint_of(path)
  if path:find("^~") then
    return (" (\"~\" is not your home here: say os.getenv(\"HOME\") .. \"%s\")"):format(path:sub(2))
  end
  if M.kind(path) ~= "file" then return "" end
  return is_archive(path) and " (it is an archive: unpack it, and give the directory)"
    or " (the directory of the data is wanted)"
end

--- Raises the error that a directory lacks something. It names an archive if the directory has one.
function M.absent(dir, what)
  local files <const> = core.list_folder(dir) or {}
  table.sort(files)
  for _, name in ipairs(files) do
    if is_archive(name) then
      damage.fail("%s: %s (there is %s: has it been unpacked?)", dir, what, name)
    end
  end
  damage.fail("%s: %s", dir, what)
end

--- The names of a directory's files and of its folders, without junk. Both are sorted; with
-- `unsorted`, only the folders. The third result is a text that is unique to the directory.
function M.list(path, unsorted)
  local files <const>, folders <const>, identity <const> = core.list_folder(path)
  if not files then
    damage.fail("%s%s", folders, hint_of(path))
  end
  local good <const> = {}
  for _, name in ipairs(folders) do
    if not M.is_junk(name) then good[#good + 1] = name end
  end
  if not unsorted then table.sort(files) end
  table.sort(good)
  return files, good, identity
end

--- Calls f(folder, files, folders, above) for a directory and all folders in it, depth first and
-- sorted. `folder` is "" or ends in a slash; `above` is f's result for the enclosing folder. A link
-- that leads back to an enclosing folder is not followed.
function M.walk(root, f, unsorted)
  local inside <const>, count = {}, 0
  local function visit(folder, above, depth)
    local files <const>, folders <const>, identity <const> =
      M.list(root .. (folder == "" and "" or "/" .. folder:sub(1, -2)), unsorted)
    if inside[identity] then return end
    count = count + 1
    if depth > MAX_DEPTH or count > MAX_FILES then
      damage.fail("%s/%s: folders in folders without end", root, folder)
    end
    inside[identity] = true
    local value <const> = f(folder, files, folders, above)
    for _, name in ipairs(folders) do visit(folder .. name .. "/", value, depth + 1) end
    inside[identity] = nil
  end
  visit("", nil, 0)
end

--- The first folder dirs[i] .. inner[j] that has a file at `path`: all of `inner` are tried in
-- dirs[1], then in dirs[2], and so on. If none has the file, it is dirs[1] .. inner[1].
function M.root(dirs, inner, path)
  for _, dir in ipairs(dirs) do
    for _, name in ipairs(inner) do
      if M.kind(dir .. name .. "/" .. path) then return dir .. name end
    end
  end
  return dirs[1] .. inner[1]
end

--- Whether a path stays in the folder that it is relative to.
function M.is_inside(path)
  return path:byte() ~= 47 and not ("/" .. path .. "/"):find("/../", 1, true)
end

--- The directory itself or a folder in it, at most `depth` levels down, that has a file or folder
-- of one of these names. The one nearest to the top is taken; nil if there is none.
function M.find(dir, names, depth)
  local level = {dir}
  for d = 0, depth do
    local below <const> = {}
    for _, path in ipairs(level) do
      for _, name in ipairs(names) do
        if M.kind(path .. "/" .. name) then return path, name end
      end
    end
    if d == depth then return nil end
    for _, path in ipairs(level) do
      local _, folders <const> = M.list(path)
      for _, name in ipairs(folders) do below[#below + 1] = path .. "/" .. name end
    end
    level = below
  end
end

return M
