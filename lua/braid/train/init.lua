--- Training: the loop, its parts, comparisons and reports.

return require "braid.folder" "braid.train"
