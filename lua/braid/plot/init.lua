--- Plots: pictures of results, runs, networks and data.

return require "braid.folder" "braid.plot"
