--- Draws scenes as SVG. The file needs no other file and suits light and dark pages.

local format <const> = require "braid.format"
local palette <const> = require "braid.plot.draw.palette"
local text <const> = require "braid.plot.draw.text"

local M <const> = {}

M.medium = {name = "svg", width = 640, height = 260, line = 16, gap = 6, pad = 4, tick = 4,
  step = 1,
  grid = true,
  edge = 10, spread = 2.5, measure = function(words) return text.width(words, 12) end}

local ROLES <const> = {"paper", "ink", "muted", "grid", "frame", "box", "hot", "cold", "gap",
  "bright"}

local function hex(c) return ("#%02x%02x%02x"):format(c[1], c[2], c[3]) end

local function variables(colours)
  local words <const> = {}
  for i, role in ipairs(ROLES) do words[i] = ("--%s:%s"):format(role, hex(colours[role])) end
  for i = 1, palette.COUNT do words[#words + 1] = ("--s%d:%s"):format(i, hex(colours[i])) end
  return table.concat(words, ";")
end

--- The colours as a style sheet for a selector.
function M.colours(selector, theme)
  if theme == "light" or theme == "dark" then
    return ("%s{%s}"):format(selector, variables(palette[theme]))
  end
  return ("%s{%s}@media screen and (prefers-color-scheme:dark){%s{%s}}"):format(selector,
    variables(palette.light), selector, variables(palette.dark))
end

local function colour_of(c)
  if type(c) == "number" then return ("var(--s%d,%s)"):format(c, hex(palette.light[c])) end
  return ("var(--%s,%s)"):format(c, hex(palette.light[c]))
end

local function n(v)
  local short <const> = format("%.1f", v):gsub("%.0$", "")
  return short == "-0" and "0" or short
end

local function places(points)
  local words <const> = {}
  for i = 1, #points, 2 do words[#words + 1] = n(points[i]) .. "," .. n(points[i + 1]) end
  return table.concat(words, " ")
end

local function titled(tag, item)
  if not item.title then return tag .. "/>" end
  return ("%s><title>%s</title></%s>"):format(tag, text.escape(item.title), tag:match("^<(%a+)"))
end

local DRAW <const> = {}

function DRAW.line(s)
  return ('<polyline points="%s" fill="none" stroke="%s" stroke-width="%g"%s/>'):format(
    places(s.points), colour_of(s.colour), s.width or 1, s.dash and #s.dash > 0
      and (' stroke-dasharray="%s"'):format(table.concat(s.dash, " "))
      or ' stroke-linejoin="round"')
end

function DRAW.area(s)
  return ('<polygon points="%s" fill="%s" fill-opacity="%g"/>'):format(places(s.points),
    colour_of(s.colour), s.opacity or 1)
end

function DRAW.rect(s)
  local tag <const> = ('<rect x="%s" y="%s" width="%s" height="%s" fill="%s"%s%s%s'):format(n(s.x),
    n(s.y), n(s.w), n(s.h), colour_of(s.colour), s.opacity and (' fill-opacity="%g"'):format(
      s.opacity) or "", s.border and (' stroke="%s"'):format(colour_of(s.border)) or "",
    s.radius and (' rx="%g"'):format(s.radius) or "")
  return titled(tag, s)
end

function DRAW.dot(s)
  return titled(('<circle cx="%s" cy="%s" r="%g" fill="%s"%s'):format(n(s.x), n(s.y), s.r,
    colour_of(s.colour), s.opacity and (' fill-opacity="%g"'):format(s.opacity) or ""), s)
end

-- The dots are lines of no length with round ends, in one path.
function DRAW.dots(s)
  local words <const>, p <const> = {}, s.points
  for i = 1, #p, 2 do words[#words + 1] = ("M%s %sh0"):format(n(p[i]), n(p[i + 1])) end
  return ('<path d="%s" stroke="%s" stroke-width="%g" stroke-linecap="round"%s fill="none"/>')
    :format(table.concat(words), colour_of(s.colour), 2 * s.r, s.opacity
      and (' stroke-opacity="%g"'):format(s.opacity) or "")
end

function DRAW.text(s)
  local title <const> = s.title and ("<title>%s</title>"):format(text.escape(s.title)) or ""
  local turned <const> = s.upright and (' transform="rotate(-90 %s %s)"'):format(n(s.x), n(s.y))
    or ""
  return ('<text x="%s" y="%s"%s fill="%s"%s%s>%s%s</text>'):format(n(s.x), n(s.y + (s.upright and 0
    or 4)), s.upright and ' dy="4"' .. turned or "", colour_of(s.colour), s.bold
    and ' font-weight="600"' or "", s.anchor ~= "start" and (' text-anchor="%s"'):format(s.anchor)
    or "", title, text.escape(s.text))
end

local STYLE <const> = 'font-family="system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,'
  .. 'DejaVu Sans,sans-serif" font-size="12"'

--- The text of an SVG of a scene. With `inside`, the page around the SVG must define the colours.
function M.render(scene, o)
  local w <const>, h <const> = math.ceil(scene.width), math.ceil(scene.height)
  local lines <const> = {("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
    .. "viewBox=\"0 0 %d %d\" class=\"braid\" role=\"img\" %s>"):format(w, h, w, h, STYLE)}
  if o.label then lines[2] = ("<title>%s</title>"):format(text.escape(o.label)) end
  if not o.inside then
    lines[#lines + 1] = ("<style>%s</style>"):format(M.colours("svg.braid", o.theme))
    lines[#lines + 1] = ('<rect width="%d" height="%d" fill="%s"/>'):format(w, h,
      colour_of("paper"))
  end
  for _, item in ipairs(scene.items) do lines[#lines + 1] = DRAW[item.kind](item) end
  lines[#lines + 1] = "</svg>\n"
  return table.concat(lines, "\n")
end

return M
