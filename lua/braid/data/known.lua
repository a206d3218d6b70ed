--- Finds which reader fits the data at a path: from the ending of a file's name, or from the names
-- of the files in a directory and its folders.

local core <const> = require "braid.core"

-- Files and folders that identify the published data.
local KNOWN <const> = {
  {"mtfl", "^training%.txt$"}, {"celeba", "^list_attr_celeba"}, {"celeba", "^list_eval_partition"},
  {"aflw", "^aflw%.sqlite$"}, {"aflw", "^aflw%.csv$"},
  {"wider", "^wider_face_%a+_bbx_gt%.txt$"}, {"coco", "^person_keypoints_%a+%d*%.json$"},
  {"wflw", "^list_98pt_rect_attr_%a+%.txt$"}, {"wflw", "^WFLW_%a+$"}, {"cofw", "^cofw_train%.txt$"},
  {"cofw", "^COFW_%a+_color%.mat$"}, {"utkface", "^%d+_[01]_[0-4]_%d+%..*jpg$"},
  {"pts", "%.[pP][tT][sS]$"}, {"cifar10", "^data_batch_1%.bin$"}, {"cifar100", "^train%.bin$"},
  {"idx", "images[.-]idx3[.-]ubyte"},
}
local ENDINGS <const> = {jsonl = "jsonl", json = "jsonl", csv = "csv", tsv = "csv", txt = "csv",
  tar = "tar", npz = "table"}

local function known_by(files, folders)
  for _, row in ipairs(KNOWN) do
    for _, names in ipairs{files or {}, folders or {}} do
      for _, name in ipairs(names) do
        if name:find(row[2]) then return row[1] end
      end
    end
  end
end

local M <const> = {}

--- The name of the reader for a directory of published data, or nil.
function M.directory(path)
  local files <const>, folders <const> = core.list_folder(path)
  local found = known_by(files, folders)
  for _, folder in ipairs(folders or {}) do
    found = found or known_by(core.list_folder(path .. "/" .. folder))
  end
  return found
end

--- The name of the reader for a file that lists or holds pictures, or for a table of tensors; or
-- nil.
function M.file(path)
  return ENDINGS[path:gsub("%.gz$", ""):match("%.(%w+)$")]
end

return M
