--- Whether a `for` loop closes its fourth value at a `break`.

-- Lua before 5.4.5 forgets the fourth value of `for`, and fails later, when the loop has a `break`
-- and its body has a variable to close, such as a scope.
return pcall(function()
  local count = 0
  local last <const> = setmetatable({}, {__close = function() count = count + 1 end})
  for once in function() return true end, nil, nil, last do
    local _ <close> = last
    if once then break end
  end
  assert(count == 2)
end)
