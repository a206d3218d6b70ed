--- notice.say(text): a line for whoever watches, on the standard error; specs take its place.

local M <const> = {}

function M.write(text) io.stderr:write("braid: ", text, "\n") end

function M.say(text) M.write(text) end

return M
