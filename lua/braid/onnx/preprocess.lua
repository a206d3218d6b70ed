local M = {}
function M.shape() return nil end
return M
