--- Sets rows of words as a table: the first column is aligned left, the other columns right.

local M <const> = {}

local function width_of(word) return utf8.len(word) or #word end

--- The rows as lines. `left` has the numbers of further columns to align left.
function M.aligned(rows, left)
  local widths <const>, lines <const> = {}, {}
  for _, row in ipairs(rows) do
    for i, word in ipairs(row) do widths[i] = math.max(widths[i] or 0, width_of(word)) end
  end
  for k, row in ipairs(rows) do
    local words <const> = {}
    for i, word in ipairs(row) do
      local blank <const> = (" "):rep(widths[i] - width_of(word))
      words[i] = (i == 1 or left and left[i]) and word .. blank or blank .. word
    end
    lines[k] = table.concat(words, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

return M
