--- The rows of option_rows.lua for the papers' experiments.

local papers <const> = require "braid.papers"
local Run <const> = require "braid.papers.run"

-- folder: where files may be written.
return function(folder)
  local rows <const> = {}

  rows["papers.experiment"] = {options = {paper = "002", item = "figure 3", title = "failures",
    data = {"mtfl"}, minutes = 1, run = print}, call = function(_, o) papers.experiment(o) end}
  rows["papers: beside"] = {options = {title = "t", columns = {{metric = "x"}}},
    call = function(_, o)
      local run <const> = Run(nil, {dir = folder, seeds = {1}, options = {}})
      o.results = nil
      run:beside(o)
    end}

  return rows
end
