--- The comments of Lua files: the comment at the beginning of a file, and the comments above its
-- definitions.

local M <const> = {}

local LONGEST <const> = 4 << 20 -- bytes of a file that is read for its comments

local known <const> = {} -- the comments in Braid's own files, by path
local HOME <const> = debug.getinfo(1, "S").source:match("^@(.*)repl/comments%.lua$")

--- The lines of a file, or none if it cannot be read.
function M.lines(path)
  local file <close> = io.open(path)
  local text = file and file:read(LONGEST)
  local lines <const> = {}
  if text and text:sub(-1) ~= "\n" then text = text .. "\n" end
  for line in (text or ""):gmatch("(.-)\r?\n") do lines[#lines + 1] = line end
  return lines
end

--- A short form of the path of Braid's own files, braid/nn/conv2d.lua. Other paths stay as they
-- are.
function M.short(path)
  if path:sub(1, #HOME) == HOME then return "braid/" .. path:sub(#HOME + 1) end
  return path
end

-- The comments in a file, each a list of its lines without their dashes, with from =, to = (numbers
-- of lines) and below = the line of code under the comment.
local function blocks_in(path)
  local blocks <const>, block = {}, nil
  for number, line in ipairs(M.lines(path)) do
    local said <const> = line:match("^%s*%-%-%-? ?(.*)")
    if said and not (block and line:find("^%s*%-%-%-")) then
      block = block or {from = number, begins = line:find("^%s*%-%-%-") ~= nil}
      block[#block + 1] = said
    else
      if block then
        block.to, block.below = number - 1, line
        blocks[#blocks + 1] = block
      end
      block = said and {said, from = number, begins = true} or nil
    end
  end
  if block then block.to, block.below, blocks[#blocks + 1] = math.maxinteger, "", block end
  return blocks
end

local function blocks_of(path)
  if path:sub(1, #HOME) ~= HOME then return blocks_in(path) end
  known[path] = known[path] or blocks_in(path)
  return known[path]
end

--- The comment that a file begins with, as lines, or nil.
function M.first(path)
  local block <const> = blocks_of(path)[1]
  return block and block.from <= 2 and block or nil -- the first line may name an interpreter
end

--- The comment right above a line, or nil.
function M.above(path, number)
  for _, block in ipairs(blocks_of(path)) do
    if block.to == number - 1 then return block end
  end
end

-- Whether a line of code defines the name: function M.name(, M.name =, make("name".
local function defines(line, name)
  return line:find("^%s*function [%w_.:]*%f[%w_]" .. name .. "%s*%(")
    or line:find("^%s*local function " .. name .. "%s*%(")
    or line:find("^%s*[%w_]+%." .. name .. "%s*[=,]")
    or line:find("^%s*[%w_.]+%([\"']" .. name .. "[\"']")
end

--- The comment on a name in a file that defines several names. The comment begins with the name, or
-- stands above the line that defines it.
function M.on(path, name)
  for _, block in ipairs(blocks_of(path)) do
    if block.begins and defines(block.below, name) then return block end
  end
  for _, block in ipairs(blocks_of(path)) do
    local begins <const> = block.begins and block.from > 1
    if begins and block[1]:find("^[%w_.:]-%f[%w_]" .. name .. "[:(%s{]") then
      return block
    end
  end
end

--- Whether the path of a file has this name: conv1d.lua, pool/init.lua.
function M.is_of(path, name)
  return path:match("([^/]+)%.lua$") == name or path:match("([^/]+)/init%.lua$") == name
end

-- Splits "Tensor[] the rest" or "{n: integer} the rest" into the type and the words after it.
local function typed(text)
  local depth = 0
  for at, sign in text:gmatch("()([%s%(%){}<>])") do
    if sign == "(" or sign == "{" or sign == "<" then depth = depth + 1 end
    if sign == ")" or sign == "}" or sign == ">" then depth = depth - 1 end
    if depth == 0 and sign:find("%s") and text:sub(at - 1, at - 1) ~= ":" then
      return text:sub(1, at - 1), text:sub(at + 1)
    end
  end
  return text, ""
end

--- A comment in parts: {text = lines, examples = lists of lines, see = names, returns = a list of
-- {type =, said =}, types = the types of parameters by name, overloads = other ways to call it}. An
-- @usage ends at the next @ or at an empty line. The types in @treturn, @tparam and @overload are
-- written as editors read them; Braid's classes have their own names.
function M.parts(block)
  local text <const>, examples <const>, see <const> = {}, {}, {}
  local returns <const>, types <const>, overloads <const> = {}, {}, {}
  local example, result
  local lines <const> = {}
  for _, line in ipairs(block or {}) do
    local said <const>, tag <const> = line:match("^(.*%S) (@treturn .*)") -- it may end a line
    lines[#lines + 1] = said or line
    lines[#lines + 1] = tag
  end
  for _, line in ipairs(lines) do
    local tag <const>, rest = line:match("^@(%a+)%s*(.*)")
    if tag or line == "" then result = nil end
    if tag == "usage" then
      example = {rest ~= "" and rest or nil}
      examples[#examples + 1] = example
    elseif tag == "see" then
      example = nil
      for name in rest:gmatch("[%w_.]+") do see[#see + 1] = name end
    elseif tag == "treturn" then
      example = nil
      local sort <const>, said <const> = typed(rest)
      result = {type = sort, said = said}
      returns[#returns + 1] = result
    elseif tag == "overload" then
      example = nil
      overloads[#overloads + 1] = rest
    elseif tag == "tparam" then
      example = nil
      local sort <const>, said <const> = typed(rest)
      types[said:match("^[%w_.]+") or ""] = sort
    elseif tag then
      example = nil
      text[#text + 1] = (tag == "param" and rest or tag .. " " .. rest)
    elseif result then
      result.said = result.said .. " " .. line
    elseif example and line ~= "" then
      example[#example + 1] = line
    else
      example = nil
      text[#text + 1] = line
    end
  end
  while text[#text] == "" do text[#text] = nil end
  return {text = text, examples = examples, see = see, returns = returns, types = types,
    overloads = overloads}
end

return M
