--- Tests a loader's state: a loader that gets it continues an epoch after the samples that were
-- taken, in the same order, with any batch size. It refuses another data set or order.

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local Dataset <const> = require "braid.data.dataset"
local data <const> = braid.data

-- n pictures of one pixel, which holds the picture's number. Some of the labels a and b are
-- missing.
local function numbered(n, from)
  local values <const>, numbers <const>, a <const>, b <const> = {}, {}, {}, {}
  for i = 1, n do
    values[i], numbers[i] = {{{i % 256}}}, i + (from or 0)
    a[i], b[i] = i % 3 + 1, i % 4
  end
  local function ints(list) return braid.tensor(list, {dtype = "int64"}) end
  return Dataset{images = braid.tensor(values, {dtype = "uint8"}), missing = 0,
    labels = {number = ints(numbers), a = ints(a), b = ints(b)}}
end

-- Takes up to count batches: for each {task = its task, label number, pixels}.
local function take(loader, count)
  local list <const> = {}
  while not count or #list < count do
    local batch <const> = loader()
    if not batch then break end
    list[#list + 1] = {task = batch.task, batch.number and batch.number:totable(),
      batch.image:reshape(-1):totable()}
  end
  return list
end

-- The pixels of all batches in order. If a task is named, only pixels of its batches.
local function flat(batches, task)
  local list <const> = {}
  for _, batch in ipairs(batches) do
    for _, v in ipairs((task == nil or batch.task == task) and batch[2] or {}) do
      list[#list + 1] = v
    end
  end
  return list
end

local function joined(a, b) return table.move(b, 1, #b, #a + 1, table.move(a, 1, #a, 1, {})) end

local function same_start(whole, part)
  for i, v in ipairs(part) do assert.equal(whole[i], v) end
end

local WEIGHTS <const> = {}
for i = 1, 23 do WEIGHTS[i] = i % 5 + 0.5 end

local SET <const>, OTHER <const> = numbered(23), numbered(11, 100)
-- A data set or mix, options of its loader, and the names of tasks if they take turns.
local ORDERS <const> = {
  ["as they are"] = {SET, {}}, shuffled = {SET, {shuffle = true}},
  balanced = {SET, {shuffle = true, balanced = "a"}},
  weighted = {SET, {weights = WEIGHTS}}, stratified = {SET, {shuffle = true, stratify = "b"}},
  ["a mix of samples"] = {data.mix{{SET, 2}, {OTHER, 1}, by = "sample"}, {shuffle = true}},
  ["two tasks"] = {SET, {shuffle = true, balanced = {"a", "b"}}, {"a", "b"}},
  ["a mix of batches"] = {data.mix{{SET, 2}, {OTHER, 1}}, {shuffle = true}, {}},
}

local function options_of(case, more)
  local o <const> = {transforms = {}, seed = 5, epoch = 3}
  for key, value in pairs(case[2]) do o[key] = value end
  for key, value in pairs(more) do o[key] = value end
  return o
end

describe("a loader that gets a state", function()
  for name, case in pairs(ORDERS) do
    it("gives the rest of the epoch: " .. name, function()
      for _, workers in ipairs{0, 2} do
        for first = 3, 7, 2 do
          local whole <const> = take((data.loader(case[1], options_of(case, {batch = first}))))
          for _, second in ipairs{first, 1, 4, 7, 40} do
            for count = 0, 3 do
              local loader <const> =
                data.loader(case[1], options_of(case, {batch = first, workers = workers}))
              local before <const> = take(loader, count)
              -- A checkpoint saves the state as JSON.
              local state <const> = json.decode(json.encode(loader:state()))
              loader:close()
              local o <const> = options_of(case, {batch = second, workers = workers, state = state})
              o.seed, o.epoch = nil, nil
              local after <const> = take((data.loader(case[1], o)))
              local all <const> = joined(before, after)
              if second == first then
                assert.same(whole, all)
              elseif not case[3] then
                assert.same(flat(whole), flat(all))
              else
                for _, task in ipairs(case[3]) do
                  local longer, shorter = flat(whole, task), flat(all, task)
                  if #longer < #shorter then longer, shorter = shorter, longer end
                  same_start(longer, shorter)
                end
                assert.is_true(#flat(all) >= #case[1] and #flat(all) < #case[1] + second)
              end
            end
          end
        end
      end
    end)
  end

  it("gives all 23 samples once: 10 in batches of 5, then the rest in batches of 7", function()
    local loader <const> = data.loader(SET, {batch = 5, shuffle = true, transforms = {}})
    local before <const> = take(loader, 2)
    local after <const> = take((data.loader(SET, {batch = 7, shuffle = true, transforms = {},
      state = loader:state()})))
    local seen <const> = flat(joined(before, after))
    table.sort(seen)
    assert.equal(23, #seen)
    for i, v in ipairs(seen) do assert.equal(i, v) end
    assert.same({7, 6}, {#after[1][2], #after[2][2]})
  end)

  it("counts samples from the start of the epoch, so that its own state is right too", function()
    local o <const> = {batch = 4, shuffle = true, transforms = {}, seed = 2}
    local whole <const>, all = flat(take((data.loader(SET, o)))), {}
    for _, size in ipairs{1, 5, 2, 9, 40} do
      o.batch = size
      local loader <const> = data.loader(SET, o)
      all = joined(all, flat(take(loader, 1)))
      o.state, o.seed = loader:state(), nil
    end
    assert.same(whole, all)
    assert.equal(23, o.state.samples)
    assert.equal(0, #take((data.loader(SET, o))))
  end)

  it("with drop_last drops a last batch that is too small", function()
    local o <const> = {batch = 5, transforms = {}, drop_last = true}
    local loader <const> = data.loader(SET, o)
    take(loader, 2)
    o.batch, o.state = 6, loader:state()
    local rest <const> = data.loader(SET, o)
    assert.equal(2, #rest)
    assert.equal(12, #flat(take(rest)))
  end)

  it("raises an error for another data set, another order, and a value that is no state", function()
    local o <const> = {batch = 5, shuffle = true, transforms = {}}
    local loader <const> = data.loader(SET, o)
    take(loader, 2)
    local state <const> = loader:state()
    local function refused(what, ds, more)
      local own <const> = {batch = 5, shuffle = true, transforms = {}, state = state}
      for key, value in pairs(more or {}) do own[key] = value end
      local ok <const>, message <const> = pcall(function() return (data.loader(ds, own)) end)
      assert.is_false(ok)
      assert.matches("resume_spec%.lua:%d+: data%.loader: ", message)
      assert.matches(what, message)
    end
    for _, ds in ipairs{numbered(22), numbered(24), SET:subset(1, 22), SET:split(3, {seed = 1}),
      SET:subset{23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
      Dataset{files = table.move({}, 1, 0, 1, {"a.png"}), root = "x",
        labels = {number = braid.ones({1}, {dtype = "int64"})}}} do
      refused("state belongs to another data set: 23 samples", ds)
    end
    refused("state belongs to another order", data.mix{{SET, 1}})
    for _, more in ipairs{{shuffle = false}, {balanced = "a"}, {stratify = "a"},
      {weights = WEIGHTS}, {balanced = {"a", "b"}}} do
      refused("state belongs to another order: shuffled, but this one is", SET, more)
    end
    for _, wrong in ipairs{{}, {epoch = 1, seed = 1, batches = 2},
      {epoch = 1, seed = 1, samples = -1, set = state.set, order = state.order},
      {epoch = 1, seed = 1, samples = "2", set = state.set, order = state.order}, 3, "x", true} do
      refused("data%.loader: state", SET, {state = wrong})
    end
    assert.equal(3, #take((data.loader(SET, {batch = 5, shuffle = true, transforms = {},
      state = state}))))
    assert.equal(3, #take((data.loader(numbered(23), {batch = 5, shuffle = true,
      transforms = {}, state = state}))))
  end)
end)
