--- The function that watches calls of modules. While a summary or a profile is made,
-- watching.f(module, ...) is called instead of forward; otherwise it is nil. If watching.all is
-- true, it must see every call, so no call may be left out or fused with others.

local M <const> = {f = nil, all = false}

--- Lets f watch until the returned function is called.
function M.begin(f, all)
  local before <const>, saw <const> = M.f, M.all
  M.f, M.all = f, all
  return function() M.f, M.all = before, saw end
end

return M
