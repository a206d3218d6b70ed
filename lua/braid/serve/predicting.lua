--- Answers for a batch of requests: {id =, type =, body =} as core.http gives them.
--
-- The pictures of all requests go through the network together. If one of them cannot be read, the
-- network is asked about each picture separately, so that only the request with that picture fails.

local Asking <const> = require "braid.model.asking"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"
local inputs <const> = require "braid.serve.inputs"
local multipart <const> = require "braid.serve.multipart"
local predict <const> = require "braid.model.predict"

local Predicting <const> = class("Predicting")

--- o has size and batch, as net:predict, and text(value), which makes JSON.
function Predicting:init(net, o)
  local card <const> = rawget(net, "card")
  self.net, self.o = net, o
  self.recipe = type(card) == "table" and card.preprocessing or {}
  self.rows = self.recipe.table ~= nil or self.recipe.tensors ~= nil
  net:eval()
  if not self.rows then self.asking = Asking(net, {size = o.size, batch = o.batch}, "middle") end
end

--- Whether the message of an error is about memory, of the core or of Lua.
function Predicting.lacks_memory(message)
  return message:find("out of memory", 1, true) ~= nil
    or message:find("not enough memory", 1, true) ~= nil
end

local Failure <const> = {}

local function is_failure(value) return getmetatable(value) == Failure end

local function refused(status, words)
  return setmetatable({status = status, error = words}, Failure)
end

-- The failure with the message of an error, in words for those who do not run the server.
local function failure(message)
  local status <const> = message:find("braid%.limits%.") and 413
    or Predicting.lacks_memory(message) and 503 or 400
  return refused(status, (message:gsub("; if you trust the file:.*$", "")
    :gsub("braid%.limits%.(%l+) is", "the limit of %1 is")))
end

-- The result of f(...), or the failure that ended it.
local function attempted(f, ...)
  local ok <const>, result <const> = check.caught(f, ...)
  if ok then return result end
  return failure(result)
end

-- Reads a request -> {files = {{name =, bytes =}, ...}, several =}, {inputs =}, or a failure.
local function read(self, request)
  local kind <const> = request.type:match("^%s*([^;%s]*)"):lower()
  if kind == "application/json" then
    local given <const>, more <const> = inputs.of(self.recipe, request.body)
    return given ~= nil and {inputs = given, unknown = more} or failure(more)
  end
  if self.rows then
    return refused(415, ("the network takes JSON, {\"inputs\": [...]}, with the header "
      .. "Content-Type: application/json%s"):format(kind ~= "" and ", not " .. kind or ""))
  end
  if kind == "multipart/form-data" then
    local files <const>, why <const> = multipart.files(request.type, request.body)
    return files and {files = files, several = true} or failure(why)
  end
  local known <const> = kind == "" or kind == "image/png" or kind == "image/jpeg"
    or kind == "image/jpg" or kind == "application/octet-stream"
  if known then return {files = {{bytes = request.body}}} end
  return refused(415, "wants image/png, image/jpeg, multipart/form-data or application/json")
end

-- The answers for the bytes of picture files; or nil and a message.
local function ask(self, list)
  local found <const> = {}
  local ok <const>, why = check.caught(function()
    self.asking:ask(Dataset{files = list, encoded = true}, {}, found)
  end)
  if ok then return found end
  if #list == 1 and not Predicting.lacks_memory(why) then -- the decoder has the shorter message
    local decoded <const>, picture <const>, wrong <const> = check.caught(core.image_decode, list[1],
      3)
    why = decoded and not picture and wrong or why
  end
  return nil, why
end

-- An answer or a failure for each picture in the files of the requests `asked`, in order.
local function answers_of(self, asked)
  local bytes <const> = {}
  for _, a in ipairs(asked) do
    for _, file in ipairs(a.files or {}) do bytes[#bytes + 1] = file.bytes end
  end
  if #bytes == 0 then return {} end
  local all <const>, why <const> = ask(self, bytes)
  if all then return all end
  if #bytes == 1 then return {failure(why)} end
  local list <const> = {}
  for i, one in ipairs(bytes) do
    local own <const>, wrong <const> = ask(self, {one})
    list[i] = own and own[1] or failure(wrong)
  end
  return list
end

-- The answer about inputs, or a failure.
local function ask_inputs(self, a)
  local result <const> = attempted(predict, self.net, a.inputs,
    {batch = self.o.batch, size = self.o.size, unknown = a.unknown})
  if is_failure(result) then return result end
  for _, answer in ipairs(result[1] and result or {result}) do answer.picture = nil end
  return result[1] and {answers = result} or result
end

-- The answer about the files of a request, or a failure. The answer about the first file is number
-- `at` of the list.
local function joined(a, list, at)
  local own <const> = {}
  for i, file in ipairs(a.files) do
    local answer <const> = list[at + i - 1]
    if is_failure(answer) then
      return refused(answer.status, (a.several and ("'%s': "):format(file.name) or "")
        .. answer.error)
    end
    own[i] = answer
    answer.file = file.name
  end
  return a.several and {answers = own} or own[1]
end

-- The status of the answer to a request, and its text.
local function answered(self, a, list, at)
  local result = a
  if a.inputs ~= nil then result = ask_inputs(self, a) end
  if a.files then result = joined(a, list, at) end
  if not is_failure(result) then
    local text <const> = attempted(self.o.text, result)
    if not is_failure(text) then return 200, text end
    result = text
  end
  return result.status, self.o.text{error = result.error}
end

--- Calls give(id, status, body) for each of the requests.
function Predicting:answer(requests, give)
  local _ <close> = core.scope()
  local asked <const>, at = {}, 1
  for i, request in ipairs(requests) do asked[i] = attempted(read, self, request) end
  local list <const> = answers_of(self, asked)
  for i, a in ipairs(asked) do
    local status <const>, text <const> = answered(self, a, list, at)
    at = at + #(a.files or {})
    give(requests[i].id, status, text .. "\n")
  end
end

return Predicting
