--- Fills the paragraphs of a text of help: the lines of a paragraph are joined, then broken at the
-- terminal's width. The text is a comment, whose lines have at most 100 columns.
--
-- A line continues the line above if that one had no room for its first word. All other lines were
-- ended on purpose, as those of lists, formulas and code, and stay lines. An item of a list is
--   name   description, whose further lines are indented more than the name
--   - text or 1. text

local columns <const> = require "braid.repl.width"

local M <const> = {}

local FULL <const> = 96 -- columns of text that surely find room in a line of a comment
local NEARLY <const> = 88 -- the same, if the next line begins in the middle of a sentence
local NAMES <const> = 40 -- columns that the name of an item may take

-- The column in which the text of an item begins, or nil if a line begins no item.
local function text_column(line)
  local before <const>, name <const>, gap <const> = line:match("^( *)(%S.-)(   *)%S")
  if name and #name <= NAMES then return #before + #name + #gap end
  local mark <const> = line:match("^ *[-*] +%f[^ ]") or line:match("^ *%d+[.)] +%f[^ ]")
  return mark and #mark
end

-- Whether a line was ended because the first word of the next line had no room in it. After a colon
-- the sentence must go on, because formulas and code often follow one. An indented call is code.
local function is_full(line, next_line)
  local indent <const> = line:match("^ *")
  if line:find(":$") and not next_line:find("^" .. indent .. "%l") then return false end
  local is_call <const> = next_line:find("^ +[%a_][%w_.:]*%(")
  if is_call and not line:find("[%a,]$") then return false end
  local joined <const> = columns.of(line) + 1 + columns.of(next_line:match("%S+"))
  return joined > FULL or joined > NEARLY and next_line:find("^ *%l") and not line:find("[.;:]$")
end

-- Whether a line continues a paragraph {text =, last = its last line, indent =, item = the column
-- of an item's text, hang = the indentation of the lines after the first, if there are any}.
local function continues(paragraph, line)
  local indent <const> = #line:match("^ *")
  local fits = indent == paragraph.indent
  if paragraph.hang then fits = indent == paragraph.hang
  elseif paragraph.item then fits = indent > paragraph.indent
  elseif paragraph.indent > 0 then fits = indent >= paragraph.indent end
  return fits and not text_column(line) and is_full(paragraph.last, line)
end

-- The lines of a paragraph. An indentation that leaves too little of the width becomes smaller.
local function lines_of(paragraph, width)
  local indent <const> = paragraph.indent
  local hang <const> = paragraph.hang or paragraph.item or indent > 0 and indent + 2 or 0
  return columns.broken(paragraph.text, width, hang <= width // 2 and hang or indent + 2)
end

--- The lines of a text, its paragraphs filled to at most `width` columns where words allow it.
function M.filled(lines, width)
  local out <const>, paragraph = {}, nil
  local function finish()
    if paragraph then out[#out + 1] = lines_of(paragraph, width) end
    paragraph = nil
  end
  for _, line in ipairs(lines) do
    if not line:find("%S") then
      finish()
      out[#out + 1] = ""
    elseif paragraph and continues(paragraph, line) then
      paragraph.text = paragraph.text .. " " .. line:match("^ *(.*)")
      paragraph.last, paragraph.hang = line, #line:match("^ *")
    else
      finish()
      paragraph = {text = line, last = line, indent = #line:match("^ *"),
        item = text_column(line)}
    end
  end
  finish()
  return out
end

return M
