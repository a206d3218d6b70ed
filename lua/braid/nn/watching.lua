--- Who watches the calls of modules: watching.f(module, ...) is called in the place of forward
-- while a summary or a profile is made, nil otherwise; where watching.all it must see every call,
-- so that none may be left out or run with others.

local M <const> = {f = nil, all = false}

--- Has f watch until the function that is returned is called.
function M.begin(f, all)
  local before <const>, saw <const> = M.f, M.all
  M.f, M.all = f, all
  return function() M.f, M.all = before, saw end
end

return M
