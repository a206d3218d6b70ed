--- notice.say(text): prints a line for the user to standard error; specs replace notice.write.

local M <const> = {}

function M.write(text) io.stderr:write("braid: ", text, "\n") end

function M.say(text) M.write(text) end

return M
