--- The files in a body of multipart/form-data (RFC 7578).

local M <const> = {}

local MOST <const> = 32 -- parts: each may be as large as --pixels

-- The value of a parameter of a header, such as boundary, quoted or not.
local function parameter(header, name)
  local rest <const> = header:match("[; ]" .. name .. "%s*=%s*(.*)$")
  return rest and (rest:match('^"([^"]*)"') or rest:match("^[^%s;]+"))
end

-- The name of the file of a part, from the lines before its content; nil for other fields.
local function name_of(lines)
  for line in (lines .. "\r\n"):gmatch("(.-)\r\n") do
    local value <const> = line:match("^[Cc]ontent%-[Dd]isposition%s*:(.*)$")
    if value then return parameter(value, "filename") end
  end
end

--- The files of a body, a list of {name =, bytes =}; or nil and what is wrong.
function M.files(header, body)
  local boundary <const> = parameter(header, "[Bb]oundary")
  if not boundary or boundary == "" or #boundary > 200 then
    return nil, "the Content-Type has no boundary"
  end
  local mark <const>, list <const> = "--" .. boundary, {}
  local at, count = body:find(mark, 1, true), 0
  if not at then return nil, "the boundary is not in the body" end
  at = at + #mark
  while body:sub(at, at + 1) ~= "--" do
    count = count + 1
    if count > MOST then return nil, ("there are more than %d parts"):format(MOST) end
    local head <const>, blank <const> = body:find("\r\n\r\n", at, true)
    local stop <const>, past <const> = body:find("\r\n" .. mark, (blank or #body) + 1, true)
    if not head or not stop then return nil, ("part %d has no end"):format(count) end
    local name <const> = name_of(body:sub(at + 2, head - 1))
    if name then list[#list + 1] = {name = name, bytes = body:sub(blank + 1, stop - 1)} end
    at = past + 1
  end
  if #list == 0 then return nil, "the form has no file" end
  return list
end

return M
