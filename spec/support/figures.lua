--- Checks figures as SVG, as pixels and as text: they must be valid and inside their page.

local luassert <const> = require "luassert"

local M <const> = {}

-- Raises an error if a text is not well-formed XML (elements closed in order, no bare
-- characters).
function M.check_xml(text)
  local open <const>, at = {}, 1
  while true do
    local from <const>, to, slash, name, inside, empty = text:find("<(/?)([%a]+)([^<>]-)(/?)>", at)
    local between <const> = text:sub(at, (from or #text + 1) - 1)
    luassert.is_nil(between:find("[<>]"), between)
    for entity in between:gmatch("&([^;]*)") do
      luassert.is_truthy(({amp = 1, lt = 1, gt = 1, quot = 1})[entity], entity)
    end
    if not from then break end
    luassert.is_nil(inside:find("&[^;]*$"))
    if slash == "/" then
      luassert.equal(open[#open], name)
      open[#open] = nil
    elseif empty == "" then
      open[#open + 1] = name
    end
    at = to + 1
  end
  luassert.same({}, open)
end

-- Raises an error if an SVG has an invalid number, or a shape outside its page.
function M.check_svg(text)
  M.check_xml(text)
  luassert.is_truthy(utf8.len(text))
  luassert.is_nil(text:find('="[^"]*%f[%w]nan%f[%W]'))
  luassert.is_nil(text:find('"-?inf'))
  -- An SVG must not need another file.
  luassert.is_nil(text:find("http", text:find("xmlns", 1, true) + 30, true))
  local w <const>, h <const> = text:match('width="(%d+)" height="(%d+)"')
  for points in text:gmatch('points="([^"]*)"') do
    for x, y in points:gmatch("([-%d.e]+),([-%d.e]+)") do
      local inside <const> = tonumber(x) >= -1 and tonumber(x) <= tonumber(w) + 1
        and tonumber(y) >= -1 and tonumber(y) <= tonumber(h) + 1
      luassert.is_true(inside, x .. ", " .. y)
    end
  end
  for x, y in text:gmatch('<%a+ c?x="([-%d.]+)" c?y="([-%d.]+)"') do
    luassert.is_true(tonumber(x) >= -1 and tonumber(x) <= tonumber(w) + 1, x)
    luassert.is_true(tonumber(y) >= -1 and tonumber(y) <= tonumber(h) + 1, y)
  end
end

function M.columns_of(line)
  return require("braid.plot.draw.text").columns(line)
end

function M.check_text(text, columns)
  luassert.is_truthy(utf8.len(text))
  luassert.is_nil(text:find("\27", 1, true))
  for line in text:gmatch("[^\n]+") do luassert.is_true(M.columns_of(line) <= columns, line) end
end

-- Checks a figure as SVG, as pixels and as text of several widths, also in colours.
function M.check_figure(figure)
  M.check_svg(figure:svg())
  M.check_xml(figure:svg(true))
  local canvas <const> = figure:canvas()
  luassert.equal(3, canvas:size(3))
  for _, columns in ipairs{10, 20, 80, 200} do
    M.check_text(figure:text{columns = columns}, columns)
  end
  luassert.is_truthy(figure:text{columns = 80, colour = true})
end

return M
