--- braid.inspect: what is in a file or a directory, and what opening it would run. It runs none of
-- it, and reads no values of tensors if the format lets it skip them.
--
-- A file of formats/ is a format. It returns {holds = nothing or a list of endings, is = a function
-- of a place, or nil, read = f(place) -> facts or nil and a message, lines = f(facts, put)}. A
-- place is {path =, directory = true or nil, head = its first bytes, ending =, size =}. The facts
-- are plain values; `holds` and `runs` among them are words for a line.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local folder <const> = require "braid.folder"
local words <const> = require "braid.inspect.words"

local formats <const> = folder "braid.inspect.formats"

local HEAD <const> = 64

local Contents <const> = {}
Contents.__index = Contents
Contents.__name = "Contents"

-- The format of each object. It is not a field, because the fields are only facts.
local format_of <const> = setmetatable({}, {__mode = "k"})

function Contents:__tostring()
  local lines <const> = {}
  local function put(form, ...)
    lines[#lines + 1] = select("#", ...) > 0 and form:format(...) or form
  end
  put("%s: %s%s", words.word(self.path, 200), self.holds,
    self.size and ", " .. words.size(self.size) or "")
  if self.problem then put("problem: %s", words.word(self.problem, 200)) end
  if self.runs then put("would run: %s", self.runs) end
  format_of[self].lines(self, put)
  return table.concat(lines, "\n")
end

-- The facts that the name of a path and its first bytes tell; or nil and a message.
local function place_of(path)
  local ending <const> = (path:match("%.(%w+)$") or ""):lower()
  if core.path_kind(path) == "directory" then
    return {path = path:gsub("(.)/+$", "%1"), directory = true, head = "", ending = ""}
  end
  local source <close>, why <const> = files.open(path)
  if not source then return nil, why end
  local head <const>, wrong <const> = source:bytes(1, math.min(HEAD, source.size))
  if not head then return nil, wrong end
  return {path = path, ending = ending, head = head, size = source.size}
end

-- The name of the format that the first bytes of a place show, or otherwise its ending; or nil.
local function known_by(place)
  local names <const> = folder.names(formats)
  for _, name in ipairs(names) do
    if formats[name].is and formats[name].is(place) then return name end
  end
  for _, name in ipairs(place.directory and {} or names) do
    for _, ending in ipairs(formats[name].endings or {}) do
      if ending == place.ending then return name end
    end
  end
end

local function endings()
  local set <const> = {}
  for _, name in ipairs(folder.names(formats)) do
    for _, ending in ipairs(formats[name].endings or {}) do set["." .. ending] = true end
  end
  return table.concat(check.sorted_keys(set), ", ")
end

-- Common files of other programs that are not read here, and what to do with them.
local FOREIGN <const> = {
  ckpt = "a checkpoint of PyTorch Lightning or TensorFlow; if torch.save wrote it, name it .pth",
  pkl = "a pickle, in which reading runs code: save its arrays there as .npz",
  onnx = "a network for any program; braid.import reads such files, and braid.export writes them",
  h5 = "HDF5: save its arrays there as .npz", hdf5 = "HDF5: save its arrays there as .npz",
}
FOREIGN.pickle = FOREIGN.pkl

-- The words about any other directory: it may have a folder inside that can be read.
local function unknown_folder(path)
  local _, folders <const> = core.list_folder(path)
  for _, name in ipairs(folders or {}) do
    local inner <const> = path:gsub("/+$", "") .. "/" .. name
    local found <const> = known_by{path = inner, directory = true, head = "", ending = ""}
    if found then return ("a directory; there is %s"):format(inner) end
  end
  return "a directory with no run and no data"
end

--- Reads what is in a file or directory as a table, which prints: print(braid.inspect("x.npy")).
--
-- It knows networks, tensors and checkpoints (.safetensors), .npy and .npz, .caffemodel, .pth and
-- .pt of PyTorch, pictures, IDX files, definitions and other Lua, runs and their events, data in
-- directories, lists of pictures and tables (.csv, .tsv, .txt, .jsonl), and .json. The field
-- `holds` says in words what it is, `kind` names its format, `runs` says what opening it would run,
-- if anything. Further fields depend on the kind; a network's file has names (of the tensors, in
-- order), tensors {name = {shape =, dtype =, bytes =}}, values and bytes (of all tensors), metadata
-- (without the fields of a network), and, if braid.save(path, net) made it, format, version,
-- definition (its text), options, tasks ({name = {kind =, list =, options =}}), changes, card, and
-- definitions ({name = text}: other definitions that it takes by name). If these are damaged,
-- `problem` says how.
-- @usage
-- braid.save("net.safetensors", net)
-- print(braid.inspect("net.safetensors"))
return function(path)
  check.path("inspect", path)
  local place <const>, why <const> = place_of(path)
  if not place then check.fail("inspect: %s%s", why, files.hint(path)) end
  local name <const> = known_by(place)
  if not name then
    local other <const> = FOREIGN[place.ending]
    check.fail("inspect: %s: %s", path, other or place.directory and unknown_folder(path)
      or "no format that is read here; files end in " .. endings())
  end
  local facts <const>, wrong <const> = formats[name].read(place)
  if not facts then check.fail("inspect: %s", words.harmless(wrong)) end
  facts.path, facts.kind, facts.size = path, name, place.size
  format_of[facts] = formats[name]
  return setmetatable(facts, Contents)
end
