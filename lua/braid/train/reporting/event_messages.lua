--- The messages in TensorBoard's event files, and the records that hold them.
--
-- A record is its length, the checksum of the length, the message, and the checksum of the message.
-- A checksum is a CRC-32C, rotated by 15 bits, plus a constant. Field numbers come from
-- event.proto, summary.proto, and the hparams plugin's api.proto and plugin_data.proto.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local pb <const> = require "braid.io.protobuf"

local M <const> = {}

-- ---- records --------------------------------------------------------------------------

-- the polynomial with its bits reversed, and the constant
local CASTAGNOLI <const>, MASK <const> = 0x82F63B78, 0xA282EAD8

local crc_table <const> = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = c & 1 == 1 and c >> 1 ~ CASTAGNOLI or c >> 1 end
  crc_table[i] = c
end

--- The CRC-32C of a text.
function M.crc32c(text)
  local c = 0xFFFFFFFF
  for first = 1, #text, 4096 do
    for _, byte in ipairs{text:byte(first, first + 4095)} do
      c = crc_table[(c ~ byte) & 255] ~ c >> 8
    end
  end
  return c ~ 0xFFFFFFFF
end

local function masked(text)
  local c <const> = M.crc32c(text)
  return ("<I4"):pack(((c >> 15 | c << 17) + MASK) & 0xFFFFFFFF)
end

--- A message as a record.
function M.record(message)
  local length <const> = ("<I8"):pack(#message)
  return length .. masked(length) .. message .. masked(message)
end

-- ---- events ---------------------------------------------------------------------------

local WALL_TIME <const>, STEP <const>, VERSION <const>, SUMMARY <const>, SESSION <const> =
  1, 2, 3, 5, 7
local VALUE <const> = 1
local TAG <const>, NUMBER <const>, IMAGE <const>, HISTOGRAM <const>, METADATA <const> =
  1, 2, 4, 5, 9

--- An event's fields, with the time in seconds since 1970.
function M.timed(time, body) return pb.double(WALL_TIME, time) .. body end

--- The first event of a file.
function M.version() return pb.bytes(VERSION, "brain.Event:2") end

--- A message that starts a session at a step. Earlier events from this step on become void.
function M.start(step) return pb.whole(STEP, step) .. pb.bytes(SESSION, pb.whole(1, 1)) end

local function summary(step, values)
  local parts <const> = {}
  for i, value in ipairs(values) do parts[i] = pb.bytes(VALUE, value) end
  return pb.whole(STEP, step) .. pb.bytes(SUMMARY, table.concat(parts))
end

--- The event of a step's numbers, {{tag, number}, ...}.
function M.scalars(list, step)
  local values <const> = {}
  for i, entry in ipairs(list) do
    values[i] = pb.bytes(TAG, entry[1]) .. pb.float(NUMBER, entry[2])
  end
  return summary(step, values)
end

-- The upper bounds of bins, and how many of the sorted values each bin has.
local function counted(sorted, bins)
  local low <const>, high <const> = sorted[1], sorted[#sorted]
  if low == high then bins = 1 end
  local limits <const>, counts <const>, at = {}, {}, 1
  for k = 1, bins do
    limits[k] = k == bins and high or low * (1 - k / bins) + high * (k / bins)
    counts[k] = 0
    while at <= #sorted and sorted[at] <= limits[k] do
      counts[k], at = counts[k] + 1, at + 1
    end
  end
  return limits, counts
end

--- The event of a histogram of values in `bins` bins.
function M.histogram(tag, values, step, bins)
  local sorted <const>, sum, squares = {}, 0.0, 0.0
  for _, v in ipairs(values) do
    if v - v == 0 then
      sorted[#sorted + 1] = v + 0.0
      sum, squares = sum + v, squares + v * v
    end
  end
  table.sort(sorted)
  local limits, counts = {0.0}, {0.0}
  if #sorted > 0 then limits, counts = counted(sorted, bins) end
  return summary(step, {pb.bytes(TAG, tag) .. pb.bytes(HISTOGRAM, pb.double(1, sorted[1] or 0)
    .. pb.double(2, sorted[#sorted] or 0) .. pb.double(3, #sorted) .. pb.double(4, sum)
    .. pb.double(5, squares) .. pb.doubles(6, limits) .. pb.doubles(7, counts))})
end

--- The event of a picture, uint8 (c,h,w).
function M.image(tag, picture, step)
  local c <const>, h <const>, w <const> = table.unpack(picture.shape)
  local png <const> = core.image_encode(core.ops.contiguous_copy(picture:permute(2, 3, 1)))
  return summary(step, {pb.bytes(TAG, tag) .. pb.bytes(IMAGE, pb.whole(1, h) .. pb.whole(2, w)
    .. pb.whole(3, c) .. pb.bytes(4, png))})
end

-- ---- options of a run -------------------------------------------------------------------

local STRING <const>, BOOL <const>, FLOAT64 <const> = 1, 2, 3

-- An option's type of column, and its value as google.protobuf.Value.
local function of_option(v)
  if type(v) == "number" then return FLOAT64, pb.double(2, v) end
  if type(v) == "boolean" then return BOOL, pb.whole(4, v) end
  return STRING, pb.bytes(3, type(v) == "string" and v or check.shown(v))
end

local function plugin(tag, content)
  return pb.bytes(TAG, tag) .. pb.bytes(METADATA, pb.bytes(1, pb.bytes(1, "hparams")
    .. pb.bytes(2, pb.whole(1, 0) .. content)))
end

--- The three events that the hparams plugin reads: the columns of its table, the run's values, and
-- the end of the run.
function M.hparams(options, metrics, time)
  local columns <const>, values <const> = {}, {}
  for _, name in ipairs(check.sorted_keys(options)) do
    local kind <const>, value <const> = of_option(options[name])
    columns[#columns + 1] = pb.bytes(4, pb.bytes(1, name) .. pb.whole(4, kind))
    values[#values + 1] = pb.bytes(1, pb.bytes(1, name) .. pb.bytes(2, value))
  end
  for _, tag in ipairs(metrics) do
    columns[#columns + 1] = pb.bytes(5, pb.bytes(1, pb.bytes(2, tag)))
  end
  return {
    summary(0, {plugin("_hparams_/experiment", pb.bytes(2, table.concat(columns)))}),
    summary(0, {plugin("_hparams_/session_start_info", pb.bytes(3, table.concat(values)
      .. pb.double(5, time)))}),
    summary(0, {plugin("_hparams_/session_end_info", pb.bytes(4, pb.whole(1, 1)
      .. pb.double(2, time)))}),
  }
end

return M
