--- A folder for one `it`, and a list of the notices that Braid gives meanwhile.

local notice <const> = require "braid.notice"
local shell <const> = require "spec.support.shell"

local M <const> = {}

local folder, said, write

--- Makes the folder and begins to listen -> the folder's path, the list.
function M.begin()
  said = {}
  folder, write = shell.run("mktemp -d").out:match("[^\n]+"), notice.write
  notice.write = function(text) said[#said + 1] = text end
  return folder, said
end

--- Forgets the notices so far.
function M.forget()
  for i = #said, 1, -1 do said[i] = nil end
end

--- Undoes both.
function M.finish()
  notice.write = write
  shell.run("rm -rf " .. folder)
end

return M
