--- Fang, Ma, Zhang, Zhang and Bai 2017, section 2, tables 1 and 2: attributes that learn together,
-- grouped by contrast maps (table 1) or by how often they occur together (table 2), beside each
-- alone; figure 2: the contrast maps.
--
-- Section 2: a contrast map is the difference of the mean maps of positive and negative samples.
-- The distance of two attributes is the L1 distance of their maps, and attributes with the shortest
-- distances make a group, which one CNN learns (MT). Table 2 takes attributes of high frequency of
-- co-occurrence. The network and layer of the maps are not printed.
local braid <const> = require "braid"
local mtl <const>, plot <const> = braid.mtl, braid.plot
local json <const> = require "braid.io.json"
local files <const> = require "braid.io.files"
local papers <const> = require "braid.papers"
local paper <const> = papers.part "dynamic"

-- The pairs of attributes that most samples have both, as lists of names.
local function often_together(set, names, count)
  local pairs_of <const> = {}
  for i, a in ipairs(names) do
    for j = i + 1, #names do
      local both <const> = set.labels[a]:eq(1):logical_and(set.labels[names[j]]:eq(1))
      pairs_of[#pairs_of + 1] = {a, names[j], share = both:to("float32"):mean():item()}
    end
  end
  table.sort(pairs_of, function(p, q) return p.share > q.share end)
  return table.move(pairs_of, 1, count, 1, {})
end

return papers.experiment{
  paper = "001", item = "tables 1 and 2", title = "attributes grouped by maps and by co-occurrence",
  data = {"mtfl", "faces"}, minutes = 90,
  options = paper.options{block = {"conv2", "conv1", "conv3", "conv4"}, pairs = {3, from = 1}},
  quick = paper.quick{pairs = 1},
  differs = paper.differs("maps are those of a network that learns all attributes together, after "
    .. "its second block, on the training faces", "all labels of a batch train at once, and "
    .. "nothing is drawn again, so that an attribute sees as much alone as in a group; the paper "
    .. "does not say for these tables"),
  run = function(e)
    local o <const>, sets <const> = e.o, paper.faces(e)
    e:note("table 1 as printed, ST/MT: Sideburns 91.8/92.5, Goatee 91.7/92.6, NoBeard 92.0/92.0; "
      .. "H.Makeup 89.1/89.4, Wear.Lipstick 92.5/92.6; Smiling 91.8/91.9, H.Cheekbones 86.0/86.2")
    e:note("table 2 as printed, ST/MT: NoBeard 92.0/91.6, Smiling 91.8/91.9; NoBeard 92.0/92.2, "
      .. "Wear.Lipstick 92.5/92.4; NoBeard 92.0/91.4, Young 81.1/81.7")
    local path <const> = e.dir .. "/groups.json"
    local given <const> = paper.turns(o, sets)
    given.tasks, given.epochs = paper.tasks(sets.names), o.epochs
    given.test = paper.whole(sets, sets.test)
    given.turns, given.take, given.seeds = false, "last", {e.seeds[1]}
    given.networks = {together = paper.shared(sets.names, o, sets)}
    given.after = function(net)
      local found <const> = mtl.contrast_maps(net, paper.whole(sets, sets.train), o.block,
        {groups = (#sets.names + 1) // 2})
      local maps <const> = {}
      for i, name in ipairs(found.names) do maps[i] = found.maps[name] end
      plot.maps(e.dir .. "/figure2.png", braid.stack(maps, 1), {side = 96, columns = #maps})
      plot.heatmap(e.dir .. "/distances.svg", found.distance, {rows = found.names,
        columns = found.names, title = "L1 distance of the contrast maps"})
      assert(files.write(path, {json.encode{names = found.names, groups = found.groups}}))
    end
    e:compare("maps", given)
    local found <const> = json.decode(files.read(path) or "")
    if not found then return end -- the time was over

    local by_maps <const>, members <const> = {}, {}
    for i, group in ipairs(found.groups) do
      if #group > 1 then
        by_maps["group" .. i], members[#members + 1] = paper.shared(group, o, sets),
          table.concat(group, " + ")
      end
    end
    given.networks = {ST = {parts = paper.alone(sets.names, o, sets)}, ["MT by maps"] =
      {parts = by_maps}}
    given.order, given.seeds, given.after = {"ST", "MT by maps"}, nil, nil
    local together <const> = often_together(sets.train, sets.names, o.pairs)
    for _, pair in ipairs(together) do
      local name <const> = ("MT %s + %s"):format(pair[1], pair[2])
      given.networks[name] = paper.shared({pair[1], pair[2]}, o, sets)
      given.order[#given.order + 1] = name
      e:note(("table 2: %.0f%% of the training faces are %s and %s"):format(100 * pair.share,
        pair[1], pair[2]))
    end
    local r <const> = e:compare("tables", given)
    e:beside{title = "Table 1: attributes alone, and in groups by contrast maps; balanced, %",
      results = r, rows = {"ST", "MT by maps"}, columns = paper.columns(sets.names,
        {ST = {smile = 91.8}, ["MT by maps"] = {smile = 91.9}})}
    table.remove(given.order, 2)
    e:beside{title = "Table 2: in pairs that often occur together", results = r, rows = given.order,
      columns = paper.columns(sets.names)}
    e:note("the groups by contrast maps: " .. table.concat(members, "; "))
    e:note("figure 2, from left to right: " .. table.concat(found.names, ", "))
    e:picture "figure2.png"
    e:picture "distances.svg"
  end,
}
