--- Ctrl-R: finds the newest entry of the history that contains the typed text. Ctrl-R again finds
-- an older entry. Enter runs it. Ctrl-G or Ctrl-C restores the line from before the search.
-- Any other key continues editing the entry.

local M <const> = {}

local function draw(editor, query, entry, failed)
  local at <const> = query ~= "" and entry:find(query, 1, true) or 1
  editor.screen:draw {prompt = (failed and "no '%s': " or "search '%s': "):format(query),
    more = "", text = entry, at = at}
end

--- Runs the search. Returns what the reader does next, as the editor's keys do.
function M.run(editor, buffer)
  local history <const>, text <const>, place <const> = editor.history, buffer.text, buffer.at
  local query, found, entry = "", #history.entries + 1, buffer.text
  local failed = false
  local function look(from)
    local next_found <const> = query ~= "" and history:find(query, from)
    failed = query ~= "" and not next_found
    if next_found then found, entry = next_found, history.entries[next_found] end
  end
  while true do
    draw(editor, query, entry, failed)
    local key <const>, typed <const> = editor:key()
    if key == "text" or key == "paste" then
      query = query .. typed
      look(found + 1)
    elseif key == "C-r" then
      look(found)
    elseif key == "Backspace" then
      query = query:sub(1, (utf8.offset(query, -1) or 1) - 1)
      look(#history.entries + 1)
    elseif key == "C-g" or key == "C-c" then
      buffer:set(text, place)
      return
    elseif key ~= "change" then
      buffer:set(entry)
      editor.place = found
      if key == "Escape" then return end
      return editor:serve(buffer, key, typed)
    end
  end
end

return M
